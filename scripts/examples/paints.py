"""Colours and patterns of surfaces, in linear light."""

import numpy as np

from scripts.examples.distances import Array, noise
from scripts.examples.render import Paint


def rgb(code: str) -> tuple[float, float, float]:
    """Linear RGB of a web colour such as ``#c8553d``."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return linear[0], linear[1], linear[2]


def column(code: str) -> Array:
    """The same as a column ``[3, 1]`` to mix with."""
    return np.array(rgb(code), np.float32)[:, None]


def step(x: Array, edge: float, width: float) -> Array:
    """0 below ``edge``, 1 above, smooth over ``width``."""
    t = np.clip((x - edge) / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def mix(a: Array, b: Array, t: Array) -> Array:
    """From ``a`` to ``b`` as ``t`` goes from 0 to 1."""
    return a + (b - a) * t


def wood(light: str, dark: str) -> Paint:
    """Grain along the longest run of the y axis."""

    def paint(p: Array) -> Array:
        stretched = p * np.array([[9], [1.1], [9]], np.float32)
        rings = np.sin(8 * noise(stretched, 1.0) + 3 * noise(stretched, 4.0))
        return mix(column(light), column(dark), 0.5 + 0.5 * rings)

    return paint
