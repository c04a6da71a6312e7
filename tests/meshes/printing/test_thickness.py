import numpy as np
import pytest
import trimesh

from orfeas.errors import Cancelled, InvalidMesh, InvalidOption
from orfeas.meshes.printing.thickness import measure_thickness
from tests.meshes.solids import box, inverted, joined, slab, textured_ball


def ball(radius: float) -> trimesh.Trimesh:
    sphere: trimesh.Trimesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return sphere


def test_a_plate_is_as_thick_as_it_is() -> None:
    found = measure_thickness(slab(0.5, size=40.0), samples=2000)
    assert found.median_mm == pytest.approx(0.5)
    assert found.p5_mm == pytest.approx(0.5)
    assert found.thin_share > 0.95
    assert found.open_share == 0.0


def test_a_shell_is_as_thick_as_the_radii_differ() -> None:
    shell = joined(ball(20.0), inverted(ball(18.0)))
    found = measure_thickness(shell, limit_mm=2.5, samples=2000)
    assert found.median_mm == pytest.approx(2.0, rel=0.02)
    assert found.min_mm == pytest.approx(2.0, rel=0.05)
    assert found.thin_share == 1.0
    assert len(found.thinnest) == 50


def test_a_cube_is_as_thick_as_its_side_but_at_its_edges() -> None:
    found = measure_thickness(box(10.0), samples=2000)
    assert found.median_mm == pytest.approx(10.0)
    assert found.p5_mm == pytest.approx(10.0, rel=0.3)
    assert found.thin_share == 0.0
    assert found.thinnest.shape == (0, 3)


def test_a_ball_reads_a_little_less_than_its_width() -> None:
    found = measure_thickness(ball(10.0), samples=1000)
    assert found.median_mm == pytest.approx(20.0 * np.cos(np.radians(15.0)) ** 2, rel=0.01)


def test_the_thinnest_places_are_on_the_thin_part() -> None:
    body = joined(box(20.0), slab(0.4, at=(40.0, 0.0, 0.0), size=10.0))
    found = measure_thickness(body, samples=3000)
    assert found.min_mm == pytest.approx(0.4)
    assert (found.thinnest[:, 0] > 34.0).all()
    assert (np.diff(found.thinnest_mm) >= 0).all()
    assert found.thin_share == pytest.approx(200.0 / (2400.0 + 200.0 + 16.0), abs=0.01)


def test_it_comes_out_the_same_every_time_and_leaves_the_model_alone() -> None:
    mesh = textured_ball()
    vertices = mesh.vertices.copy()
    first, second = measure_thickness(mesh, samples=500), measure_thickness(mesh, samples=500)
    assert (first.min_mm, first.p5_mm, first.thin_share) == (second.min_mm, second.p5_mm, second.thin_share)
    np.testing.assert_array_equal(mesh.vertices, vertices)


def test_what_is_open_is_told_and_does_not_count() -> None:
    plate = box(10.0)
    wall = trimesh.Trimesh([[30.0, 0, 0], [30.0, 10, 0], [30.0, 0, 10]], [[0, 2, 1]], process=False)
    found = measure_thickness(joined(plate, wall), samples=2000)
    assert found.open_share == pytest.approx(50.0 / 650.0, abs=0.01)
    assert found.median_mm == pytest.approx(10.0)


def test_a_model_without_an_inside_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="no inside"):
        measure_thickness(inverted(box()), samples=100)


@pytest.mark.parametrize(("limit_mm", "samples"), [(0.0, 1000), (float("nan"), 1000), (0.8, 99)])
def test_options_out_of_range_are_refused(limit_mm: float, samples: int) -> None:
    with pytest.raises(InvalidOption):
        measure_thickness(box(), limit_mm, samples)


def test_measuring_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        measure_thickness(box(), check=stop)
