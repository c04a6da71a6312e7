"""The texture: the picture on the front, and on the back the colours of its silhouette."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orfeas.engines.inflate.silhouette import HALF_ALPHA
from orfeas.images.diffusion import diffuse
from orfeas.images.filters import (
    Floats,
    Level,
    Mask,
    Pixels,
    depth_within,
    gaussian_blur,
    resize,
    sample,
    unit,
)
from orfeas.progress import Progress

Points = NDArray[np.float64]

# Shares of the subject's longest side: around the subject in its chart; how far in the front fades from the
# silhouette's colours to the picture; the band along the rim in which the silhouette's colours are gathered.
MARGIN, FADE, BAND = 0.015, 0.006, 0.012
# The rim takes its colours from this far inside, and this far inside every place takes its own again.
PULL, PULL_REACH, PULL_SIDE_PX = 0.02, 0.08, 256
# The outermost pixels may hold some of the background, and so may those less opaque than the subject usually is.
RIM_PX, THIN_ALPHA, FULL_ALPHA = 1.5, 0.6, 0.95
DIFFUSION_SIDE_PX, ALONG_PX = 192, 1.5
# The back shows less, so its chart is smaller.
BACK_SCALE = 0.5
# Standard deviation of the grain in 8-bit levels; the least keeps the smooth back from showing bands.
LEAST_GRAIN, MOST_GRAIN = 0.7, 8.0
# The radii that part the picture's noise into a fine and a coarse band, in texels of the front.
FINE_PX, COARSE_PX, NOISE_SIDE_PX = 1.2, 3.5, 768
MEDIAN_TO_DEVIATION = 1.4826
STEPS = 4


@dataclass(frozen=True)
class Rectangle:
    """In pixels or texels from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """Where the charts of front and back lie in a texture; both show the part ``box`` of the picture."""

    width: int
    height: int
    front: Rectangle
    back: Rectangle
    box: Rectangle


def plan_layout(points: Points, picture_height: int, texture_size: int) -> Layout:
    """Place both charts, beside or below one another, whichever gives the front more texels.

    Args:
        points: ``[n, 2]`` or more columns, the model's vertices in the silhouette's frame.
        picture_height: in pixels.
        texture_size: longest side of the texture in texels.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    margin = max(2.0, MARGIN * float((high - low).max()))
    left, right = int(np.floor(low[0] - margin)), int(np.ceil(high[0] + margin))
    # Rows run along −y (conventions §1).
    top, bottom = int(np.floor(picture_height - high[1] - margin)), int(np.ceil(picture_height - low[1] + margin))
    box = Rectangle(left, top, right - left, bottom - top)
    both = 1 + BACK_SCALE
    beside = texture_size / max(both * box.width, box.height)
    below = texture_size / max(box.width, both * box.height)
    scale = max(beside, below)
    front = Rectangle(0, 0, max(1, int(scale * box.width)), max(1, int(scale * box.height)))
    back_size = (max(1, int(BACK_SCALE * scale * box.width)), max(1, int(BACK_SCALE * scale * box.height)))
    if beside >= below:
        back = Rectangle(front.width, 0, *back_size)
        width, height = front.width + back.width, front.height
    else:
        back = Rectangle(0, front.height, *back_size)
        width, height = front.width, front.height + back.height
    # Rounding down may have left a texel or two: the longest side is what was asked for.
    if width >= height:
        width = texture_size
    else:
        height = texture_size
    return Layout(width, height, front, back, box)


def texture_coordinates(points: Points, is_back: Mask, layout: Layout, picture_height: int) -> Points:
    """UV ``[n, 2]`` (conventions §5) of vertices ``[n, 2]`` or more columns, in the silhouette's frame."""
    across = (points[:, 0] - layout.box.left) / layout.box.width
    down = (picture_height - points[:, 1] - layout.box.top) / layout.box.height
    front, back = layout.front, layout.back
    column = np.where(is_back, back.left + across * back.width, front.left + across * front.width)
    row = np.where(is_back, back.top + down * back.height, front.top + down * front.height)
    return np.column_stack([column / layout.width, 1 - row / layout.height])


def paint(cut_out: Image.Image, layout: Layout, seed: int, progress: Progress) -> Image.Image:
    """Make the texture, RGB.

    The outermost part of the picture is left out, for there it shows reflections, outlines and what is left of the
    background, and the solid's sides would be covered with it: the part next to it is stretched instead. At the rim the
    front fades into colours gathered along the silhouette, and the back is those colours diffused inward (Laplace's
    equation) with a grain as strong as the picture's noise: so front and back meet in one colour, and the back is no
    ghost of the front.

    Args:
        cut_out: RGBA, sRGB, straight alpha.
        layout: where what goes.
        seed: of the grain.
        progress: in an open stage.
    """
    box = _crop(np.asarray(cut_out), layout.box)
    inside = box[..., 3] >= HALF_ALPHA
    depth = depth_within(inside)
    opacity = box[..., 3] / np.float32(np.median(box[..., 3][inside]))
    longest = float(max(layout.box.width, layout.box.height))
    box[..., 3] = 255 * np.clip((opacity - THIN_ALPHA) / (FULL_ALPHA - THIN_ALPHA), 0, 1) * (depth > RIM_PX)
    box = _pulled(box, depth - depth_within(~inside), longest)
    trust = unit(box[..., 3])
    around = _silhouette_colours(box, depth, trust, longest)
    progress.step(1, STEPS)
    share = np.clip((depth - RIM_PX) / max(2.0, FADE * longest), 0, 1)
    front = _front(box, trust * share * share * (3 - 2 * share), around, layout.front)
    progress.step(2, STEPS)
    back = _fitted(around, layout.back)
    fade = np.clip((_fitted(depth, layout.back) - RIM_PX) / (2 * FADE * longest), 0, 1)
    noise = _noise(front, _fitted(depth, layout.front), RIM_PX + FADE * longest)
    progress.step(3, STEPS)
    back += (fade * _grain(noise, layout.back, seed))[..., None]
    texture = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    texture[:] = np.clip(around.reshape(-1, 3).mean(axis=0) + 0.5, 0, 255)
    _place(texture, front, layout.front)
    _place(texture, np.clip(back + 0.5, 0, 255).astype(np.uint8), layout.back)
    progress.step(STEPS, STEPS)
    return Image.fromarray(texture)


