"""How large triangles are."""

import numpy as np
from numpy.typing import NDArray


def areas_of(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[…]`` the areas of triangles ``[…, 3, 3]``, in the square of the points' unit."""
    a, b, c = np.moveaxis(corners, -2, 0)
    doubled = np.cross(b - a, c - a)
    areas: NDArray[np.float64] = np.sqrt(np.einsum("...i,...i->...", doubled, doubled)) / 2.0
    return areas
