"""The outline of a mask as smooth closed curves, finer than its pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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
PAD_SAMPLES = 4
# Ripples of the outline are taken out over this share of the subject's longest side, where it is thick: there the
# solid rises steeply from the rim, and a ripple would become a wrinkle.
RIPPLE_SHARE, THICK_RIPPLES = 0.006, 3.0


@dataclass(frozen=True)
class Silhouette:
    """Closed curves around the subject, in pixels of the picture, x to the right and y up from its lower edge.

    Attributes:
        loops: each ``[n, 2]``, without repeating its first point; the subject lies to the left, so that outer curves
            run counter-clockwise and holes clockwise.
        sample_px: distance between samples of the mask, about the distance between the points of a loop.
    """

    loops: tuple[Floats, ...]
    sample_px: float

    @property
    def area_px(self) -> float:
        """Of the subject, its holes left out."""
        return sum(signed_area(loop) for loop in self.loops)


def trace(alpha: NDArray[np.uint8], resolution: int) -> Silhouette:
    """Trace where alpha crosses one half (conventions §7), on ``resolution`` cells along the subject's longest side.

    Marching squares on the mask resampled to four samples a cell. The curves do not cross; there are none where the
    mask is empty or holds only specks.

    Args:
        alpha: ``[H, W]`` uint8, the subject's mask.
        resolution: cells.
    """
    rows, columns = (np.flatnonzero((alpha >= HALF_ALPHA).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Silhouette((), 1.0)
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    sample_px = longest / (resolution * SAMPLES_PER_CELL)
    pad = int(np.ceil(PAD_SAMPLES * max(sample_px, 1)))
    padded = np.pad(alpha, pad)
    box = padded[rows[0] : rows[-1] + 2 * pad + 1, columns[0] : columns[-1] + 2 * pad + 1]
    pitch = np.array([box.shape[1], box.shape[0]]) / np.maximum(1, np.round(np.array(box.shape[::-1]) / sample_px))
    field = _resample(box, pitch)
    curves = _without_specks(_contours(field))
    thickness = depth_within(field > LEVEL)
    ripple = RIPPLE_SHARE * resolution * SAMPLES_PER_CELL
    loops = []
    for curve in curves:
        x, y = ((_smooth(curve, thickness, ripple) + 0.5) * pitch).T
        # Rows run along −y (conventions §1).
        loops.append(np.column_stack([x + columns[0] - pad, alpha.shape[0] - (y + rows[0] - pad)]))
    return Silhouette(tuple(loops), sample_px)


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


def _without_specks(curves: list[Floats]) -> list[Floats]:
    """Whatever lies within a dropped curve is smaller still, and so is dropped too."""
    areas = [abs(signed_area(curve)) for curve in curves]
    least = max(SPECK_CELLS * SAMPLES_PER_CELL**2, SPECK_SHARE * max(areas, default=0.0))
    return [curve for curve, area in zip(curves, areas, strict=True) if area >= least]


def resample(loop: Floats, spacing: float, least_points: int) -> Floats:
    """A closed curve ``[n, 2]`` at even distances of about ``spacing``."""
    closed = np.concatenate([loop, loop[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    number = max(least_points, int(np.ceil(along[-1] / spacing)))
    at = np.arange(number) * (along[-1] / number)
    return np.column_stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)])


def _smooth(curve: Floats, thickness: Field, ripple: float) -> Floats:
    """Take out ripples shorter than about six times ``ripple``, in samples, where the subject is thick.

    Twice a Gaussian, less the Gaussian of that: bends longer than a ripple keep their place (Taubin 1995 has the idea).
    """
    even = resample(curve, 1.0, least_points=8)
    once = gaussian_filter1d(even, ripple, axis=0, mode="wrap")
    smooth = 2 * once - gaussian_filter1d(once, ripple, axis=0, mode="wrap")
    tangent = np.roll(once, -1, axis=0) - np.roll(once, 1, axis=0)
    length = np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    reach = THICK_RIPPLES * ripple
    # In (column, row) the subject lies to the right of the curve.
    inward = even + reach * np.column_stack([tangent[:, 1], -tangent[:, 0]]) / length
    column, row = np.clip(np.round(inward).astype(int), 0, np.array(thickness.shape)[::-1] - 1).T
    share = np.clip(2 * thickness[row, column] / reach - 1, 0, 1)
    share = gaussian_filter1d(share, ripple, mode="wrap")[:, None]
    smoothed: Floats = even + share * (smooth - even)
    return smoothed
