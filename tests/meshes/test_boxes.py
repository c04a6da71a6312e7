import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orfeas.meshes import boxes
from orfeas.meshes.boxes import overlapping


def pairs_of(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[tuple[int, int]]:
    blocks = [np.sort(pairs, axis=1) for pairs in overlapping(low, high)]
    return sorted((int(one), int(other)) for pairs in blocks for one, other in pairs)


def all_pairs_of(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[tuple[int, int]]:
    near = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(axis=2)
    return [(int(one), int(other)) for one, other in np.argwhere(np.triu(near, 1))]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 70), st.sampled_from([0.0, 0.1, 0.5, 3.0]))
def test_each_pair_that_overlaps_is_found_once(seed: int, count: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 4, size=(count, 3)) + 0.5 * rng.integers(0, 2, size=(count, 3))
    high = low + size * rng.random((count, 3)).round(1)
    assert pairs_of(low, high) == all_pairs_of(low, high)


def test_boxes_that_touch_overlap() -> None:
    low = np.array([[0.0, 0, 0], [1, 1, 1], [3, 0, 0]])
    assert pairs_of(low, low + 1) == [(0, 1)]


def test_boxes_that_are_inside_out_overlap_what_reaches_beyond_both_their_sides() -> None:
    low, high = np.array([[0.0, 0, 0.1], [0, 0, -1], [0, 0, 0.05]]), np.array([[1.0, 1, -0.1], [1, 1, 1], [1, 1, 3]])
    assert pairs_of(low, high) == [(0, 1), (1, 2)]


def test_all_of_many_pairs_come_in_bounded_blocks() -> None:
    low = np.zeros((700, 3))
    blocks = [len(pairs) for pairs in overlapping(low, low + 1)]
    assert sum(blocks) == 700 * 699 // 2
    assert max(blocks) <= boxes.CHUNK


@pytest.mark.parametrize("count", [0, 1])
def test_there_is_no_pair_of_one(count: int) -> None:
    assert pairs_of(np.zeros((count, 3)), np.ones((count, 3))) == []


def test_what_the_check_raises_stops_the_work() -> None:
    calls = iter(range(3))

    def check() -> None:
        if next(calls) == 2:
            raise InterruptedError

    low = np.zeros((500, 3))
    with pytest.raises(InterruptedError):
        list(overlapping(low, low + 1, check))


def test_the_work_is_told_before_it_is_done_and_what_that_raises_stops_it() -> None:
    told: list[int] = []

    def spend(pairs: int) -> None:
        told.append(pairs)
        if sum(told) > 200_000:
            raise InterruptedError

    low = np.zeros((3000, 3))
    with pytest.raises(InterruptedError):
        list(overlapping(low, low + 1, spend=spend))
    assert sum(told[:-1]) <= 200_000
    told.clear()
    low = np.arange(9.0)[:, None] * np.ones(3)
    assert sum(len(pairs) for pairs in overlapping(low, low + 1, spend=spend)) == 8
    assert told[-1] == 8 + 9
