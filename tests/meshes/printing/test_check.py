from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from orfeas.meshes.printing.check import check_print
from orfeas.meshes.printing.solid import INSIDE_OUT, OVERLAP
from orfeas.options import Material, PrintOptions
from orfeas.progress import Progress, Stage
from tests.meshes.solids import box, inverted, joined, slab, with_faces, without_faces

TRIANGLE = trimesh.Trimesh([[0, 0, 0], [20, 0, 0], [0, 0, 20]], [[0, 1, 2]], process=False)


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.PREPARE):
        yield made


def test_a_cube_has_thick_walls_no_overhang_and_the_mass_of_its_volume(progress: Progress) -> None:
    report = check_print(box(20.0), PrintOptions(Material.PLA), progress)
    assert report.solid_g == pytest.approx(8.0 * 1.24)
    assert report.thin_share == 0
    assert report.thinnest_wall_mm is not None
    assert report.thinnest_wall_mm > 1.0
    assert (report.overhang_mm2, report.support_mm3) == (0, 0)
    assert report.plate_mm2 == pytest.approx(400.0)


def test_a_thin_plate_is_thin(progress: Progress) -> None:
    report = check_print(slab(0.5, size=20.0), PrintOptions(min_wall_mm=0.8), progress)
    assert report.p5_wall_mm == pytest.approx(0.5, abs=0.02)
    assert report.thin_share is not None
    assert report.thin_share > 0.9


@pytest.mark.parametrize(
    ("mesh", "why_not"),
    [
        (without_faces(box(20.0), 0), "it is not closed"),
        (TRIANGLE, "it is a sheet"),
        (joined(TRIANGLE, inverted(TRIANGLE)), "it is a sheet"),
        (joined(box(20.0), box(20.0, (20.0, 20.0, 0.0))), "more than two of its faces share an edge"),
    ],
    ids=["open", "flat", "flat from both sides", "crowded"],
)
def test_what_is_not_solid_has_no_walls_and_no_mass(mesh: trimesh.Trimesh, why_not: str, progress: Progress) -> None:
    report = check_print(mesh, PrintOptions(), progress)
    numbers = (report.solid_g, report.thinnest_wall_mm, report.p5_wall_mm, report.thin_share)
    assert numbers == (None,) * 4
    assert report.why_not == why_not


def test_faces_turned_against_their_neighbours_bound_nothing(progress: Progress) -> None:
    faces = np.array(box(20.0).faces)
    faces[0] = faces[0, ::-1]
    report = check_print(with_faces(box(20.0), faces), PrintOptions(), progress)
    assert report.thinnest_wall_mm is None
    assert report.why_not == "some of its faces are turned the other way round"


@pytest.mark.parametrize("other", [None, box(20.0, (50.0, 0.0, 0.0))], ids=["alone", "beside a sound one"])
def test_what_is_inside_out_is_measured_turned_outward(other: trimesh.Trimesh | None, progress: Progress) -> None:
    bodies = [body for body in (box(20.0), other) if body is not None]
    sound = check_print(joined(*bodies), PrintOptions(), progress)
    turned = joined(inverted(bodies[0]), *bodies[1:])
    faces = np.array(turned.faces)
    assert replace(check_print(turned, PrintOptions(), progress), notes=()) == sound
    assert check_print(turned, PrintOptions(), progress).notes == (INSIDE_OUT,)
    np.testing.assert_array_equal(turned.faces, faces)


@pytest.mark.parametrize(
    ("mesh", "notes"),
    [
        (joined(box(20.0), box(20.0, (10.0, 10.0, 10.0))), (OVERLAP,)),
        (joined(box(20.0), box(5.0)), (OVERLAP,)),
        (joined(box(20.0), inverted(box(5.0))), ()),
        (joined(box(20.0), box(20.0, (30.0, 0.0, 0.0))), ()),
        (joined(box(20.0), box(10.0, (15.0, 0.0, 0.0))), ()),
    ],
    ids=["overlapping", "one in the other", "a hollow", "apart", "touching"],
)
def test_bodies_that_may_overlap_are_told(mesh: trimesh.Trimesh, notes: tuple[str, ...], progress: Progress) -> None:
    assert check_print(mesh, PrintOptions(), progress).notes == notes


def test_a_heavier_material_weighs_more(progress: Progress) -> None:
    grams = [
        check_print(box(20.0), PrintOptions(material), progress).solid_g for material in (Material.PLA, Material.STEEL)
    ]
    assert grams[0] is not None and grams[1] is not None
    assert grams[1] / grams[0] == pytest.approx(7.97 / 1.24)
