"""Where a model's surface is smooth and where it has an edge."""

import math

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.halfedges import HalfEdges, label
from orfeas.meshes.orientation import component_volumes

# Faces that meet at less than this are shaded as one smooth surface.
CREASE_DEG = 40.0


def find_smooth_corners(points: NDArray[np.float64], faces: NDArray[np.int64], sides: HalfEdges) -> NDArray[np.int64]:
    """Which corners of faces share a normal: those around a point that can be reached without crossing an edge.

    Args:
        points: ``[p, 3]``, no two at the same place.
        faces: ``[m, 3]``, none without area.
        sides: those of ``faces``.

    Returns:
        ``[m, 3]`` the number of each corner's group.
    """
    corners = points[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    one, other = _opposite_pairs(faces, sides).T
    cosine = np.einsum("ij,ij->i", normals[one // 3], normals[other // 3])
    is_smooth = cosine > math.cos(math.radians(CREASE_DEG))
    one, other = one[is_smooth], other[is_smooth]
    links = np.concatenate([np.column_stack([one, _next(other)]), np.column_stack([_next(one), other])])
    return label(links, faces.size).reshape(-1, 3)


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
    ends: NDArray[np.int64] = 3 * face + (corner + 1) % 3
    return ends
