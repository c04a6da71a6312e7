"""The options of every endpoint: their names, choices, ranges and defaults, checked once at the border.

``-1`` and ``0`` mean "let ORFEAS choose" where a range says so; an engine turns the request into effective values.
"""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from orfeas.errors import InvalidOption, InvalidPrompt

MAX_PROMPT_CHARACTERS = 1000
MAX_SEED = 2**31 - 1
# Of a picture made from words; latents are divided by 8, and some networks take patches of two.
MIN_SIDE_PX, MAX_SIDE_PX, SIDE_STEP_PX = 64, 2048, 16
# Far beyond every range; a whole number of any length can be compared with it, and not with infinity.
MAX_NUMBER = 10**15


class EngineChoice(StrEnum):
    """Who makes the shape."""

    AUTO = "auto"
    HUNYUAN = "hunyuan3d-2.1"
    INFLATE = "inflate"


class TextureEngineChoice(StrEnum):
    """Who makes the texture; ``projection`` has no learned weights."""

    AUTO = "auto"
    HUNYUAN = "hunyuan3d-2.1"
    PROJECTION = "projection"


class WeightsChoice(StrEnum):
    """Published weights that can be fetched: by engine, or all of them."""

    HUNYUAN_SHAPE = "hunyuan3d-2.1"
    HUNYUAN_PAINT = "hunyuan3d-2.1-paint"
    BIREFNET = "birefnet"
    DIFFUSION = "diffusion"
    ALL = "all"


class TextEngineChoice(StrEnum):
    """Who turns words into a picture."""

    AUTO = "auto"
    DIFFUSION = "diffusion"
    PICTOGRAM = "pictogram"


class Quality(StrEnum):
    """Sets steps, octree resolution, faces and texture size together."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"
    ULTRA = "ultra"


class RemoveBackground(StrEnum):
    """``auto`` keeps a real alpha channel and cuts out everything else."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class RemoverChoice(StrEnum):
    """Who cuts the subject out; ``grabcut`` has no learned weights."""

    AUTO = "auto"
    BIREFNET = "birefnet"
    GRABCUT = "grabcut"


class OutputFormat(StrEnum):
    """The file formats that can be written."""

    GLB = "glb"
    OBJ = "obj"
    STL = "stl"
    PLY = "ply"
    THREE_MF = "3mf"
    USDZ = "usdz"
    FBX = "fbx"


class Compression(StrEnum):
    """How the shape in a GLB is packed: ``draco`` makes it ten times smaller, and rounds it a little."""

    NONE = "none"
    DRACO = "draco"


