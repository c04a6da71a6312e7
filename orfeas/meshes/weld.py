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
    order = np.argsort(hashes, kind="stable")
    is_new = _differs_from_previous(rows[order])
    if np.count_nonzero(is_new) != np.count_nonzero(_differs_from_previous(hashes[order, None])):
        # Two different points share a hash, and may alternate.
        order = np.lexsort(rows.T)
        is_new = _differs_from_previous(rows[order])
    first = order[is_new]  # the lowest row of its group, for both sorts are stable
    by_appearance = np.argsort(first)
    rank = np.empty_like(by_appearance)
    rank[by_appearance] = np.arange(len(first))
    inverse = np.empty(len(rows), dtype=np.int64)
    inverse[order] = rank[np.cumsum(is_new) - 1]
    return first[by_appearance], inverse


def _hashes(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.view(np.uint64).T:
        mixed += column
        mixed ^= mixed >> _HALF
        mixed *= _MIX
        mixed ^= mixed >> _HALF
    return mixed


def _differs_from_previous(rows: NDArray[np.generic]) -> NDArray[np.bool_]:
    differs = np.ones(len(rows), dtype=np.bool_)
    differs[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return differs
