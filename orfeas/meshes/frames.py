"""From the frames of files to the working frame (conventions §3)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MM_PER_METRE = 1000.0
# Matrices ``[4, 4]`` that act on columns, whose own say where x, y and z go; by the axis that is up in the file.
TO_Y_UP: Mapping[str, NDArray[np.float64]] = {
    "X": np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "Y": np.eye(4),
    "Z": np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
}