class TextureFormat(StrEnum):
    """How a base colour is kept in a model file; ``jpeg`` becomes PNG where the picture is not opaque."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class Style(StrEnum):
    """How a picture made from words should look."""

    NONE = "none"
    REALISTIC = "realistic"
    ARTISTIC = "artistic"
    ANIME = "anime"
    CYBERPUNK = "cyberpunk"
    FANTASY = "fantasy"
    MINIMALIST = "minimalist"


@dataclass(frozen=True)
class ShapeOptions:
    """Options of ``/generate_3d``, made by :func:`parse_shape_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``octree_resolution`` is cells along the longest side; ``size_mm`` is the longest side of the model;
    ``texture_size`` is the side of the texture in pixels. Guidance acts from the share ``guidance_start`` of the steps
    to the share ``guidance_end``. ``cache_threshold`` is the largest relative change of an evaluation that step caching
    leaves out; 0 leaves out nothing. ``texture_engine`` ``auto`` takes the engine's own texture where it makes one, and
    the best texture engine that is ready where it does not. ``remover`` stays ``auto`` where nothing is to be cut out.
    """

    engine: EngineChoice = EngineChoice.AUTO
    quality: Quality = Quality.STANDARD
    texture: bool = True
    remove_background: RemoveBackground = RemoveBackground.AUTO
    seed: int = -1
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    octree_resolution: int = 0
    target_faces: int = 0
    size_mm: float = 100.0
    output_format: OutputFormat = OutputFormat.GLB
    texture_size: int = 0
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    cache_threshold: float = 0.0
    texture_engine: TextureEngineChoice = TextureEngineChoice.AUTO
    texture_format: TextureFormat = TextureFormat.JPEG
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class TextureOptions:
    """Options of ``/texture_mesh``, made by :func:`parse_texture_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``texture_size`` is the side of the texture in pixels. ``size_mm`` is the longest side that the model is scaled to;
    0 leaves its size and place. ``keep_uv`` paints on the UVs that the mesh came with.
    """

    engine: TextureEngineChoice = TextureEngineChoice.AUTO
    quality: Quality = Quality.STANDARD
    remove_background: RemoveBackground = RemoveBackground.AUTO
    seed: int = -1
    size_mm: float = 0.0
    output_format: OutputFormat = OutputFormat.GLB
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    texture_size: int = 0
    texture_format: TextureFormat = TextureFormat.JPEG
    keep_uv: bool = False
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class CutOutOptions:
    """Options of ``/cut_out``, made by :func:`parse_cut_out_options`; every other job with a picture has them too."""

    remove_background: RemoveBackground = RemoveBackground.AUTO
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class RepairOptions:
    """Options of ``/repair_mesh``, made by :func:`parse_repair_options`.

    ``target_faces`` 0 keeps the faces there are; ``size_mm`` is the longest side that the model is scaled to, 0 leaves
    its size and place. Parts whose diagonal is below the share ``min_part`` of the largest part's are dropped.
    ``keep_shells`` keeps closed shells that lie inside others.
    """

    target_faces: int = 0
    size_mm: float = 0.0
    output_format: OutputFormat = OutputFormat.STL
    min_part: float = 0.01
    keep_shells: bool = False
    texture_format: TextureFormat = TextureFormat.JPEG


@dataclass(frozen=True)
class PictureOptions:
    """Options of ``/text_to_image``, made by :func:`parse_picture_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``size_px`` is the side of the square picture. ``for_3d`` asks for one object, whole, centred, on a plain
    background.
    """

    engine: TextEngineChoice = TextEngineChoice.AUTO
    style: Style = Style.NONE
    seed: int = -1
    negative_prompt: str = ""
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    size_px: int = 0
    for_3d: bool = True


# The options of a picture as ``/text_to_3d`` names them, where the model has one of the same name.
PICTURE_OPTIONS: Mapping[str, str] = {
    "text_engine": "engine",
    "picture_steps": "num_inference_steps",
    "picture_guidance_scale": "guidance_scale",
}

Choice = TypeVar("Choice", bound=StrEnum)


def parse_choice(name: str, value: object, choices: type[Choice]) -> Choice:
    """The member of ``choices`` that ``value`` names, in any letter case.

    Raises:
        InvalidOption: no such choice; the message lists what is allowed.
    """
    try:
        return choices(str(value).strip().lower())
    except ValueError:
        allowed = ", ".join(choices)
        raise InvalidOption(f"{name} cannot be {quote(value)}; choose one of {allowed}.", name) from None


def parse_bool(name: str, value: object) -> bool:
    """``value`` if it is a truth value.

    Raises:
        InvalidOption: anything else, the word "false" too.
    """
    if isinstance(value, bool):
        return value
    raise InvalidOption(f"{name} cannot be {quote(value)}; choose true or false.", name)


def parse_number(
    name: str, value: object, low: float, high: float, auto: float | None = None, auto_is: str = "let ORFEAS choose"
) -> float:
    """``value`` if it is a finite number in ``[low, high]`` or the value ``auto``; ``auto_is`` says what that is for.

    Raises:
        InvalidOption: not a number, not finite, or out of range; the message says the range.
    """
    hint = "" if auto is None else f", or {auto:g} to {auto_is}"
    allowed = f"a number from {low:,.12g} to {high:,.12g}{hint}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, int | float) or not is_number or abs(value) > MAX_NUMBER or math.isnan(value):
        raise InvalidOption(f"{name} cannot be {quote(value)}; it takes {allowed}.", name)
    if value != auto and not low <= value <= high:
        raise InvalidOption(f"{name} cannot be {value:.12g}; it takes {allowed}.", name)
    return float(value)


def parse_integer(name: str, value: object, low: int, high: int, auto: int | None = None) -> int:
    """``value`` if it is a whole number in ``[low, high]`` or the value ``auto``; 30.0 counts as whole.

    Raises:
        InvalidOption: not a whole number, or out of range; the message says the range.
    """
    return _whole(name, parse_number(name, value, low, high, auto))


def _whole(name: str, number: float) -> int:
    if number != int(number):
        raise InvalidOption(f"{name} cannot be {number:g}; it takes a whole number.", name)
    return int(number)


def parse_prompt(value: object) -> str:
    """The prompt with control characters and runs of white space folded into single spaces.

    Raises:
        InvalidPrompt: empty, or over 1000 characters.
    """
    if not isinstance(value, str):
        raise InvalidPrompt("The prompt must be text.")
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise InvalidPrompt(
            f"The prompt has {len(value):,} characters; the most is {MAX_PROMPT_CHARACTERS:,}. Shorten it."
        )
    prompt = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not prompt:
        raise InvalidPrompt("The prompt is empty. Describe one object, such as “a red apple”.")
    return prompt


def choose_seed(seed: int) -> int:
    """``seed``, or a random one for -1."""
    return secrets.randbelow(MAX_SEED + 1) if seed == -1 else seed


def quote(value: object) -> str:
    """A short, printable form of what the caller sent, safe to show back to them."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "�" for c in text[:41])
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


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
) -> RepairOptions:
    """Check what a caller sent to ``/repair_mesh``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    keeps = "keep the faces there are"
    return RepairOptions(
        target_faces=_whole("target_faces", parse_number("target_faces", target_faces, 100, 2_000_000, 0, keeps)),
        size_mm=parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place"),
        output_format=parse_choice("output_format", output_format, OutputFormat),
        min_part=parse_number("min_part", min_part, 0, 1),
        keep_shells=parse_bool("keep_shells", keep_shells),
        texture_format=_parse_texture_format(texture_format, output_format),
    )


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
        InvalidPrompt: a negative prompt that is too long.
    """
    told = {own: own for own in PICTURE_OPTIONS.values()} | dict(names or {})
    return PictureOptions(
        engine=parse_choice(told["engine"], engine, TextEngineChoice),
        style=parse_choice("style", style, Style),
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        negative_prompt=parse_prompt(negative_prompt) if negative_prompt else "",
        num_inference_steps=parse_integer(told["num_inference_steps"], num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number(told["guidance_scale"], guidance_scale, 0, 30, auto=-1),
        size_px=_parse_side(size_px),
        for_3d=parse_bool("for_3d", for_3d),
    )


def _parse_side(value: object) -> int:
    """The side of a picture: what every pipeline can divide."""
    side = parse_integer("size_px", value, MIN_SIDE_PX, MAX_SIDE_PX, auto=0)
    if side % SIDE_STEP_PX:
        raise InvalidOption(f"size_px cannot be {side}; it takes a multiple of {SIDE_STEP_PX}.", "size_px")
    return side
