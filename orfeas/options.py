"""The options of every endpoint: their names, choices, ranges and defaults, checked once at the border.

``-1`` and ``0`` mean "let ORFEAS choose" where a range says so; an engine turns the request into effective values.
"""

import math
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from orfeas.errors import InvalidOption, InvalidPrompt

MAX_PROMPT_CHARACTERS = 1000
MAX_SEED = 2**31 - 1
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
    the best texture engine that is ready where it does not.
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


@dataclass(frozen=True)
class PictureOptions:
    """Options of ``/text_to_image``, made by :func:`parse_picture_options`; ``-1`` and ``0`` let ORFEAS choose."""

    engine: TextEngineChoice = TextEngineChoice.AUTO
    style: Style = Style.NONE
    seed: int = -1
    negative_prompt: str = ""
    num_inference_steps: int = 0
    guidance_scale: float = -1.0


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
    number = parse_number(name, value, low, high, auto)
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
    return ShapeOptions(
        engine=parse_choice("engine", engine, EngineChoice),
        quality=parse_choice("quality", quality, Quality),
        texture=parse_bool("texture", texture),
        remove_background=parse_choice("remove_background", remove_background, RemoveBackground),
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
) -> TextureOptions:
    """Check what a caller sent to ``/texture_mesh``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    return TextureOptions(
        engine=parse_choice("engine", engine, TextureEngineChoice),
        quality=parse_choice("quality", quality, Quality),
        remove_background=parse_choice("remove_background", remove_background, RemoveBackground),
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        size_mm=parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place"),
        output_format=parse_choice("output_format", output_format, OutputFormat),
        num_inference_steps=parse_integer("num_inference_steps", num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number("guidance_scale", guidance_scale, 0, 30, auto=-1),
        texture_size=parse_integer("texture_size", texture_size, 256, 4096, auto=0),
        texture_format=_parse_texture_format(texture_format, output_format),
        keep_uv=parse_bool("keep_uv", keep_uv),
    )


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
    engine_name: str = "engine",
) -> PictureOptions:
    """Check what a caller sent to ``/text_to_image``; ``engine_name`` is what the endpoint calls its engine.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
        InvalidPrompt: a negative prompt that is too long.
    """
    return PictureOptions(
        engine=parse_choice(engine_name, engine, TextEngineChoice),
        style=parse_choice("style", style, Style),
        seed=parse_integer("seed", seed, 0, MAX_SEED, auto=-1),
        negative_prompt=parse_prompt(negative_prompt) if negative_prompt else "",
        num_inference_steps=parse_integer("num_inference_steps", num_inference_steps, 1, 200, auto=0),
        guidance_scale=parse_number("guidance_scale", guidance_scale, 0, 30, auto=-1),
    )
