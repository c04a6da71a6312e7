"""Faces that pass through each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.bounds import find_reach
from orfeas.meshes.boxes import overlapping
from orfeas.meshes.halfedges import ends, half_edges, label
from orfeas.meshes.topology import repeats_a_vertex

# Of the model's diagonal: what reaches no deeper only touches. Files keep coordinates to a tenth of that.
TOUCH = 1e-6
# Tenths of a microsecond, measured: two seconds' work.
MAX_WORK = 20_000_000
# What a pair takes, in the same unit: for a look at each other's planes, at their edges, and at a fold.
PLANES_WORK, EDGES_WORK, FOLD_WORK = 2, 35, 6
# A sound surface of so many faces takes two thirds of a second.
MAX_SEARCHED = 400_000
# The sine of the angle below which two edges count as parallel.
PARALLEL = 1e-9


class _TooLong(Exception):
    """The work that was allowed is spent."""


def find_crossings(
    points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None] = lambda: None
) -> NDArray[np.int64]:
    """Pairs of faces that pass through each other, ``[k, 2]``, in ascending order.

    Two faces do where their insides meet and their planes differ: one would have to move by over a millionth of the
    model's diagonal to come free. So a touch is none, nor are faces in one plane; but a face that is folded flat back
    onto a neighbour, along the edge they share, counts. What has no area passes through nothing.

    Args:
        points: ``[n, 3]``, finite; any unit.
        faces: ``[m, 3]``; vertices at one place should be one.
        check: called every few hundredths of a second; what it raises stops the work.
    """
    return _in_order(_crossings(points, faces, touch_depth(points, faces), check))


def find_crossings_soon(
    points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None] = lambda: None
) -> NDArray[np.int64] | None:
    """As :func:`find_crossings`, or None where it would take more than about two seconds of a processor.

    That is so above 400,000 faces, at once, and where very many are near each other.
    """
    if len(faces) > MAX_SEARCHED:
        return None
    left = MAX_WORK

    def spend(work: int) -> None:
        nonlocal left
        left -= work
        if left < 0:
            raise _TooLong

    try:
        return _in_order(_crossings(points, faces, touch_depth(points, faces), check, spend))
    except _TooLong:
        return None


def find_crossing_faces(
    points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None] = lambda: None
) -> NDArray[np.int64] | None:
    """``[k]`` the faces that pass through others of their own body; None where it would take long to look for them.

    That is so above 400,000 faces, and where very many are near each other. Bodies that overlap are a usual way to
    build a model; a surface that passes through itself is a fault.
    """
    pairs = find_crossings_soon(points, faces, check)
    return None if pairs is None else np.unique(pairs[is_within_a_body(faces, pairs)])


def count_crossing_faces(
    points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None] = lambda: None
) -> int | None:
    """How many :func:`find_crossing_faces` finds; None where it does not look."""
    found = find_crossing_faces(points, faces, check)
    return None if found is None else len(found)


def is_within_a_body(faces: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[k]`` whether both faces of each of ``pairs`` ``[k, 2]`` are in one body; bodies share no vertex."""
    links = np.concatenate([faces[:, :2], faces[:, 1:]])
    first, second = label(links, int(faces.max(initial=-1)) + 1)[faces[pairs, 0]].T
    is_one: NDArray[np.bool_] = first == second
    return is_one


