"""Large patches of triangles are made fine and even, and drawn tight as a soap film over their rims."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from orfeas.meshes.halfedges import HalfEdges, edge_keys, ends, half_edges

# An edge is cut where it is longer than so many times the length that is wanted.
TOO_LONG = 4.0 / 3.0
# Rounds of cuts end where no more than this part of the edges is too long.
FEW = 0.01
MAX_ROUNDS = 40
# Rounds of flips after each round of cuts; what is left over has its turn in the next.
FLIPS = 2
# Rounds in which the film is drawn tight; each is a step towards the least area.
PULLS = 3
# Radians by which two angles may be more than half a turn before their edge is flipped.
MIN_GAIN = 1e-9
# Radians that an angle of a triangle has at least, whose cotangent is a stiffness.
MIN_ANGLE = 1e-6


@dataclass(frozen=True)
class Patches:
    """Triangles that close holes; those of one hole share no vertex with those of another.

    Attributes:
        points: ``[n, 3]``.
        faces: ``[m, 3]`` int64.
        hole: ``[m]`` which hole each face closes.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    hole: NDArray[np.int64]


@dataclass(frozen=True)
class _Inner:
    """The edges within patches, each with its two faces.

    Attributes:
        side: ``[e, 2]`` its sides, ``3 · face + corner``.
        face: ``[e, 2]`` their faces.
        start: ``[e]`` where the first side begins.
        end: ``[e]`` where it ends.
        apex: ``[e, 2]`` the corners that face the edge.
    """

    side: NDArray[np.int64]
    face: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    apex: NDArray[np.int64]


def draw_films(
    patches: Patches,
    length: NDArray[np.float64],
    known: NDArray[np.int64],
    check: Callable[[], None] = lambda: None,
) -> Patches:
    """The patches with new points inside, evenly spaced, on a surface of nearly the least area.

    The rims stay as they are, and so do the points; new ones follow. A film over a flat rim is flat. Edges are cut at
    their middle and flipped to Delaunay's rule, as by Liepa (2003); the film is that of Pinkall and Polthier (1993).

    Args:
        patches: each a disc.
        length: ``[holes]`` how long the edges in each hole should be, in the unit of the points.
        known: the edges that the surface around has, each ``low · n + high``, sorted; no flip makes another of them.
        check: called in every round; what it raises stops the work.
    """
    count = len(patches.points)
    for _ in range(MAX_ROUNDS):
        check()
        cut = _cut_long_edges(patches, length)
        if cut is patches:
            break
        patches = cut
        for _ in range(FLIPS):
            patches = _flip(patches, known, count)
    for _ in range(PULLS):
        check()
        patches = _flip(_pull(patches, count), known, count)
    return _pull(patches, count)


