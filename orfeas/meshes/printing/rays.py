"""Rays against triangles: a uniform grid whose empty parts are crossed in large steps, in plain numpy."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.printing.triangles import PIECE, pieces

# Cells along the longest side, at most.
MAX_CELLS = 224
# Faces per cell that the surface passes through, about.
FACES_PER_CELL = 2.0
# Triangles with sides of over so many cells are cut for the grid, so that their boxes fit them.
MAX_SIDE_CELLS = 2.0
# Around a cell with clearance n, all cells up to so many away are empty.
RADII = (0, 1, 3, 7, 15, 31)
# Barycentric: a ray through an edge hits a face on at least one side of it.
EDGE = 1e-9


@dataclass(frozen=True)
class RayGrid:
    """Triangles, sorted into the cells of a grid.

    Attributes:
        triangles: ``[m, 9]`` a corner of each, and the sides from there to the second and to the third.
        low: ``[3]`` the grid's lower corner.
        cell: the length of a cell's sides.
        shape: ``[3]`` cells along x, y and z.
        clearance: ``[x y z]`` uint8, index into :data:`RADII`.
        begin: ``[x y z + 1]`` where in ``faces`` each cell's begin.
        faces: the triangles of each cell.
    """

    triangles: NDArray[np.float64]
    low: NDArray[np.float64]
    cell: float
    shape: NDArray[np.int64]
    clearance: NDArray[np.uint8]
    begin: NDArray[np.int64]
    faces: NDArray[np.int64]


@dataclass(frozen=True)
class Hits:
    """The first triangle that each of ``k`` rays meets.

    Attributes:
        distance: ``[k]`` along the ray; infinite where it meets none.
        face: ``[k]`` its number, or −1.
    """

    distance: NDArray[np.float64]
    face: NDArray[np.int64]


def ray_grid(corners: NDArray[np.float64], check: Callable[[], None] = lambda: None) -> RayGrid:
    """The grid for triangles ``[m, 3, 3]``, of which at least one has an area."""
    a, b, c = corners.swapaxes(0, 1)
    triangles = np.concatenate([a, b - a, c - a], axis=1)
    area = float(np.linalg.norm(np.cross(triangles[:, 3:6], triangles[:, 6:]), axis=1).sum()) / 2.0
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    longest = float((high - low).max())
    cell = max(longest / MAX_CELLS, (area * FACES_PER_CELL / len(corners)) ** 0.5)
    low = low - 1e-3 * cell
    shape = np.ceil((high - low) / cell + 1e-3).astype(np.int64)
    check()
    links = []
    for part in pieces(len(corners), PIECE):
        links.append(_links(corners[part], part.start, len(corners), low, cell, shape))
        check()
    keys = np.sort(np.concatenate(links))
    where, faces = np.divmod(keys, len(corners))
    begin = np.searchsorted(where, np.arange(int(shape.prod()) + 1))
    check()
    clearance = _clearance(np.diff(begin).reshape(shape) > 0, check)
    return RayGrid(triangles, low, cell, shape, clearance.ravel(), begin, faces)


def cast(
    grid: RayGrid,
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    start: float = 0.0,
    leaving: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Hits:
    """The first triangle that each ray meets.

    Args:
        grid: what to cast at.
        origins: ``[k, 3]``, within the box around the triangles.
        directions: ``[k, 3]`` of unit length.
        start: distance from the origins below which nothing is met.
        leaving: triangles that are seen from behind alone are met; where they bound a solid, the ray leaves it there.
        check: called often; what it raises stops the work.
    """
    distance = np.full(len(origins), np.inf)
    face = np.full(len(origins), -1, dtype=np.int64)
    for part in pieces(len(origins), PIECE):
        _cast(grid, origins[part], directions[part], start, leaving, distance[part], face[part], check)
    return Hits(distance, face)


def split(corners: NDArray[np.float64], longest: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Triangles halved until no side is over ``longest``, and ``[k]`` which of ``corners`` each is a part of."""
    number = np.arange(len(corners))
    done, numbers = [corners[:0]], [number[:0]]
    while len(corners):
        sides = np.linalg.norm(corners - corners[:, [1, 2, 0]], axis=2)
        fits = sides.max(axis=1) <= longest
        done.append(corners[fits])
        numbers.append(number[fits])
        corners, number = corners[~fits], number[~fits]
        turn = (sides[~fits].argmax(axis=1)[:, None] + np.arange(3)) % 3
        a, b, c = np.take_along_axis(corners, turn[:, :, None], axis=1).swapaxes(0, 1)
        middle = (a + b) / 2
        corners = np.concatenate([np.stack([a, middle, c], axis=1), np.stack([middle, b, c], axis=1)])
        number = np.tile(number, 2)
    return np.concatenate(done), np.concatenate(numbers)


