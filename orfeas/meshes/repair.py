"""Broken meshes are closed: what a slicer asks for."""

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.errors import InvalidMesh
from orfeas.meshes.halfedges import HalfEdges, ends, half_edges, label
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.orientation import orient
from orfeas.meshes.stats import repeats_a_vertex
from orfeas.meshes.weld import weld

# Parts of the model's diagonal: gaps up to so wide are drawn together; surfaces that touch are drawn apart so far.
GAP = 1e-5
PARTING = 1e-5
# Sheets of waste are peeled off from their rim inward, one ring of faces at a time.
MAX_RINGS = 100


def repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """A closed mesh, consistently wound, as near to ``mesh`` as can be; colours, texture and UVs are left behind.

    A mesh that is closed and sound already keeps every vertex and face. Holes are filled with fans of triangles around
    their middle, which suits small ones best. Bodies that overlap stay so.

    Raises:
        InvalidMesh: no face is left that could be part of a surface, a number is not finite, or a corner is missing.
    """
    stored = np.asarray(mesh.vertices, dtype=np.float64)
    check_corners(np.asarray(mesh.faces), len(stored))
    check_points(stored)
    # 1. Corners at one place are one vertex, and narrow cracks are closed.
    first, inverse = weld(stored)
    points, faces = stored[first], inverse[np.asarray(mesh.faces)]
    reach = float(np.linalg.norm(np.ptp(points[faces.ravel()], axis=0))) if len(faces) else 0.0
    faces = _clean(_close_cracks(points, _clean(faces), GAP * reach))
    # 2. Waste is dropped: sheets that hang from a sound surface, and single faces.
    faces = _drop_crumbs(_drop_fins(points, faces))
    if not len(faces):
        raise InvalidMesh("The model has no surface that could be repaired.")
    # 3. Faces are wound alike, and surfaces that touch along an edge are parted there.
    faces = orient(points, faces, half_edges(faces).pairs())
    sides = half_edges(faces)
    pairs = np.concatenate([sides.pairs(), _pair_by_angle(points, faces, sides)])
    points, faces = _part(points, faces, pairs, PARTING * reach)
    # 4. Holes are filled.
    points, faces = _fill_holes(points, faces, pairs)
    # 5. Closed components lie outward.
    faces = orient(points, faces, half_edges(faces).pairs())
    used, flat = np.unique(faces, return_inverse=True)
    return trimesh.Trimesh(vertices=points[used], faces=flat.reshape(-1, 3), process=False)