def _inner_edges(faces: NDArray[np.int64], sides: HalfEdges) -> _Inner:
    side = sides.pairs()
    corners = faces.ravel()
    following = np.where(side % 3 == 2, side - 2, side + 1)
    apex = corners[np.where(side % 3 == 0, side + 2, side - 1)]
    return _Inner(side, side // 3, corners[side[:, 0]], corners[following[:, 0]], apex)


def _first_of_both(rank: NDArray[np.int64], face: NDArray[np.int64], faces: int) -> NDArray[np.bool_]:
    """``[e]`` which edges have the highest ``rank`` ``[e]``, all different, among those of both their faces."""
    highest = np.full(faces, -1)
    np.maximum.at(highest, face.ravel(), np.repeat(rank, 2))
    chosen: NDArray[np.bool_] = (highest[face] == rank[:, None]).all(axis=1)
    return chosen


def _cut_long_edges(patches: Patches, length: NDArray[np.float64]) -> Patches:
    """The patches with some of their long edges cut, none two of one face; the same where few are long."""
    inner = _inner_edges(patches.faces, half_edges(patches.faces))
    points, faces, hole = patches.points, patches.faces, patches.hole
    measured = np.linalg.norm(points[inner.end] - points[inner.start], axis=1) / length[hole[inner.face[:, 0]]]
    long = np.flatnonzero(measured > TOO_LONG)
    if len(long) <= FEW * len(measured):
        return patches
    rank = np.empty(len(long), dtype=np.int64)
    rank[np.argsort(measured[long], kind="stable")] = np.arange(len(long))
    cut = long[_first_of_both(rank, inner.face[long], len(faces))]
    start, end, apex, face = inner.start[cut], inner.end[cut], inner.apex[cut], inner.face[cut]
    middle = len(points) + np.arange(len(cut))
    made = np.array(faces)
    made[face[:, 0]] = np.column_stack([start, middle, apex[:, 0]])
    made[face[:, 1]] = np.column_stack([end, middle, apex[:, 1]])
    others = [np.column_stack([middle, end, apex[:, 0]]), np.column_stack([middle, start, apex[:, 1]])]
    return Patches(
        np.concatenate([points, (points[start] + points[end]) / 2.0]),
        np.concatenate([made, *others]),
        np.concatenate([hole, hole[face[:, 0]], hole[face[:, 1]]]),
    )


def _flip(patches: Patches, known: NDArray[np.int64], count: int) -> Patches:
    """The patches with edges turned that are too long for the four corners around them.

    ``known`` are edges between the first ``count`` points.
    """
    points, faces = patches.points, patches.faces
    sides = half_edges(faces)
    inner = _inner_edges(faces, sides)
    first, second = inner.apex.T
    a, b, p, q = (points[corner] for corner in (inner.start, inner.end, first, second))
    gain = _angle(p, a, b) + _angle(q, a, b) - np.pi
    # What comes of a flip must be two faces that look the same way, with an edge between them that is new.
    one, other = np.cross(q - p, b - p), np.cross(a - p, q - p)
    is_sound = np.einsum("ij,ij->i", one, other) > 0
    keys = edge_keys(first, second, len(points))
    wanted = np.flatnonzero((gain > MIN_GAIN) & is_sound)
    is_around = (inner.apex[wanted] < count).all(axis=1) & np.isin(
        edge_keys(first[wanted], second[wanted], count), known
    )
    start, end = ends(faces, sides.side[sides.begin]).T
    is_there = np.isin(keys[wanted], edge_keys(start, end, len(points)))
    wanted = wanted[~is_around & ~is_there]
    wanted = wanted[np.unique(keys[wanted], return_index=True)[1]]
    if not len(wanted):
        return patches
    rank = np.empty(len(wanted), dtype=np.int64)
    rank[np.argsort(gain[wanted], kind="stable")] = np.arange(len(wanted))
    turned = wanted[_first_of_both(rank, inner.face[wanted], len(faces))]
    first, second = first[turned], second[turned]
    made = np.array(faces)
    made[inner.face[turned, 0]] = np.column_stack([first, second, inner.end[turned]])
    made[inner.face[turned, 1]] = np.column_stack([first, inner.start[turned], second])
    return replace(patches, faces=made)


def _angle(apex: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[k]`` radians under which an edge is seen from ``apex``."""
    one, other = a - apex, b - apex
    sine = np.linalg.norm(np.cross(one, other), axis=1)
    angles: NDArray[np.float64] = np.arctan2(sine, np.einsum("ij,ij->i", one, other))
    return angles


def _pull(patches: Patches, count: int) -> Patches:
    """The patches with the points after the first ``count`` where their neighbours hold them in balance."""
    points, inner = patches.points, _inner_edges(patches.faces, half_edges(patches.faces))
    free = len(points) - count
    if not free:
        return patches
    a, b = inner.start, inner.end
    stiffness = np.zeros(len(a))
    for apex in inner.apex.T:
        stiffness += 1.0 / np.tan(np.clip(_angle(points[apex], points[a], points[b]), MIN_ANGLE, np.pi - MIN_ANGLE))
    rows, columns = np.concatenate([a, b]), np.concatenate([b, a])
    graph = coo_array((np.tile(stiffness, 2), (rows, columns)), shape=(len(points), len(points))).tocsr()[count:]
    pull = csc_array(-graph[:, count:])
    pull.setdiag(graph.sum(axis=1))
    placed = np.array(points)
    placed[count:] = splu(pull).solve(graph[:, :count] @ points[:count])
    return replace(patches, points=placed)
