from dataclasses import replace

import numpy as np
import pytest
import trimesh

from orfeas.meshes.repair import repair
from orfeas.meshes.stats import measure
from orfeas.meshes.topology import topology_of
from orfeas.meshes.verdict import judge
from orfeas.records import MeshReport, Use
from tests.meshes.solids import blob, box, coloured_box, inverted, joined, scaled, slab, textured_ball, without_faces

SOUND = measure(box(20.0))


def said_of(mesh: trimesh.Trimesh) -> list[tuple[Use, str]]:
    return [(finding.use, finding.problem) for finding in measure(mesh).findings]


@pytest.mark.parametrize("mesh", [box(20.0), coloured_box(), textured_ball(), blob()])
def test_nothing_stands_against_a_sound_mesh(mesh: trimesh.Trimesh) -> None:
    assert measure(scaled(mesh, 20.0)).findings == ()


def test_a_hole_stands_against_printing() -> None:
    assert said_of(without_faces(box(20.0), 0)) == [(Use.PRINT, "The surface has holes: 3 edges are open.")]


def test_a_sheet_encloses_nothing() -> None:
    sheet = trimesh.Trimesh([[0, 0, 0], [20, 0, 0], [20, 20, 0], [0, 20, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    doubled = trimesh.Trimesh(sheet.vertices, np.vstack([sheet.faces, sheet.faces[:, ::-1]]), process=False)
    for mesh in (sheet, doubled):
        assert (Use.PRINT, "It is a sheet: it encloses nothing that could be printed.") in said_of(mesh)


def test_bodies_of_which_one_is_inside_out_are_no_sheet_though_their_volumes_cancel_out() -> None:
    mesh = joined(box(20.0), inverted(box(20.0, at=(30.0, 0.0, 0.0))))
    assert said_of(mesh) == [(use, "Some of its bodies are inside out.") for use in Use]
    assert said_of(repair(mesh)) == []


def test_many_sheets_are_sheets() -> None:
    corners = np.random.default_rng(0).uniform(0.0, 20.0, (3000, 3, 3))
    there = np.arange(9000).reshape(-1, 3)
    leaves = trimesh.Trimesh(corners.reshape(-1, 3), np.concatenate([there, there[:, ::-1]]), process=False)
    assert (Use.PRINT, "It is a sheet: it encloses nothing that could be printed.") in said_of(leaves)


def test_a_shell_as_thin_as_nothing_is_a_sheet() -> None:
    shell = joined(box(20.0), inverted(scaled(box(20.0), 1 - 1e-6)))
    assert said_of(shell) == [(Use.PRINT, "It is a sheet: it encloses nothing that could be printed.")]


def test_a_thin_plate_is_no_sheet() -> None:
    assert said_of(slab(0.1, size=100.0)) == []


def test_an_edge_of_three_faces_stands_against_printing() -> None:
    assert said_of(joined(box(20.0), box(20.0, at=(20.0, 20.0, 0.0)))) == [
        (Use.PRINT, "1 edge is shared by more than two faces.")
    ]


def test_faces_turned_the_wrong_way_stand_against_both() -> None:
    cube = box(20.0)
    cube.faces[0] = cube.faces[0][::-1]
    assert [use for use, problem in said_of(cube) if "wrong" in problem or "other way" in problem] == list(Use)


def test_a_model_inside_out_is_told() -> None:
    assert said_of(inverted(box(20.0))) == [(use, "The model is inside out.") for use in Use]


@pytest.mark.parametrize(("size", "told"), [(0.02, "0.02 mm"), (2000.0, "2,000 mm")])
def test_a_size_that_is_seldom_meant_is_told(size: float, told: str) -> None:
    ((use, problem),) = said_of(box(size))
    assert use is Use.PRINT
    assert told in problem


@pytest.mark.parametrize(
    ("change", "uses"),
    [
        ({"faces": 100_001}, [Use.GAME]),
        ({"faces": 2_000_001}, [Use.PRINT, Use.GAME]),
        ({"degenerate_faces": 1}, [Use.GAME]),
        ({"crossing_faces": 2}, [Use.PRINT]),
        ({"crossing_faces": 0}, []),
        ({"components": 20}, []),
        ({"components": 21}, [Use.PRINT]),
        ({"crossing_faces": None}, []),
        ({"has_texture": True, "has_uv": False}, [Use.GAME]),
    ],
)
def test_each_fault_of_its_own_is_one_finding(change: dict[str, int], uses: list[Use]) -> None:
    report: MeshReport = replace(SOUND, **change)  # type: ignore[arg-type]  # any fields
    assert [finding.use for finding in judge(report, topology_of(box(20.0)))] == uses
    assert all(
        finding.problem.endswith(".") and finding.fix.endswith(".") for finding in judge(report, topology_of(box(20.0)))
    )
