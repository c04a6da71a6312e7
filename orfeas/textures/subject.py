"""A mesh set up before the cameras, as tensors on the device that computes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_corners, check_points

# The diameter of the ball that the model is fitted into, in scene units.
DIAMETER = 1.15


@dataclass(frozen=True)
class Subject:
    """Triangles in scene units, their middle at the origin, axes as in conventions §1.

    Attributes:
        points: ``[n, 3]`` float32, in a ball of diameter 1.15.
        faces: ``[m, 3]`` int64.
        normals: ``[m, 3]`` float32, outward and of unit length; zero for a face without area.
        areas: ``[m]`` float32.
    """

    points: Tensor
    faces: Tensor
    normals: Tensor
    areas: Tensor


def set_up(vertices: NDArray[np.floating], faces: NDArray[np.integer], device: torch.device) -> Subject:
    """Fit a mesh of ``vertices`` ``[n, 3]`` in any unit and ``faces`` ``[m, 3]`` into the cameras' window.

    The middle is that of the box around the vertices, the scale that of the farthest vertex from it. Vertices that no
    face uses do not count.

    Raises:
        InvalidMesh: no faces, corners that do not exist, numbers that are not finite, or all in one point.
    """
    corners = np.asarray(faces, dtype=np.int64)
    if not len(corners):
        raise InvalidMesh("The model has no faces.")
    check_corners(corners, len(vertices))
    points = np.asarray(vertices, dtype=np.float64)
    used = points[np.unique(corners)]
    check_points(used)
    middle = (used.min(axis=0) + used.max(axis=0)) / 2
    radius = float(np.linalg.norm(used - middle, axis=1).max())
    if radius == 0.0:
        raise InvalidMesh("All of the model lies in one point.")
    placed = np.nan_to_num((points - middle) * (DIAMETER / (2 * radius)))
    a, b, c = placed[corners].swapaxes(0, 1)
    cross = np.cross(b - a, c - a)
    twice_area = np.linalg.norm(cross, axis=1)
    normals = cross / np.where(twice_area > 0, twice_area, 1.0)[:, None]

    def on_device(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    return Subject(
        points=on_device(placed),
        faces=torch.from_numpy(corners.copy()).to(device),
        normals=on_device(normals),
        areas=on_device(twice_area / 2),
    )
