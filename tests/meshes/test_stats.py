from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import Cancelled
from orfeas.meshes.stats import measure
from tests.meshes.solids import blob, box, coloured_box, inverted, joined, soup, textured_ball, without_faces


def test_a_perfect_cube_has_no_defect() -> None:
    report = measure(box(10.0))
    assert report.vertices == 8
    assert report.faces == 12
    assert report.components == 1
    assert report.is_watertight
    assert report.is_winding_consistent
    assert report.euler_number == 2
    assert (report.boundary_edges, report.non_manifold_edges, report.degenerate_faces) == (0, 0, 0)
    assert report.volume_mm3 == pytest.approx(1000.0)
    assert report.area_mm2 == pytest.approx(600.0)
    assert report.size_mm == pytest.approx((10.0, 10.0, 10.0))
    assert (report.has_uv, report.has_texture, report.materials) == (False, False, 0)


def test_a_uv_seam_is_no_boundary() -> None:
    report = measure(textured_ball(12))
    assert report.is_watertight
    assert report.euler_number == 2
    assert report.vertices == 12 * 11 + 2
    assert (report.has_uv, report.has_texture, report.materials) == (True, True, 1)


def test_triangles_that_share_no_vertex_measure_as_the_solid_they_make() -> None:
    assert measure(soup(box())) == measure(box())


def test_a_check_that_raises_stops_the_search_for_crossing_faces() -> None:
    def stop() -> NoReturn:
        raise Cancelled("Stop.")

    with pytest.raises(Cancelled):
        measure(box(), stop)


def test_a_torus_has_euler_number_zero() -> None:
    assert measure(trimesh.creation.torus(2.0, 0.5)).euler_number == 0


def test_two_bodies_are_two_components() -> None:
    report = measure(joined(box(), box(at=(3, 0, 0))))
    assert report.components == 2
    assert report.euler_number == 4


def test_a_missing_face_opens_three_edges_and_leaves_no_volume() -> None:
    report = measure(without_faces(box(), 0))
    assert report.boundary_edges == 3
    assert not report.is_watertight
    assert report.is_winding_consistent
    assert report.volume_mm3 is None


def test_a_turned_face_is_inconsistent_and_leaves_no_volume() -> None:
    cube = box()
    faces = np.array(cube.faces)
    faces[0] = faces[0, ::-1]
    report = measure(trimesh.Trimesh(cube.vertices, faces, process=False))
    assert report.is_watertight
    assert not report.is_winding_consistent
    assert report.volume_mm3 is None


def test_a_model_that_is_inside_out_has_negative_volume() -> None:
    assert measure(inverted(box())).volume_mm3 == pytest.approx(-1.0)


def test_two_cubes_that_touch_along_an_edge_have_one_crowded_edge() -> None:
    report = measure(joined(box(), box(at=(1, 1, 0))))
    assert report.non_manifold_edges == 1
    assert not report.is_watertight


def test_a_face_with_two_corners_at_one_place_is_degenerate_and_opens_nothing() -> None:
    cube = box()
    faces = np.vstack([cube.faces, [[0, 0, 1]]])
    report = measure(trimesh.Trimesh(cube.vertices, faces, process=False))
    assert report.degenerate_faces == 1
    assert report.is_watertight


def test_a_face_without_height_is_degenerate() -> None:
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False)
    assert measure(mesh).degenerate_faces == 1


def test_a_slender_face_is_not_degenerate() -> None:
    mesh = trimesh.Trimesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1e-4, 0]]), [[0, 1, 2]], process=False)
    assert measure(mesh).degenerate_faces == 0


def test_vertices_no_face_uses_do_not_count() -> None:
    cube = box()
    report = measure(trimesh.Trimesh(np.vstack([cube.vertices, [[50, 0, 0]]]), cube.faces, process=False))
    assert report == measure(cube)


def test_only_degenerate_faces_enclose_nothing() -> None:
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0]], [[0, 1, 1]], process=False)
    report = measure(mesh)
    assert not report.is_watertight
    assert report.volume_mm3 is None


def test_colours_on_vertices_are_neither_texture_nor_material() -> None:
    report = measure(coloured_box())
    assert (report.has_uv, report.has_texture, report.materials) == (False, False, 0)


def test_measures_agree_with_trimesh() -> None:
    mesh = blob()
    report = measure(mesh)
    assert report.volume_mm3 == pytest.approx(mesh.volume)
    assert report.area_mm2 == pytest.approx(mesh.area)
    assert report.euler_number == mesh.euler_number
    assert report.size_mm == pytest.approx(tuple(mesh.extents))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_faces_and_vertices_does_not_matter(seed: int) -> None:
    ball = textured_ball(6)
    mesh = trimesh.Trimesh(ball.vertices, np.delete(np.asarray(ball.faces), [3, 11], axis=0), process=False)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(mesh.vertices))
    place = np.argsort(order)
    shuffled = trimesh.Trimesh(
        np.asarray(mesh.vertices)[order], rng.permutation(place[np.asarray(mesh.faces)]), process=False
    )
    expected, found = measure(mesh), measure(shuffled)
    assert found.area_mm2 == pytest.approx(expected.area_mm2)
    assert replace(found, area_mm2=0.0) == replace(expected, area_mm2=0.0)
