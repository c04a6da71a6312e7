"""A mesh made ready to be written: checked, without loose vertices, with its seams known and its normals smooth."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, vertex_colours
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.weld import weld


@dataclass(frozen=True)
class Surface:
    """Finite triangles in the working frame, millimetres (conventions §1, §2).

    Attributes:
        vertices: ``[n, 3]`` float64, each used by a face; a UV seam has one on either side.
        faces: ``[m, 3]`` int64, counter-clockwise outside.
        points: ``[p, 3]`` float64, the distinct places of the vertices.
        place: ``[n]`` the point each vertex lies at.
        normals: ``[p, 3]`` float64, of unit length, one per point, so that no seam shows.
        uv: ``[n, 2]``, origin lower left, or None.
        texture: base colour, or None.
        material: factors and further textures, or None.
        colours: ``[n, 4]`` uint8 sRGB: colours on the vertices, else the base colour there, or None.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    points: NDArray[np.float64]
    place: NDArray[np.int64]
    normals: NDArray[np.float64]
    uv: NDArray[np.float64] | None
    texture: Image.Image | None
    material: PBRMaterial | None
    colours: NDArray[np.uint8] | None


def surface_of(mesh: trimesh.Trimesh) -> Surface:
    """Check ``mesh`` and make it ready; it is not changed.

    Raises:
        InvalidMesh: it has no faces, a face names a vertex that is not there, or a number in it is not finite.
    """
    faces = np.asarray(mesh.faces, dtype=np.int64)
    if not len(faces):
        raise InvalidMesh("The model is empty.")
    check_corners(faces, len(mesh.vertices))
    used, flat = np.unique(faces, return_inverse=True)
    vertices = np.asarray(mesh.vertices, dtype=np.float64)[used]
    look = appearance_of(mesh)
    uv = None if look.uv is None else look.uv[used]
    check_points(vertices)
    if uv is not None:
        check_points(uv)
    colours = vertex_colours(mesh)
    first, place = weld(vertices)
    faces = flat.reshape(-1, 3)
    return Surface(
        vertices=vertices,
        faces=faces,
        points=vertices[first],
        place=place,
        normals=smooth_normals(vertices[first], place[faces]),
        uv=uv,
        texture=look.texture,
        material=look.material,
        colours=None if colours is None else colours[used],
    )


def smooth_normals(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """``[p, 3]`` unit normals: the mean of the faces around a point, weighted by their angles there.

    Angle weights do not depend on how a flat side is cut into triangles (Thürmer and Wüthrich 1998). A point whose
    faces have no area, or cancel out, points up.
    """
    corners = points[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    twice_area = np.linalg.norm(normals, axis=1)
    normals /= np.where(twice_area > 0, twice_area, 1.0)[:, None]
    total = np.zeros_like(points)
    for corner in range(3):
        a = corners[:, (corner + 1) % 3] - corners[:, corner]
        b = corners[:, (corner + 2) % 3] - corners[:, corner]
        angle = np.arctan2(twice_area, np.einsum("ij,ij->i", a, b))
        for axis in range(3):
            total[:, axis] += np.bincount(faces[:, corner], normals[:, axis] * angle, minlength=len(points))
    length = np.linalg.norm(total, axis=1)
    total[length < 1e-9] = (0.0, 1.0, 0.0)
    unit: NDArray[np.float64] = total / np.where(length < 1e-9, 1.0, length)[:, None]
    return unit
