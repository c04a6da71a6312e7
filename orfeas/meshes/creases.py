"""Where a model's surface is smooth and where it has an edge."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.halfedges import HalfEdges, ends, half_edges, label
from orfeas.meshes.orientation import component_volumes
from orfeas.meshes.surface import Surface, smooth_normals

# Faces that meet at less than this are shaded as one smooth surface.
CREASE_DEG = 40.0


@dataclass(frozen=True)
class Split:
    """A mesh with a vertex of its own for every normal.

    Attributes:
        vertex: ``[k]`` which vertex of the mesh each of these was.
        normals: ``[k, 3]`` float64, of unit length.
        faces: ``[m, 3]`` int64.
    """

    vertex: NDArray[np.int64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int64]


def creased(surface: Surface) -> Surface:
    """``surface`` for the eye: where its faces meet at 40° or more, either side has points and normals of its own.

    Faces without area are left out, unless there are no others. A surface with UVs stays as it is: its texture was made
    for a shading that nobody knows here.
    """
    corners = surface.place[surface.faces]
    seen = has_area(surface.points, corners)
    if surface.uv is not None or not seen.any():
        return surface
    corners = corners[seen]
    split = split_at_creases(surface.points, surface.faces[seen], corners, half_edges(corners))
    return replace(
        surface,
        vertices=surface.vertices[split.vertex],
        faces=split.faces,
        points=surface.vertices[split.vertex],
        place=np.arange(len(split.vertex)),
        normals=split.normals,
        colours=None if surface.colours is None else surface.colours[split.vertex],
    )


def split_at_creases(
    points: NDArray[np.float64], faces: NDArray[np.int64], corners: NDArray[np.int64], sides: HalfEdges
) -> Split:
    """Split the vertices that lie where faces meet at 40° or more.

    Args:
        points: ``[p, 3]``, no two at the same place.
        faces: ``[m, 3]`` vertices, none without area.
        corners: ``[m, 3]`` the points these lie at.
        sides: those of ``corners``.
    """
    groups = find_smooth_corners(points, corners, sides)
    at = np.zeros(int(groups.max(initial=-1)) + 1, dtype=np.int64)
    at[groups] = corners
    normals = smooth_normals(points[at], groups)
    # A vertex is one for every normal it has; corners with the same of both share it.
    _, index, numbers = np.unique(faces * max(len(at), 1) + groups, return_index=True, return_inverse=True)
    return Split(faces.ravel()[index], normals[groups.ravel()[index]], numbers.reshape(-1, 3))


def find_smooth_corners(points: NDArray[np.float64], faces: NDArray[np.int64], sides: HalfEdges) -> NDArray[np.int64]:
    """Which corners of faces share a normal: those around a point that can be reached without crossing an edge.

    Args:
        points: ``[p, 3]``, no two at the same place.
        faces: ``[m, 3]``, none without area.
        sides: those of ``faces``.

    Returns:
        ``[m, 3]`` the number of each corner's group: the point's own where it is smooth all around, else one above.
    """
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    pairs = _opposite_pairs(faces, sides)
    cosine = np.einsum("ij,ij->i", normals[pairs[:, 0] // 3], normals[pairs[:, 1] // 3])
    one, other = pairs[cosine > math.cos(math.radians(CREASE_DEG))].T
    # Most points of most models have no edge: only around the others there is something to find.
    is_edge = np.ones(faces.size, dtype=np.bool_)
    is_edge[one] = is_edge[other] = False
    has_edge = np.zeros(len(points), dtype=np.bool_)
    has_edge[ends(faces, np.flatnonzero(is_edge))] = True
    groups = faces.ravel().copy()
    around = has_edge[groups]
    rank = np.cumsum(around) - 1
    links = np.concatenate([np.column_stack([one, _next(other)]), np.column_stack([_next(one), other])])
    links = rank[links[around[links[:, 0]]]]
    groups[around] = len(points) + label(links, int(np.count_nonzero(around)))
    return groups.reshape(-1, 3)


def has_area(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[m]`` whether each face has any area at all."""
    a, b, c = (points[corner] for corner in faces.T)
    is_some: NDArray[np.bool_] = (np.cross(b - a, c - a) != 0).any(axis=1)
    return is_some


def is_closed(points: NDArray[np.float64], faces: NDArray[np.int64], sides: HalfEdges) -> bool:
    """Whether only the outer sides of faces can be seen from outside: every part is closed and wound outward."""
    pairs = _opposite_pairs(faces, sides)
    if 2 * len(pairs) != faces.size:
        return False
    labels = label(pairs // 3, len(faces))
    return bool((component_volumes(points, faces, labels) > 0).all())


def _opposite_pairs(faces: NDArray[np.int64], sides: HalfEdges) -> NDArray[np.int64]:
    """``[k, 2]`` the sides of every edge between just two faces that are wound alike."""
    pairs, start = sides.pairs(), faces.ravel()
    opposite: NDArray[np.int64] = pairs[start[pairs[:, 0]] != start[pairs[:, 1]]]
    return opposite


def _next(sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """The corner at which each side ends; a side's own number is that of the corner at which it starts."""
    face, corner = np.divmod(sides, 3)
    following: NDArray[np.int64] = 3 * face + (corner + 1) % 3
    return following
