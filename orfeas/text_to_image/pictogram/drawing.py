"""One pictogram as a large picture with a clean alpha channel, from the 136 × 128 bitmaps of the font."""

import cv2
import numpy as np
from cv2.typing import MatLike
from PIL import Image, ImageDraw, ImageFont

from orfeas.text_to_image.pictogram.catalogue import FONT_FOLDER

# float32, as OpenCV takes and gives it.
Array = MatLike

SIZE_PX = 1024
SUBJECT_PX = 880
# The only size that a font of CBDT bitmaps has, in pixels per em, and the bitmaps' own size.
FONT_SIZE_PX = 109
BITMAP_PX = (136, 128)

# In pixels of the bitmap.
MARGIN = 4
OUTLINE_BLUR = 0.45
# Where the outline runs in the blurred alpha: below one half, so that thin strings and legs stay whole.
OUTLINE_LEVEL = 0.42
OUTLINE_WIDTH_PX = 1.6
# Alpha from which a bitmap's pixel shows its own colour rather than its neighbours'.
OWN_COLOUR = 0.6
COLOUR_SPREAD = 1.0

# The sharpening moves each pixel towards the nearer side of an edge, in units of the enlargement.
EDGE_BLUR = 0.45
EDGE_REACH = 0.4
EDGE_FULL = 0.35
EDGE_SHIFT = 1.4


def read_font() -> ImageFont.FreeTypeFont:
    """The pictograms, at their bitmaps' own size."""
    return ImageFont.truetype(FONT_FOLDER / "pictograms.ttf", FONT_SIZE_PX, layout_engine=ImageFont.Layout.BASIC)


def draw(character: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """The pictogram, 1024 × 1024 RGBA with straight alpha, centred, its longer side 880 pixels.

    Colours run on under the transparent pixels around the outline, so that no later resizing darkens it.
    """
    colour, alpha = _read_bitmap(character, font)
    rows, columns = np.nonzero(alpha > OUTLINE_LEVEL)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = alpha[box].shape
    scale = SUBJECT_PX / max(height, width)
    around = (MARGIN,) * 4
    size = (round((width + 2 * MARGIN) * scale), round((height + 2 * MARGIN) * scale))
    colour = cv2.copyMakeBorder(colour[box], *around, cv2.BORDER_REPLICATE)
    alpha = cv2.copyMakeBorder(alpha[box], *around, cv2.BORDER_CONSTANT, value=0.0)
    colour = cv2.resize(_spread(colour, alpha), size, interpolation=cv2.INTER_LANCZOS4)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_LANCZOS4)
    return _place(_sharpen(np.clip(colour, 0, 1), scale), _outline(alpha, scale))


def _read_bitmap(character: str, font: ImageFont.FreeTypeFont) -> tuple[Array, Array]:
    """Straight colour ``[h, w, 3]`` and alpha ``[h, w]`` in 0–1, solved from the glyph on black and on white.

    Drawing on a transparent ground would blend the edges with black.
    """
    on_black, on_white = (_draw_on(character, font, ground) for ground in (0, 255))
    alpha = np.clip(1 - (on_white - on_black).mean(axis=2), 0, 1)
    colour = on_black / np.maximum(alpha, 1 / 255)[..., None]
    return np.clip(colour, 0, 1), alpha


def _draw_on(character: str, font: ImageFont.FreeTypeFont, ground: int) -> Array:
    image = Image.new("RGB", BITMAP_PX, (ground,) * 3)
    ImageDraw.Draw(image).text((0, 0), character, font=font, embedded_color=True)
    return np.asarray(image, np.float32) / 255


def _spread(colour: Array, alpha: Array) -> Array:
    """Replace the colour of faint pixels by that of the solid ones around them, further and further out."""
    known = (alpha > OWN_COLOUR).astype(np.float32)
    if not known.any():
        return colour
    result = colour * known[..., None]
    for _ in range(MARGIN):
        weight = cv2.GaussianBlur(known, (0, 0), COLOUR_SPREAD)
        blurred = cv2.GaussianBlur(result, (0, 0), COLOUR_SPREAD) / np.maximum(weight, 1e-6)[..., None]
        result = np.where(known[..., None] > 0, result, blurred)
        known = np.maximum(known, (weight > 1e-3).astype(np.float32))
        result *= known[..., None]
    return np.where(known[..., None] > 0, result, colour).astype(np.float32)


def _outline(alpha: Array, scale: float) -> Array:
    """A smooth outline, about a pixel and a half soft, where the enlarged alpha is a staircase."""
    smooth = cv2.GaussianBlur(alpha, (0, 0), OUTLINE_BLUR * scale)
    # A blurred step climbs by about one in two and a half sigmas.
    slope = 2.5 * OUTLINE_BLUR * scale / OUTLINE_WIDTH_PX
    ramp = np.clip((smooth - OUTLINE_LEVEL) * slope + 0.5, 0, 1)
    outline: Array = ramp * ramp * (3 - 2 * ramp)
    return outline


def _sharpen(colour: Array, scale: float) -> Array:
    """Steepen the colour edges without overshoot: every pixel looks up its colour a little away from the edge.

    Warp sharpening (Arad and Gotsman, "Enhancement by image-dependent warping", 1999), at one scale.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), (0, 0), EDGE_BLUR * scale)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    edges = np.minimum(edges / max(float(edges.max()) * EDGE_FULL, 1e-6), 1)
    edges = cv2.GaussianBlur(edges, (0, 0), EDGE_REACH * scale)
    shift = EDGE_SHIFT * scale**2
    height, width = grey.shape
    x = np.arange(width, dtype=np.float32)[None] - shift * cv2.Sobel(edges, cv2.CV_32F, 1, 0, scale=1 / 8)
    y = np.arange(height, dtype=np.float32)[:, None] - shift * cv2.Sobel(edges, cv2.CV_32F, 0, 1, scale=1 / 8)
    return cv2.remap(colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _place(colour: Array, alpha: Array) -> Image.Image:
    """Centre the drawing on the square canvas; its margin is transparent and may be cut off."""
    height, width = alpha.shape
    top, left = (SIZE_PX - height) // 2, (SIZE_PX - width) // 2
    rgba = np.dstack([colour, alpha])
    rgba = (rgba * 255 + 0.5).astype(np.uint8)
    canvas = np.zeros((SIZE_PX, SIZE_PX, 4), np.uint8)
    rgba = rgba[max(-top, 0) : max(-top, 0) + SIZE_PX, max(-left, 0) : max(-left, 0) + SIZE_PX]
    top, left = max(top, 0), max(left, 0)
    canvas[top : top + rgba.shape[0], left : left + rgba.shape[1]] = rgba
    return Image.fromarray(canvas)