def _links(
    corners: NDArray[np.float64],
    first: int,
    count: int,
    low: NDArray[np.float64],
    cell: float,
    shape: NDArray[np.int64],
) -> NDArray[np.int64]:
    """One number for each cell and triangle that may pass through it: the cell's, times ``count``, plus the face's."""
    parts, number = split((corners - low) / cell, MAX_SIDE_CELLS)
    lowest = np.clip(np.floor(parts.min(axis=1)).astype(np.int64), 0, shape - 1)
    size = np.clip(np.floor(parts.max(axis=1)).astype(np.int64), 0, shape - 1) - lowest + 1
    cells = size.prod(axis=1)
    part = np.repeat(np.arange(len(parts)), cells)
    rank = np.arange(len(part)) - np.repeat(np.cumsum(cells) - cells, cells)
    _, height, depth = size[part].T
    steps = np.stack([rank // (height * depth), rank // depth % height, rank % depth], axis=1)
    places = lowest[part] + steps
    # Only the cells that the triangle's plane cuts.
    normals = np.cross(parts[:, 1] - parts[:, 0], parts[:, 2] - parts[:, 0])
    offset = np.einsum("ij,ij->i", normals[part], places + 0.5 - parts[part, 0])
    reach = (0.5 + 1e-6) * np.abs(normals).sum(axis=1)[part]
    near = np.abs(offset) <= reach
    x, y, z = places[near].T
    keys: NDArray[np.int64] = np.unique(((x * shape[1] + y) * shape[2] + z) * count + first + number[part[near]])
    return keys


def _clearance(occupied: NDArray[np.bool_], check: Callable[[], None]) -> NDArray[np.uint8]:
    """``[x, y, z]`` index into :data:`RADII`."""
    clearance = np.zeros(occupied.shape, dtype=np.uint8)
    wide = occupied.copy()
    for near, far in pairwise(RADII):
        check()
        widen(wide, far - near)
        clearance += ~wide
    return clearance


def widen(mask: NDArray[np.bool_], step: int) -> None:
    """Add to ``mask`` ``[x, y, z]`` what lies ``step`` cells beside it, along one axis after the other.

    One that holds all within n cells of something, ``step`` being 2 n + 1 at most, then holds all within n + ``step``.
    """
    for axis in range(3):
        source, target = np.moveaxis(mask.copy(), axis, 0), np.moveaxis(mask, axis, 0)
        target[step:] |= source[:-step]
        target[:-step] |= source[step:]


def _cast(
    grid: RayGrid,
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    start: float,
    leaving: bool,
    distance: NDArray[np.float64],
    face: NDArray[np.int64],
    check: Callable[[], None],
) -> None:
    """Fill in ``distance`` and ``face``; all rays go from one box of cells to the next in step."""
    radii = np.array(RADII)
    ray = np.arange(len(origins))
    # In units of cells; a ray's parameter stays its length.
    o, d = (origins - grid.low) / grid.cell, directions / grid.cell
    with np.errstate(divide="ignore"):
        inverse = 1.0 / d
    ahead = d > 0
    place = np.clip(np.floor(o).astype(np.int64), 0, grid.shape - 1)
    while len(ray):
        check()
        flat = (place[:, 0] * grid.shape[1] + place[:, 1]) * grid.shape[2] + place[:, 2]
        count = grid.begin[flat + 1] - grid.begin[flat]
        busy = np.flatnonzero(count)
        if len(busy):
            _test(grid, flat[busy], count[busy], ray[busy], origins, directions, start, leaving, distance, face)
        radius = radii[grid.clearance[flat]][:, None]
        bound = np.where(ahead, place + radius + 1, place - radius)
        with np.errstate(invalid="ignore"):
            leave = np.where(d == 0, np.inf, (bound - o) * inverse)
        axis = leave.argmin(axis=1)
        line = np.arange(len(ray))
        until = leave[line, axis]
        following = np.floor(o + until[:, None] * d)
        following = np.clip(following, place - radius, place + radius).astype(np.int64)
        following[line, axis] = np.where(ahead[line, axis], bound[line, axis], bound[line, axis] - 1)
        inside = ((following >= 0) & (following < grid.shape)).all(axis=1)
        goes_on = np.flatnonzero(inside & (distance[ray] > until))
        ray, place = ray[goes_on], following[goes_on]
        o, d, inverse, ahead = o[goes_on], d[goes_on], inverse[goes_on], ahead[goes_on]


def _test(
    grid: RayGrid,
    flat: NDArray[np.int64],
    count: NDArray[np.int64],
    ray: NDArray[np.int64],
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    start: float,
    leaving: bool,
    distance: NDArray[np.float64],
    face: NDArray[np.int64],
) -> None:
    """Hold rays against the triangles of the cells they are in, and note what is nearer than before."""
    first = np.cumsum(count) - count
    triangle = grid.faces[np.arange(count.sum()) + np.repeat(grid.begin[flat] - first, count)]
    owner = np.repeat(ray, count)
    hit = meet(grid.triangles[triangle], origins[owner], directions[owner], start, leaving)
    nearest = np.minimum.reduceat(hit, first)
    better = nearest < distance[ray]
    distance[ray[better]] = nearest[better]
    chosen = np.flatnonzero((hit == np.repeat(nearest, count)) & np.repeat(better, count))
    face[owner[chosen]] = triangle[chosen]


def meet(
    triangles: NDArray[np.float64],
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    start: float,
    leaving: bool,
) -> NDArray[np.float64]:
    """``[k]`` how far along its ray each triangle is met, infinite where it is not (Möller and Trumbore 1997).

    Args:
        triangles: ``[k, 9]`` as in :class:`RayGrid`.
        origins: ``[k, 3]``.
        directions: ``[k, 3]``.
        start: as in :func:`cast`.
        leaving: as in :func:`cast`.
    """
    ax, ay, az, px, py, pz, qx, qy, qz = triangles.T
    dx, dy, dz = directions.T
    sx, sy, sz = origins.T
    sx, sy, sz = sx - ax, sy - ay, sz - az
    hx, hy, hz = dy * qz - dz * qy, dz * qx - dx * qz, dx * qy - dy * qx
    determinant = px * hx + py * hy + pz * hz
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / determinant
        u = (sx * hx + sy * hy + sz * hz) * scale
        gx, gy, gz = sy * pz - sz * py, sz * px - sx * pz, sx * py - sy * px
        v = (dx * gx + dy * gy + dz * gz) * scale
        along = (qx * gx + qy * gy + qz * gz) * scale
        is_hit = (u >= -EDGE) & (v >= -EDGE) & (u + v <= 1.0 + EDGE) & (along >= start)
    is_hit &= determinant < 0 if leaving else determinant != 0
    return np.where(is_hit, along, np.inf)
