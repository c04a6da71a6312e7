"""Small, deterministic treatments that give a pictogram the style asked for.

The alpha channel stays as it is. Colours are worked on in 0–1; light is multiplied in linear light
(docs/conventions.md §6), grades are made in sRGB as in a photo editor.
"""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from orfeas.options import Style

# float32, as OpenCV takes and gives it.
Array = MatLike

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
SOLID = 0.5
MARGIN_PX = 8
RELIEF_PX = 256
# Unit vector to the light: from the upper left, before the picture (x right, y down, z to the viewer).
LIGHT = np.array([-0.45, -0.6, 0.66], np.float32)
NOISE_SEED = 7
INK = np.array([0.11, 0.07, 0.14], np.float32)
MINIMALIST_COLOURS = 4


def apply_style(image: Image.Image, style: Style) -> Image.Image:
    """``image`` (RGBA, straight alpha) in ``style``; ``none`` gives it back as it is."""
    if style is Style.NONE:
        return image
    styled = np.array(image)
    box = _subject_box(styled[..., 3])
    colour: Array = styled[box][..., :3].astype(np.float32) / 255
    alpha = styled[box][..., 3].astype(np.float32) / 255
    match style:
        case Style.REALISTIC:
            colour = _realistic(colour, alpha)
        case Style.ARTISTIC:
            colour = _artistic(colour)
        case Style.ANIME:
            colour = _anime(colour, alpha)
        case Style.CYBERPUNK:
            colour = _cyberpunk(colour, alpha)
        case Style.FANTASY:
            colour = _fantasy(colour, alpha)
        case Style.MINIMALIST:
            colour = _minimalist(colour, alpha)
    styled[box][..., :3] = cv2.convertScaleAbs(np.clip(colour, 0, 1), alpha=255)
    return Image.fromarray(styled)


def _subject_box(alpha: Array) -> tuple[slice, slice]:
    """The rows and columns that hold anything, and a few around them."""
    rows, columns = (np.flatnonzero((alpha > 0).any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(int(rows[0]) - MARGIN_PX, 0), int(rows[-1]) + 1 + MARGIN_PX),
        slice(max(int(columns[0]) - MARGIN_PX, 0), int(columns[-1]) + 1 + MARGIN_PX),
    )


