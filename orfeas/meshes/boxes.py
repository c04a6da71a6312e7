"""Pairs of boxes that overlap, by a tree of boxes that is held against itself."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.bounds import find_bounds

# Pairs looked at together: a few hundredths of a second, and some ten megabytes.
CHUNK = 1 << 17
# Steps along an axis of a space-filling curve: three times so many bits make a number.
CURVE_BITS = 21
# How the bits of a number are spread out, so that there are two free places after each (Morton 1966).
SPREAD = (
    (32, 0x001F00000000FFFF),
    (16, 0x001F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def overlapping(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    check: Callable[[], None] = lambda: None,
    spend: Callable[[int], None] = lambda _: None,
) -> Iterator[NDArray[np.int64]]:
    """Every pair of boxes that overlap or touch, once, ``[k, 2]`` at a time.

    A box may be inside out: it overlaps what reaches beyond both its sides. Memory is bounded, however many pairs there
    are. Time goes with the number of boxes, where few overlap each.

    Args:
        low: ``[m, 3]`` the lowest corners.
        high: ``[m, 3]`` the highest.
        check: called every few hundredths of a second; what it raises stops the work.
        spend: called with how many more pairs, of boxes or of what encloses some, will be looked at, about a tenth of a
            microsecond each; what it raises stops the work.
    """
    if len(low) < 2:
        return
    check()
    order = np.argsort(_along_curve((low + high) / 2), kind="stable")
    check()
    levels = _tree(low[order], high[order])
    # Depth first, so that little waits.
    waiting = [(0, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))]
    while waiting:
        check()
        level, one, other = waiting.pop()
        if level == len(levels):
            is_pair = one != other
            yield np.column_stack([order[one[is_pair]], order[other[is_pair]]])
            continue
        ones, others = _children(one, other, levels[level])
        spend(len(ones))
        chunks = [slice(start, start + CHUNK) for start in range(0, len(ones), CHUNK)]
        waiting += [(level + 1, ones[chunk], others[chunk]) for chunk in chunks]


def _tree(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The boxes two by two, then what encloses those, and so on: ``[2, 6, 2 ** level]``, from the root's two halves.

    The first of each two lie apart from the second. Three rows are for the lowest corner, and three for the highest,
    negated. Boxes that are too many are empty.
    """
    boxes = np.full((6, 1 << (len(low) - 1).bit_length()), np.inf)
    boxes[:3, : len(low)], boxes[3:, : len(low)] = low.T, -high.T
    levels = []
    while boxes.shape[1] > 1:
        levels.append(np.stack([boxes[:, ::2], boxes[:, 1::2]]))
        boxes = np.minimum(*levels[-1])
    return levels[::-1]


def _children(
    one: NDArray[np.int64], other: NDArray[np.int64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of children, whose ``boxes`` overlap, of pairs of nodes; a node makes a pair with itself, too."""
    sides = [[[row.take(nodes) for row in rows] for rows in boxes] for nodes in (one, other)]
    ones, others = [], []
    for first in (0, 1):
        for second in (0, 1):
            is_near = one != other if first > second else np.ones(len(one), dtype=np.bool_)
            for axis in range(3):
                is_near &= sides[0][first][axis] + sides[1][second][axis + 3] <= 0
                is_near &= sides[1][second][axis] + sides[0][first][axis + 3] <= 0
            near = np.flatnonzero(is_near)
            ones.append(2 * one[near] + first)
            others.append(2 * other[near] + second)
    return np.concatenate(ones), np.concatenate(others)


def _along_curve(points: NDArray[np.float64]) -> NDArray[np.uint64]:
    """``[m]`` how far along Morton's curve each of ``points`` ``[m, 3]`` is; places near on it are near in space."""
    start, high = find_bounds(points)
    reach = float((high - start).max())
    steps = ((points - start) * (((1 << CURVE_BITS) - 1) / (reach or 1.0))).astype(np.uint64)
    place = np.zeros(len(points), dtype=np.uint64)
    for axis in range(3):
        bits = steps[:, axis]
        for shift, mask in SPREAD:
            bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
        place |= bits << np.uint64(axis)
    return place
