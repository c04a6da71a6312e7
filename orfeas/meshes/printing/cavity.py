"""The inside of a solid at a distance from its surface, as surfaces that bound hollows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from orfeas.meshes.halfedges import half_edges, label
from orfeas.meshes.orientation import component_volumes
from orfeas.meshes.printing.voxels import SAMPLE_CELLS, Grid, depth, grid_around, surface_samples, winding
from orfeas.meshes.weld import weld

# Cells to a wall; and along the longest side at most, which makes cells of large models with thin walls coarser.
CELLS_PER_WALL, MIN_CELLS_PER_WALL = 3.0, 2.0
MAX_CELLS = 256
# Layers of points that are made into triangles at a time.
LAYERS = 24
# Parts of a cell: the surface keeps so far from points of the grid, so that its vertices do not meet there.
CLEAR = 2e-3


@dataclass(frozen=True)
class Cavities:
    """Hollows in a solid.

    Attributes:
        points: ``[p, 3]``.
        faces: ``[m, 3]`` wound outward from the material, so into the hollows.
        number: ``[m]`` which hollow each face bounds, from 0.
        volumes: ``[k]`` of the hollows, over 0.
        tree: samples of the solid's surface.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    number: NDArray[np.int64]
    volumes: NDArray[np.float64]
    tree: cKDTree

    def kept(self, chosen: NDArray[np.bool_]) -> "Cavities":
        """The ``chosen`` ``[k]`` hollows alone."""
        is_kept = chosen[self.number]
        used, flat = np.unique(self.faces[is_kept], return_inverse=True)
        number = (np.cumsum(chosen) - 1)[self.number[is_kept]]
        return Cavities(self.points[used], flat.reshape(-1, 3), number, self.volumes[chosen], self.tree)


def min_wall(size_mm: float) -> float:
    """The thinnest wall that a model, whose longest side is ``size_mm``, can be hollowed with."""
    return MIN_CELLS_PER_WALL * size_mm / MAX_CELLS


def find_cavities(corners: NDArray[np.float64], wall: float, min_volume: float, check: Callable[[], None]) -> Cavities:
    """All that lies deeper than ``wall`` in a closed surface ``[m, 3, 3]``, but for what is below ``min_volume``.

    No place is nearer to the surface than ``wall``: what the grid may take off is added first. Walls so come out about
    6 % thicker where there are three cells to one, and 14 % where there are two; corners are rounded off.
    """
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    cell = max(wall / CELLS_PER_WALL, float((high - low).max()) / MAX_CELLS)
    grid = grid_around(low, high, cell)
    # Where two bodies overlap the solid ends as well: what is covered twice cannot be hollowed by one surface.
    inside = winding(corners, grid, check) == 1
    # A tree that is cut in the middle of space answers several times faster from afar than a balanced one.
    samples = surface_samples(corners, SAMPLE_CELLS * cell, check)
    tree = cKDTree(samples, balanced_tree=False, compact_nodes=False)
    check()
    # Distance bends around an edge that juts in; a triangle within a cell cuts across by at most so much.
    level = wall + 3.0 * cell**2 / (8.0 * wall)
    field = depth(inside, grid, tree, level, check)
    at_level = np.abs(field - level) < CLEAR * cell
    field[at_level] = level + CLEAR * cell
    points, faces = _surface(field, level, grid, check)
    if not len(faces):
        return Cavities(points, faces, np.zeros(0, np.int64), np.zeros(0), tree)
    labels = label(half_edges(faces).pairs() // 3, len(faces))
    check()
    volumes = -component_volumes(points, faces, labels)
    return Cavities(points, faces, labels, volumes, tree).kept(volumes >= min_volume)


def _surface(
    field: NDArray[np.float32], level: float, grid: Grid, check: Callable[[], None]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and faces of the level, layers at a time; what two share of a layer comes out the same for both."""
    points, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.int64)], 0
    for start in range(0, grid.shape[0] - 1, LAYERS):
        part = field[start : start + LAYERS + 1]
        if part.max() > level > part.min():
            vertices, triangles, _, _ = marching_cubes(part, level)  # type: ignore[no-untyped-call]  # no types there
            points.append(vertices.astype(np.float64) + np.array([start, 0.0, 0.0]))
            faces.append(triangles.astype(np.int64) + count)
            count += len(vertices)
        check()
    every = np.concatenate(points)
    first, place = weld(every)
    return every[first] * grid.cell + grid.low, place[np.concatenate(faces)]
