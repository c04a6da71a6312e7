"""From the raw values of an event to a submitted job; the page and the named endpoints both come through here."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from orfeas.errors import InvalidImage, InvalidMesh, OrfeasError
from orfeas.jobs import Caller
from orfeas.options import (
    PICTURE_OPTIONS,
    RepairOptions,
    ShapeOptions,
    Style,
    TextEngineChoice,
    TextureOptions,
    parse_picture_options,
    parse_prompt,
    parse_repair_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.records import Job
from orfeas.studio import Studio

Values = Mapping[str, object]

SHAPE_NAMES = tuple(field.name for field in fields(ShapeOptions))
REPAIR_NAMES = tuple(field.name for field in fields(RepairOptions))
TEXTURE_NAMES = tuple(field.name for field in fields(TextureOptions))


def submit_image(studio: Studio, values: Values, caller: Caller) -> Job:
    """Submit a job that makes a model of a picture.

    Raises:
        OrfeasError: why it was not accepted.
    """
    options = parse_shape_options(**_named(values, SHAPE_NAMES))
    return studio.submit_image_to_3d(image_path(values.get("image")), options, caller, mask_path(values.get("mask")))


def submit_texture(studio: Studio, values: Values, caller: Caller) -> Job:
    """Submit a job that paints a mesh from a picture of its front.

    Raises:
        OrfeasError: why it was not accepted.
    """
    options = parse_texture_options(**_named(values, TEXTURE_NAMES))
    mesh, image = mesh_path(values.get("mesh")), image_path(values.get("image"))
    return studio.submit_texture(mesh, image, options, caller, mask_path(values.get("mask")))


def submit_repair(studio: Studio, values: Values, caller: Caller) -> Job:
    """Submit a job that makes a mesh ready to be printed.

    Raises:
        OrfeasError: why it was not accepted.
    """
    options = parse_repair_options(**_named(values, REPAIR_NAMES))
    return studio.submit_repair(mesh_path(values.get("mesh")), options, caller)


def submit_words(studio: Studio, values: Values, caller: Caller) -> Job:
    """Submit a job that makes a picture from words.

    Raises:
        OrfeasError: why it was not accepted.
    """
    prompt = parse_prompt(values.get("prompt"))
    options = parse_picture_options(
        engine=values.get("engine", TextEngineChoice.AUTO),
        style=values.get("style", Style.NONE),
        seed=values.get("seed", -1),
        negative_prompt=values.get("negative_prompt", ""),
        num_inference_steps=values.get("num_inference_steps", 0),
        guidance_scale=values.get("guidance_scale", -1),
        size_px=values.get("size_px", 0),
        for_3d=values.get("for_3d", True),
    )
    return studio.submit_text_to_image(prompt, options, caller)


def submit_words_to_model(studio: Studio, values: Values, caller: Caller) -> Job:
    """Submit a job that makes a picture from words and a model of it.

    Raises:
        OrfeasError: why it was not accepted.
    """
    prompt = parse_prompt(values.get("prompt"))
    picture = parse_picture_options(
        engine=values.get("text_engine"),
        style=values.get("style"),
        negative_prompt=values.get("negative_prompt", ""),
        num_inference_steps=values.get("picture_steps", 0),
        guidance_scale=values.get("picture_guidance_scale", -1),
        size_px=values.get("size_px", 0),
        names={own: name for name, own in PICTURE_OPTIONS.items()},
    )
    shape = parse_shape_options(**_named(values, SHAPE_NAMES))
    return studio.submit_text_to_3d(prompt, picture, shape, caller)


def image_path(value: object) -> Path:
    """Where Gradio put an uploaded picture.

    Raises:
        InvalidImage: none was sent.
    """
    path = uploaded(value)
    if path is None:
        raise InvalidImage("There is no picture. Choose one first.")
    return path


def mask_path(value: object) -> Path | None:
    """Where Gradio put an uploaded mask; None where none was sent.

    Raises:
        InvalidImage: Gradio could not use what was sent.
    """
    if isinstance(value, InvalidImage):
        raise InvalidImage(str(value), "mask")
    return uploaded(value)


def mesh_path(value: object) -> Path:
    """Where Gradio put an uploaded mesh.

    Raises:
        InvalidMesh: none was sent.
    """
    path = uploaded(value)
    if path is None:
        raise InvalidMesh("There is no mesh file. Choose one first.")
    return path


def uploaded(value: object) -> Path | None:
    """Where Gradio put an uploaded file; None where there is none.

    Gradio has checked already that such a path lies in its own upload folder.

    Raises:
        OrfeasError: why Gradio could not use what was sent, which stands in its place then.
    """
    if isinstance(value, OrfeasError):
        raise value
    path = value.get("path") if isinstance(value, dict) else None
    return Path(path) if isinstance(path, str) and path else None


def _named(values: Values, names: tuple[str, ...]) -> dict[str, object]:
    return {name: values[name] for name in names if name in values}
