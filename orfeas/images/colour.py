"""Pixels of any mode and colour profile as 8-bit sRGB with straight alpha (conventions §6)."""

import logging
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from orfeas.errors import InvalidImage

LOGGER = logging.getLogger(__name__)

# The whitest value of a grey picture with more than 8 bits is taken to be the first of these that holds it.
WHITES = {"F": (1.0, 255.0, 65535.0), "I": (255.0, 65535.0)}
WHITE_16_BIT = 65535.0
# Every mode that can be told in RGBA, and a simpler one to which Pillow knows the first step.
SIMPLER = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "P": "RGBA", "PA": "RGBA"}
MODES = ("L", "LA", "RGB", "RGBA", "CMYK", *SIMPLER)


def to_rgba(image: Image.Image) -> Image.Image:
    """``image``, decoded, as RGBA.

    Raises:
        InvalidImage: a mode that has no plain meaning as colours.
    """
    if image.mode in WHITES or image.mode.startswith("I;16"):
        return _deep_grey_to_rgba(image)
    if image.mode not in MODES:
        raise InvalidImage(f"Pictures in the colour mode {image.mode} are not supported; save it as RGB.")
    profile = image.info.get("icc_profile")
    image = image.convert("RGBA" if "transparency" in image.info else SIMPLER.get(image.mode, image.mode))
    return (_apply_profile(image, profile) if isinstance(profile, bytes) else image).convert("RGBA")


def _deep_grey_to_rgba(image: Image.Image) -> Image.Image:
    """Grey with more than 8 bits, which Pillow itself would clip and not scale."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    most = float(values.max())
    whites = WHITES.get(image.mode, (WHITE_16_BIT,))
    white = next((white for white in whites if most <= white), most)
    grey = (values.clip(0, white) * (255 / white) + 0.5).astype(np.uint8)
    rgba = Image.fromarray(grey).convert("RGBA")
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        rgba.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return rgba


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """``image`` in sRGB by its embedded ICC profile; unchanged where that is sRGB already or makes no sense."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        colours, alpha = image, None
        if image.mode in ("RGBA", "LA"):
            *_, alpha = image.split()
            colours = image.convert(image.mode[:-1])
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        LOGGER.info("the colour profile cannot be used, sRGB is assumed: %s", error)
        return image
    assert converted is not None, "profileToProfile returns nothing only where it works in place"
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
