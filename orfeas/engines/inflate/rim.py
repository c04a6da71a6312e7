"""Which points of the outline become vertices of the model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.engines.inflate.silhouette import Silhouette, resample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAX_ROUNDS = 16
LEAST_POINTS = 8
# Greatest distance of the outline from its chords, as a share of the spacing and in samples.
TOLERANCE, TOLERANCE_SAMPLES = 0.04, 0.25


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
    fine_px = min(0.8 * silhouette.sample_px, spacing_px / 2)
    loops = [resample(loop, fine_px, LEAST_POINTS) for loop in silhouette.loops]
    outline = np.concatenate(loops)
    counts = np.array([len(loop) for loop in loops])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    chosen = np.zeros(len(outline), dtype=np.bool_)
    for start, loop in zip(starts, loops, strict=True):
        number = min(len(loop), max(LEAST_POINTS, round(len(loop) * fine_px / spacing_px)))
        chosen[start + np.arange(number) * len(loop) // number] = True
    tolerance = max(TOLERANCE * spacing_px, TOLERANCE_SAMPLES * silhouette.sample_px)
    for _ in range(MAX_ROUNDS):
        added = _splits(outline, chosen, starts, tolerance)
        if not len(added):
            break
        chosen[added] = True
    index = np.flatnonzero(chosen)
    following = _following(index, starts)
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


def _splits(outline: Floats, chosen: Mask, starts: Integers, tolerance: float) -> Integers:
    """Points of the outline to choose as well, at most one for each side."""
    index = np.flatnonzero(chosen)
    side = np.cumsum(chosen) - 1
    a = outline[index]
    b = a[_following(index, starts)]
    chord = b - a
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
    bends = worst > tolerance
    distance, nearest = cKDTree(a).query((a + b) / 2, k=3)
    is_other = (nearest != np.arange(len(a))[:, None]) & (nearest != _following(index, starts)[:, None])
    crowded = (is_other & (distance < length[:, None] / 2)).any(axis=1)
    divisible = ends - index >= 2
    splits: Integers = np.where(bends, farthest, middle)[(bends | crowded) & divisible]
    return splits
