import numpy as np
import pytest
import trimesh

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.printing.overhang import measure_overhang
from tests.meshes.solids import box, joined


def brick(size: tuple[float, float, float], at: tuple[float, float, float]) -> trimesh.Trimesh:
    cube = box()
    return trimesh.Trimesh(cube.vertices * size + np.array(at), cube.faces, process=False)


def test_a_cube_on_the_plate_needs_no_support() -> None:
    found = measure_overhang(box(10.0), samples=100)
    assert found.area_mm2 == found.support_mm3 == 0.0
    assert found.plate_mm2 == pytest.approx(100.0)


def test_a_table_is_supported_from_the_plate() -> None:
    table = joined(brick((20, 2, 20), (0, 11, 0)), brick((4, 10, 4), (0, 5, 0)))
    found = measure_overhang(table, samples=4000)
    assert found.area_mm2 == pytest.approx(400.0)  # the foot meets its underside, and hides 16 of it
    assert found.over_plate_mm2 == pytest.approx(400.0 - 16.0, rel=0.01)
    assert found.support_mm3 == pytest.approx(384.0 * 10.0, rel=0.01)
    assert found.plate_mm2 == pytest.approx(16.0)


def test_what_hangs_over_the_model_is_told_apart() -> None:
    base, roof = brick((10, 2, 10), (0, 1, 0)), brick((20, 1, 10), (5, 12.5, 0))
    found = measure_overhang(joined(base, roof), samples=4000)
    assert found.over_model_mm2 == pytest.approx(100.0, rel=0.02)
    assert found.over_plate_mm2 == pytest.approx(100.0, rel=0.02)
    assert found.support_mm3 == pytest.approx(100.0 * 10.0 + 100.0 * 12.0, rel=0.02)


def test_a_ball_hangs_over_by_its_lower_cap() -> None:
    radius = 40.0
    found = measure_overhang(trimesh.creation.icosphere(subdivisions=5, radius=radius), samples=4000)
    cap = 2 * np.pi * radius**2 * (1 - np.sin(np.pi / 4))
    assert found.area_mm2 + found.plate_mm2 == pytest.approx(cap, rel=0.02)
    below = np.pi * radius**3 * (0.5 - (1 - np.cos(np.pi / 4) ** 3) * 2 / 3)
    assert found.support_mm3 == pytest.approx(below, rel=0.02)
    assert found.over_model_mm2 == 0.0


@pytest.mark.parametrize(("limit_deg", "hangs"), [(44.0, True), (46.0, False)])
def test_a_slope_at_the_limit_is_told_from_a_steeper_one(limit_deg: float, hangs: bool) -> None:
    cone = trimesh.creation.cone(10.0, 10.0, sections=64)
    upside_down = trimesh.Trimesh(np.asarray(cone.vertices)[:, [0, 2, 1]], np.asarray(cone.faces)[:, ::-1])
    upside_down.vertices[:, 1] *= -1
    turned = trimesh.Trimesh(upside_down.vertices, np.asarray(upside_down.faces)[:, ::-1], process=False)
    assert (measure_overhang(turned, limit_deg, samples=100).area_mm2 > 100.0) is hangs


@pytest.mark.parametrize(("limit_deg", "samples"), [(0.0, 100), (90.0, 100), (45.0, 10)])
def test_options_out_of_range_are_refused(limit_deg: float, samples: int) -> None:
    with pytest.raises(InvalidOption):
        measure_overhang(box(), limit_deg, samples)


def test_a_model_without_a_surface_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="no surface"):
        measure_overhang(trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False))
