"""The named endpoint ``/cut_out``: a picture's subject without a job.

It has a queue of its own, which waits neither for the device nor behind those who read files. A client that cancels it,
or goes away, stops the work within a second.
"""

import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import gradio as gr
from gradio.components import Component

from orfeas.files import write_whole
from orfeas.job_files import png_bytes
from orfeas.options import parse_cut_out_options
from orfeas.records import Json, to_json
from orfeas.studio import Studio
from orfeas.ui.cut_out.running import cut
from orfeas.ui.serving import cached
from orfeas.ui.submissions import image_path, mask_path
from orfeas.ui.toast import raised_to_scripts
from orfeas.ui.working import Working

# Cutting out takes a processor or two; the page's cut-outs and the scripts' share this queue.
CUT_OUTS = "cut_outs"
CUT_OUTS_AT_ONCE = 2
# About what a learned remover takes on a processor; only the progress that is shown depends on it.
USUAL_S = 8.0

Output = tuple[str | None, dict[str, Json] | None]


def create_cut_out_endpoint(studio: Studio, inputs: dict[str, Component]) -> tuple[str, ...]:
    """Add ``/cut_out`` to the ``gr.Blocks`` that is open; returns its parameters."""

    async def cut_out(
        image: object,
        remove_background: object,
        remover: object,
        mask: object = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio finds it by its default)
    ) -> AsyncIterator[Output]:
        """Cut the subject out of a picture, and say who did it."""
        with raised_to_scripts():
            options = parse_cut_out_options(remove_background=remove_background, remover=remover)
            making = cut(studio, image_path(image), options, mask_path(mask), threading.Event())
            async with aclosing(making) as steps:
                async for step in steps:
                    if isinstance(step, Working):
                        progress(
                            step.seconds / (step.seconds + USUAL_S), desc=f"Cutting out, {step.seconds:.0f} s so far"
                        )
                        yield None, None
                    else:
                        subject, report = step.value
                        yield _served(png_bytes(subject)), to_json(report)

    gr.on(
        [],
        cut_out,
        list(inputs.values()),
        [gr.File(label="Cut-out, PNG"), gr.JSON(label="How it was cut out")],
        api_name="cut_out",
        preprocess=False,
        show_progress="hidden",
        concurrency_id=CUT_OUTS,
        concurrency_limit=CUT_OUTS_AT_ONCE,
    )
    return tuple(inputs)


def _served(data: bytes) -> str:
    """Where Gradio serves a PNG from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut_out.png"
        write_whole(path, data)
        return cached(path)
