from collections.abc import Iterator

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from orfeas.errors import Cancelled, InvalidMesh
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.prepare import prepare
from orfeas.meshes.stats import measure
from orfeas.options import RemeshChoice, RepairOptions
from orfeas.progress import Progress, Stage, Step
from tests.meshes.solids import blob, box, inverted, joined, scaled, textured_ball


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.PREPARE):
        yield made


def leaning(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    turn = Rotation.from_rotvec([0.6, 0.2, 0.0]).as_matrix()
    return trimesh.Trimesh(np.asarray(mesh.vertices) @ turn.T, mesh.faces, process=False)


def test_nothing_asked_for_changes_nothing(progress: Progress) -> None:
    cube = box(20.0)
    prepared = prepare(cube, RepairOptions(), progress)
    assert (prepared.mesh, prepared.notes) == (cube, ())
    assert not RepairOptions().is_prepared


def test_a_leaning_cube_is_laid_flat(progress: Progress) -> None:
    prepared = prepare(leaning(box(20.0)), RepairOptions(lay_flat=True), progress)
    assert measure(prepared.mesh).size_mm == pytest.approx((20.0, 20.0, 20.0))
    assert prepared.notes == ("It was turned to lie on 4.0 cm².",)


def test_a_cube_that_stands_is_not_turned(progress: Progress) -> None:
    prepared = prepare(box(20.0), RepairOptions(lay_flat=True), progress)
    assert prepared.notes == ("It stands well as it is, and was not turned.",)


def test_what_has_no_flat_side_is_told_so(progress: Progress) -> None:
    prepared = prepare(leaning(scaled(blob(), 20.0)), RepairOptions(lay_flat=True), progress)
    assert prepared.notes == ("It has no flat side, and was turned so that little hangs over.",)


def test_the_size_comes_before_the_printer_and_the_walls_after(progress: Progress) -> None:
    options = RepairOptions(size_mm=400.0, printer_mm="220x100x250", hollow_mm=5.0)
    prepared = prepare(box(20.0), options, progress)
    assert measure(prepared.mesh).size_mm == pytest.approx((100.0, 100.0, 100.0))
    assert prepared.notes[0] == "It was reduced to 25 % to fit the printer."
    report = measure(prepared.mesh)
    assert report.is_watertight and report.components == 2
    # The hollow is what walls of 5 mm leave of a cube, or a little less.
    assert report.volume_mm3 is not None
    assert 100.0**3 - 90.0**3 <= report.volume_mm3 <= 1.1 * (100.0**3 - 90.0**3)
    assert prepared.notes[1].startswith("1 hollow within walls of 5 mm: ")


def test_a_hollow_model_has_as_many_faces_as_asked_for(progress: Progress) -> None:
    ball = trimesh.creation.icosphere(3, 20.0)
    prepared = prepare(ball, RepairOptions(hollow_mm=3.0, target_faces=1500), progress)
    assert len(prepared.mesh.faces) <= 1530
    assert len(prepared.notes) == 1
    kept = prepare(ball, RepairOptions(hollow_mm=3.0, target_faces=24), progress)
    assert kept.notes[1] == (
        f"With its hollows it has {len(kept.mesh.faces):,} faces; fewer would not leave it as it is."
    )


def test_it_is_told_where_fewer_holes_fit_than_were_asked_for(progress: Progress) -> None:
    options = RepairOptions(hollow_mm=4.0, drain_holes=8, drain_hole_mm=8.0)
    assert "No more holes of 8 mm fit beside each other at the bottom." in prepare(box(30.0), options, progress).notes


@pytest.mark.parametrize(
    ("others", "notes"),
    [
        ([], ()),
        ([box(24.0, (40.0, 0.0, 0.0))], ()),
        ([box(5.0, (40.0, 0.0, 0.0))], ("1 of 2 bodies stays solid, with no room for a hollow.",)),
        (
            [box(5.0, (40.0, 0.0, 0.0)), inverted(box(12.0)), box(4.0)],
            ("2 of 3 bodies stay solid, with no room for a hollow.",),
        ),
    ],
    ids=["one", "two", "one too small", "within an older hollow"],
)
def test_bodies_that_stay_solid_are_told(
    others: list[trimesh.Trimesh], notes: tuple[str, ...], progress: Progress
) -> None:
    prepared = prepare(joined(box(30.0), *others), RepairOptions(hollow_mm=3.0), progress)
    assert prepared.notes[1:] == notes


def test_the_printers_height_is_the_models(progress: Progress) -> None:
    tower = trimesh.creation.box((10.0, 100.0, 10.0))
    tower = trimesh.Trimesh(tower.vertices, tower.faces, process=False)
    fitted = prepare(tower, RepairOptions(printer_mm="60x60x50"), progress).mesh
    assert measure(fitted).size_mm == pytest.approx((5.0, 50.0, 5.0))


def test_faces_are_made_anew_as_quads_and_lose_their_look(progress: Progress) -> None:
    ball = scaled(textured_ball(40), 20.0)
    prepared = prepare(ball, RepairOptions(remesh=RemeshChoice.QUADS, target_faces=1000), progress)
    first, second = np.asarray(prepared.mesh.faces)[0::2], np.asarray(prepared.mesh.faces)[1::2]
    assert (first[:, 0] == second[:, 0]).all() and (first[:, 2] == second[:, 1]).all()
    assert f"{len(first):,} quads" in prepared.notes[0]
    assert prepared.notes[1] == "Colours and texture could not be kept on new faces."
    assert appearance_of(prepared.mesh).texture is None


def test_a_size_that_new_faces_change_is_told(progress: Progress) -> None:
    options = RepairOptions(remesh=RemeshChoice.TRIANGLES, target_faces=1000)
    prepared = prepare(box(40.0), options, progress)
    new = " × ".join(f"{side:.1f}" for side in np.ptp(prepared.mesh.vertices, axis=0))
    assert prepared.notes[1:] == (f"Its size changed with its faces: {new} mm, where it was 40.0 × 40.0 × 40.0 mm.",)


def test_smoothing_takes_off_the_grain_and_keeps_the_volume(progress: Progress) -> None:
    rng = np.random.default_rng(1)
    ball = trimesh.creation.icosphere(4, 20.0)
    rough = trimesh.Trimesh(ball.vertices + rng.normal(scale=0.2, size=ball.vertices.shape), ball.faces, process=False)
    smooth = prepare(rough, RepairOptions(smooth_steps=10), progress).mesh
    spread = [np.linalg.norm(mesh.vertices, axis=1).std() for mesh in (rough, smooth)]
    assert spread[1] < 0.5 * spread[0]
    assert measure(smooth).volume_mm3 == pytest.approx(measure(rough).volume_mm3, rel=0.01)


def test_what_is_of_large_faces_is_told_that_it_was_not_smoothed(progress: Progress) -> None:
    prepared = prepare(box(40.0), RepairOptions(smooth_steps=100), progress)
    assert measure(prepared.mesh).size_mm == pytest.approx((40.0, 40.0, 40.0))
    assert prepared.notes == ("It was not smoothed: its faces are large, and are its shape, not grain on it.",)
    partly = joined(trimesh.creation.icosphere(4, 10.0), box(10.0, (30.0, 0.0, 0.0)))
    notes = prepare(partly, RepairOptions(smooth_steps=2), progress).notes
    assert notes == ("1 % of its vertices are at large faces, and were not smoothed.",)


def test_what_cannot_be_hollowed_is_refused(progress: Progress) -> None:
    with pytest.raises(InvalidMesh, match="too thin"):
        prepare(box(20.0), RepairOptions(hollow_mm=15.0), progress)


def test_every_step_is_told_and_it_can_be_stopped_between() -> None:
    steps: list[Step] = []
    options = RepairOptions(smooth_steps=2, lay_flat=True, size_mm=30.0, printer_mm="20x20x20")
    progress = Progress(report=steps.append)
    with progress.stage(Stage.PREPARE):
        prepare(blob(), options, progress)
    assert [(step.done, step.total) for step in steps[1:]] == [(done, 4) for done in range(5)]
    stopped = Progress(report=steps.append, is_cancelled=lambda: len(steps) > 8)
    with pytest.raises(Cancelled), stopped.stage(Stage.PREPARE):
        prepare(blob(), options, stopped)
