"""Vertices at exactly the same place become one; what every count of edges rests on."""

import numpy as np
from numpy.typing import NDArray

# An odd multiplier that mixes well (Pelle Evensen's rrmxmx); equality is checked afterwards, whatever it does.
_MIX = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)
# Points that are looked at a time: their numbers stay in a core's own memory.
CHUNK = 1 << 14


def weld(points: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows of ``points`` that are equal number for number (−0 equals 0).

    The order is that of first appearance, so points without twins keep theirs.

    Args:
        points: ``[n, d]``, finite.

    Returns:
        ``first`` ``[m]``: the row that stands for each distinct point; ``inverse`` ``[n]``: which distinct point each
        row is, so that ``points[first][inverse]`` equals ``points``.
    """
    hashes = _hashes(points)
    ordered = np.sort(hashes)
    if (ordered[1:] != ordered[:-1]).all():
        return np.arange(len(points)), np.arange(len(points))
    order = np.argsort(hashes)
    is_new = np.ones(len(points), dtype=np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    alike = np.flatnonzero(~is_new)
    if (points[order[alike]] != points[order[alike - 1]]).any():
        # Two different points share a hash, and may alternate.
        rows = np.asarray(points) + 0.0
        order = np.lexsort(rows.T)
        is_new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    begins = np.flatnonzero(is_new)
    lowest = np.minimum.reduceat(order, begins) if len(begins) else order
    stands = np.zeros(len(points), dtype=np.bool_)
    stands[lowest] = True
    rank = np.cumsum(stands) - 1
    inverse = np.empty(len(points), dtype=np.int64)
    inverse[order] = np.repeat(rank[lowest], np.diff(begins, append=len(points)))
    return np.flatnonzero(stands), inverse


def _hashes(points: NDArray[np.floating]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(points), dtype=np.uint64)
    for start in range(0, len(points), CHUNK):
        part = mixed[start : start + CHUNK]
        # 0 is added, so that -0 becomes 0.
        rows = np.ascontiguousarray(points[start : start + CHUNK], dtype=np.float64) + 0.0
        for column in rows.view(np.uint64).T:
            part += column
            part ^= part >> _HALF
            part *= _MIX
            part ^= part >> _HALF
    return mixed
