"""The named endpoint that draws a job's model turning; it tells of every frame, and stops with its caller."""

import asyncio
import threading
from collections.abc import AsyncIterator

import anyio.to_thread
import gradio as gr
from gradio.components import Component

from orfeas.pictures.turntable import CLEAR, TurntableFormat, TurntableOptions, parse_turntable_options
from orfeas.progress import Progress, Step
from orfeas.studio import Studio
from orfeas.ui.follow import POLL_S, settle
from orfeas.ui.readers import checked_id
from orfeas.ui.serving import cached
from orfeas.ui.toast import raised_to_scripts
from orfeas.ui.words import STAGE_NAMES


class _Drawing:
    """A turntable being drawn in a worker thread."""

    def __init__(self, studio: Studio, job_id: str, options: TurntableOptions) -> None:
        self._studio = studio
        self._job_id = job_id
        self._options = options
        self._is_stopped = threading.Event()
        self.step: Step | None = None

    def run(self) -> str:
        """Draw it, and return where Gradio serves it from; blocks."""
        progress = Progress(self._report, self._is_stopped.is_set)
        return cached(self._studio.results.turntable(self._job_id, self._options, progress))

    def stop(self) -> None:
        """Ask the thread to stop, which takes no longer than a frame."""
        self._is_stopped.set()

    def _report(self, step: Step) -> None:
        self.step = step


def add_turntable(studio: Studio, concurrency_id: str, concurrency_limit: int) -> tuple[str, ...]:
    """Add the endpoint to the ``gr.Blocks`` that is open; returns its parameters."""
    defaults = TurntableOptions()
    inputs: dict[str, Component] = {
        "job_id": gr.Textbox(label="Job id"),
        "output_format": gr.Dropdown(
            [choice.value for choice in TurntableFormat], value=defaults.output_format.value, label="File format"
        ),
        "frames": gr.Number(defaults.frames, label="Frames, 4 to 90", precision=0),
        "size_px": gr.Number(defaults.size_px, label="Side in pixels, 64 to 1024", precision=0),
        "seconds": gr.Number(defaults.seconds, label="Seconds for one turn, 1 to 60"),
        "background": gr.Textbox(CLEAR, label="Background: transparent, or a colour such as #ffffff"),
    }

    async def turntable(
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio finds it by its default)
        **values: object,
    ) -> AsyncIterator[str | None]:
        with raised_to_scripts():
            job_id = checked_id(values.pop("job_id"))
            drawing = _Drawing(studio, job_id, parse_turntable_options(**values))
            worker = asyncio.ensure_future(anyio.to_thread.run_sync(drawing.run))
            told: Step | None = None
            try:
                while not worker.done():
                    await asyncio.wait([worker], timeout=POLL_S)
                    if drawing.step is not None and drawing.step != told:
                        told = drawing.step
                        progress(
                            (told.done, told.total), desc=f"{STAGE_NAMES[told.stage]}, {told.done} of {told.total}"
                        )
                        yield None
            except (asyncio.CancelledError, GeneratorExit):
                drawing.stop()
                await settle(worker)
                worker.exception()  # that it was stopped is known
                raise
            yield worker.result()

    gr.on(
        [],
        turntable,
        inputs_kwargs=inputs,
        outputs=gr.File(label="Turntable"),
        api_name="turntable",
        api_description="Draw a job's model turning once around; drawn once for the same options and then kept.",
        preprocess=False,
        concurrency_id=concurrency_id,
        concurrency_limit=concurrency_limit,
        show_progress="hidden",
    )
    return tuple(inputs)
