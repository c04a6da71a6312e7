"""The named endpoints that scripts call. They have components of their own, hidden, and take the page's code path."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path

import gradio as gr
from gradio.components import Component

from orfeas.errors import EngineUnavailable, InvalidImage, InvalidMesh, InvalidOption, InvalidPrompt, OrfeasError
from orfeas.jobs import Caller
from orfeas.options import (
    OutputFormat,
)
from orfeas.records import Job, JobKind, Json, to_json
from orfeas.studio import Studio
from orfeas.ui import submissions
from orfeas.ui.caller import caller_of
from orfeas.ui.cut_out.endpoint import create_cut_out_endpoint
from orfeas.ui.follow import follow_job
from orfeas.ui.parameters import (
    Inputs,
    create_guidance,
    create_image,
    create_mask,
    create_mesh,
    create_negative_prompt,
    create_packing_inputs,
    create_picture_inputs,
    create_prompt,
    create_remove_background,
    create_remover,
    create_repair_inputs,
    create_shape_inputs,
    create_side,
    create_steps,
    create_style,
    create_text_engine,
    create_texture_inputs,
)
from orfeas.ui.print_check import add_print_check
from orfeas.ui.queue_probe import attach_job, attached_job
from orfeas.ui.readers import Readers
from orfeas.ui.serving import cached
from orfeas.ui.submissions import Values
from orfeas.ui.toast import bugs_explained, raised_to_scripts
from orfeas.ui.turntable import add_turntable
from orfeas.ui.words import progress_text

# Everything that uses the device shares one queue and runs one at a time.
DEVICE = "device"
# Reading and converting files takes a processor each for a while.
FILES = "files"
FILES_AT_ONCE = 2

# The parameter that is to blame for an error that names none.
BLAMED: Mapping[type[OrfeasError], str] = {InvalidMesh: "mesh", InvalidPrompt: "prompt"}

# Files that scripts need not send.
OPTIONAL = frozenset({"mask"})

Output = str | None | dict[str, Json]


@dataclass(frozen=True)
class Maker:
    """An endpoint that runs a job.

    Attributes:
        name: without the slash.
        description: the line a script's author reads.
        inputs: its components by parameter name.
        submit: checks their raw values and claims the job.
    """

    name: str
    description: str
    inputs: Inputs
    submit: Callable[[Studio, Values, Caller], Job]


def create_endpoints(studio: Studio) -> dict[str, tuple[str, ...]]:
    """Add every named endpoint to the ``gr.Blocks`` that is open; returns their parameters by their names."""
    with gr.Column(visible=False):
        makers = (
            Maker(
                "generate_3d",
                "Make a 3D model of a picture.",
                {"image": create_image(), **create_shape_inputs(), "mask": create_mask()},
                submissions.submit_image,
            ),
            Maker(
                "text_to_image",
                "Make a picture from words.",
                {"prompt": create_prompt(), **create_picture_inputs()},
                submissions.submit_words,
            ),
            Maker(
                "text_to_3d",
                "Make a 3D model from words: a picture first, then the model of it.",
                {
                    "prompt": create_prompt(),
                    "style": create_style(),
                    "text_engine": create_text_engine(),
                    **create_shape_inputs(),
                    "negative_prompt": create_negative_prompt(),
                    "picture_steps": create_steps("Sampling steps of the picture"),
                    "picture_guidance_scale": create_guidance("Guidance scale of the picture"),
                    "size_px": create_side(),
                },
                submissions.submit_words_to_model,
            ),
            Maker(
                "texture_mesh",
                "Paint a mesh from a picture of its front.",
                {"mesh": create_mesh(), "image": create_image(), **create_texture_inputs(), "mask": create_mask()},
                submissions.submit_texture,
            ),
            Maker(
                "repair_mesh",
                "Make a mesh ready to be printed: close it, turn its faces, drop stray parts, and reduce it.",
                {"mesh": create_mesh(), **create_repair_inputs()},
                submissions.submit_repair,
            ),
        )
        for maker in makers:
            _add_maker(studio, maker)
        readers = _add_readers(Readers(studio))
        cut_out_inputs: Inputs = {
            "image": create_image(),
            "remove_background": create_remove_background(),
            "remover": create_remover(),
            "mask": create_mask(),
        }
        cut_out = create_cut_out_endpoint(studio, cut_out_inputs)
        turntable = add_turntable(studio, FILES, FILES_AT_ONCE)
        print_check = add_print_check(studio, FILES, FILES_AT_ONCE)
    own = {"cut_out": cut_out, "turntable": turntable, "inspect_print": print_check}
    return {**{maker.name: tuple(maker.inputs) for maker in makers}, **own, **readers}


def _add_maker(studio: Studio, maker: Maker) -> None:
    names = list(maker.inputs)
    outputs = _outputs(maker.name)

    # Gradio hands the inputs over by the names of ``inputs_kwargs``; they are parsed at once.
    def accept(request: gr.Request, **values: object) -> list[dict[str, object]]:
        try:
            with bugs_explained():
                job = maker.submit(studio, values, caller_of(request))
        except OrfeasError as error:
            return refusal(error, names)
        attach_job(request, job.job_id)
        return [gr.validate(True, "") for _ in names]

    async def run(
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio finds it by its default)
        **_: object,
    ) -> AsyncIterator[tuple[Output, ...]]:
        with raised_to_scripts():
            job_id = attached_job(request)
            assert job_id is not None, "the validator attaches the job"
            async with aclosing(follow_job(studio, job_id)) as records:
                async for job in records:
                    if not job.status.is_final:
                        progress(job.progress, desc=progress_text(job))
                        yield (*[None] * (len(outputs) - 1), to_json(job) if job.kind != JobKind.REPAIR else None)
            yield _results(studio, studio.result(job_id))

    _describe(run, maker)
    gr.on(
        [],
        run,
        inputs_kwargs=maker.inputs,
        outputs=outputs,
        api_name=maker.name,
        api_description=maker.description,
        preprocess=False,
        validator=accept,
        concurrency_id=DEVICE,
        concurrency_limit=1,
        trigger_mode="once",
        show_progress="hidden",
    )


def _describe(run: Callable[..., object], maker: Maker) -> None:
    """Give an endpoint's function what Gradio shows of it to assistants: its name, and words for its parameters."""
    own = [parameter for parameter in signature(run).parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
    run.__name__ = maker.name
    run.__doc__ = "\n".join(
        [maker.description, "", "Args:", *(f"    {name}: {field.label}" for name, field in maker.inputs.items())]
    )
    named = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None if name in OPTIONAL else Parameter.empty)
        for name in maker.inputs
    ]
    run.__signature__ = Signature([*own, *named])  # type: ignore[attr-defined] # inspect's own way to override it


