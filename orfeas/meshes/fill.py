"""Holes are closed, by triangles between the vertices on their rims."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.halfedges import ends, label

# Rims of so many vertices are closed in one piece; of longer ones, so many vertices are chosen first.
MAX_RIM = 96
# Of the lengths of a triangle's sides, squared and added, to its area: of areas that are alike, even triangles win.
EVENNESS = 0.01
# A triangle is next to a line where its area is at most this part of its sides squared and added.
MIN_HEIGHT = 1e-6
# Triangles that are weighed at a time.
CHUNK = 1 << 20


@dataclass(frozen=True)
class Filling:
    """What closes the holes of a surface.

    Attributes:
        points: ``[k, 3]`` new points, in the middle of holes; they are numbered after those of the surface.
        faces: ``[f, 3]``.
        sides: ``[f]`` a side of the surface on the rim that each face closes; the first two corners of a face need not
            be its ends.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    sides: NDArray[np.int64]


@dataclass(frozen=True)
class _Rims:
    """Loops of sides.

    Attributes:
        sides: ``[s]`` the sides.
        start: ``[s]`` the vertices they run from.
        end: ``[s]`` the vertices they run to.
        loop: ``[s]`` which loop each is in, from 0 to l - 1.
        size: ``[l]`` how many sides each loop has.
        runs_round: ``[l]`` whether each vertex of a loop begins one side and ends one.
    """

    sides: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    loop: NDArray[np.int64]
    size: NDArray[np.int64]
    runs_round: NDArray[np.bool_]


