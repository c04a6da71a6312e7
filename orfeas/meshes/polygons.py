"""Polygons as triangles."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.limits import check_counts


def fans(polygons: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """``[m, 3]``: each polygon cut from its first corner; those of fewer than three corners are left out.

    Args:
        polygons: arrays ``[k, n]``, each of k polygons with n corners.

    Raises:
        InvalidMesh: over ten million triangles.
    """
    check_counts(sum(len(same) * max(same.shape[1] - 2, 0) for same in polygons))
    triangles = [np.zeros((0, 3), dtype=np.int64)]
    for same in polygons:
        if same.shape[1] < 3:
            continue
        second, third = same[:, 1:-1], same[:, 2:]
        first = np.broadcast_to(same[:, :1], second.shape)
        triangles.append(np.stack([first, second, third], axis=2).reshape(-1, 3))
    return np.concatenate(triangles)


def cut(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[m, 3]``: polygons with so many corners, stored one after another, as triangles of the corners' numbers.

    Raises:
        InvalidMesh: over ten million triangles.
    """
    starts = np.cumsum(sizes) - sizes
    return fans([starts[sizes == size, None] + np.arange(size) for size in np.unique(sizes)])