def refusal(error: OrfeasError, names: list[str]) -> list[dict[str, object]]:
    """What a validator answers for ``error``: under the parameter that is to blame, else the first."""
    if isinstance(error, InvalidOption | InvalidImage | EngineUnavailable):
        wanted = error.option
    else:
        wanted = BLAMED.get(type(error), "")
    blamed = wanted if wanted in names else names[0]
    return [gr.validate(name != blamed, error.sentence if name == blamed else "") for name in names]


def _outputs(name: str) -> list[Component]:
    if name == "repair_mesh":
        return [gr.File(label="Model file"), gr.JSON(label="Mesh report before"), gr.JSON(label="Mesh report after")]
    outputs: list[Component] = []
    if name != "text_to_image":
        outputs.append(gr.File(label="Model file"))
    if name.startswith("text_"):
        outputs.append(gr.File(label="Picture file"))
    return [*outputs, gr.JSON(label="Job")]


def _results(studio: Studio, job: Job) -> tuple[Output, ...]:
    """What the endpoint of the job's kind returns; files are copied to where Gradio serves files from."""
    found: list[Path] = []
    if job.kind != JobKind.TEXT_TO_IMAGE:
        found.append(studio.results.download(job.job_id, OutputFormat(str(job.options["output_format"]))))
    if job.kind in (JobKind.TEXT_TO_IMAGE, JobKind.TEXT_TO_3D):
        found.append(studio.results.picture(job.job_id))
    files = [cached(path) for path in found]
    if job.kind == JobKind.REPAIR:
        assert job.mesh is not None and job.mesh_before is not None, "a repair that completed has measured both"
        return (*files, to_json(job.mesh_before), to_json(job.mesh))
    return (*files, to_json(studio.job(job.job_id)))


def _add_readers(readers: Readers) -> dict[str, tuple[str, ...]]:
    """The endpoints that answer at once and start no job."""
    job_id = gr.Textbox(label="Job id")
    mesh = create_mesh()
    model = gr.File(label="Model file")
    table: tuple[tuple[Callable[..., object], list[Component], list[Component]], ...] = (
        (readers.check_image, [create_image()], [gr.JSON(label="Image info")]),
        (readers.inspect_mesh, [mesh], [gr.JSON(label="Mesh report")]),
        (readers.download, [job_id, *create_packing_inputs().values()], [model]),
        (readers.job_status, [job_id], [gr.JSON(label="Job")]),
        (readers.history, [], [gr.JSON(label="Jobs, newest first")]),
        (readers.cancel, [job_id], [gr.JSON(label="Job")]),
        (readers.engines, [], [gr.JSON(label="Engines")]),
        (readers.health, [], [gr.JSON(label="Health")]),
    )
    reads_files = (readers.check_image, readers.inspect_mesh, readers.download)
    for function, inputs, outputs in table:
        gr.on(
            [],
            function,
            inputs,
            outputs,
            api_name=function.__name__,
            preprocess=False,
            show_progress="hidden",
            concurrency_id=FILES if function in reads_files else None,
            concurrency_limit=FILES_AT_ONCE if function in reads_files else "default",
        )
    return {function.__name__: tuple(signature(function).parameters)[: len(inputs)] for function, inputs, _ in table}
