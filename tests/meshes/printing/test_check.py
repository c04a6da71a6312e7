from collections.abc import Iterator

import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes.printing.check import check_print
from orfeas.options import Material, PrintOptions
from orfeas.progress import Progress, Stage
from tests.meshes.solids import box, slab, without_faces


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.PREPARE):
        yield made


def test_a_cube_has_thick_walls_no_overhang_and_the_mass_of_its_volume(progress: Progress) -> None:
    report = check_print(box(20.0), PrintOptions(Material.PLA), progress)
    assert report.solid_g == pytest.approx(8.0 * 1.24)
    assert report.thin_share == 0
    assert report.thinnest_wall_mm > 1.0
    assert (report.overhang_mm2, report.support_mm3) == (0, 0)
    assert report.plate_mm2 == pytest.approx(400.0)


def test_a_thin_plate_is_thin(progress: Progress) -> None:
    report = check_print(slab(0.5, size=20.0), PrintOptions(min_wall_mm=0.8), progress)
    assert report.p5_wall_mm == pytest.approx(0.5, abs=0.02)
    assert report.thin_share > 0.9


def test_an_open_mesh_has_no_mass(progress: Progress) -> None:
    assert check_print(without_faces(box(20.0), 0), PrintOptions(), progress).solid_g is None


def test_a_heavier_material_weighs_more(progress: Progress) -> None:
    grams = [
        check_print(box(20.0), PrintOptions(material), progress).solid_g for material in (Material.PLA, Material.STEEL)
    ]
    assert grams[0] is not None and grams[1] is not None
    assert grams[1] / grams[0] == pytest.approx(7.97 / 1.24)


def test_a_mesh_without_an_inside_is_refused(progress: Progress) -> None:
    with pytest.raises(InvalidMesh):
        check_print(without_faces(box(20.0), *range(2, 12)), PrintOptions(), progress)
