import numpy as np
import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes.polygons import cut, fans, polygons_of

QUADS = np.array([[0, 1, 2, 3], [3, 2, 5, 6], [8, 9, 4, 7]])


def test_polygons_are_cut_from_their_first_corner_and_what_is_no_polygon_is_left_out() -> None:
    found = fans([np.array([[7, 8]]), np.array([[0, 1, 2, 3, 4]]), np.array([[5, 6, 7]])])
    assert found.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [5, 6, 7]]
    assert fans([]).shape == (0, 3)


def test_polygons_that_follow_each_other_are_cut_by_the_numbers_of_their_corners() -> None:
    assert cut(np.array([4, 2, 3])).tolist() == [[6, 7, 8], [0, 1, 2], [0, 2, 3]]


def test_more_triangles_than_a_mesh_may_have_are_refused_before_they_are_made() -> None:
    with pytest.raises(InvalidMesh):
        fans([np.broadcast_to(np.arange(4), (5_000_001, 4))])


def test_triangles_are_joined_to_the_quads_that_they_were_cut_from() -> None:
    (found,) = polygons_of(fans([QUADS]), is_quads=True)
    assert np.array_equal(found, QUADS)
    (left,) = polygons_of(fans([QUADS]), is_quads=False)
    assert np.array_equal(left, fans([QUADS]))


def test_a_triangle_that_no_other_joins_stays_one() -> None:
    both = polygons_of(np.concatenate([fans([QUADS]), [[7, 8, 9]]]), is_quads=True)
    assert [same.tolist() for same in both] == [QUADS.tolist(), [[7, 8, 9]]]


@pytest.mark.parametrize("pair", [[[0, 1, 2], [0, 2, 1]], [[0, 0, 2], [0, 2, 3]], [[0, 1, 2], [0, 2, 2]]])
def test_two_triangles_of_fewer_than_four_corners_are_no_quad(pair: list[list[int]]) -> None:
    (left,) = polygons_of(np.array(pair), is_quads=True)
    assert left.tolist() == pair
