"""What a caller sent, as checked options."""

import re
from collections.abc import Mapping

from orfeas.errors import InvalidOption, InvalidPrompt
from orfeas.options.choices import (
    Compression,
    EngineChoice,
    Material,
    OutputFormat,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    TextureFormatChoice,
)
from orfeas.options.requests import (
    PICTURE_OPTIONS,
    CutOutOptions,
    Packing,
    PictureOptions,
    PrintOptions,
    RepairOptions,
    ShapeOptions,
    TextureOptions,
)
from orfeas.options.values import (
    MAX_SEED,
    parse_bool,
    parse_choice,
    parse_integer,
    parse_number,
    parse_prompt,
    parse_whole,
    quote,
)

SIDE = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
# Of a picture made from words; latents are divided by 8, and some networks take patches of two.
MIN_SIDE_PX, MAX_SIDE_PX, SIDE_STEP_PX = 64, 2048, 16
# What game engines and viewers expect; few, since every one that was asked for is kept.
TEXTURE_SIZES_PX = (256, 512, 1024, 2048, 4096)


def parse_shape_options(
    *,
    engine: object = EngineChoice.AUTO,
    quality: object = Quality.STANDARD,
    texture: object = True,
    remove_background: object = RemoveBackground.AUTO,
    seed: object = -1,
    num_inference_steps: object = 0,
    guidance_scale: object = -1,
    octree_resolution: object = 0,
    target_faces: object = 0,
    size_mm: object = 100,
    output_format: object = OutputFormat.GLB,
    texture_size: object = 0,
    guidance_start: object = 0,
    guidance_end: object = 1,
    cache_threshold: object = 0,
    texture_engine: object = TextureEngineChoice.AUTO,
    texture_format: object = TextureFormat.JPEG,
    remover: object = RemoverChoice.AUTO,
) -> ShapeOptions:
    """Check what a caller sent to ``/generate_3d``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    start = parse_number("guidance_start", guidance_start, 0, 1)
    end = parse_number("guidance_end", guidance_end, 0, 1)
    if start >= end:
        raise InvalidOption(
            f"guidance_end cannot be {end:g}; it must be above guidance_start, {start:g}.", "guidance_end"
        )
    cut_out = parse_cut_out_options(remove_background=remove_background, remover=remover)
    return ShapeOptions(
        engine=parse_choice("engine", engine, EngineChoice),
        quality=parse_choice("quality", quality, Quality),
        texture=parse_bool("texture", texture),
        remove_background=cut_out.remove_background,
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        num_inference_steps=parse_integer("num_inference_steps", num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number("guidance_scale", guidance_scale, 0, 30, auto=-1),
        octree_resolution=parse_integer("octree_resolution", octree_resolution, 16, 512, auto=0),
        target_faces=parse_integer("target_faces", target_faces, 100, 2_000_000, auto=0),
        size_mm=parse_number("size_mm", size_mm, 1, 10_000),
        output_format=parse_choice("output_format", output_format, OutputFormat),
        texture_size=parse_integer("texture_size", texture_size, 256, 4096, auto=0),
        guidance_start=start,
        guidance_end=end,
        cache_threshold=parse_number("cache_threshold", cache_threshold, 0, 1),
        texture_engine=parse_choice("texture_engine", texture_engine, TextureEngineChoice),
        texture_format=_parse_texture_format(texture_format, output_format),
        remover=cut_out.remover,
    )


def parse_texture_options(
    *,
    engine: object = TextureEngineChoice.AUTO,
    quality: object = Quality.STANDARD,
    remove_background: object = RemoveBackground.AUTO,
    seed: object = -1,
    size_mm: object = 0,
    output_format: object = OutputFormat.GLB,
    num_inference_steps: object = 0,
    guidance_scale: object = -1,
    texture_size: object = 0,
    texture_format: object = TextureFormat.JPEG,
    keep_uv: object = False,
    remover: object = RemoverChoice.AUTO,
) -> TextureOptions:
    """Check what a caller sent to ``/texture_mesh``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    cut_out = parse_cut_out_options(remove_background=remove_background, remover=remover)
    return TextureOptions(
        engine=parse_choice("engine", engine, TextureEngineChoice),
        quality=parse_choice("quality", quality, Quality),
        remove_background=cut_out.remove_background,
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        size_mm=parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place"),
        output_format=parse_choice("output_format", output_format, OutputFormat),
        num_inference_steps=parse_integer("num_inference_steps", num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number("guidance_scale", guidance_scale, 0, 30, auto=-1),
        texture_size=parse_integer("texture_size", texture_size, 256, 4096, auto=0),
        texture_format=_parse_texture_format(texture_format, output_format),
        keep_uv=parse_bool("keep_uv", keep_uv),
        remover=cut_out.remover,
    )


def parse_repair_options(
    *,
    target_faces: object = 0,
    size_mm: object = 0,
    output_format: object = OutputFormat.STL,
    min_part: object = 0.01,
    keep_shells: object = False,
    texture_format: object = TextureFormat.JPEG,
    smooth_steps: object = 0,
    remesh: object = RemeshChoice.NONE,
    lay_flat: object = False,
    printer_mm: object = "",
    hollow_mm: object = 0,
    drain_holes: object = 0,
    drain_hole_mm: object = 3,
) -> RepairOptions:
    """Check what a caller sent to ``/repair_mesh``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    keeps = "keep the faces there are"
    options = RepairOptions(
        target_faces=parse_whole("target_faces", parse_number("target_faces", target_faces, 100, 2_000_000, 0, keeps)),
        size_mm=parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place"),
        output_format=parse_choice("output_format", output_format, OutputFormat),
        min_part=parse_number("min_part", min_part, 0, 1),
        keep_shells=parse_bool("keep_shells", keep_shells),
        texture_format=_parse_texture_format(texture_format, output_format),
        smooth_steps=parse_integer("smooth_steps", smooth_steps, 0, 100),
        remesh=parse_choice("remesh", remesh, RemeshChoice),
        lay_flat=parse_bool("lay_flat", lay_flat),
        printer_mm=_parse_printer(printer_mm),
        hollow_mm=parse_number("hollow_mm", hollow_mm, 0.4, 100, 0, "keep it solid"),
        drain_holes=parse_integer("drain_holes", drain_holes, 0, 8),
        drain_hole_mm=parse_number("drain_hole_mm", drain_hole_mm, 1, 50),
    )
    if options.drain_holes and not options.hollow_mm:
        raise InvalidOption(
            "drain_holes cannot be set where hollow_mm is 0; a solid has nothing to drain.", "drain_holes"
        )
    if options.drain_hole_mm != RepairOptions().drain_hole_mm and not options.drain_holes:
        raise InvalidOption("drain_hole_mm cannot be set where drain_holes is 0; leave it at 3.", "drain_hole_mm")
    if options.remesh is RemeshChoice.QUADS and options.hollow_mm:
        raise InvalidOption("remesh cannot be “quads” beside hollow_mm; choose triangles, or none.", "remesh")
    return options


def parse_packing(
    output_format: OutputFormat,
    *,
    compression: object = Compression.NONE,
    texture_size: object = 0,
    texture_format: object = TextureFormatChoice.KEEP,
) -> Packing:
    """Check how a caller wants a model to be put into a file of that format.

    Raises:
        InvalidOption: a value that is not allowed, or that means nothing in such a file.
    """
    name = output_format.value.upper()
    packed = parse_choice("compression", compression, Compression)
    if packed is not Compression.NONE and output_format is not OutputFormat.GLB:
        raise InvalidOption("Only a GLB can be compressed; choose none.", "compression")
    size = _parse_packed_size(texture_size)
    if size and not output_format.holds_textures:
        raise InvalidOption(
            f"texture_size cannot be set for {name}, which holds no texture; leave it at 0.", "texture_size"
        )
    choice = parse_choice("texture_format", texture_format, TextureFormatChoice)
    if choice is TextureFormatChoice.KEEP:
        return Packing(packed, size)
    if not output_format.holds_textures:
        raise InvalidOption(
            f"texture_format cannot be set for {name}, which holds no texture; leave it at keep.", "texture_format"
        )
    if choice is TextureFormatChoice.WEBP and output_format is not OutputFormat.GLB:
        message = f"texture_format cannot be “webp” for {name}; choose one of keep, png, jpeg."
        raise InvalidOption(message, "texture_format")
    return Packing(packed, size, TextureFormat(choice))


def _parse_packed_size(value: object) -> int:
    """No side of a packed texture is longer; 0 keeps them."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value in (0, *TEXTURE_SIZES_PX):
        return int(value)
    allowed = ", ".join(map(str, TEXTURE_SIZES_PX))
    shown = f"{value:g}" if isinstance(value, float) else str(value) if type(value) is int else quote(value)
    raise InvalidOption(f"texture_size cannot be {shown}; choose one of {allowed}, or 0 to keep it.", "texture_size")


def parse_print_options(
    *, material: object = Material.PLA, min_wall_mm: object = 0.8, max_overhang_deg: object = 45
) -> PrintOptions:
    """Check what a caller sent to ``/inspect_print``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    return PrintOptions(
        material=parse_choice("material", material, Material),
        min_wall_mm=parse_number("min_wall_mm", min_wall_mm, 0.05, 100),
        max_overhang_deg=parse_number("max_overhang_deg", max_overhang_deg, 1, 89),
    )


def _parse_printer(value: object) -> str:
    """Three sides in millimetres, as ``220x220x250``; empty where none are given."""
    text = str(value).lower().replace(" ", "").replace("×", "x").removesuffix("mm")
    if not text:
        return ""
    sides = text.split("x")
    if len(sides) != 3 or not all(SIDE.fullmatch(side) and 10 <= float(side) <= 10_000 for side in sides):
        message = f"printer_mm cannot be {quote(value)}; give width, depth and height, 10 to 10,000 mm, as 220x220x250."
        raise InvalidOption(message, "printer_mm")
    return text


def parse_cut_out_options(
    *, remove_background: object = RemoveBackground.AUTO, remover: object = RemoverChoice.AUTO
) -> CutOutOptions:
    """Check how a caller wants the subject cut out.

    Raises:
        InvalidOption: a value that is not allowed, or a remover where nothing is to be removed.
    """
    wanted = parse_choice("remove_background", remove_background, RemoveBackground)
    chosen = parse_choice("remover", remover, RemoverChoice)
    if wanted is RemoveBackground.NEVER and chosen is not RemoverChoice.AUTO:
        raise InvalidOption("remover cannot be set where remove_background is never; leave it at auto.", "remover")
    return CutOutOptions(wanted, chosen)


def _parse_texture_format(value: object, output_format: object) -> TextureFormat:
    """How the texture is kept, if a file of the format asked for can hold that."""
    texture_format = parse_choice("texture_format", value, TextureFormat)
    wanted = parse_choice("output_format", output_format, OutputFormat)
    if texture_format is TextureFormat.WEBP and wanted is OutputFormat.OBJ:
        raise InvalidOption("texture_format cannot be “webp” for an OBJ; choose one of png, jpeg.", "texture_format")
    return texture_format


def parse_picture_options(
    *,
    engine: object = TextEngineChoice.AUTO,
    style: object = Style.NONE,
    seed: object = -1,
    negative_prompt: object = "",
    num_inference_steps: object = 0,
    guidance_scale: object = -1,
    size_px: object = 0,
    for_3d: object = True,
    names: Mapping[str, str] | None = None,
) -> PictureOptions:
    """Check what a caller sent to ``/text_to_image``; ``names`` are what another endpoint calls some of the options.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    told = {own: own for own in PICTURE_OPTIONS.values()} | dict(names or {})
    return PictureOptions(
        engine=parse_choice(told["engine"], engine, TextEngineChoice),
        style=parse_choice("style", style, Style),
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        negative_prompt=_parse_negative(negative_prompt),
        num_inference_steps=parse_integer(told["num_inference_steps"], num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number(told["guidance_scale"], guidance_scale, 0, 30, auto=-1),
        size_px=_parse_side(size_px),
        for_3d=parse_bool("for_3d", for_3d),
    )


def _parse_negative(value: object) -> str:
    """What to keep out of a picture, if anything.

    Raises:
        InvalidOption: no text, or over 1000 characters.
    """
    if not value:
        return ""
    try:
        return parse_prompt(value)
    except InvalidPrompt as error:
        raise InvalidOption(f"negative_prompt: {error}", "negative_prompt") from error


def _parse_side(value: object) -> int:
    """The side of a picture: what every pipeline can divide."""
    side = parse_integer("size_px", value, MIN_SIDE_PX, MAX_SIDE_PX, auto=0)
    if side % SIDE_STEP_PX:
        raise InvalidOption(f"size_px cannot be {side}; it takes a multiple of {SIDE_STEP_PX}.", "size_px")
    return side