def touch_depth(points: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    """How deep faces may reach into each other and only touch, in the unit of ``points``."""
    used = points[faces.ravel()]
    return TOUCH * float(np.linalg.norm(find_reach(used))) if len(used) else 0.0


def crossings_deeper(
    points: NDArray[np.float64], faces: NDArray[np.int64], depth: float, check: Callable[[], None]
) -> NDArray[np.int64]:
    """As :func:`find_crossings`, for faces that are a part of a model whose :func:`touch_depth` is ``depth``."""
    return _in_order(_crossings(points, faces, depth, check))


def _in_order(blocks: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.sort(np.concatenate([np.zeros((0, 2), dtype=np.int64), *blocks]), axis=1), axis=0)


def _crossings(
    points: NDArray[np.float64],
    faces: NDArray[np.int64],
    depth: float,
    check: Callable[[], None],
    spend: Callable[[int], None] = lambda _: None,
) -> Iterator[NDArray[np.int64]]:
    """The pairs ``[k, 2]`` among each block of faces that are near each other; first those that are folded.

    Whatever is looked at, ``spend`` is called before with the work, in tenths of a microsecond.
    """
    whole = np.flatnonzero(~repeats_a_vertex(faces))
    faces = faces[whole]
    check()
    for folded in _folded(points, faces, depth, spend):
        yield whole[folded]
        check()
    # Whole arrays of first corners, of second, of third: what is taken from a part of an array is copied first.
    corners = [points[corner] for corner in faces.T]
    normals, offsets = planes(corners)
    half = depth / 2  # boxes that overlap no deeper hold triangles that do not, either
    low, high = np.minimum(np.minimum(*corners[:2]), corners[2]), np.maximum(np.maximum(*corners[:2]), corners[2])
    for pairs in overlapping(low + half, high - half, check, spend):
        spend(PLANES_WORK * len(pairs))
        for face, plane in ((0, 1), (1, 0)):
            away = _distances(corners, pairs[:, face], normals, offsets, pairs[:, plane])
            pairs = pairs[(away.max(axis=0) > depth) & (away.min(axis=0) < -depth)]
        spend(EDGES_WORK * len(pairs))
        yield whole[pairs[_meet(points[faces[pairs[:, 0]]], points[faces[pairs[:, 1]]], depth)]]


def planes(corners: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit normals ``[m, 3]`` and distances ``[m]`` from the origin along them; zeros where there is no area.

    Args:
        corners: three times ``[m, 3]``: the first corners of all triangles, the second, the third.
    """
    a, b, c = corners
    normals = np.cross(b - a, c - a)
    length = _length(normals)[:, None]
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    return normals, _dot(normals, a)


def _distances(
    corners: Sequence[NDArray[np.float64]],
    face: NDArray[np.int64],
    normals: NDArray[np.float64],
    offsets: NDArray[np.float64],
    plane: NDArray[np.int64],
) -> NDArray[np.float64]:
    """``[3, k]`` how far the corners of each ``face`` ``[k]`` are above each ``plane`` ``[k]``."""
    across, offset = normals.take(plane, axis=0), offsets.take(plane)
    return np.stack([_dot(corner.take(face, axis=0), across) - offset for corner in corners])


def _meet(one: NDArray[np.float64], other: NDArray[np.float64], depth: float) -> NDArray[np.bool_]:
    """``[k]`` whether the insides of triangles ``[k, 3, 3]`` meet; each has corners on both sides of the other's plane.

    By the theorem of the separating axis: if they are apart, they are so along the normal of a plane, which is ruled
    out, or along a direction across an edge of each.
    """
    meets = np.ones(len(one), dtype=np.bool_)
    for first in range(3):
        for second in range(3):
            along, across = one[:, first] - one[:, first - 1], other[:, second] - other[:, second - 1]
            axis = np.cross(along, across)
            length = _length(axis)
            is_none = length <= PARALLEL * _length(along) * _length(across)
            here, there = np.einsum("ijk,ik->ij", one, axis), np.einsum("ijk,ik->ij", other, axis)
            way = np.minimum(here.max(axis=1) - there.min(axis=1), there.max(axis=1) - here.min(axis=1))
            meets &= is_none | (way > depth * length)
    return meets


def _folded(
    points: NDArray[np.float64], faces: NDArray[np.int64], depth: float, spend: Callable[[int], None]
) -> Iterator[NDArray[np.int64]]:
    """Pairs ``[k, 2]`` of faces that share an edge, lie on the same side of it, and in one plane.

    Of an edge with many faces, each with the next comes first, then each with the one after that, and so on.
    """
    sides = half_edges(faces)
    spend(FOLD_WORK * int((sides.count * (sides.count - 1) // 2).sum()))
    # At each step, of the sides that have one so far after them on their edge.
    after = sides.count[np.repeat(np.arange(len(sides.count)), sides.count)]
    after -= np.arange(len(sides.side)) - np.repeat(sides.begin, sides.count)
    place = np.arange(len(sides.side))
    for step in range(1, int(sides.count.max(initial=1))):
        place = place[after[place] > step]
        one, other = sides.side[place], sides.side[place + step]
        start, end = points[ends(faces, one).T]
        along = end - start
        along /= np.maximum(_length(along), depth)[:, None]
        heights = []
        for side in (one, other):
            third = points[faces.ravel()[side - side % 3 + (side + 2) % 3]] - start
            heights.append(third - _dot(third, along)[:, None] * along)
        lengths = [_length(height) for height in heights]
        apart = _length(np.cross(*heights)) / np.maximum(np.maximum(*lengths), depth)
        is_folded = (np.minimum(*lengths) > depth) & (_dot(*heights) > 0) & (apart <= depth)
        yield np.column_stack([one // 3, other // 3])[is_folded]


def _length(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(_dot(rows, rows))  # half the time of NumPy's norm
    return lengths


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    products: NDArray[np.float64] = np.einsum("ij,ij->i", one, other)
    return products
