import numpy as np
import pytest
from numpy.typing import NDArray

from orfeas.meshes.halfedges import half_edges
from orfeas.meshes.orientation import component_volumes, orient, winding_number
from tests.meshes.solids import blob, box, inverted, joined, without_faces


def oriented(mesh: object) -> NDArray[np.int64]:
    faces = np.asarray(mesh.faces)  # type: ignore[attr-defined]  # a Trimesh
    return orient(np.asarray(mesh.vertices), faces, half_edges(faces).pairs())  # type: ignore[attr-defined]  # as above


def test_a_sound_mesh_stays_as_it_is() -> None:
    assert np.array_equal(oriented(blob()), blob().faces)


def test_a_mesh_inside_out_is_turned() -> None:
    assert np.array_equal(oriented(inverted(blob())), blob().faces)


@pytest.mark.parametrize("seed", range(5))
def test_faces_turned_at_random_are_turned_back(seed: int) -> None:
    mesh = blob()
    faces = np.array(mesh.faces)
    turned = np.random.default_rng(seed).random(len(faces)) < 0.4
    faces[turned] = faces[turned][:, ::-1]
    found = orient(np.asarray(mesh.vertices), faces, half_edges(faces).pairs())
    # The same faces in the same directions, whichever corner comes first.
    expected = np.asarray(mesh.faces)
    assert np.array_equal(np.sort(found, axis=1), np.sort(expected, axis=1))
    a, b, c = np.asarray(mesh.vertices)[found].swapaxes(0, 1)
    p, q, r = np.asarray(mesh.vertices)[expected].swapaxes(0, 1)
    assert np.cross(b - a, c - a) == pytest.approx(np.cross(q - p, r - p))


def test_an_open_mesh_inside_out_is_turned() -> None:
    mesh = without_faces(blob(), 5, 6, 7)
    assert np.array_equal(oriented(inverted(mesh)), mesh.faces)


def test_a_hollow_stays_a_hollow() -> None:
    mesh = joined(box(4), inverted(box(1)))
    assert np.array_equal(oriented(mesh), mesh.faces)


def test_a_hollow_of_a_mesh_inside_out_becomes_one() -> None:
    mesh = joined(box(4), inverted(box(1)))
    assert np.array_equal(oriented(inverted(mesh)), mesh.faces)


def test_a_body_within_another_stays_a_body() -> None:
    mesh = joined(box(4), box(1))
    assert np.array_equal(oriented(mesh), mesh.faces)


def test_a_body_inside_out_beside_another_is_turned() -> None:
    mesh = joined(box(4), inverted(box(1, (10, 0, 0))))
    assert np.array_equal(oriented(mesh), joined(box(4), box(1, (10, 0, 0))).faces)


def test_a_strip_with_one_side_is_left_as_it_is() -> None:
    # Möbius's own: five triangles in a ring.
    faces = np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1]])
    points = np.random.default_rng(0).normal(size=(5, 3))
    found = orient(points, faces, half_edges(faces).pairs())
    assert np.array_equal(np.sort(found, axis=1), np.sort(faces, axis=1))


def test_volumes_are_those_of_the_bodies() -> None:
    mesh = joined(box(2), inverted(box(1, (10, 0, 0))))
    labels = np.repeat([0, 1], 12)
    assert component_volumes(np.asarray(mesh.vertices), np.asarray(mesh.faces), labels) == pytest.approx([8, -1])


def test_a_point_inside_is_wound_round_once() -> None:
    corners = np.asarray(box(2).vertices)[box(2).faces]
    assert winding_number(np.array([0.3, -0.9, 0.99]), corners) == pytest.approx(1.0)
    assert winding_number(np.array([0.3, -0.9, 1.01]), corners) == pytest.approx(0.0, abs=1e-9)
    assert winding_number(np.zeros(3), corners[:, ::-1]) == pytest.approx(-1.0)
