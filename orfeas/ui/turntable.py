"""The named endpoint that draws a job's model turning; it tells of every frame, and stops with its caller."""

import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import gradio as gr
from gradio.components import Component

from orfeas.pictures.turntable import CLEAR, TurntableFormat, TurntableOptions, parse_turntable_options
from orfeas.progress import Progress, Step
from orfeas.studio import Studio
from orfeas.ui.readers import checked_id
from orfeas.ui.serving import cached
from orfeas.ui.toast import raised_to_scripts
from orfeas.ui.words import STAGE_NAMES
from orfeas.ui.working import Done, at_work


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
            options = parse_turntable_options(**values)

            def draw(watched: Progress) -> str:
                return cached(studio.results.turntable(job_id, options, watched))

            told: Step | None = None
            async with aclosing(at_work(draw, threading.Event())) as states:
                async for state in states:
                    if isinstance(state, Done):
                        yield state.value
                    elif state.step is not None and state.step != told:
                        told = state.step
                        progress(
                            (told.done, told.total), desc=f"{STAGE_NAMES[told.stage]}, {told.done} of {told.total}"
                        )
                        yield None

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
