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
from orfeas.meshes.load import READABLE
from orfeas.options import (
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    Compression,
    EngineChoice,
    OutputFormat,
    PictureOptions,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    RepairOptions,
    ShapeOptions,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    TextureOptions,
)
from orfeas.records import Job, JobKind, Json, to_json
from orfeas.studio import Studio
from orfeas.ui import submissions
from orfeas.ui.caller import caller_of
from orfeas.ui.cut_out.endpoint import create_cut_out_endpoint
from orfeas.ui.follow import follow_job
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

Inputs = dict[str, Component]
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
                {"image": _image(), **_shape_inputs(), "mask": _mask()},
                submissions.submit_image,
            ),
            Maker(
                "text_to_image",
                "Make a picture from words.",
                {"prompt": _prompt(), **_picture_inputs()},
                submissions.submit_words,
            ),
            Maker(
                "text_to_3d",
                "Make a 3D model from words: a picture first, then the model of it.",
                {
                    "prompt": _prompt(),
                    "style": _style(),
                    "text_engine": _text_engine(),
                    **_shape_inputs(),
                    "negative_prompt": _negative_prompt(),
                    "picture_steps": _steps("Sampling steps of the picture"),
                    "picture_guidance_scale": _guidance("Guidance scale of the picture"),
                    "size_px": _side(),
                },
                submissions.submit_words_to_model,
            ),
            Maker(
                "texture_mesh",
                "Paint a mesh from a picture of its front.",
                {"mesh": _mesh(), "image": _image(), **_texture_inputs(), "mask": _mask()},
                submissions.submit_texture,
            ),
            Maker(
                "repair_mesh",
                "Make a mesh ready to be printed: close it, turn its faces, drop stray parts, and reduce it.",
                {"mesh": _mesh(), **_repair_inputs()},
                submissions.submit_repair,
            ),
        )
        for maker in makers:
            _add_maker(studio, maker)
        readers = _add_readers(Readers(studio))
        cut_out_inputs: Inputs = {
            "image": _image(),
            "remove_background": _remove_background(),
            "remover": _remover(),
            "mask": _mask(),
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


def _image() -> gr.Image:
    return gr.Image(label="Picture of one object", type="filepath", image_mode=None)


def _mask() -> gr.Image:
    label = "Mask of your own: white keeps, black removes, or its alpha channel does"
    return gr.Image(label=label, type="filepath", image_mode=None)


def _mesh() -> gr.File:
    return gr.File(label=f"Mesh file: {READABLE}")


def _prompt() -> gr.Textbox:
    return gr.Textbox(label="What it should be")


def _style() -> gr.Dropdown:
    return gr.Dropdown([style.value for style in Style], value=PictureOptions().style.value, label="Style")


def _text_engine() -> gr.Dropdown:
    choices = [choice.value for choice in TextEngineChoice]
    return gr.Dropdown(choices, value=TextEngineChoice.AUTO.value, label="Who draws the picture")


def _seed() -> gr.Number:
    return gr.Number(-1, label="Seed; -1 takes a random one", precision=0)


def _steps(what: str = "Sampling steps") -> gr.Number:
    return gr.Number(0, label=f"{what}, 1 to 200; 0 lets ORFEAS choose", precision=0)


def _guidance(what: str = "Guidance scale") -> gr.Number:
    return gr.Number(-1, label=f"{what}, 0 to 30; -1 lets ORFEAS choose")


def _negative_prompt() -> gr.Textbox:
    return gr.Textbox("", label="What to keep out of the picture")


def _side() -> gr.Number:
    label = f"Side of the picture in pixels, {MIN_SIDE_PX} to {MAX_SIDE_PX}; 0 lets ORFEAS choose"
    return gr.Number(0, label=label, precision=0)


def _output_format() -> gr.Dropdown:
    choices = [choice.value for choice in OutputFormat]
    return gr.Dropdown(choices, value=OutputFormat.GLB.value, label="File format")


def _compression() -> gr.Dropdown:
    choices = [choice.value for choice in Compression]
    return gr.Dropdown(choices, value=Compression.NONE.value, label="How the shape in a GLB is packed")


def _picture_inputs() -> Inputs:
    return {
        "style": _style(),
        "engine": _text_engine(),
        "seed": _seed(),
        "negative_prompt": _negative_prompt(),
        "num_inference_steps": _steps(),
        "guidance_scale": _guidance(),
        "size_px": _side(),
        "for_3d": gr.Checkbox(PictureOptions().for_3d, label="One object, whole and centred, on a plain background"),
    }


def _quality() -> gr.Dropdown:
    return gr.Dropdown([c.value for c in Quality], value=ShapeOptions().quality.value, label="Quality")


def _remove_background() -> gr.Dropdown:
    choices = [c.value for c in RemoveBackground]
    return gr.Dropdown(choices, value=ShapeOptions().remove_background.value, label="Cut the subject out")


def _remover() -> gr.Dropdown:
    choices = [c.value for c in RemoverChoice]
    return gr.Dropdown(choices, value=RemoverChoice.AUTO.value, label="Who cuts the subject out")


def _texture_engine(label: str) -> gr.Dropdown:
    return gr.Dropdown([c.value for c in TextureEngineChoice], value=TextureEngineChoice.AUTO.value, label=label)


def _texture_size() -> gr.Number:
    return gr.Number(0, label="Side of the texture in pixels, 256 to 4096; 0 lets ORFEAS choose", precision=0)


def _texture_format() -> gr.Dropdown:
    choices = [c.value for c in TextureFormat]
    return gr.Dropdown(choices, value=TextureFormat.JPEG.value, label="How the texture is kept in the file")


def _texture_inputs() -> Inputs:
    defaults = TextureOptions()
    return {
        "engine": _texture_engine("Who paints"),
        "quality": _quality(),
        "seed": _seed(),
        "size_mm": gr.Number(
            defaults.size_mm, label="Longest side in millimetres, 1 to 10,000; 0 keeps the mesh's size and place"
        ),
        "output_format": _output_format(),
        "remove_background": _remove_background(),
        "num_inference_steps": _steps(),
        "guidance_scale": _guidance(),
        "texture_size": _texture_size(),
        "texture_format": _texture_format(),
        "keep_uv": gr.Checkbox(defaults.keep_uv, label="Paint on the UVs that the mesh came with"),
        "remover": _remover(),
    }


def _repair_inputs() -> Inputs:
    defaults = RepairOptions()
    return {
        "target_faces": gr.Number(0, label="Faces, 100 to 2,000,000; 0 keeps the faces there are", precision=0),
        "size_mm": gr.Number(0, label="Longest side in millimetres, 1 to 10,000; 0 keeps the mesh's size and place"),
        "output_format": gr.Dropdown(
            [c.value for c in OutputFormat], value=defaults.output_format.value, label="File format"
        ),
        "min_part": gr.Number(
            defaults.min_part, label="Parts smaller than this share of the largest are dropped, 0 to 1"
        ),
        "keep_shells": gr.Checkbox(defaults.keep_shells, label="Keep closed shells that lie inside others"),
        "texture_format": _texture_format(),
        "smooth_steps": gr.Number(defaults.smooth_steps, label="Steps of light smoothing, 0 to 100", precision=0),
        "remesh": gr.Dropdown(
            [choice.value for choice in RemeshChoice],
            value=defaults.remesh.value,
            label="Make the faces anew, even ones",
        ),
        "lay_flat": gr.Checkbox(defaults.lay_flat, label="Turn the model onto its best flat side"),
        "printer_mm": gr.Textbox(
            defaults.printer_mm, label="Printer's width, depth and height to fit, such as 220x220x250; empty for none"
        ),
        "hollow_mm": gr.Number(defaults.hollow_mm, label="Walls of a hollow model, 0.4 to 100; 0 keeps it solid"),
        "drain_holes": gr.Number(defaults.drain_holes, label="Drain holes for each hollow, 0 to 8", precision=0),
        "drain_hole_mm": gr.Number(defaults.drain_hole_mm, label="How wide drain holes are, 1 to 50"),
    }


def _shape_inputs() -> Inputs:
    defaults = ShapeOptions()
    return {
        "engine": gr.Dropdown(
            [c.value for c in EngineChoice], value=defaults.engine.value, label="Who makes the shape"
        ),
        "quality": _quality(),
        "texture": gr.Checkbox(defaults.texture, label="Put the picture on the surface"),
        "remove_background": _remove_background(),
        "seed": _seed(),
        "num_inference_steps": _steps(),
        "guidance_scale": _guidance(),
        "octree_resolution": gr.Number(
            0, label="Cells along the longest side, 16 to 512; 0 lets ORFEAS choose", precision=0
        ),
        "target_faces": gr.Number(0, label="Faces, 100 to 2,000,000; 0 lets ORFEAS choose", precision=0),
        "size_mm": gr.Number(defaults.size_mm, label="Longest side in millimetres, 1 to 10,000"),
        "output_format": _output_format(),
        "texture_size": _texture_size(),
        "guidance_start": gr.Number(defaults.guidance_start, label="Guidance from this share of the steps on, 0 to 1"),
        "guidance_end": gr.Number(defaults.guidance_end, label="Guidance up to this share of the steps, 0 to 1"),
        "cache_threshold": gr.Number(
            defaults.cache_threshold,
            label="Leave out evaluations that change less than this, 0 to 1; 0 leaves out none",
        ),
        "texture_engine": _texture_engine("Who paints, where the shape engine does not"),
        "texture_format": _texture_format(),
        "remover": _remover(),
    }


def _add_readers(readers: Readers) -> dict[str, tuple[str, ...]]:
    """The endpoints that answer at once and start no job."""
    job_id = gr.Textbox(label="Job id")
    mesh = _mesh()
    model = gr.File(label="Model file")
    table: tuple[tuple[Callable[..., object], list[Component], list[Component]], ...] = (
        (readers.check_image, [_image()], [gr.JSON(label="Image info")]),
        (readers.inspect_mesh, [mesh], [gr.JSON(label="Mesh report")]),
        (readers.download, [job_id, _output_format(), _compression()], [model]),
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
