"""The options of every endpoint: their names, choices, ranges and defaults, checked once at the border.

``-1`` and ``0`` mean "let ORFEAS choose" where a range says so; an engine turns the request into effective values.
"""

from orfeas.options.choices import (
    Compression,
    EngineChoice,
    OutputFormat,
    Quality,
    RemoveBackground,
    RemoverChoice,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    WeightsChoice,
)
from orfeas.options.parse import (
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    parse_cut_out_options,
    parse_picture_options,
    parse_repair_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.options.requests import (
    PICTURE_OPTIONS,
    CutOutOptions,
    PictureOptions,
    RepairOptions,
    ShapeOptions,
    TextureOptions,
)
from orfeas.options.values import (
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    choose_seed,
    parse_bool,
    parse_choice,
    parse_integer,
    parse_number,
    parse_prompt,
    quote,
)

__all__ = [
    "MAX_PROMPT_CHARACTERS",
    "MAX_SEED",
    "MAX_SIDE_PX",
    "MIN_SIDE_PX",
    "PICTURE_OPTIONS",
    "Compression",
    "CutOutOptions",
    "EngineChoice",
    "OutputFormat",
    "PictureOptions",
    "Quality",
    "RemoveBackground",
    "RemoverChoice",
    "RepairOptions",
    "ShapeOptions",
    "Style",
    "TextEngineChoice",
    "TextureEngineChoice",
    "TextureFormat",
    "TextureOptions",
    "WeightsChoice",
    "choose_seed",
    "parse_bool",
    "parse_choice",
    "parse_cut_out_options",
    "parse_integer",
    "parse_number",
    "parse_picture_options",
    "parse_prompt",
    "parse_repair_options",
    "parse_shape_options",
    "parse_texture_options",
    "quote",
]