def _realistic(colour: Array, alpha: Array) -> Array:
    """Muted colours on a rounded relief, lit from the upper left with a soft gloss."""
    normals = _relief(alpha, softness=0.03)
    halfway = LIGHT + np.array([0, 0, 1], np.float32)
    diffuse = _enlarge(np.clip(normals @ LIGHT, 0, 1), alpha)
    gloss = _enlarge(np.clip(normals @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 40, alpha)
    base = _saturate(_spread_light(colour, 0.35), 0.82)
    light = 0.42 + 0.78 * diffuse
    return _to_srgb(_to_linear(base) * light[..., None] + 0.10 * gloss[..., None])


def _artistic(colour: Array) -> Array:
    """Oil paint: strokes wobble along a smooth random field, the brush flattens what it covers, the canvas shows."""
    height, width = colour.shape[:2]
    wobble = _noise(height, width, cell_px=28)
    x = np.arange(width, dtype=np.float32)[None] + 9 * wobble[0]
    y = np.arange(height, dtype=np.float32)[:, None] + 9 * wobble[1]
    moved = cv2.remap(colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    strokes = _noise(height, width, cell_px=7)[0]
    strokes = cv2.warpAffine(
        strokes, _stretch_along(width, height, degrees=35), (width, height), flags=cv2.INTER_LINEAR
    )
    moved = moved + 0.07 * strokes[..., None] + 0.05 * wobble[0][..., None] * np.array([1, 0.2, -1], np.float32)
    half = cv2.resize(np.clip(moved, 0, 1), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return _saturate(cv2.resize(_kuwahara(half, 5), (width, height), interpolation=cv2.INTER_CUBIC), 1.15)


def _anime(colour: Array, alpha: Array) -> Array:
    """Cel colours: one shadow with a hard edge, bright fills, and dark lines around shapes."""
    calm = cv2.medianBlur((_shrink(colour) * 255).astype(np.uint8), 7).astype(np.float32) / 255
    smooth = cv2.resize(calm, colour.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    lit = np.clip((_enlarge(_relief(alpha, softness=0.05) @ LIGHT, alpha) - 0.42) / 0.02, 0, 1)
    cel = _saturate(smooth, 1.25) * (0.72 + 0.3 * lit)[..., None] * np.array([1, 0.985, 1.03], np.float32)
    steepness = sum(np.abs(cv2.Sobel(calm, cv2.CV_32F, dx, dy)).max(axis=2) for dx, dy in ((1, 0), (0, 1)))
    edges = cv2.resize(cv2.GaussianBlur(steepness, (0, 0), 1), colour.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    inner = np.clip((edges - 0.4) / 0.4, 0, 1) * 0.7
    distance = cv2.distanceTransform((alpha > SOLID).astype(np.uint8), cv2.DIST_L2, 5)
    outer = np.clip((11 - distance) / 2, 0, 1)
    line = np.maximum(inner, outer)[..., None]
    inked: Array = cel * (1 - line) + INK * line
    return inked


def _cyberpunk(colour: Array, alpha: Array) -> Array:
    """Neon: dark indigo to magenta to cyan by brightness, a cyan rim left and a magenta one right."""
    stops = np.array([[0.05, 0.02, 0.16], [0.40, 0.03, 0.52], [0.98, 0.15, 0.62], [0.25, 0.95, 1.0]], np.float32)
    neon = _grade(_stretch(_luma(colour), alpha), stops)
    neon = 0.78 * neon + 0.22 * colour
    normals = _relief(alpha, softness=0.02)
    rim = np.clip(1 - normals[..., 2], 0, 1) ** 2.2
    left, right = np.clip(-normals[..., 0], 0, 1), np.clip(normals[..., 0], 0, 1)
    glow = left[..., None] * np.array([0.0, 0.95, 1.0], np.float32) + right[..., None] * np.array(
        [1.0, 0.1, 0.75], np.float32
    )
    shine = _enlarge(1.5 * rim[..., None] * glow, alpha)
    scan = (1 - 0.06 * (np.arange(alpha.shape[0]) % 8 < 3)).astype(np.float32)
    return np.asarray(np.clip(neon * scan[:, None, None] + shine, 0, 1))


def _fantasy(colour: Array, alpha: Array) -> Array:
    """Golden light from above over violet shadow, with a soft bloom."""
    luma = _stretch(_luma(colour), alpha)
    stops = np.array([[0.16, 0.05, 0.28], [0.47, 0.19, 0.47], [0.93, 0.60, 0.30], [1.0, 0.93, 0.66]], np.float32)
    graded = 0.5 * _grade(luma, stops) + 0.5 * _saturate(colour, 1.1)
    diffuse = np.clip(_relief(alpha, softness=0.05) @ np.array([-0.2, -0.8, 0.566], np.float32), 0, 1)
    gold = 0.62 * np.array([1.0, 0.9, 0.62], np.float32)
    light = _enlarge(0.55 * np.array([0.85, 0.68, 1.0], np.float32) + gold * diffuse[..., None], alpha)
    lit: Array = np.clip(graded * light, 0, 1)
    bloom = cv2.GaussianBlur(_shrink(lit * alpha[..., None]), (0, 0), 9)
    bloom = cv2.resize(bloom, colour.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return 1 - (1 - lit) * (1 - 0.3 * bloom)


def _minimalist(colour: Array, alpha: Array) -> Array:
    """At most four flat colours, softened a little towards pastel, with smooth borders between them."""
    small = cv2.resize(colour, (128, 128), interpolation=cv2.INTER_AREA)
    solid = small[cv2.resize(alpha, (128, 128), interpolation=cv2.INTER_AREA) > SOLID]
    strip = Image.fromarray((solid[None] * 255).astype(np.uint8))
    palette = np.asarray(strip.quantize(MINIMALIST_COLOURS, Image.Quantize.MEDIANCUT, kmeans=4).getpalette())
    palette = (palette.reshape(-1, 3)[:MINIMALIST_COLOURS] / 255).astype(np.float32)
    half = cv2.GaussianBlur(_shrink(colour), (0, 0), 2.5)
    nearest = ((_by_hue(half)[:, :, None] - _by_hue(palette[None])[0]) ** 2).sum(axis=3).argmin(axis=2)
    shares = cv2.GaussianBlur(np.eye(len(palette), dtype=np.float32)[nearest], (0, 0), 3)
    shares = cv2.resize(shares, alpha.shape[::-1], interpolation=cv2.INTER_CUBIC)
    weights = np.clip(shares, 0, 1).reshape(*alpha.shape, len(palette))
    for _ in range(4):  # to the sixteenth power: a border one or two pixels soft
        weights = weights * weights
    flat = (weights / (weights.sum(axis=2, keepdims=True) + 1e-12)) @ palette
    return np.asarray(0.9 * flat + 0.1, np.float32)


def _by_hue(colour: Array) -> Array:
    """CIELAB with brightness and chroma held back, so that a highlight is nearest to the surface it lies on."""
    lab = cv2.cvtColor(colour, cv2.COLOR_RGB2Lab)
    chroma = np.hypot(lab[..., 1], lab[..., 2])[..., None]
    return np.dstack([0.5 * lab[..., :1], 40 * lab[..., 1:] / (chroma + 20)])


def _relief(alpha: Array, softness: float) -> Array:
    """Unit normals ``[h, w, 3]`` (y down), 256 pixels on the longer side, of a smooth pillow over the silhouette.

    The height is the square root of the distance to the outline; ``softness`` is the blur in parts of that side.
    """
    scale = RELIEF_PX / max(alpha.shape)
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    distance = cv2.distanceTransform((small > SOLID).astype(np.uint8), cv2.DIST_L2, 5)
    pillow = cv2.GaussianBlur(np.sqrt(distance * RELIEF_PX / 6), (0, 0), softness * RELIEF_PX)
    slope_x, slope_y = (cv2.Sobel(pillow, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    normals = np.dstack([-slope_x, -slope_y, np.ones_like(pillow)])
    unit: Array = normals / np.linalg.norm(normals, axis=2, keepdims=True)
    return unit


def _enlarge(small: Array, alpha: Array) -> Array:
    """A field of the relief's size at the picture's own size."""
    return cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _kuwahara(colour: Array, radius: int) -> Array:
    """Each pixel takes the mean of the calmest of the four squares that touch it (Kuwahara, 1976)."""
    size = (radius + 1, radius + 1)
    grey = _luma(colour)
    best: Array = np.zeros_like(colour)
    calmest = np.full(grey.shape, np.inf, np.float32)
    for anchor in ((0, 0), (0, radius), (radius, 0), (radius, radius)):
        mean = cv2.blur(colour, size, anchor=anchor)
        grey_mean = cv2.blur(grey, size, anchor=anchor)
        unrest = cv2.blur(grey * grey, size, anchor=anchor) - grey_mean * grey_mean
        is_calmer = unrest < calmest
        best[is_calmer] = mean[is_calmer]
        calmest = np.minimum(calmest, unrest)
    return best


def _noise(height: int, width: int, cell_px: int) -> Array:
    """Two smooth fields ``[2, H, W]`` in about -1 to 1, the same every time."""
    random = np.random.default_rng(NOISE_SEED)
    cells = random.uniform(-1, 1, (2, height // cell_px + 2, width // cell_px + 2)).astype(np.float32)
    return np.stack([cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in cells])


def _stretch_along(width: int, height: int, degrees: float) -> NDArray[np.float64]:
    """The affine map that draws a picture out fourfold along a slanting line through its centre."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([4.0, 1.0]) @ turn.T
    centre = np.array([width / 2, height / 2])
    return np.column_stack([matrix, centre - matrix @ centre])


def _grade(luma: Array, stops: Array) -> Array:
    """Colours ``[H, W, 3]`` for brightness 0–1 along evenly spaced ``stops``."""
    levels = np.linspace(0, 1, 256)
    place = np.linspace(0, 1, len(stops))
    table = np.column_stack([np.interp(levels, place, stops[:, channel]) for channel in range(3)]).astype(np.float32)
    return np.asarray(table[cv2.convertScaleAbs(luma, alpha=255)])


def _stretch(luma: Array, alpha: Array) -> Array:
    """Brightness with the subject's own range spread over most of 0–1; a single tone stays in the middle."""
    low, high = np.percentile(luma[::4, ::4][alpha[::4, ::4] > SOLID], (2, 98))
    spread = max(float(high - low), 0.25)
    middle = float(high + low) / 2
    stretched: Array = np.clip((luma - middle) / spread + 0.5, 0, 1)
    return stretched


def _saturate(colour: Array, amount: float) -> Array:
    grey = _luma(colour)[..., None]
    return np.clip(grey + (colour - grey) * amount, 0, 1)


def _luma(colour: Array) -> Array:
    return cv2.transform(colour, LUMA[None])


def _spread_light(colour: Array, amount: float) -> Array:
    """Blend with a blurred copy, which takes the drawn hardness from the inner edges."""
    soft = cv2.resize(cv2.GaussianBlur(_shrink(colour), (0, 0), 4), colour.shape[1::-1])
    return colour * (1 - amount) + soft * amount


def _shrink(colour: Array) -> Array:
    return np.asarray(cv2.resize(colour, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _to_linear(colour: Array) -> Array:
    """From sRGB to linear light by a power of 2.2; close enough for shading."""
    return cv2.pow(colour, 2.2)


def _to_srgb(light: Array) -> Array:
    return cv2.pow(np.clip(light, 0, 1), 1 / 2.2)
