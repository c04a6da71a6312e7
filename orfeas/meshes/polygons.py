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


def polygons_of(faces: NDArray[np.int64], is_quads: bool) -> list[NDArray[np.int64]]:
    """The faces as arrays ``[k, 4]`` and ``[k, 3]``, in that order, as far as there are any of either.

    Args:
        faces: ``[m, 3]``.
        is_quads: whether two triangles that follow each other and share their diagonal, as :func:`fans` cuts a quad,
            are one face, if its four corners are different ones.
    """
    even = len(faces) - len(faces) % 2
    first, second = faces[0:even:2], faces[1:even:2]
    quads = np.column_stack([first, second[:, 2]])
    is_pair = (first[:, 0] == second[:, 0]) & (first[:, 2] == second[:, 1]) & is_quads
    is_pair &= (np.diff(np.sort(quads, axis=1), axis=1) > 0).all(axis=1)
    is_single = np.ones(len(faces), dtype=np.bool_)
    is_single[:even] = ~np.repeat(is_pair, 2)
    return [same for same in (quads[is_pair], faces[is_single]) if len(same)]
