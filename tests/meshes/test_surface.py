import numpy as np
import pytest
import trimesh

from orfeas.meshes.surface import smooth_normals, surface_of
from tests.meshes.solids import box, soup, textured_ball


def test_a_corner_of_a_cube_points_to_its_corner() -> None:
    cube = box(2.0)
    found = smooth_normals(np.asarray(cube.vertices), np.asarray(cube.faces))
    assert found == pytest.approx(np.asarray(cube.vertices) / np.sqrt(3))


def test_normals_do_not_depend_on_how_a_side_is_cut() -> None:
    first, second = np.array([[0, 1, 2], [0, 2, 3]]), np.array([[0, 1, 3], [1, 2, 3]])
    points = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0], [0, 0, -1], [0, 1, -1]], dtype=float)
    wall = np.array([[0, 3, 5], [0, 5, 4]])
    a, b = (smooth_normals(points, np.vstack([side, wall])) for side in (first, second))
    assert a[[0, 3]] == pytest.approx(b[[0, 3]])


def test_both_sides_of_a_seam_share_their_normal() -> None:
    surface = surface_of(textured_ball())
    assert len(surface.normals) == len(surface.points) < len(surface.vertices)
    assert surface.points[surface.place] == pytest.approx(surface.vertices)


def test_normals_have_unit_length_even_where_faces_have_no_area() -> None:
    mesh = trimesh.Trimesh(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), [[0, 1, 2]], process=False)
    assert surface_of(mesh).normals.tolist() == [[0, 1, 0]] * 3


def test_two_sides_that_cancel_out_point_up() -> None:
    normals = smooth_normals(np.eye(3), np.array([[0, 1, 2], [2, 1, 0]]))
    assert normals.tolist() == [[0, 1, 0]] * 3


def test_triangles_that_share_no_vertex_are_smooth_too() -> None:
    ball = textured_ball(24)
    surface = surface_of(soup(ball))
    assert np.einsum("ij,ij->i", surface.normals, surface.points).min() > 0.97
