"""Vertices at exactly the same place become one; what every count of edges rests on."""

import numpy as np
from numpy.typing import NDArray

# An odd multiplier that mixes well (Pelle Evensen's rrmxmx); equality is checked afterwards, whatever it does.
_MIX = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)


def weld(points: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows of ``points`` that are equal number for number (−0 equals 0).

    The order is that of first appearance, so points without twins keep theirs.

    Args:
        points: ``[n, d]``, finite.

    Returns:
        ``first`` ``[m]``: the row that stands for each distinct point; ``inverse`` ``[n]``: which distinct point each
        row is, so that ``points[first][inverse]`` equals ``points``.
    """
    rows = np.ascontiguousarray(points, dtype=np.float64) + 0.0
    hashes = _hashes(rows)
    order = np.argsort(hashes)
    sorted_hashes = hashes[order]
    is_new = np.ones(len(rows), dtype=np.bool_)
    is_new[1:] = sorted_hashes[1:] != sorted_hashes[:-1]
    alike = np.flatnonzero(~is_new)
    if (rows[order[alike]] != rows[order[alike - 1]]).any():
        # Two different points share a hash, and may alternate.
        order = np.lexsort(rows.T)
        is_new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    begins = np.flatnonzero(is_new)
    lowest = np.minimum.reduceat(order, begins) if len(begins) else order
    stands = np.zeros(len(rows), dtype=np.bool_)
    stands[lowest] = True
    rank = np.cumsum(stands) - 1
    inverse = np.empty(len(rows), dtype=np.int64)
    inverse[order] = np.repeat(rank[lowest], np.diff(begins, append=len(rows)))
    return np.flatnonzero(stands), inverse


def _hashes(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.view(np.uint64).T:
        mixed += column
        mixed ^= mixed >> _HALF
        mixed *= _MIX
        mixed ^= mixed >> _HALF
    return mixed
