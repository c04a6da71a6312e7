"""What a model is made into before it is drawn."""

import numpy as np
import pytest
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.pictures import scene as scene_module
from orfeas.pictures.scene import set_scene
from tests.meshes.solids import box, inverted, joined, soup, textured_ball


def test_every_side_of_a_cube_has_corners_of_its_own_and_its_own_normal() -> None:
    scene = set_scene(box())
    assert len(scene.points) == 24
    np.testing.assert_allclose(np.abs(scene.normals).max(axis=1), 1.0, atol=1e-6)


def test_a_ball_has_one_normal_at_every_place_and_it_points_outward() -> None:
    ball = trimesh.creation.icosphere(3)
    scene = set_scene(soup(ball))
    places, number = np.unique(scene.points.round(5), axis=0, return_inverse=True)
    assert len(places) == len(ball.vertices)
    np.testing.assert_allclose(scene.normals, scene.points, atol=0.02)
    for axis in range(3):
        assert np.ptp(scene.normals[:, axis][np.argsort(number)].reshape(len(scene.points), -1), axis=1).max() < 1e-6


def test_a_tube_is_smooth_around_and_sharp_at_its_ends() -> None:
    tube = trimesh.creation.cylinder(radius=1.0, height=2.0, sections=32)
    scene = set_scene(tube)
    along = np.abs(scene.normals[:, 2])
    assert set(along.round(3).tolist()) == {0.0, 1.0}
    rim = scene.normals[along < 0.5]
    np.testing.assert_allclose(rim[:, :2], scene.points[along < 0.5][:, :2] / np.sqrt(0.5), atol=1e-5)


@pytest.mark.parametrize(
    ("mesh", "closed"),
    [
        (box(), True),
        (textured_ball(), True),
        (soup(box()), True),
        (joined(box(), box(1.0, (3.0, 0.0, 0.0))), True),
        (inverted(box()), False),
        (joined(box(), inverted(box(0.5, (3.0, 0.0, 0.0)))), False),
        (trimesh.Trimesh(box().vertices, box().faces[2:], process=False), False),
    ],
    ids=["box", "ball with a seam", "soup", "two", "inside out", "one of two inside out", "open"],
)
def test_inner_sides_are_left_out_only_where_none_can_be_seen(mesh: trimesh.Trimesh, closed: bool) -> None:
    assert set_scene(mesh).is_closed is closed


def test_a_model_with_a_great_many_faces_is_smooth_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_module, "CREASES_UP_TO", 4)
    scene = set_scene(box())
    assert (len(scene.points), scene.is_closed) == (8, False)
    np.testing.assert_allclose(np.linalg.norm(scene.normals, axis=1), 1.0, atol=1e-6)
    assert (scene.normals * scene.points > 0.1).all()


def test_the_outline_holds_every_point_and_no_more() -> None:
    scene = set_scene(trimesh.creation.cone(radius=1.0, height=2.0).apply_transform(np.eye(4)[[0, 2, 1, 3]]))
    radius, height = np.hypot(scene.points[:, 0], scene.points[:, 2]), scene.points[:, 1]
    assert scene.outline[:, 0].max() == pytest.approx(radius.max(), abs=1e-6)
    assert (scene.outline[:, 1].min(), scene.outline[:, 1].max()) == pytest.approx(
        (height.min(), height.max()), abs=1e-6
    )


def test_a_mesh_is_not_changed_and_unused_points_do_not_count() -> None:
    mesh = trimesh.Trimesh(np.concatenate([box().vertices, [(9e9, 0, 0)]]), box().faces, process=False)
    before = mesh.vertices.copy()
    np.testing.assert_allclose(set_scene(mesh).points, set_scene(box()).points)
    np.testing.assert_array_equal(mesh.vertices, before)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_numbers_that_no_model_has_are_refused(number: float) -> None:
    mesh = box()
    vertices = mesh.vertices.copy()
    vertices[3, 1] = number
    with pytest.raises(InvalidMesh):
        set_scene(trimesh.Trimesh(vertices, mesh.faces, process=False))


def test_a_mesh_without_faces_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="empty"):
        set_scene(trimesh.Trimesh())
