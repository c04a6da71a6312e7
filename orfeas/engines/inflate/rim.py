"""Which points of the outline become vertices of the model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.engines.inflate.silhouette import LEAST_POINTS, Silhouette, resample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAX_ROUNDS, REFINEMENTS = 16, 3
# Greatest distance of the outline from its chords: as a share of the spacing, and of the longest part; in samples.
TOLERANCE, TOLERANCE_SHARE, TOLERANCE_SAMPLES = 0.04, 0.01, 0.25


@dataclass(frozen=True)
class Rim:
    """Polygons of ``n`` points in all, no two of which cross.

    Attributes:
        points: ``[n, 2]``.
        following: ``[n]``, the next point along the same polygon, with the subject to the left.
        inward: ``[n, 2]``, unit normals that point into the subject.
        outline: ``[m, 2]``, the fine curves that the polygons follow.
    """

    points: Floats
    following: Integers
    inward: Floats
    outline: Floats

    @property
    def lengths(self) -> Floats:
        """``[n]``, of the side from each point to the following one."""
        lengths: Floats = np.linalg.norm(self.points[self.following] - self.points, axis=1)
        return lengths


def place_rim(silhouette: Silhouette, spacing_px: float) -> Rim:
    """Choose points about ``spacing_px`` apart, closer where the outline bends or runs close to itself.

    Every side's diametral circle is kept free of other points (Gabriel), so that a Delaunay triangulation of the
    points, and of any others that keep out of those circles, contains every side.
    """
    longest = max(float(np.ptp(loop, axis=0).max()) for loop in silhouette.loops)
    tolerance = max(min(TOLERANCE * spacing_px, TOLERANCE_SHARE * longest), TOLERANCE_SAMPLES * silhouette.sample_px)
    fine_px = min(0.5 * silhouette.sample_px, spacing_px / 2)
    for _ in range(REFINEMENTS):
        loops = [resample(loop, fine_px) for loop in silhouette.loops]
        outline = np.concatenate(loops)
        starts = np.cumsum([0, *(len(loop) for loop in loops[:-1])])
        chosen = _choose(outline, starts, spacing_px, fine_px, tolerance)
        index = np.flatnonzero(chosen)
        following = _following(index, starts)
        if not _crowded(outline[index], following).any():
            break
        # Two curves are closer than the points along them.
        fine_px /= 2
    tangent = np.concatenate([np.roll(loop, -1, axis=0) - np.roll(loop, 1, axis=0) for loop in loops])[index]
    inward = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    inward /= np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-12)
    return Rim(outline[index], following, inward, outline)


def _following(index: Integers, starts: Integers) -> Integers:
    """For each chosen point its successor, as positions in ``index``; every loop's first point is chosen."""
    following = np.arange(1, len(index) + 1)
    firsts = np.searchsorted(index, starts)
    following[np.append(firsts[1:], len(index)) - 1] = firsts
    return following


def _choose(outline: Floats, starts: Integers, spacing_px: float, fine_px: float, tolerance: float) -> Mask:
    """Which points of the outline, ``fine_px`` apart, become the rim's."""
    chosen = np.zeros(len(outline), dtype=np.bool_)
    for start, end in zip(starts, [*starts[1:], len(outline)], strict=True):
        number = min(end - start, max(LEAST_POINTS, round((end - start) * fine_px / spacing_px)))
        chosen[start + np.arange(number) * (end - start) // number] = True
    for _ in range(MAX_ROUNDS):
        added = _splits(outline, chosen, starts, tolerance)
        if not len(added):
            break
        chosen[added] = True
    return chosen


def _splits(outline: Floats, chosen: Mask, starts: Integers, tolerance: float) -> Integers:
    """Points of the outline to choose as well, at most one for each side."""
    index = np.flatnonzero(chosen)
    side = np.cumsum(chosen) - 1
    a = outline[index]
    following = _following(index, starts)
    chord = a[following] - a
    length = np.maximum(np.linalg.norm(chord, axis=1), 1e-12)
    offset = outline - a[side]
    deviation = np.abs(offset[:, 0] * chord[side, 1] - offset[:, 1] * chord[side, 0]) / length[side]
    worst = np.maximum.reduceat(deviation, index)
    ends = np.append(index[1:], len(outline))
    middle = (index + ends) // 2
    # The first point of each side that deviates most.
    is_worst = np.flatnonzero((deviation >= worst[side]) & ~chosen)
    farthest = middle.copy()
    farthest[side[is_worst[::-1]]] = is_worst[::-1]
    bends, is_divisible = worst > tolerance, ends - index >= 2
    splits: Integers = np.where(bends, farthest, middle)[(bends | _crowded(a, following)) & is_divisible]
    return splits


def _crowded(points: Floats, following: Integers) -> Mask:
    """Which sides have another point in their diametral circle."""
    ends = points[following]
    radius = np.linalg.norm(ends - points, axis=1) / 2
    distance, nearest = cKDTree(points).query((points + ends) / 2, k=3)
    is_other = (nearest != np.arange(len(points))[:, None]) & (nearest != following[:, None])
    crowded: Mask = (is_other & (distance < radius[:, None] * (1 - 1e-9))).any(axis=1)
    return crowded
