"""A photographer's studio around a model: what comes back from a surface that faces some way, by table.

Three soft lights and a room that is brighter above, all white, fixed to the camera: the model turns, they stay. Soft
lights are spherical Gaussians, which a rough surface widens (Wang and others 2009, "All-frequency rendering of dynamic,
spatially-varying reflectance"); light and surface are otherwise far simpler than physics.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Cells along a side of a table of directions, and how many roughnesses a table has.
CELLS = 64
ROUGHNESSES = 16
# How much of what shines is seen in a surface that is no metal (glTF 2.0, appendix B).
PLAIN_SHINE = 0.04


@dataclass(frozen=True)
class _Light:
    """Where a soft light stands (x right, y up, z to the camera), how bright and how small it is."""

    direction: tuple[float, float, float]
    power: float
    sharpness: float


_LIGHTS = (
    _Light((-0.62, 0.62, 0.52), 0.84, 7.0),  # key
    _Light((0.85, 0.10, 0.50), 0.15, 4.0),  # fill
    _Light((0.25, 0.55, -0.80), 0.30, 10.0),  # rim
)
_ROOM, _ROOM_ABOVE = 0.29, 0.14
# How far past its edge a soft light reaches, as a share of what faces it.
_WRAP = 0.15
# What a mirror shows of a light, next to what a matt surface shows of it.
_MIRRORED = 1.6
_LEAST_ROUGHNESS = 0.18


def make_matt() -> NDArray[np.float32]:
    """``[64, 64]`` light from a white matt surface.

    Column and row are the x and y of the normal in the camera's frame, from −1 to 1 at the centres of the outermost
    cells; y grows with the row.
    """
    normals = _normals()
    light = _ROOM + _ROOM_ABOVE * normals[..., 1]
    for lamp in _LIGHTS:
        facing = normals @ _unit(lamp.direction)
        light = light + lamp.power * np.clip((facing + _WRAP) / (1 + _WRAP), 0.0, None)
    return light.astype(np.float32)


def make_shine() -> NDArray[np.float32]:
    """``[16 · 64, 64]`` light from a surface that shines, a table like :func:`make_matt` for each roughness, 0 to 1."""
    normals = _normals()
    facing = normals[..., 2]
    mirrored = 2 * facing[..., None] * normals - (0.0, 0.0, 1.0)
    tables = []
    for roughness in np.linspace(0.0, 1.0, ROUGHNESSES):
        width = 2.0 / max(roughness, _LEAST_ROUGHNESS) ** 4
        light = _ROOM + _ROOM_ABOVE * 1.5 * mirrored[..., 1] * (1 - 0.5 * roughness)
        for lamp in _LIGHTS:
            sharpness = lamp.sharpness * width / (lamp.sharpness + width)
            power = _MIRRORED * lamp.power * sharpness / lamp.sharpness
            light = light + power * np.exp(sharpness * (mirrored @ _unit(lamp.direction) - 1.0))
        tables.append(light)
    return np.concatenate(tables).astype(np.float32)


def at_roughness(shine: NDArray[np.float32], roughness: float) -> NDArray[np.float32]:
    """``[64, 64]`` the table of :func:`make_shine` that is nearest."""
    step = round(roughness * (ROUGHNESSES - 1))
    return shine[step * CELLS : (step + 1) * CELLS]


def _normals() -> NDArray[np.float64]:
    """``[64, 64, 3]`` unit vectors to the camera's side; those outside of the circle lie on its edge."""
    axis = np.linspace(-1.0, 1.0, CELLS)
    x, y = np.meshgrid(axis, axis)
    length = np.maximum(np.hypot(x, y), 1.0)
    x, y = x / length, y / length
    return np.stack([x, y, np.sqrt(np.clip(1.0 - x**2 - y**2, 0.0, None))], axis=-1)


def _unit(direction: tuple[float, float, float]) -> NDArray[np.float64]:
    vector = np.asarray(direction)
    unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return unit