@dataclass(frozen=True)
class Noise:
    """How strong a picture's noise is in a fine and in a coarse band, as standard deviations in 8-bit levels."""

    fine: float
    coarse: float


def _crop(pixels: Pixels, box: Rectangle) -> Pixels:
    """The box's pixels; clear where it reaches beyond the picture."""
    crop = np.zeros((box.height, box.width, 4), dtype=np.uint8)
    top, left = max(box.top, 0), max(box.left, 0)
    part = pixels[top : box.top + box.height, left : box.left + box.width]
    crop[top - box.top :, left - box.left :][: part.shape[0], : part.shape[1]] = part
    return crop


def _fitted(image: NDArray[Level], chart: Rectangle) -> NDArray[Level]:
    return resize(image, chart.width, chart.height, enlarge_by="cubic")


def _place(texture: Pixels, image: Pixels, chart: Rectangle) -> None:
    texture[chart.top : chart.top + chart.height, chart.left : chart.left + chart.width] = image


def _pulled(box: Pixels, depth: Floats, longest: float) -> Pixels:
    """The picture with what lies a little within the rim moved out to it; ``depth`` is negative outside.

    A wide blur of the depth has no slope in the middle of a limb, so that nothing is pulled across it.
    """
    height, width = depth.shape
    scale = min(1.0, PULL_SIDE_PX / longest)
    small = resize(depth, max(2, round(scale * width)), max(2, round(scale * height)))
    down, across = np.gradient(gaussian_blur(small, PULL * longest * scale) * np.float32(scale))
    amount = PULL * longest * np.clip(1 - np.maximum(small, 0) / (PULL_REACH * longest), 0, 1) ** 2
    dx, dy = (resize((slope * amount).astype(np.float32), width, height) for slope in (across, down))
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    return sample(box, columns + dx, rows + dy)


def _silhouette_colours(box: Pixels, depth: Floats, trust: Floats, longest: float) -> Floats:
    """``[h, w, 3]`` at reduced size: smooth everywhere, inside and out, and true along the rim."""
    # Where a part is too thin for a trustworthy pixel, the others have to do.
    weight = np.where((depth > 0) & (depth <= RIM_PX + BAND * longest), np.maximum(trust, 1e-4), 0).astype(np.float32)
    scale = min(1.0, DIFFUSION_SIDE_PX / longest)
    small = Rectangle(0, 0, max(1, round(scale * box.shape[1])), max(1, round(scale * box.shape[0])))
    sums, weights = _fitted(box[..., :3] * weight[..., None], small), _fitted(weight, small)
    # Along the rim, too, the colours vary slowly.
    along = weights > 0
    sums = gaussian_blur(sums, ALONG_PX) * along[..., None]
    weights = gaussian_blur(weights, ALONG_PX) * along
    return diffuse(sums, weights)


def _front(box: Pixels, share: Floats, around: Floats, chart: Rectangle) -> Pixels:
    """The picture in the front's chart, where its ``share`` is less than one mixed with the silhouette's colours."""
    picture, share = _fitted(np.ascontiguousarray(box[..., :3]), chart), _fitted(share, chart)
    colours = _fitted(np.clip(around + 0.5, 0, 255).astype(np.uint8), chart)
    np.copyto(picture, colours, where=(share <= 0)[..., None])
    at = np.flatnonzero((share > 0) & (share < 1))
    flat, rim = picture.reshape(-1, 3), colours.reshape(-1, 3)[at].astype(np.float32)
    flat[at] = np.clip(rim + share.ravel()[at][:, None] * (flat[at] - rim) + 0.5, 0, 255)
    return picture


def _noise(front: Pixels, depth: Floats, least_depth: float) -> Noise:
    """Of the front where it is ``least_depth`` within the outline, about the place farthest from it.

    Medians, so that edges and drawn lines do not count as noise.
    """
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    part = tuple(slice(max(0, int(at) - NOISE_SIDE_PX // 2), int(at) + NOISE_SIDE_PX // 2) for at in (row, column))
    inside = depth[part] >= min(least_depth, float(depth.max()))
    grey = np.asarray(Image.fromarray(front[part]).convert("L"), dtype=np.float32)
    fine, coarse = gaussian_blur(grey, FINE_PX), gaussian_blur(grey, COARSE_PX)
    bands = np.median(np.abs([(grey - fine)[inside], (fine - coarse)[inside]]), axis=1) * MEDIAN_TO_DEVIATION
    return Noise(fine=float(bands[0]), coarse=float(bands[1]))


def _grain(noise: Noise, chart: Rectangle, seed: int) -> Floats:
    """``[h, w]`` random, as strong in both bands as ``noise``."""
    random = np.random.default_rng(seed)
    white = random.standard_normal((chart.height, chart.width), dtype=np.float32)
    soft = gaussian_blur(random.standard_normal(white.shape, dtype=np.float32), 1.0)
    fine = float(np.clip(noise.fine, LEAST_GRAIN, MOST_GRAIN))
    coarse = float(min(noise.coarse, MOST_GRAIN))
    grain: Floats = fine * white + coarse * soft / max(float(soft.std()), 1e-6)
    return grain
