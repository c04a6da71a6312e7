from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import trimesh

from orfeas.meshes import creases as module
from orfeas.meshes.creases import creased
from orfeas.meshes.export import export, export_view
from orfeas.meshes.load import load_mesh
from orfeas.meshes.surface import surface_of
from orfeas.options import OutputFormat
from tests.meshes.solids import blob, box, coloured_box, joined, soup, textured_ball, without_faces


def cone() -> trimesh.Trimesh:
    return trimesh.creation.cone(radius=1.0, height=2.0, sections=32)


@pytest.mark.parametrize(
    ("mesh", "vertices"),
    [(box(2.0), 24), (soup(box(2.0)), 36), (without_faces(box(2.0), 0), 23)],
    ids=["box", "soup", "open"],
)
def test_every_side_of_a_cube_has_its_own_corners_and_normal(mesh: trimesh.Trimesh, vertices: int) -> None:
    surface = creased(surface_of(mesh))
    across = np.cross(
        surface.vertices[surface.faces[:, 1]] - surface.vertices[surface.faces[:, 0]],
        surface.vertices[surface.faces[:, 2]] - surface.vertices[surface.faces[:, 0]],
    )
    across /= np.linalg.norm(across, axis=1)[:, None]
    np.testing.assert_allclose(surface.normals[surface.place[surface.faces]], np.repeat(across[:, None], 3, axis=1))
    np.testing.assert_array_equal(surface.points[surface.place], surface.vertices)
    assert len(surface.vertices) == vertices


def test_the_triangles_are_the_same_in_the_same_order() -> None:
    for mesh in (box(), cone(), blob()):
        surface = creased(surface_of(mesh))
        np.testing.assert_array_equal(surface.vertices[surface.faces], mesh.triangles)


def test_a_smooth_model_is_parted_nowhere() -> None:
    ball = trimesh.creation.icosphere(3)
    surface, before = creased(surface_of(ball)), surface_of(ball)
    assert len(surface.vertices) == len(ball.vertices)
    np.testing.assert_allclose(
        surface.normals[surface.place[surface.faces]], before.normals[before.place[before.faces]], atol=1e-12
    )


def test_a_cone_is_smooth_around_and_sharp_at_its_rim() -> None:
    mesh = cone()
    surface = creased(surface_of(mesh))
    below = surface.normals[surface.place][:, 2] < -0.99
    assert np.count_nonzero(below) == 32 + 1  # the rim, and the middle of the base
    rim = ~below & (surface.vertices[:, 2] == 0)
    slope = np.array([2.0, 1.0]) / np.sqrt(5.0)
    wanted = np.column_stack([surface.vertices[rim, :2] * slope[0], np.full(np.count_nonzero(rim), slope[1])])
    np.testing.assert_allclose(surface.normals[surface.place][rim], wanted, atol=0.01)


def test_colours_come_along() -> None:
    surface, before = creased(surface_of(coloured_box())), surface_of(coloured_box())
    assert surface.colours is not None and before.colours is not None
    np.testing.assert_array_equal(surface.colours[surface.faces], before.colours[before.faces])


def test_a_face_turned_the_wrong_way_keeps_its_own_normal() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    mesh = trimesh.Trimesh(points, [[0, 1, 2], [0, 3, 2]], process=False)
    surface = creased(surface_of(mesh))
    assert surface.normals[surface.place[surface.faces]][:, :, 2].tolist() == [[1, 1, 1], [-1, -1, -1]]


def test_two_balls_that_touch_at_a_point_share_no_normal_there() -> None:
    ball = trimesh.creation.icosphere(2)
    other = trimesh.Trimesh(ball.vertices + np.array([2.0, 0.0, 0.0]), ball.faces, process=False)
    surface = creased(surface_of(joined(ball, other)))
    touching = np.flatnonzero(np.linalg.norm(surface.vertices - [1.0, 0.0, 0.0], axis=1) < 1e-9)
    np.testing.assert_allclose(sorted(surface.normals[surface.place[touching]][:, 0]), [-1.0, 1.0], atol=1e-3)


def test_a_model_with_a_great_many_faces_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CREASES_UP_TO", 11)
    surface = surface_of(box())
    assert creased(surface) is surface


def test_a_model_with_uvs_stays_as_it_is() -> None:
    surface = surface_of(textured_ball())
    assert creased(surface) is surface


def test_faces_without_area_are_left_out_of_the_view_but_not_where_there_are_no_others() -> None:
    line = trimesh.Trimesh(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=float), [[0, 1, 2]], process=False)
    assert len(creased(surface_of(joined(box(), line))).faces) == 12
    assert len(creased(surface_of(line)).faces) == 1


def test_a_view_has_hard_edges_and_a_download_none(tmp_path: Path) -> None:
    kept = trimesh.load_mesh(BytesIO(export(box(), OutputFormat.GLB, None)), file_type="glb", process=False)
    seen = trimesh.load_mesh(BytesIO(export_view(box())), file_type="glb", process=False)
    assert [len(found.vertices) for found in (kept, seen)] == [8, 24]
    (tmp_path / "view.glb").write_bytes(export_view(box()))
    assert load_mesh(tmp_path / "view.glb").is_watertight
