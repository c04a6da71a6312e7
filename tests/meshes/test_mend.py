from collections.abc import Iterator

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import Cancelled, InvalidMesh
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.closest import Nearest
from orfeas.meshes.mend import STEPS, drop_inner_shells, find_small_parts, mend
from orfeas.meshes.stats import measure
from orfeas.meshes.topology import topology_of
from orfeas.options import RepairOptions
from orfeas.progress import Progress, Stage, Step
from tests.meshes.solids import blob, box, inverted, joined, soup, textured_ball, with_faces, without_faces
from tests.meshes.test_uncross import pushed_through


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.REPAIR):
        yield made


def broken(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    """With holes, turned faces, doubled faces and a crumb far smaller than the rest."""
    faces = np.array(mesh.faces)
    turned = rng.random(len(faces)) < 0.05
    faces[turned] = faces[turned][:, ::-1]
    faces = np.concatenate([faces[rng.random(len(faces)) > 0.01], faces[:5]])
    crumb = box(0.001, at=(2.0, 0.0, 0.0))
    return joined(with_faces(mesh, faces), crumb)


def test_small_parts_are_found_and_others_are_not() -> None:
    is_small, parts = find_small_parts(topology_of(joined(box(10.0), box(0.05, at=(20, 0, 0)), box(0.2))), 0.01)
    assert parts == 1
    assert is_small.tolist() == [False] * 12 + [True] * 12 + [False] * 12


def test_a_large_part_of_few_faces_is_not_small() -> None:
    is_small, parts = find_small_parts(topology_of(joined(blob(20_000), box(1.0, at=(5, 0, 0)))), 0.01)
    assert parts == 0
    assert not is_small.any()


def test_of_a_share_of_nothing_no_part_is_small() -> None:
    is_small, parts = find_small_parts(topology_of(joined(box(10.0), box(1e-6, at=(20, 0, 0)))), 0.0)
    assert parts == 0
    assert not is_small.any()


def test_faces_that_stay_crossed_are_told(progress: Progress) -> None:
    points, faces = pushed_through(3.0)
    made = mend(trimesh.Trimesh(points, faces, process=False), RepairOptions(), progress)
    left = measure(made.mesh).crossing_faces
    assert left == made.before.crossing_faces
    told = f"{left} faces still pass through others; they are too many, or reach too deep, to be drawn apart."
    assert made.notes == (told,)


def test_a_solid_inside_another_goes() -> None:
    kept, dropped, is_sure = drop_inner_shells(joined(box(10.0), box(2.0), box(1.0, at=(20, 0, 0))), lambda: None)
    assert is_sure
    assert dropped == 1
    assert measure(kept).volume_mm3 == pytest.approx(1001.0)


def test_a_hollow_stays() -> None:
    hollow = joined(box(10.0), inverted(box(2.0)))
    assert drop_inner_shells(hollow, lambda: None) == (hollow, 0, True)


def test_bodies_that_overlap_or_stand_beside_each_other_stay() -> None:
    for other in (box(6.0, at=(5, 0, 0)), box(2.0, at=(8, 0, 0)), box(4.0, at=(4, 4, 4))):
        both = joined(box(10.0), other)
        assert drop_inner_shells(both, lambda: None) == (both, 0, True)


def test_a_body_in_a_bay_of_another_stays() -> None:
    ring = trimesh.creation.torus(5.0, 1.0)
    both = joined(trimesh.Trimesh(ring.vertices, ring.faces, process=False), box(1.0))
    assert drop_inner_shells(both, lambda: None) == (both, 0, True)


def test_what_was_done_is_told(progress: Progress) -> None:
    mended = mend(broken(blob(4000), np.random.default_rng(1)), RepairOptions(), progress)
    assert measure(mended.mesh).is_watertight
    assert not mended.before.is_watertight
    assert mended.before.components == 2
    assert "1 of 2 parts were dropped, smaller than 1 % of the largest." in mended.notes
    assert any(note.startswith("The holes were closed") for note in mended.notes)
    assert "Faces that were turned the wrong way round were turned over." in mended.notes


def test_a_sound_mesh_has_nothing_to_repair(progress: Progress) -> None:
    mended = mend(blob(), RepairOptions(), progress)
    assert mended.notes == ("There was nothing to repair.",)
    assert measure(mended.mesh) == mended.before == measure(blob())


def test_what_hangs_free_is_dropped_and_that_is_told(progress: Progress) -> None:
    cube = box(10.0)
    fin = trimesh.Trimesh(
        np.vstack([cube.vertices, [[0.0, 12.0, 0.0]]]),
        np.vstack([cube.faces, [[*cube.faces[0, :2], 8]]]),
        process=False,
    )
    mended = mend(fin, RepairOptions(), progress)
    assert "1 face hung free of any solid, and went." in mended.notes
    assert measure(mended.mesh).volume_mm3 == pytest.approx(1000.0)


def test_a_patch_that_hangs_by_a_corner_does_not_become_a_flake(progress: Progress) -> None:
    turns = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    rim = np.column_stack([np.cos(turns) + 8.0, np.sin(turns), np.zeros(6)])
    fan = [[6, i, (i + 1) % 6] for i in range(6)]
    patch = trimesh.Trimesh(np.vstack([rim, [[8.0, 0.0, 0.05]]]), fan, process=False)
    mended = mend(joined(box(10.0), patch), RepairOptions(), progress)
    assert measure(mended.mesh).components == 1
    assert "1 loose sheet without an inside went." in mended.notes


@pytest.mark.parametrize("cells", [12, 40])
def test_an_even_sheet_beside_a_solid_stays(progress: Progress, cells: int) -> None:
    place = np.linspace(0.0, 2.0, cells + 1)
    x, z = (axis.ravel() for axis in np.meshgrid(place, place))
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    faces = np.concatenate(
        [
            np.column_stack([corner, corner + cells + 1, corner + 1]),
            np.column_stack([corner + 1, corner + cells + 1, corner + cells + 2]),
        ]
    )
    leaf = trimesh.Trimesh(np.column_stack([x + 3.0, 0.1 * np.sin(x + z), z]), faces, process=False)
    mended = mend(joined(blob(), leaf), RepairOptions(), progress)
    assert measure(mended.mesh).components == 2
    assert measure(mended.mesh).is_watertight


def test_shells_that_were_not_looked_into_are_told(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.meshes.mend.MAX_WORK", 0)
    mended = mend(joined(box(10.0), box(2.0)), RepairOptions(), progress)
    assert measure(mended.mesh).components == 2
    assert any("too many shells" in note for note in mended.notes)


def test_a_model_inside_out_is_turned_over_and_that_is_told(progress: Progress) -> None:
    mended = mend(inverted(box(10.0)), RepairOptions(), progress)
    assert measure(mended.mesh).volume_mm3 == pytest.approx(1000.0)
    assert mended.notes == ("The model was inside out, and was turned over.",)


@pytest.mark.parametrize("turned", [0, 1])
def test_a_body_beside_its_equal_is_turned_over_and_that_is_told(turned: int, progress: Progress) -> None:
    bodies = [box(), box(at=(3.0, 0.0, 0.0))]
    bodies[turned] = inverted(bodies[turned])
    mended = mend(joined(*bodies), RepairOptions(), progress)
    assert mended.notes == ("Bodies that were inside out were turned over.",)
    assert measure(mended.mesh).volume_mm3 == pytest.approx(2.0)


def test_colours_come_along_when_faces_were_reduced_and_added(progress: Progress) -> None:
    holes = np.random.default_rng(3).choice(len(textured_ball(30).faces), 90, replace=False)
    broken = without_faces(textured_ball(30), *holes)
    mended = mend(broken, RepairOptions(target_faces=len(broken.faces) - 2), progress)
    assert measure(mended.mesh).is_watertight
    assert appearance_of(mended.mesh).texture is not None


def test_it_is_watertight_with_as_many_faces_as_asked_for(progress: Progress) -> None:
    mended = mend(blob(20_000), RepairOptions(target_faces=1000), progress)
    report = measure(mended.mesh)
    assert 900 <= report.faces <= 1000
    assert report.is_watertight
    before = measure(blob(20_000)).volume_mm3
    assert report.volume_mm3 == pytest.approx(before, rel=0.01)


def test_the_faces_that_fill_a_large_hole_count_too(progress: Progress) -> None:
    mesh = blob(40_000)
    opened = trimesh.Trimesh(mesh.vertices, mesh.faces[mesh.triangles_center[:, 1] < 0.4], process=False)
    mended = mend(opened, RepairOptions(target_faces=3000), progress)
    report = measure(mended.mesh)
    assert report.is_watertight
    assert 2900 <= report.faces <= 3060


def test_more_faces_than_there_are_change_nothing(progress: Progress) -> None:
    assert len(mend(blob(2000), RepairOptions(target_faces=50_000), progress).mesh.faces) == len(blob(2000).faces)


def test_the_texture_comes_along_when_faces_are_reduced(progress: Progress) -> None:
    ball = textured_ball(60)
    look = appearance_of(mend(ball, RepairOptions(target_faces=1000), progress).mesh)
    assert look.texture is appearance_of(ball).texture
    assert look.uv is not None


def test_shells_are_kept_where_that_is_asked_for(progress: Progress) -> None:
    nested = joined(box(10.0), box(2.0))
    assert measure(mend(nested, RepairOptions(keep_shells=True), progress).mesh).components == 2
    mended = mend(nested, RepairOptions(), progress)
    assert measure(mended.mesh).components == 1
    assert "1 shell inside the model were dropped." not in mended.notes
    assert "1 shell inside the model was dropped." in mended.notes


def test_steps_are_told_and_it_can_be_stopped_at_each() -> None:
    steps: list[Step] = []
    progress = Progress(report=steps.append)
    with progress.stage(Stage.REPAIR):
        mend(blob(), RepairOptions(), progress)
    assert [step.done for step in steps[1:]] == list(range(STEPS + 1))
    for last in range(STEPS + 1):
        told: list[Step] = []
        stopped = Progress(report=told.append, is_cancelled=lambda told=told, last=last: len(told) > last + 1)  # type: ignore[misc]  # bound now
        with pytest.raises(Cancelled), stopped.stage(Stage.REPAIR):
            mend(blob(), RepairOptions(), stopped)
            stopped.check()


def test_what_is_no_surface_is_refused(progress: Progress) -> None:
    line = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 0, 0]], [[0, 1, 2]], process=False)
    with pytest.raises(InvalidMesh, match="no surface"):
        mend(line, RepairOptions(), progress)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.01, 0.2]))
