"""Places spread over a surface, as many to each part as it has area."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The plane's counterpart of the golden ratio: Martin Roberts' R2 sequence (2018) fills a square evenly.
_R2 = np.array([0.7548776662466927, 0.5698402909980532])


@dataclass(frozen=True)
class Samples:
    """``k`` places on a surface.

    Attributes:
        points: ``[k, 3]``.
        face: ``[k]`` the face each lies in, in ascending order.
    """

    points: NDArray[np.float64]
    face: NDArray[np.int64]


def spread(corners: NDArray[np.float64], areas: NDArray[np.float64], count: int) -> Samples:
    """``count`` samples of triangles, each standing for the same area; the same ones every time.

    Args:
        corners: ``[m, 3, 3]``.
        areas: ``[m]``, not all 0.
        count: at least 1.
    """
    ends = np.cumsum(areas)
    steps = (np.arange(count) + 0.5) * (ends[-1] / count)
    face = np.minimum(np.searchsorted(ends, steps, side="right"), len(areas) - 1)
    u, v = ((np.arange(count)[:, None] * _R2) % 1.0).T
    over = u + v > 1.0  # the square's other half, folded back
    u, v = np.where(over, 1.0 - u, u), np.where(over, 1.0 - v, v)
    a, b, c = corners[face].swapaxes(0, 1)
    return Samples(a + u[:, None] * (b - a) + v[:, None] * (c - a), face)
