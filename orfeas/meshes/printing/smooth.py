"""Steps and noise are evened out without the model shrinking."""

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import csr_array

from orfeas.errors import InvalidOption
from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.topology import find_edges, repeats_a_vertex
from orfeas.meshes.weld import weld

STEPS = 10
MAX_STEPS = 200
# Taubin's pair: what a step with the first draws in, one with the second lets out again. The pass band of about 0.1
# that they leave is his own recommendation.
SHRINK, GROW = 0.5, -0.53
# What the volume is given back with, at most, along a side: thin things that smoothing eats do not swell the rest.
MAX_SCALE = 1.02


def smooth(mesh: trimesh.Trimesh, steps: int = STEPS, check: Callable[[], None] = lambda: None) -> trimesh.Trimesh:
    """A copy of ``mesh`` with its vertices evened out (Taubin 1995, λ|μ), the same faces, and the same look.

    Vertices at one place stay at one place, so UV seams do not open. Rims, and edges that more than two faces share,
    stay where they are. A closed model keeps its volume: what the steps change of it, mostly well below one part in a
    hundred, is given back by scaling about its middle, up to :data:`MAX_SCALE` along a side. Sharp edges are rounded.

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
    middles, is_free, is_closed = _neighbours(faces[~repeats_a_vertex(faces)], len(points))
    check()
    moved = points
    for _ in range(steps):
        for share in (SHRINK, GROW):
            moved = np.where(is_free, moved + share * (middles @ moved - moved), moved)
            check()
    if is_closed:
        moved = _with_volume_of(points, moved, faces)
    return trimesh.Trimesh(
        vertices=moved[place],
        faces=np.asarray(mesh.faces).copy(),
        visual=visual_of(appearance_of(mesh), np.arange(len(stored))),
        metadata=mesh.metadata,
        process=False,
    )


def _neighbours(faces: NDArray[np.int64], count: int) -> tuple[csr_array, NDArray[np.bool_], bool]:
    """``[count, count]`` takes the mean of a point's neighbours; ``[count, 1]`` what may move; if all is closed."""
    edges = find_edges(faces)
    both = np.concatenate([edges.low, edges.high])
    other = np.concatenate([edges.high, edges.low])
    is_free = np.bincount(both, minlength=count) > 0
    share = 1.0 / np.bincount(both, minlength=count)[both]
    middles = csr_array((share, (both, other)), shape=(count, count))
    pinned = edges.faces != 2
    is_free[edges.low[pinned]] = False
    is_free[edges.high[pinned]] = False
    return middles, is_free[:, None], not pinned.any()


def _with_volume_of(
    before: NDArray[np.float64], after: NDArray[np.float64], faces: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``after``, scaled about its middle to the volume of ``before``, as far as :data:`MAX_SCALE` goes."""
    middle = after[faces].mean(axis=(0, 1))
    wanted, is_there = _volume(before - middle, faces), _volume(after - middle, faces)
    ratio = wanted / is_there if is_there and wanted / is_there > 0 else 1.0
    factor = float(np.clip(np.cbrt(ratio), 1.0 / MAX_SCALE, MAX_SCALE))
    scaled: NDArray[np.float64] = middle + (after - middle) * factor
    return scaled


def _volume(points: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    a, b, c = points[faces].swapaxes(0, 1)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
