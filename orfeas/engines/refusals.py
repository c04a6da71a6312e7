"""Options that only engines that sample have a use for."""

from orfeas.errors import InvalidOption
from orfeas.options import ShapeOptions, TextureOptions

# The value that leaves an option alone, and what an engine without it has not.
_SAMPLING = (
    ("num_inference_steps", 0, "takes no steps"),
    ("guidance_scale", -1, "has no guidance"),
    ("guidance_start", 0, "has no guidance"),
    ("guidance_end", 1, "has no guidance"),
    ("cache_threshold", 0, "takes no steps"),
)


def refuse_sampling(options: ShapeOptions | TextureOptions, engine: str) -> None:
    """Refuse what the engine of that name has no use for, since it samples nothing.

    Raises:
        InvalidOption: such an option was set; names it, and the value to leave it at.
    """
    for name, left_alone, lack in _SAMPLING:
        if getattr(options, name, left_alone) != left_alone:
            message = f"{name} cannot be set: the engine {engine} {lack}; leave it at {left_alone:g}."
            raise InvalidOption(message, name)
