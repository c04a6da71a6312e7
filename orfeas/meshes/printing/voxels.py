"""What of a grid of points lies in a solid, and how deep."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.meshes.printing.rays import split, widen
from orfeas.meshes.printing.triangles import PIECE, pieces
from orfeas.meshes.weld import weld

# How far samples of the surface lie apart, in cells, at most along the sides of its triangles.
SAMPLE_CELLS = 1.0
SQRT3 = 3.0**0.5


@dataclass(frozen=True)
class Grid:
    """Points ``low + cell · (i, j, k)``.

    Attributes:
        low: ``[3]`` the first.
        cell: how far apart they are.
        shape: how many along x, y and z.
    """

    low: NDArray[np.float64]
    cell: float
    shape: tuple[int, int, int]


def grid_around(low: NDArray[np.float64], high: NDArray[np.float64], cell: float) -> Grid:
    """The grid that reaches over a box by more than a cell on each side."""
    x, y, z = (int(count) for count in np.ceil((high - low) / cell) + 4)
    return Grid(low - 1.5 * cell, cell, (x, y, z))


def winding(corners: NDArray[np.float64], grid: Grid, check: Callable[[], None]) -> NDArray[np.int8]:
    """``[x, y, z]`` how often closed surfaces wind around each point: 1 in a solid, 0 outside, 2 where two overlap.

    Along each column of points every triangle above or below it counts once. Whether it is above is decided the same
    way for both faces of an edge, so that no column slips through or counts twice.

    Args:
        corners: ``[m, 3, 3]`` triangles, counter-clockwise outside.
        grid: where.
        check: called between pieces of triangles.
    """
    counts = np.zeros(grid.shape, dtype=np.int8)
    units = (corners - grid.low) / grid.cell
    for part in pieces(len(units), PIECE):
        _cross(units[part], counts)
        check()
    for row in range(1, grid.shape[1]):
        counts[:, row] += counts[:, row - 1]
    return counts


def _cross(units: NDArray[np.float64], counts: NDArray[np.int8]) -> None:
    """Note, at the first point above each crossing of a column, whether it leads in or out."""
    across = units[:, :, [0, 2]]
    limit = np.array([counts.shape[0], counts.shape[2]]) - 1
    first = np.maximum(np.ceil(across.min(axis=1)).astype(np.int64), 0)
    size = np.maximum(np.minimum(np.floor(across.max(axis=1)).astype(np.int64), limit) - first + 1, 0)
    total = size.prod(axis=1)
    face = np.repeat(np.arange(len(units)), total)
    rank = np.arange(len(face)) - np.repeat(np.cumsum(total) - total, total)
    column = first[face] + np.stack(np.divmod(rank, size[face, 1]), axis=1)
    flat = across[face]
    lefts = [_is_left(flat[:, corner], flat[:, (corner + 1) % 3], column) for corner in range(3)]
    met = (lefts[0] == lefts[1]) & (lefts[1] == lefts[2])
    enters = lefts[0][met]  # seen from below, a face that runs round to the left looks down
    face, column = face[met], column[met]
    a, b, c = units[face].swapaxes(0, 1)
    normal = np.cross(b - a, c - a)
    aside = normal[:, 0] * (column[:, 0] - a[:, 0]) + normal[:, 2] * (column[:, 1] - a[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        height = a[:, 1] - np.where(normal[:, 1] == 0, 0.0, aside / normal[:, 1])
    row = np.clip(np.ceil(height).astype(np.int64), 0, counts.shape[1] - 1)
    np.add.at(counts, (column[:, 0], row, column[:, 1]), np.where(enters, 1, -1).astype(np.int8))


def _is_left(start: NDArray[np.float64], end: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[k]`` whether ``place`` lies to the left of the way from ``start`` to ``end``; on it, left of one way only."""
    swapped = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low = np.where(swapped[:, None], end, start)
    high = np.where(swapped[:, None], start, end)
    side = high - low
    away = place - low
    is_left: NDArray[np.bool_] = (side[:, 0] * away[:, 1] - side[:, 1] * away[:, 0] >= 0) ^ swapped
    return is_left


def spread_box(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """``[x, y, z]`` what lies in a box of so many cells around a cell of ``mask``."""
    wide = mask.copy()
    reach = 0
    while reach < radius:
        step = min(reach + 1, radius - reach)
        widen(wide, step)
        reach += step
    return wide


def surface_samples(corners: NDArray[np.float64], spacing: float, check: Callable[[], None]) -> NDArray[np.float64]:
    """``[k, 3]`` corners of the triangles, cut until no side is over ``spacing``."""
    found = []
    for part in pieces(len(corners), PIECE // 2):
        points = split(corners[part], spacing)[0].reshape(-1, 3)
        found.append(points[weld(points)[0]])
        check()
    points = np.concatenate(found)
    return points[weld(points)[0]]


def depth(
    inside: NDArray[np.bool_], grid: Grid, tree: cKDTree, until: float, check: Callable[[], None]
) -> NDArray[np.float32]:
    """``[x, y, z]`` how deep each point lies, at most too little; exact around ``until``.

    Points outside, and those at less than ``until`` − 2 cells, may read 0; those that are deeper than ``until`` + 2
    cells may read any more.

    Args:
        inside: ``[x, y, z]`` which points lie in the solid.
        grid: where they are.
        tree: samples of the surface, no farther apart than :data:`SAMPLE_CELLS` along its triangles' sides.
        until: the depth that is of interest, in the unit of the grid.
        check: called between pieces.
    """
    cells = until / grid.cell
    outside = ~inside
    near = spread_box(outside, max(0, int((cells - 2.0) / SQRT3)))
    check()
    reached = spread_box(outside, int(np.ceil(cells + 2.0)))
    check()
    field = np.where(reached, 0.0, until + 3.0 * grid.cell).astype(np.float32)
    wanted = np.flatnonzero((reached & ~near).ravel())
    flat = field.reshape(-1)
    # No place on a triangle is farther from all its corners than that; towards a foot they lie sideways.
    sideways = SAMPLE_CELLS * grid.cell / SQRT3
    for part in pieces(len(wanted), PIECE // 2):
        places = np.stack(np.unravel_index(wanted[part], grid.shape), axis=1) * grid.cell + grid.low
        distance, _ = tree.query(places, workers=-1)
        flat[wanted[part]] = np.sqrt(np.maximum(distance**2 - sideways**2, 0.0))
        check()
    return field