def test_a_repair_leaves_no_more_defects_and_moves_nothing(seed: int, min_part: float) -> None:
    rng = np.random.default_rng(seed)
    mesh = joined(blob(800), box(0.4, at=(3.0, 0.0, 0.0)), box(0.05, at=(-3.0, 0.0, 0.0)))
    vertices = np.asarray(mesh.vertices) + rng.normal(scale=rng.choice([0.0, 1e-9]), size=mesh.vertices.shape)
    faces = np.array(mesh.faces)
    turned = rng.random(len(faces)) < rng.choice([0.0, 0.1])
    faces[turned] = faces[turned][:, ::-1]
    faces = np.concatenate([faces[rng.random(len(faces)) > rng.choice([0.0, 0.02])], faces[: rng.integers(3)]])
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    if rng.random() < 0.3:
        mesh = soup(mesh)
    progress = Progress()
    with progress.stage(Stage.REPAIR):
        mended = mend(mesh, RepairOptions(min_part=min_part), progress)
    after = measure(mended.mesh)
    assert after.is_watertight
    assert after.boundary_edges + after.non_manifold_edges + after.degenerate_faces <= (
        mended.before.boundary_edges + mended.before.non_manifold_edges + mended.before.degenerate_faces
    )
    # No part larger than asked is lost: the cube of 0.4 stays wherever any of it was left.
    was_left = (np.asarray(mesh.vertices)[mesh.faces.ravel()][:, 0] > 2.5).any()
    is_there = (np.asarray(mended.mesh.vertices)[:, 0] > 2.5).any()
    assert is_there or not was_left or min_part > 0.1
    # Every vertex of the result lies on the surface it was made of, or in a hole of it.
    places = Nearest(np.asarray(blob(800).vertices), np.asarray(blob(800).faces))
    on_blob = np.asarray(mended.mesh.vertices)[np.abs(np.asarray(mended.mesh.vertices)[:, 0]) < 2.5]
    near = places.find(on_blob).interpolate(np.asarray(blob(800).vertices), np.asarray(blob(800).faces))
    assert np.linalg.norm(near - on_blob, axis=1).max() < 0.12


def test_a_hole_of_any_size_is_closed(progress: Progress) -> None:
    mesh = blob(2000)
    half = np.flatnonzero(np.asarray(mesh.triangles).mean(axis=1)[:, 1] > 0.3)
    assert measure(mend(without_faces(mesh, *half), RepairOptions(), progress).mesh).is_watertight