def _clean(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without faces that repeat a vertex, and with one of those that have the same three."""
    faces = faces[~repeats_a_vertex(faces)]
    first = weld(np.sort(faces, axis=1).astype(np.float64))[0]
    return faces[first]


def _close_cracks(points: NDArray[np.float64], faces: NDArray[np.int64], gap: float) -> NDArray[np.int64]:
    """The faces, with vertices on boundaries that lie within ``gap`` of each other made one."""
    sides = half_edges(faces)
    rim = np.unique(ends(faces, sides.of_edges(sides.count == 1)))
    if not len(rim) or gap == 0:
        return faces
    close = cKDTree(points[rim]).query_pairs(gap, output_type="ndarray")
    labels = label(close, len(rim))
    first = np.unique(labels, return_index=True)[1]
    stands_for = np.arange(len(points))
    stands_for[rim] = rim[first[labels]]
    return stands_for[faces]


def _drop_fins(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The faces without those that are too many at an edge and hang free on another side."""
    for _ in range(MAX_RINGS):
        sides = half_edges(faces)
        free = (sides.count_of_side() == 1).sum(axis=1)
        crowded = sides.count > 2
        crowd = sides.of_edges(crowded)
        sizes = sides.count[crowded]
        edge = np.repeat(np.arange(len(sizes)), sizes)
        # The freest first, and of those the smallest; so many of an edge as it has too many.
        order = np.lexsort((_areas(points, faces)[crowd // 3], -free[crowd // 3], edge))
        rank = np.arange(len(crowd)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        face = crowd[order] // 3
        dropped = face[(rank < np.repeat(sizes - 2, sizes)) & (free[face] > 0)]
        if not len(dropped):
            return faces
        faces = np.delete(faces, np.unique(dropped), axis=0)
    return faces


def _drop_crumbs(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The faces without those that share no edge with another, unless that is all there is."""
    is_crumb = (half_edges(faces).count_of_side() == 1).all(axis=1)
    return faces if is_crumb.all() else faces[~is_crumb]


def _areas(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = points[faces].swapaxes(0, 1)
    areas: NDArray[np.float64] = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
    return areas


def _pair_by_angle(points: NDArray[np.float64], faces: NDArray[np.int64], sides: HalfEdges) -> NDArray[np.int64]:
    """``[k, 2]`` sides of crowded edges that bound the same wedge of material, seen along the edge.

    Looking along an edge, with angles that grow counter-clockwise, the outside of a face that runs away from the viewer
    lies towards greater angles. So material begins at a face that runs backward, and ends at the next, if that runs
    forward.
    """
    crowded = sides.count > 2
    if not crowded.any():
        return np.zeros((0, 2), dtype=np.int64)
    sizes = sides.count[crowded]
    side = sides.of_edges(crowded)
    start, end = ends(faces, side).T
    runs_forward = start < end
    low = points[np.minimum(start, end)]
    along = points[np.maximum(start, end)] - low
    across = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
    upward = np.cross(along, across) / np.linalg.norm(along, axis=1, keepdims=True)
    third = points[faces[side // 3, (side + 2) % 3]] - low
    angle = np.arctan2(np.einsum("ij,ij->i", third, upward), np.einsum("ij,ij->i", third, across))
    edge = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((~runs_forward, angle, edge))
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    is_free = np.ones(len(side), dtype=np.bool_)
    while True:
        # Neighbours are paired and taken away, until no edge has sides of both directions left.
        order = order[is_free[order]]
        begins = np.diff(edge[order], prepend=-1) > 0
        following = np.roll(order, -1)
        following[np.roll(begins, -1)] = order[begins]  # around the edge, from the last to the first
        bounds_material = ~runs_forward[order] & runs_forward[following]
        if not bounds_material.any():
            return np.concatenate(pairs)
        pair = np.column_stack([order, following])[bounds_material]
        is_free[pair] = False
        pairs.append(side[pair])


def _part(
    points: NDArray[np.float64], faces: NDArray[np.int64], pairs: NDArray[np.int64], distance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and faces in which only ``pairs`` ``[k, 2]`` of sides are joined.

    Vertices that were one, and are several now, move ``distance`` into their own surface, so that they stay several in
    a file that knows points by their place alone.
    """
    first, second = pairs.T
    first_end, second_end = (side - side % 3 + (side + 1) % 3 for side in (first, second))
    alike = faces.ravel()[first] == faces.ravel()[second]
    links = np.concatenate(
        [
            np.column_stack([first, np.where(alike, second, second_end)]),
            np.column_stack([first_end, np.where(alike, second_end, second)]),
        ]
    )
    labels = label(links, faces.size)
    # Numbered in the order of the vertices they come from.
    keys, numbers = np.unique(faces.ravel() * faces.size + labels, return_inverse=True)
    source = keys // faces.size
    faces = numbers.reshape(-1, 3)
    points = points[source]
    is_several = np.bincount(source, minlength=1)[source] > 1
    middles = np.repeat(points[faces].mean(axis=1), 3, axis=0)
    count = np.bincount(faces.ravel(), minlength=len(points))
    inward = np.column_stack([np.bincount(faces.ravel(), axis, len(points)) for axis in middles.T]) / count[:, None]
    inward -= points
    length = np.linalg.norm(inward, axis=1)
    share = np.minimum(distance / np.where(length > 0, length, np.inf), 0.1)
    return points + np.where(is_several, share, 0.0)[:, None] * inward, faces


def _fill_holes(
    points: NDArray[np.float64], faces: NDArray[np.int64], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and faces with every loop of sides that are in none of ``pairs`` closed.

    A loop of three is closed by one triangle, a longer one by a fan around a new point; one of two is closed as it is.
    """
    is_free = np.ones(faces.size, dtype=np.bool_)
    is_free[pairs.ravel()] = False
    rim = ends(faces, np.flatnonzero(is_free))
    vertices, flat = np.unique(rim, return_inverse=True)
    links = flat.reshape(-1, 2)
    loop = label(links, len(vertices))[links[:, 0]]
    start, end = rim.T
    size = np.bincount(loop)
    first = np.unique(loop, return_index=True)[1]
    across = np.bincount(loop, start).astype(np.int64) - start[first] - end[first]
    # On a surface with one side, sides may meet head on; then they do not run round.
    starts_one = np.bincount(links[:, 0])[links[:, 0]] == 1
    runs_round = np.bincount(loop, starts_one) == size
    triangles = np.column_stack([end[first], start[first], across])[(size == 3) & runs_round]
    is_fan = (size > 3) | ((size == 3) & ~runs_round)
    number = len(points) + np.cumsum(is_fan) - 1
    fan = np.column_stack([end, start, number[loop]])[is_fan[loop]]
    middles = np.column_stack([np.bincount(loop, axis) for axis in points[start].T]) / size[:, None]
    return np.concatenate([points, middles[is_fan]]), np.concatenate([faces, triangles, fan])
