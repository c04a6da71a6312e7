"""The outline of a mask as smooth closed curves, finer than its pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from skimage.measure import find_contours

from orfeas.images.filters import Floats as Field
from orfeas.images.filters import depth_within, gaussian_blur, resize, unit

Floats = NDArray[np.float64]

HALF_ALPHA, LEVEL = 128, 0.5
# The mask is sampled this often along a cell, so that limbs thinner than a cell keep their width.
SAMPLES_PER_CELL = 4
# Blur that takes the pixels' stairs off the outline: in samples, and in source pixels where those are larger.
BLUR_SAMPLES, BLUR_PIXELS = 0.8, 0.6
# Parts and holes smaller than this are dropped: in cells, and as a share of the largest part.
SPECK_CELLS, SPECK_SHARE = 2.0, 0.0005
PAD_SAMPLES, LEAST_POINTS = 4, 8
# Pairs of neighbouring samples that the outline may pass between: ten times as many as an intricate drawing's.
MAX_CROSSINGS = 100_000
# How far above or below the level a sample in a thin neck or gap is.
THIN = 0.3
# Ripples of the outline are taken out over this share of the subject's longest side, where it is thick: there the
# solid rises steeply from the rim, and a ripple would become a wrinkle.
RIPPLE_SHARE, THICK_RIPPLES = 0.006, 3.0


@dataclass(frozen=True)
class Silhouette:
    """Closed curves around the subject, in pixels of the picture, x to the right and y up from its lower edge.

    Attributes:
        loops: each ``[n, 2]``, without repeating its first point; the subject lies to the left, so that outer curves
            run counter-clockwise and holes clockwise.
        sample_px: distance between samples of the mask; the points of a loop are about half as far apart.
        resolution: cells along the subject's longest side that it was traced on.
    """

    loops: tuple[Floats, ...]
    sample_px: float
    resolution: int

    @property
    def area_px(self) -> float:
        """Of the subject, its holes left out."""
        return sum(signed_area(loop) for loop in self.loops)


def trace(alpha: NDArray[np.uint8], resolution: int) -> Silhouette:
    """Trace where alpha crosses one half (conventions §7), on ``resolution`` cells along the subject's longest side.

    Marching squares on the mask resampled to four samples a cell. The curves do not cross; there are none where the
    mask is empty or holds only specks. A mask whose outline is too long to handle in about a second, such as one of
    noise, is traced on half the cells, or a quarter, and so on.

    Args:
        alpha: ``[H, W]`` uint8, the subject's mask.
        resolution: cells.
    """
    rows, columns = (np.flatnonzero((alpha >= HALF_ALPHA).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Silhouette((), 1.0, resolution)
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    sample_px = longest / (resolution * SAMPLES_PER_CELL)
    ripple = RIPPLE_SHARE * resolution * SAMPLES_PER_CELL
    pad = int(np.ceil(max(PAD_SAMPLES, THICK_RIPPLES * ripple) * sample_px)) + PAD_SAMPLES
    padded = np.pad(alpha, pad)
    box = padded[rows[0] : rows[-1] + 2 * pad + 1, columns[0] : columns[-1] + 2 * pad + 1]
    pitch = np.array([box.shape[1], box.shape[0]]) / np.maximum(1, np.round(np.array(box.shape[::-1]) / sample_px))
    field = _spread(_without_specks(_resample(box, pitch)))
    high = field > LEVEL
    crossings = np.count_nonzero(high[1:] != high[:-1]) + np.count_nonzero(high[:, 1:] != high[:, :-1])
    if crossings > MAX_CROSSINGS and resolution > 1:
        return trace(alpha, resolution // 2)
    # The first pixel on either side is half a pixel from the outline.
    room = depth_within(high) + depth_within(~high) - 0.5
    loops = []
    for curve in _contours(field):
        x, y = ((_smooth(curve, room, ripple) + 0.5) * pitch).T
        # Rows run along −y (conventions §1).
        loops.append(np.column_stack([x + columns[0] - pad, alpha.shape[0] - (y + rows[0] - pad)]))
    return Silhouette(tuple(loops), sample_px, resolution)


def signed_area(loop: Floats) -> float:
    """Area within a closed curve ``[n, 2]``, positive where it runs counter-clockwise."""
    x, y = (loop - loop[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _resample(box: NDArray[np.uint8], pitch: Floats) -> Field:
    """The mask in [0, 1], smoothed, at samples ``pitch`` (along x and y) pixels apart."""
    width, height = np.round(np.array(box.shape[::-1]) / pitch).astype(int).tolist()
    field = resize(unit(box), width, height)
    field = gaussian_blur(field, max(BLUR_SAMPLES, BLUR_PIXELS / float(pitch.max())))
    # A sample on the level itself could make two curves touch.
    field[field == LEVEL] += 1e-6
    return field


def _contours(field: Field) -> list[Floats]:
    """Closed curves ``[n, 2]`` as (column, row), without repeating their first points."""
    curves = find_contours(field, LEVEL, positive_orientation="high")  # type: ignore[no-untyped-call]  # scikit-image is
    return [np.ascontiguousarray(curve[:-1, ::-1]) for curve in curves]


def _without_specks(field: Field) -> Field:
    """``field`` with parts that are too small pushed under the level, and holes that are too small over it."""
    cleaned = field.copy()
    largest = 0.0
    # Connected as the curves will be: what is above the level by its sides, what is below by its corners too.
    for is_hole, connectivity in ((False, 4), (True, 8)):
        side = (cleaned > LEVEL) != is_hole
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side.astype(np.uint8), connectivity=connectivity)
        areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
        areas[0] = np.inf
        largest = max(largest, float(areas[1:].max(initial=0.0)) if not is_hole else 0.0)
        least = max(SPECK_CELLS * SAMPLES_PER_CELL**2, SPECK_SHARE * largest)
        cleaned[(areas < least)[labels]] = float(is_hole)
    return cleaned


def _spread(field: Field) -> Field:
    """``field`` with necks and gaps thinner than two samples made at least about half a sample wide.

    Marching squares would draw curves next to each other there, with no room for points between them.
    """
    spread = field.copy()
    high = field > LEVEL
    block = np.ones((2, 2), np.uint8)
    for side, bound in ((high, np.maximum), (~high, np.minimum)):
        # Opened by hand: of a block of even side OpenCV's own opening is off by a sample.
        eroded = cv2.erode(side.astype(np.uint8), block, anchor=(0, 0))
        is_thin = side & (np.asarray(cv2.dilate(eroded, block, anchor=(1, 1))) == 0)
        spread[is_thin] = bound(spread[is_thin], LEVEL + THIN if side is high else LEVEL - THIN)
    # Two parts that meet at a corner stay apart.
    a, b, c, d = high[:-1, :-1], high[:-1, 1:], high[1:, :-1], high[1:, 1:]
    is_low = np.zeros_like(high)
    falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
    is_low[:-1, 1:] |= falling
    is_low[1:, :-1] |= falling
    is_low[:-1, :-1] |= rising
    is_low[1:, 1:] |= rising
    spread[is_low] = np.minimum(spread[is_low], LEVEL - THIN)
    return spread


def resample(loop: Floats, spacing: float) -> Floats:
    """A closed curve ``[n, 2]`` as a smooth one through the same points, at even distances of about ``spacing``.

    It has at least eight points.
    """
    closed = np.concatenate([loop, loop[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    number = max(LEAST_POINTS, int(np.ceil(along[-1] / spacing)))
    at = np.arange(number) * (along[-1] / number)
    return np.asarray(CubicSpline(along, closed, bc_type="periodic")(at), dtype=np.float64)


def _evenly(curve: Floats) -> Floats:
    """A closed polygon ``[n, 2]`` at even distances of about half a sample."""
    closed = np.concatenate([curve, curve[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, along[-1], max(LEAST_POINTS, int(np.ceil(2 * along[-1]))), endpoint=False)
    return np.column_stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)])


def _smooth(curve: Floats, room: Field, ripple: float) -> Floats:
    """Take out ripples shorter than about six times ``ripple`` where the subject and the gaps in it are wider.

    Lengths are in samples; ``room`` is how far it is from each to the outline, on either side of it. Twice a Gaussian,
    less the Gaussian of that: bends longer than a ripple keep their place (Taubin 1995 has the idea).
    """
    even = _evenly(curve)
    once = gaussian_filter1d(even, 2 * ripple, axis=0, mode="wrap")
    smooth = 2 * once - gaussian_filter1d(once, 2 * ripple, axis=0, mode="wrap")
    tangent = np.roll(once, -1, axis=0) - np.roll(once, 1, axis=0)
    length = np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    reach = THICK_RIPPLES * ripple
    across = reach * np.column_stack([tangent[:, 1], -tangent[:, 0]]) / length
    share = np.ones(len(even))
    for place in (even + across, even - across):
        column, row = np.clip(np.round(place).astype(int), 0, np.array(room.shape)[::-1] - 1).T
        share = np.minimum(share, np.clip(2 * room[row, column] / reach - 1, 0, 1))
    share = gaussian_filter1d(share, 2 * ripple, mode="wrap")[:, None]
    smoothed: Floats = even + share * (smooth - even)
    return smoothed
