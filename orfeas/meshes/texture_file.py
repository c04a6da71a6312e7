"""Textures as the bytes of picture files."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.options import TextureFormat

JPEG_QUALITY = 92
WEBP_QUALITY = 92
# The fastest, and a few per cent larger than the best.
WEBP_METHOD = 1
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
# Four times faster to write than zlib's usual 6, and a few per cent larger.
PNG_LEVEL = 2

# Of one texture, and of all textures of a model together; decoded, those take half a gigabyte.
MAX_PICTURE_PIXELS = 64 * 2**20
MAX_PIXELS = 128 * 2**20

# What Pillow raises for files that are not what they say, found by damaging them at random.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True)
class TextureFile:
    """An encoded picture; nothing in it but the pixels."""

    data: bytes
    mime_type: Literal["image/jpeg", "image/png", "image/webp"]

    @property
    def suffix(self) -> str:
        """The usual end of its file name, with the dot."""
        return SUFFIXES[self.mime_type]


def encode_colours(image: Image.Image, texture_format: TextureFormat = TextureFormat.JPEG) -> TextureFile:
    """A picture of colours in that format; JPEG knows no alpha, so what is not opaque is a PNG instead."""
    pixels = image.convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        if with_alpha.getchannel("A").getextrema() != (255, 255):
            pixels = with_alpha
    if texture_format is TextureFormat.WEBP:
        return _webp(pixels)
    if texture_format is TextureFormat.PNG or pixels.mode == "RGBA":
        return _png(pixels)
    buffer = BytesIO()
    # Without chroma subsampling: the colours of neighbouring UV islands must not run into each other.
    _pixels_of(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return TextureFile(buffer.getvalue(), "image/jpeg")


def encode_numbers(image: Image.Image) -> TextureFile:
    """A picture of numbers, such as normals or roughness, to the last bit: PNG."""
    return _png(image if image.mode == "L" else image.convert("RGB"))


@dataclass(frozen=True)
class MaterialMaps:
    """Metallic and roughness as grey pictures of their own, for formats without glTF's picture of both."""

    metallic: TextureFile
    roughness: TextureFile


def split_metallic_roughness(both: Image.Image, metallic: float = 1.0, roughness: float = 1.0) -> MaterialMaps:
    """The two maps of a picture as glTF has it, roughness in green, metallic in blue; each times its factor."""
    channels = both.convert("RGB")
    maps = (
        channels.getchannel(band).point([round(level * factor) for level in range(256)])
        for band, factor in ((2, metallic), (1, roughness))
    )
    return MaterialMaps(*map(encode_numbers, maps))


def join_metallic_roughness(metallic: Image.Image | None, roughness: Image.Image | None) -> Image.Image:
    """One picture of both maps as glTF has it; one that there is none of is white, for its factor to fill."""
    size = max(picture.size for picture in (metallic, roughness) if picture is not None)
    white = Image.new("L", size, 255)
    green, blue = (
        white if picture is None else picture.getchannel(0).resize(size, Image.Resampling.BILINEAR)
        for picture in (roughness, metallic)
    )
    # Red is occlusion, of which there is none.
    return Image.merge("RGB", (white, green, blue))


class TextureReader:
    """Reads the textures of one model, which may come from a stranger, and keeps count of their pixels."""

    def __init__(self) -> None:
        self._pixels = 0

    def decode(self, data: bytes) -> Image.Image:
        """The picture in a PNG, JPEG or WebP file, as RGB or RGBA; nothing else of it is kept.

        Raises:
            InvalidMesh: it is none, is damaged, or is too large together with those before it.
        """
        try:
            with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
                if image.width * image.height > MAX_PICTURE_PIXELS:
                    raise InvalidMesh(f"A texture of the model has over {MAX_PICTURE_PIXELS // 2**20} million pixels.")
                self._pixels += image.width * image.height
                if self._pixels > MAX_PIXELS:
                    raise InvalidMesh(f"The model's textures have over {MAX_PIXELS // 2**20} million pixels together.")
                return _pixels_of(image.convert("RGBA" if image.has_transparency_data else "RGB"))
        except _UNREADABLE as error:
            raise InvalidMesh("A texture of the model cannot be read.") from error


def _png(image: Image.Image) -> TextureFile:
    buffer = BytesIO()
    _pixels_of(image).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return TextureFile(buffer.getvalue(), "image/png")


def _webp(image: Image.Image) -> TextureFile:
    buffer = BytesIO()
    _pixels_of(image).save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return TextureFile(buffer.getvalue(), "image/webp")


def _pixels_of(image: Image.Image) -> Image.Image:
    # Pillow would write an uploaded picture's comment and colour profile again.
    bare = image.copy()
    bare.info = {}
    return bare
