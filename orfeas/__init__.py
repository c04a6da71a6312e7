"""ORFEAS turns a picture, or a sentence, into a 3D model.

Example:
    >>> from orfeas import OutputFormat, Studio, parse_shape_options
    >>> with Studio() as studio:
    ...     job = studio.image_to_3d("chair.png", parse_shape_options(quality="high"))
    ...     stl = studio.results.download(job.job_id, OutputFormat.STL)
"""

from typing import TYPE_CHECKING

from orfeas.options import (
    OutputFormat,
    parse_cut_out_options,
    parse_picture_options,
    parse_repair_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.version import VERSION

if TYPE_CHECKING:
    from orfeas.studio import Studio

__version__ = VERSION
__all__ = [
    "OutputFormat",
    "Studio",
    "__version__",
    "parse_cut_out_options",
    "parse_picture_options",
    "parse_repair_options",
    "parse_shape_options",
    "parse_texture_options",
]


def __getattr__(name: str) -> object:
    """Load the studio, and numpy with it, only when someone asks for it."""
    if name == "Studio":
        from orfeas.studio import Studio

        return Studio
    raise AttributeError(f"module 'orfeas' has no attribute {name!r}")
