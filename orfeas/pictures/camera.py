"""A camera that goes around a model, and its window, which holds the model all the way round."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# From the origin to the camera; the model reaches one unit. Far enough that nothing looks bent.
DISTANCE = 5.0
NEAR, FAR = DISTANCE - 1.01, DISTANCE + 1.01
# What stays free on every side, as a share of the window.
MARGIN = 0.03
# Azimuths at which the outline is looked at; between them it can stick out by less than a pixel.
AZIMUTHS = 90


@dataclass(frozen=True)
class Camera:
    """Where the model is seen from: azimuth 0 is its front, 90 from +X, elevation 90 from above (conventions §8)."""

    azimuth_deg: float
    elevation_deg: float


@dataclass(frozen=True)
class Window:
    """What a camera sees: a square, by the tangents of angles from the line of sight.

    Attributes:
        middle: upward from the line of sight to the window's middle.
        half: from its middle to its border.
    """

    middle: float
    half: float


def axes(camera: Camera) -> NDArray[np.float64]:
    """``[3, 3]`` rows: right, up and back (from the model to the camera) as unit vectors of the model's frame."""
    elevation, azimuth = math.radians(camera.elevation_deg), math.radians(camera.azimuth_deg)
    rise, reach = math.sin(elevation), math.cos(elevation)
    return np.array(
        [
            (math.cos(azimuth), 0.0, -math.sin(azimuth)),
            (-rise * math.sin(azimuth), reach, -rise * math.cos(azimuth)),
            (reach * math.sin(azimuth), rise, reach * math.cos(azimuth)),
        ]
    )


def find_window(outline: NDArray[np.float64], elevation_deg: float) -> Window:
    """The smallest window that holds a model from every azimuth.

    Args:
        outline: ``[k, 2]`` radius and height of circles that hold it.
        elevation_deg: of the camera.
    """
    radius, height = outline.T
    turn = np.linspace(0.0, 2 * math.pi, AZIMUTHS, endpoint=False)
    rings = np.stack(
        [np.outer(radius, np.sin(turn)), np.repeat(height[:, None], AZIMUTHS, 1), np.outer(radius, np.cos(turn))], -1
    )
    x, y, z = np.moveaxis(rings @ axes(Camera(0.0, elevation_deg)).T, -1, 0)
    across, up = x / (DISTANCE - z), y / (DISTANCE - z)
    low, high = float(up.min()), float(up.max())
    half = max(float(np.abs(across).max()), (high - low) / 2) / (1 - 2 * MARGIN)
    return Window((low + high) / 2, half or 1.0)


def view_matrix(camera: Camera, window: Window) -> NDArray[np.float64]:
    """``[4, 4]`` from the model's frame to one before the window, in which the camera looks along −Z with Y up."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes(camera)
    matrix[2, 3] = -DISTANCE
    # A window off the line of sight is a shear along it.
    matrix[1] += window.middle * matrix[2]
    return matrix


def field_of_view(window: Window) -> float:
    """From the window's lower to its upper border, in radians."""
    return 2 * math.atan(window.half)