def fill(points: NDArray[np.float64], faces: NDArray[np.int64], sides: NDArray[np.int64]) -> Filling:
    """What closes every loop of ``sides`` ``[s]``, each vertex of which lies on one loop alone.

    A loop is closed by the triangles between its vertices that have the smallest area together (Barequet and Sharir
    1995), none of which makes an edge that the surface has already; a loop of two is closed as it is. Where that cannot
    be, as on a surface with one side, a fan around a new point in the middle does.
    """
    rims = _rims(faces, sides)
    is_fan = (rims.size > 2) & ~rims.runs_round
    known = _edge_keys(faces, len(points))
    closed = [np.zeros((0, 3), dtype=np.int64)]
    following, side_from = np.zeros((2, len(points)), dtype=np.int64)
    following[rims.start], side_from[rims.start] = rims.end, rims.sides
    first = np.unique(rims.loop, return_index=True)[1]
    for size in np.unique(rims.size[(rims.size > 2) & rims.runs_round]):
        loops = np.flatnonzero((rims.size == size) & rims.runs_round)
        orders = np.empty((len(loops), size), dtype=np.int64)
        orders[:, 0] = rims.start[first[loops]]
        for place in range(1, size):
            orders[:, place] = following[orders[:, place - 1]]
        step = max(1, CHUNK // int(min(size, MAX_RIM)) ** 2)
        for begin in range(0, len(loops), step):
            found = _close(points, orders[begin : begin + step], known)
            is_closed = (found >= 0).all(axis=(1, 2))
            is_fan[loops[begin : begin + step][~is_closed]] = True
            closed.append(found[is_closed].reshape(-1, 3))
    fan = _fans(points, rims, is_fan)
    triangles = np.concatenate(closed)
    sides = np.concatenate([side_from[triangles[:, 2]], fan.sides])
    return Filling(fan.points, np.concatenate([triangles, fan.faces]), sides)


def _rims(faces: NDArray[np.int64], sides: NDArray[np.int64]) -> _Rims:
    start, end = ends(faces, sides).T
    vertices, flat = np.unique(np.column_stack([start, end]), return_inverse=True)
    links = flat.reshape(-1, 2)
    loop = label(links, len(vertices))[links[:, 0]]
    size = np.bincount(loop)
    # On a surface with one side, sides may meet head on; then they do not run round.
    begins_one = np.bincount(links[:, 0], minlength=1)[links[:, 0]] == 1
    return _Rims(sides, start, end, loop, size, np.bincount(loop, begins_one) == size)


def _edge_keys(faces: NDArray[np.int64], points: int) -> NDArray[np.int64]:
    """One number for each edge of the surface, sorted."""
    a, b, c = faces.T
    edges = ((a, b), (b, c), (c, a))
    return np.sort(np.concatenate([np.minimum(p, q) * points + np.maximum(p, q) for p, q in edges]))


def _close(points: NDArray[np.float64], orders: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[l, n - 2, 3]`` what closes loops ``[l, n]`` of vertices in their sides' order; −1 where nothing can.

    Long loops are closed between some of their vertices first, then between those and the others.
    """
    size = orders.shape[1]
    chosen = np.unique(np.linspace(0, size - 1, min(size, MAX_RIM)).astype(np.int64))
    rim = orders[:, chosen]
    is_chord = np.append(np.diff(chosen) > 1, False)
    parts = [_close_short(points, rim, is_chord & _is_known(rim, np.roll(rim, -1, axis=1), known, len(points)), known)]
    for begin, end in pairwise(chosen):
        if end - begin > 1:
            parts.append(_close(points, orders[:, begin : end + 1], known))
    return np.concatenate(parts, axis=1)


def _close_short(
    points: NDArray[np.float64], rim: NDArray[np.int64], is_barred: NDArray[np.bool_], known: NDArray[np.int64]
) -> NDArray[np.int64]:
    """As :func:`_close`, for loops that have a step ``[l, n]`` to the next vertex that must not be an edge."""
    count, size = rim.shape
    cost = np.zeros((count, size, size))
    through = np.zeros((count, size, size), dtype=np.int64)
    cost[:, np.arange(size - 1), np.arange(1, size)] = np.where(is_barred[:, :-1], np.inf, 0.0)
    places = points[rim]
    for gap in range(2, size):
        low = np.arange(size - gap)[:, None]
        middle, high = low + np.arange(1, gap), low + gap
        total = cost[:, low, middle] + cost[:, middle, high]
        total += _weigh(places[:, low], places[:, middle], places[:, high])
        best = total.argmin(axis=2)
        low, high = low[:, 0], high[:, 0]
        least = np.take_along_axis(total, best[..., None], axis=2)[..., 0]
        if gap < size - 1:
            least[_is_known(rim[:, low], rim[:, high], known, len(points))] = np.inf
        cost[:, low, high] = least
        through[:, low, high] = best + low + 1
    made = _read_off(through)
    return np.where(np.isfinite(cost[:, 0, -1])[:, None, None], np.take_along_axis(rim[:, None], made, axis=2), -1)


def _weigh(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """What triangles cost; those that are next to lines are taken where nothing else is left."""
    ab, ac = b - a, c - a
    doubled = np.cross(ab, ac)
    areas = np.sqrt(np.einsum("...i,...i->...", doubled, doubled)) / 2.0
    lengths = sum(np.einsum("...i,...i->...", side, side) for side in (ab, ac, c - b))
    weights: NDArray[np.float64] = areas + np.where(areas <= MIN_HEIGHT * lengths, 1.0, EVENNESS) * lengths
    return weights


def _is_known(
    one: NDArray[np.int64], other: NDArray[np.int64], known: NDArray[np.int64], points: int
) -> NDArray[np.bool_]:
    """Whether the surface has an edge between two vertices."""
    keys = np.minimum(one, other) * points + np.maximum(one, other)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.bool_] = known[place] == keys
    return found


def _read_off(through: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[l, n - 2, 3]`` the triangles, by places on the rim, wound against it; every loop has as many."""
    count, size = through.shape[:2]
    rows = np.arange(count)
    low, high = np.zeros((count, size), dtype=np.int64), np.full((count, size), size - 1)
    waiting = np.ones(count, dtype=np.int64)
    made = np.empty((count, size - 2, 3), dtype=np.int64)
    for step in range(size - 2):
        waiting -= 1
        begin, end = low[rows, waiting], high[rows, waiting]
        middle = through[rows, begin, end]
        made[:, step] = np.column_stack([end, middle, begin])
        for one, other in ((begin, middle), (middle, end)):
            low[rows, waiting], high[rows, waiting] = one, other
            waiting += other - one > 1
    return made


def _fans(points: NDArray[np.float64], rims: _Rims, is_fan: NDArray[np.bool_]) -> Filling:
    """A triangle from each side of the chosen loops to their middle."""
    number = len(points) + np.cumsum(is_fan) - 1
    middles = np.column_stack([np.bincount(rims.loop, axis) for axis in points[rims.start].T]) / rims.size[:, None]
    own = is_fan[rims.loop]
    fans = np.column_stack([rims.end, rims.start, number[rims.loop]])
    return Filling(middles[is_fan], fans[own], rims.sides[own])
