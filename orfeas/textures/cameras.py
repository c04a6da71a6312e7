"""Orthographic cameras around a model, and the frame in which they see it (conventions §8).

The formulas are those of the texturing part of Hunyuan3D-2.1, in a frame without mirror images.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# From the middle of the model to the camera, and half the side of the square window, in scene units.
DISTANCE = 1.45
HALF_WINDOW = 0.6


@dataclass(frozen=True)
class Camera:
    """Where the model is seen from: azimuth 0 is the front, 90 is from +X, elevation 90 is from above."""

    elevation_deg: float
    azimuth_deg: float


@dataclass(frozen=True)
class View:
    """A camera, and how much its picture counts where several see the same place."""

    camera: Camera
    weight: float


_SIDES = (
    View(Camera(0, 0), 1.0),
    View(Camera(0, 90), 0.1),
    View(Camera(0, 180), 0.5),
    View(Camera(0, 270), 0.1),
    View(Camera(90, 0), 0.05),
    View(Camera(-90, 180), 0.05),
)
_RINGS = tuple(View(Camera(elevation, azimuth), 0.01) for azimuth in range(0, 360, 30) for elevation in (20, -20))
# The views a selection chooses from, in the order in which ties are broken; the first six are always chosen.
CANDIDATES: tuple[View, ...] = _SIDES + _RINGS
ALWAYS_CHOSEN = len(_SIDES)


def axes(camera: Camera) -> Tensor:
    """``[3, 3]`` float32, rows: right, up and back (from the model to the camera) as unit vectors of the model's frame.

    Valid at the poles too, where a look-at matrix degenerates.
    """
    elevation, azimuth = math.radians(camera.elevation_deg), math.radians(camera.azimuth_deg)
    rise, reach = math.sin(elevation), math.cos(elevation)
    back = (reach * math.sin(azimuth), rise, reach * math.cos(azimuth))
    right = (math.cos(azimuth), 0.0, -math.sin(azimuth))
    up = (-rise * math.sin(azimuth), reach, -rise * math.cos(azimuth))
    return torch.tensor((right, up, back), dtype=torch.float64).float()


def project(points: Tensor, camera: Camera) -> Tensor:
    """Where ``points`` ``[n, 3]``, in scene units, are in the camera's picture, and how far away.

    Returns:
        ``[n, 3]``: x to the right and y **down**, in [−1, 1] where the camera sees them; then the distance from the
        camera's plane in scene units, larger is farther.
    """
    right, up, back = axes(camera).to(points)
    directions = torch.stack([right / HALF_WINDOW, -up / HALF_WINDOW, -back])
    # Columns lie together in memory: each is worked on alone, and so the product itself is faster too.
    return torch.addmm(torch.tensor(((0.0,), (0.0,), (DISTANCE,))).to(points), directions, points.T).T


def to_colour_frame(vectors: Tensor) -> Tensor:
    """``[..., 3]`` with Z up, in which maps of normals and positions are coloured: ``(x, y, z) → (x, −z, y)``."""
    x, y, z = vectors.unbind(-1)
    return torch.stack([x, -z, y], dim=-1)
