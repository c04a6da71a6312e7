import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.meshes.weld import _hashes, weld


def test_points_without_twins_keep_their_order() -> None:
    points = np.array([[3.0, 1, 2], [0, 0, 1], [2, 2, 2]])
    first, inverse = weld(points)
    assert first.tolist() == [0, 1, 2]
    assert inverse.tolist() == [0, 1, 2]


def test_twins_are_one_point_at_their_first_appearance() -> None:
    points = np.array([[1.0, 0], [5, 5], [1, 0], [4, 4], [5, 5]])
    first, inverse = weld(points)
    assert first.tolist() == [0, 1, 3]
    assert inverse.tolist() == [0, 1, 0, 2, 1]


def test_minus_zero_is_zero() -> None:
    assert weld(np.array([[0.0, 1.0], [-0.0, 1.0]]))[1].tolist() == [0, 0]


def test_points_a_hair_apart_stay_apart() -> None:
    assert weld(np.array([[1.0], [np.nextafter(1.0, 2.0)]]))[1].tolist() == [0, 1]


def test_no_points_are_no_points() -> None:
    first, inverse = weld(np.zeros((0, 3)))
    assert first.shape == inverse.shape == (0,)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=1, max_size=60))
def test_the_distinct_points_rebuild_all_points(rows: list[tuple[int, int, int]]) -> None:
    points = np.array(rows, dtype=np.float64)
    first, inverse = weld(points)
    assert (points[first][inverse] == points).all()
    assert len(first) == len(set(rows))
    assert (np.diff(first) > 0).all()


def test_points_that_share_a_hash_are_told_apart() -> None:
    # The hash of a row is f(f(x) + y): for any other x there is a y that makes it the same.
    x, y, other_x = 1.0, 2.0, 3.0
    f_of_x, f_of_other = (_hashes(np.array([[value]]))[0] for value in (x, other_x))
    with np.errstate(over="ignore"):
        other_y = (f_of_x + np.float64(y).view(np.uint64) - f_of_other).view(np.float64)
    a, b = (x, y), (other_x, float(other_y))
    assert _hashes(np.array([a]))[0] == _hashes(np.array([b]))[0]
    first, inverse = weld(np.array([a, b, a, b, (5.0, 5.0)]))
    assert first.tolist() == [0, 1, 4]
    assert inverse.tolist() == [0, 1, 0, 1, 2]
