import numpy as np
import pytest

from orfeas.meshes.bounds import find_bounds, find_reach


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_they_are_the_lowest_and_the_highest_of_each_column(kind: type[np.floating]) -> None:
    points = np.random.default_rng(0).normal(size=(1000, 3)).astype(kind)
    low, high = find_bounds(points)
    assert low.dtype == high.dtype == kind
    assert np.array_equal(low, points.min(axis=0))
    assert np.array_equal(high, points.max(axis=0))


def test_the_reach_is_what_lies_between() -> None:
    assert find_reach(np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 3.0], [0.5, -1.0, 3.0]])).tolist() == [1.0, 6.0, 0.0]
    assert find_reach(np.array([[1.0, 2.0, 3.0]])).tolist() == [0.0, 0.0, 0.0]
