"""Whether a file is a picture we can use, and its pixels in the one form that everything after expects."""

import logging
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from orfeas.errors import InvalidImage
from orfeas.images.colour import to_rgba
from orfeas.images.file_kind import FileKind, describe_other, is_complete, kind_of
from orfeas.records import ImageInfo

LOGGER = logging.getLogger(__name__)

MAX_BYTES = 50_000_000
MIN_SIDE_PX = 32
MAX_SIDE_PX = 4096
MAX_PIXELS = MAX_SIDE_PX * MAX_SIDE_PX  # 16.8 megapixels
# Alpha below this is outside the subject (conventions §7).
HALF_ALPHA = 128

EXIF_ORIENTATION = 0x0112
PNG_EXIF = b"eXIf"
MODES_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
# What Pillow's parsers are known to raise on malformed files, beside its own errors, which are OSErrors.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
DAMAGED = "The picture is damaged and cannot be read. Export it again."
INCOMPLETE = "The picture is incomplete: the file ends too early. Upload it again."


def check_image(path: Path) -> ImageInfo:
    """Measure a picture from its header and see that its file is whole, without decoding it.

    Raises:
        InvalidImage: not a picture of a known kind, incomplete, or out of bounds.
    """
    data = _read(path)
    with _open(data) as image:
        orientation = _orientation(image, data)
        # Of a TIFF Pillow tells the upright size from the start.
        lies = orientation >= 5 and image.format != "TIFF"
        width, height = image.size[::-1] if lies else image.size
        return ImageInfo(
            width=width,
            height=height,
            # Cameras append previews to a JPEG and Pillow calls it MPO; to everyone else it is a JPEG.
            format="JPEG" if image.format == "MPO" else str(image.format),
            mode=image.mode,
            has_alpha=image.mode in MODES_WITH_ALPHA or "transparency" in image.info,
            bytes=len(data),
            orientation_applied=orientation != 1,
        )


def load_image(path: Path) -> Image.Image:
    """Decode a picture as :func:`decode_image` does, and see that it may show something.

    Raises:
        InvalidImage: as :func:`decode_image`; or wholly transparent, or of one single colour.
    """
    rgba = decode_image(path)
    _require_a_subject(rgba)
    return rgba


def decode_image(path: Path) -> Image.Image:
    """Decode a picture to RGBA, 8-bit sRGB with straight alpha, upright; of an animation, its first frame.

    Raises:
        InvalidImage: as :func:`check_image`; or damaged.
    """
    data = _read(path)
    with _open(data) as image:
        try:
            image.load()
            is_turned = _orientation(image, data) != 1
            rgba = to_rgba(ImageOps.exif_transpose(image) if is_turned else image)
        except DAMAGE as error:
            LOGGER.info("decoding failed: %s", error)
            raise InvalidImage(DAMAGED) from error
    return rgba


def _read(path: Path) -> bytes:
    # One that is a pipe or a device would never end.
    if not path.is_file():
        raise InvalidImage("There is no such file, or it cannot be read.")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise InvalidImage("There is no such file, or it cannot be read.") from error
    if size > MAX_BYTES:
        raise InvalidImage(f"The file has {size / 1e6:.1f} MB; the most is {MAX_BYTES / 1e6:.0f} MB.")
    if not data:
        raise InvalidImage("The file is empty. Choose a picture.")
    return data


def _open(data: bytes) -> Image.Image:
    """The picture with its header read and nothing decoded; its kind is judged by content alone."""
    kind = kind_of(data)
    if kind is None:
        allowed = ", ".join(FileKind)
        raise InvalidImage(f"This is {describe_other(data)}, which cannot be used here; send one of {allowed}.")
    if not is_complete(data, kind):
        raise InvalidImage(INCOMPLETE)
    try:
        image = Image.open(BytesIO(data), formats=[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImage(
            f"The picture is far over {MAX_PIXELS / 1e6:.1f} megapixels, the most that can be used. Make it smaller."
        ) from error
    except DAMAGE as error:
        LOGGER.info("reading the header failed: %s", error)
        raise InvalidImage(DAMAGED) from error
    _require_bounds(*image.size)
    return image


def _require_bounds(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise InvalidImage(f"The picture is {width} × {height} pixels; each side needs at least {MIN_SIDE_PX}.")
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise InvalidImage(
            f"The picture is {width} × {height} pixels ({width * height / 1e6:.1f} megapixels); "
            f"the most is {MAX_SIDE_PX} a side and {MAX_PIXELS / 1e6:.1f} megapixels. Make it smaller."
        )


def _require_a_subject(rgba: Image.Image) -> None:
    extrema = np.asarray(rgba.getextrema())
    if extrema[3, 1] < HALF_ALPHA:
        raise InvalidImage("The picture is transparent all over: there is nothing in the foreground.")
    if (extrema[:, 0] == extrema[:, 1]).all():
        raise InvalidImage("The picture has one single colour: there is nothing in the foreground.")


def _orientation(image: Image.Image, data: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none, or none that makes sense."""
    try:
        # Pillow's own way decodes every PNG, in case its EXIF comes last.
        exif = image.getexif() if PNG_EXIF in data else Image.Image.getexif(image)
        value = exif.get(EXIF_ORIENTATION, 1)
    except DAMAGE as error:
        LOGGER.info("EXIF cannot be read, so the picture stays as it lies: %s", error)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
