"""A model as bare triangles, for what is measured on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_corners, check_points

# Faces, or rays, worked on at a time: a fraction of a second.
PIECE = 50_000


@dataclass(frozen=True)
class Triangles:
    """The faces of a model that have an area.

    Attributes:
        corners: ``[m, 3, 3]`` float64.
        normals: ``[m, 3]`` of unit length.
        areas: ``[m]``, over 0.
    """

    corners: NDArray[np.float64]
    normals: NDArray[np.float64]
    areas: NDArray[np.float64]

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """``[3]`` the lower corner of the box around them."""
        low: NDArray[np.float64] = self.corners.min(axis=(0, 1))
        return low

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """``[3]`` the upper corner of the box around them."""
        high: NDArray[np.float64] = self.corners.max(axis=(0, 1))
        return high

    @cached_property
    def diagonal(self) -> float:
        """Of the box around them."""
        return float(np.linalg.norm(self.high - self.low))


def triangles_of(mesh: trimesh.Trimesh) -> Triangles:
    """The triangles of ``mesh``.

    Raises:
        InvalidMesh: no face has an area, a number is not finite, or a corner does not exist.
    """
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)
    check_corners(faces, len(vertices))
    check_points(vertices)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    has_area = lengths > 0
    if not has_area.any():
        raise InvalidMesh("The model has no surface.")
    if not has_area.all():
        corners, normals, lengths = corners[has_area], normals[has_area], lengths[has_area]
    return Triangles(corners, normals / lengths[:, None], lengths / 2.0)


def pieces(count: int, size: int) -> Iterator[slice]:
    """``range(count)`` cut into slices of at most ``size``."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
