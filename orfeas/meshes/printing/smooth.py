"""Steps and noise are evened out without the model shrinking."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import csr_array

from orfeas.errors import InvalidOption
from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.bounds import find_reach
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.topology import Edges, find_edges, repeats_a_vertex
from orfeas.meshes.weld import weld

STEPS = 10
MAX_STEPS = 200
# Taubin's pair: what a step with the first draws in, one with the second lets out again. The pass band of about 0.1
# that they leave is his own recommendation.
SHRINK, GROW = 0.5, -0.53
# What lost volume is given back with, at most, along a side: thin things that smoothing eats do not swell the rest.
MAX_SCALE = 1.02
# Parts of the model's diagonal: an edge so long is of the shape, not of its grain; and so far a vertex goes at most.
LARGE_EDGE = 0.05
MAX_MOVE = 0.01


@dataclass(frozen=True)
class Smoothed:
    """A model without its grain.

    Attributes:
        mesh: the same faces, and the same look.
        places: how many places its vertices are at.
        large: how many of these are the end of a large edge, and stayed for that.
    """

    mesh: trimesh.Trimesh
    places: int
    large: int


def smooth(mesh: trimesh.Trimesh, steps: int = STEPS, check: Callable[[], None] = lambda: None) -> Smoothed:
    """``mesh`` with its vertices evened out (Taubin 1995, λ|μ), the same faces, and the same look.

    Vertices at one place stay at one place, so UV seams do not open. Rims, edges that more than two faces share, and
    the ends of edges over :data:`LARGE_EDGE` of the model's diagonal, which are its shape, stay where they are. All
    others go no further than :data:`MAX_MOVE` of the diagonal. A closed model keeps its volume within that: what the
    steps change of it, mostly well below one part in a hundred, is taken back by scaling what may move about the
    middle, by up to :data:`MAX_SCALE` along a side where it grows. Sharp edges between small faces are rounded.

    Args:
        mesh: any unit; with at least one face.
        steps: 1 to 200, each there and back.
        check: called between halves of steps; what it raises stops the work.

    Raises:
        InvalidMesh: a number is not finite, or a corner does not exist.
        InvalidOption: the steps are out of range.
    """
    if not 1 <= steps <= MAX_STEPS:
        raise InvalidOption(f"Smoothing takes 1 to {MAX_STEPS} steps, not {steps}.", "steps")
    stored = np.asarray(mesh.vertices, dtype=np.float64)
    check_corners(np.asarray(mesh.faces), len(stored))
    check_points(stored)
    first, place = weld(stored)
    check()
    points, faces = stored[first], place[np.asarray(mesh.faces)]
    grain = _grain(points, faces[~repeats_a_vertex(faces)])
    check()
    moved = points
    for _ in range(steps):
        for share in (SHRINK, GROW):
            moved = np.where(grain.is_free, moved + share * (grain.middles @ moved - moved), moved)
            check()
    if grain.is_closed:
        moved = np.where(grain.is_free, _with_volume_of(points, moved, faces), moved)
    moved = _within(points, moved, MAX_MOVE * grain.diagonal)
    made = trimesh.Trimesh(
        vertices=moved[place],
        faces=np.asarray(mesh.faces).copy(),
        visual=visual_of(appearance_of(mesh), np.arange(len(stored))),
        metadata=mesh.metadata,
        process=False,
    )
    return Smoothed(made, len(points), grain.large)


@dataclass(frozen=True)
class _Grain:
    """What may move, and how.

    Attributes:
        middles: ``[n, n]`` takes the mean of a point's neighbours.
        is_free: ``[n, 1]`` what may move.
        diagonal: of the whole.
        large: how many points stay for being the end of a large edge.
        is_closed: whether two faces share each edge.
    """

    middles: csr_array
    is_free: NDArray[np.bool_]
    diagonal: float
    large: int
    is_closed: bool


def _grain(points: NDArray[np.float64], faces: NDArray[np.int64]) -> _Grain:
    edges = find_edges(faces)
    both = np.concatenate([edges.low, edges.high])
    other = np.concatenate([edges.high, edges.low])
    counts = np.bincount(both, minlength=len(points))
    middles = csr_array((1.0 / counts[both], (both, other)), shape=(len(points), len(points)))
    lengths = np.linalg.norm(points[edges.low] - points[edges.high], axis=1)
    diagonal = float(np.linalg.norm(find_reach(points))) if len(points) else 0.0
    is_large = _has(edges, lengths > LARGE_EDGE * diagonal, len(points))
    pinned = edges.faces != 2
    is_free = (counts > 0) & ~_has(edges, pinned, len(points)) & ~is_large
    return _Grain(middles, is_free[:, None], diagonal, int(is_large.sum()), not pinned.any())


def _has(edges: Edges, chosen: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """``[count]`` whether a point is the end of one of the ``chosen`` edges."""
    has = np.zeros(count, dtype=np.bool_)
    has[edges.low[chosen]] = has[edges.high[chosen]] = True
    return has


def _within(before: NDArray[np.float64], after: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """``after``, where no point is further than ``reach`` from where it was."""
    way = after - before
    length = np.linalg.norm(way, axis=1)
    share = reach / np.maximum(length, reach) if reach else np.zeros(len(way))
    return before + way * share[:, None]


def _with_volume_of(
    before: NDArray[np.float64], after: NDArray[np.float64], faces: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``after``, scaled about its middle to the volume of ``before``, up to :data:`MAX_SCALE`."""
    middle = after[faces].mean(axis=(0, 1))
    wanted, is_there = _volume(before - middle, faces), _volume(after - middle, faces)
    ratio = wanted / is_there if is_there and wanted / is_there > 0 else 1.0
    factor = float(min(np.cbrt(ratio), MAX_SCALE))
    scaled: NDArray[np.float64] = middle + (after - middle) * factor
    return scaled


def _volume(points: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    a, b, c = points[faces].swapaxes(0, 1)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
