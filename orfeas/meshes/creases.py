"""Where a model's surface is smooth and where it has an edge."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.halfedges import HalfEdges, half_edges, label
from orfeas.meshes.orientation import component_volumes
from orfeas.meshes.surface import Surface, smooth_normals

# Faces that meet at less than this are shaded as one smooth surface.
CREASE_DEG = 40.0
# Of larger models a face is smaller than a pixel, and nobody sees its edges.
CREASES_UP_TO = 200_000


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


def can_be_creased(faces: int, has_uv: bool) -> bool:
    """Whether :func:`creased` parts anything of a surface.

    It does not where there are UVs, whose texture was made for a shading that nobody knows here, nor in large models.
    """
    return not has_uv and faces <= CREASES_UP_TO


def creased(surface: Surface) -> Surface:
    """``surface`` for the eye: where its faces meet at 40° or more, either side has points and normals of its own.

    Faces without area are left out, unless there are no others. One that :func:`can_be_creased` denies stays as it is.
    """
    if not can_be_creased(len(surface.faces), has_uv=surface.uv is not None):
        return surface
    corners = surface.place[surface.faces]
    seen = has_area(surface.points, corners)
    if not seen.any():
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
        ``[m, 3]`` the number of each corner's group.
    """
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    pairs = _opposite_pairs(faces, sides)
    cosine = np.einsum("ij,ij->i", normals[pairs[:, 0] // 3], normals[pairs[:, 1] // 3])
    one, other = pairs[cosine > math.cos(math.radians(CREASE_DEG))].T
    links = np.concatenate([np.column_stack([one, _next(other)]), np.column_stack([_next(one), other])])
    return label(links, faces.size).reshape(-1, 3)


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
