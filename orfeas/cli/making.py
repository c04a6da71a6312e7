"""Commands that make something, as jobs."""

import argparse
from pathlib import Path

from orfeas.cli.following import run_job
from orfeas.errors import InvalidOption
from orfeas.options import (
    PICTURE_OPTIONS,
    OutputFormat,
    ShapeOptions,
    parse_choice,
    parse_picture_options,
    parse_prompt,
    parse_repair_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.records import Job
from orfeas.studio import Studio


def format_of(path: Path) -> OutputFormat:
    """The format a file name asks for; ``.zip`` is an OBJ with its material and textures.

    Raises:
        InvalidOption: a folder, no ending, or one that is no format.
    """
    ending = path.suffix.removeprefix(".").lower()
    _refuse_folder(path, "model.glb")
    if not ending:
        raise InvalidOption(f"The output's name has no ending that says its format; name it {path.name}.glb, or so.")
    if ending == "obj":
        zipped = path.with_suffix(".zip").name
        raise InvalidOption(f"An OBJ comes in a zip with its material and textures; name the file {zipped}.")
    return OutputFormat.OBJ if ending == "zip" else parse_choice("the output's format", ending, OutputFormat)


def check_ending(path: Path, ending: str, rule: str) -> None:
    """Refuse another name for what comes in one format; ``rule`` says which, as a sentence without its full stop.

    Raises:
        InvalidOption: a folder, or a name that does not end in ``ending``, such as ``.png``.
    """
    _refuse_folder(path, f"picture{ending}")
    if path.suffix.lower() != ending:
        raise InvalidOption(f"{rule}; name the file {path.with_suffix(ending).name}.")


def _refuse_folder(path: Path, example: str) -> None:
    if path.is_dir():
        raise InvalidOption(f"{path} is a folder; name a file in it, such as {path / example}.")


def run_generate(options: argparse.Namespace) -> int:
    """``generate``: make a model, and write it where it was asked for, whole or not at all."""
    if (options.image is None) == (options.prompt is None):
        raise InvalidOption("Give either a picture or --prompt, not both and not neither.")
    if options.image is not None:
        _refuse_words(options)
    if options.prompt is not None and options.mask is not None:
        raise InvalidOption("--mask goes with a picture, not with --prompt.", "mask")
    shape = parse_shape_options(
        engine=options.engine,
        quality=options.quality,
        texture=not options.no_texture,
        remove_background=options.remove_background,
        seed=options.seed,
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        octree_resolution=options.octree_resolution,
        target_faces=options.target_faces,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        texture_size=options.texture_size,
        guidance_start=options.guidance_start,
        guidance_end=options.guidance_end,
        cache_threshold=options.cache_threshold,
        texture_engine=options.texture_engine,
        texture_format=options.texture_format,
        remover=options.remover,
    )
    return run_job(options, lambda studio: _submit(studio, options, shape), shape.output_format)


# What words are made a picture with, and its default.
OF_WORDS = {
    "text_engine": "auto",
    "style": "none",
    "negative_prompt": "",
    "picture_steps": 0,
    "picture_guidance_scale": -1,
    "size_px": 0,
}


def _refuse_words(options: argparse.Namespace) -> None:
    for name, default in OF_WORDS.items():
        if getattr(options, name) != default:
            raise InvalidOption(f"--{name.replace('_', '-')} goes with --prompt, not with a picture.", name)


def _submit(studio: Studio, options: argparse.Namespace, shape: ShapeOptions) -> Job:
    if options.image is not None:
        return studio.submit_image_to_3d(options.image, shape, mask=options.mask)
    picture = parse_picture_options(
        engine=options.text_engine,
        style=options.style,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.picture_steps,
        guidance_scale=options.picture_guidance_scale,
        size_px=options.size_px,
        names={own: name for name, own in PICTURE_OPTIONS.items()},
    )
    return studio.submit_text_to_3d(parse_prompt(options.prompt), picture, shape)


def run_picture(options: argparse.Namespace) -> int:
    """``picture``: make a picture from words, and write it where it was asked for, whole or not at all."""
    check_ending(options.output, ".png", "A picture is written as a PNG")
    picture = parse_picture_options(
        engine=options.engine,
        style=options.style,
        seed=options.seed,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance_scale,
        size_px=options.size_px,
        for_3d=not options.scene,
        names={"num_inference_steps": "steps"},
    )
    prompt = parse_prompt(options.prompt)
    return run_job(options, lambda studio: studio.submit_text_to_image(prompt, picture), None)


def run_texture(options: argparse.Namespace) -> int:
    """``texture``: paint a mesh, and write it where it was asked for, whole or not at all."""
    texture = parse_texture_options(
        engine=options.engine,
        quality=options.quality,
        remove_background=options.remove_background,
        seed=options.seed,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        texture_size=options.texture_size,
        texture_format=options.texture_format,
        keep_uv=options.keep_uv,
        remover=options.remover,
    )
    return run_job(
        options,
        lambda studio: studio.submit_texture(options.mesh, options.image, texture, mask=options.mask),
        texture.output_format,
    )


def run_repair(options: argparse.Namespace) -> int:
    """``repair``: make a mesh ready to be printed, and write it where it was asked for, whole or not at all."""
    repair = parse_repair_options(
        target_faces=options.target_faces,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        min_part=options.min_part,
        keep_shells=options.keep_shells,
        texture_format=options.texture_format,
        smooth_steps=options.smooth_steps,
        remesh=options.remesh,
        lay_flat=options.lay_flat,
        printer_mm=options.printer_mm,
        hollow_mm=options.hollow_mm,
        drain_holes=options.drain_holes,
        drain_hole_mm=options.drain_hole_mm,
    )
    return run_job(options, lambda studio: studio.submit_repair(options.mesh, repair), repair.output_format)
