import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.meshes.closest import Nearest, closest_weights
from tests.meshes.solids import box


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_no_place_of_the_triangle_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners, points = rng.normal(size=(20, 3, 3)), rng.normal(size=(20, 3)) * 2
    weights = closest_weights(points, corners)
    assert (weights >= 0).all()
    assert weights.sum(axis=1) == pytest.approx(1)
    found = np.linalg.norm(np.einsum("ij,ijk->ik", weights, corners) - points, axis=1)
    others = rng.dirichlet([0.5, 0.5, 0.5], size=(400, 20))
    distances = np.linalg.norm(np.einsum("sij,ijk->sik", others, corners) - points, axis=2)
    assert (found <= distances.min(axis=0) + 1e-9).all()


def test_a_triangle_without_area_has_a_nearest_place_too() -> None:
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]], [[2.0, 2, 2]] * 3])
    weights = closest_weights(np.array([[2.0, 5, 0], [0, 0, 0]]), corners)
    assert np.einsum("ij,ijk->ik", weights, corners) == pytest.approx(np.array([[2.0, 0, 0], [2, 2, 2]]))


def test_points_of_the_surface_are_found_where_they_are() -> None:
    mesh = trimesh.creation.icosphere(4)
    rng = np.random.default_rng(1)
    face = rng.integers(len(mesh.faces), size=500)
    points = np.einsum("ij,ijk->ik", rng.dirichlet([1, 1, 1], size=500), np.asarray(mesh.triangles)[face])
    places = Nearest(mesh.vertices, np.asarray(mesh.faces)).find(points)
    assert places.interpolate(np.asarray(mesh.vertices), np.asarray(mesh.faces)) == pytest.approx(points, abs=1e-9)


def test_large_faces_are_found_away_from_their_middle() -> None:
    cube = box(2.0)
    points = np.array([[0.9, 0.9, 1.2], [-0.9, 1.5, 0.8]])
    places = Nearest(cube.vertices, np.asarray(cube.faces)).find(points)
    nearest = places.interpolate(np.asarray(cube.vertices), np.asarray(cube.faces))
    assert nearest == pytest.approx(np.array([[0.9, 0.9, 1.0], [-0.9, 1.0, 0.8]]))


def test_a_point_looks_in_its_own_group_however_near_another_is() -> None:
    cube = box(2.0)
    faces = np.asarray(cube.faces)
    group = (np.asarray(cube.triangles).mean(axis=1)[:, 2] > 0.9).astype(np.int64)
    around = Nearest(cube.vertices, faces, group).around(np.array([[0.0, 0.0, -1.0]]), np.array([1]))
    places = around.chosen(around.distance.argmin(axis=1))
    assert places.interpolate(np.asarray(cube.vertices), faces) == pytest.approx(np.array([[0.0, 0.0, 1.0]]))
