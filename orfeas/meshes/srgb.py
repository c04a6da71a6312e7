"""The sRGB transfer function, IEC 61966-2-1 (conventions §6)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def to_linear(encoded: ArrayLike) -> NDArray[np.float64]:
    """Light in [0, 1] of sRGB values in [0, 1], any shape; alpha is not a colour and must be left out."""
    value = np.asarray(encoded, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: ArrayLike) -> NDArray[np.float64]:
    """SRGB values in [0, 1] of light in [0, 1], any shape; the inverse of :func:`to_linear`."""
    value = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
