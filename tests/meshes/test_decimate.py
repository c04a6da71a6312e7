import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import trimesh

from orfeas.errors import Cancelled, InvalidMesh, OutOfMemory
from orfeas.meshes import decimate as module
from orfeas.meshes import simplify
from orfeas.meshes.child import Child
from orfeas.meshes.decimate import MAX_FACES_HERE, MIN_FACES_IN_PIECES, Reducer, decimate
from orfeas.meshes.stats import measure
from tests.meshes.solids import blob, box, textured_ball
from tests.processes import children_of

LARGE = blob(MAX_FACES_HERE + 10_000)


def mean_distance(mesh: trimesh.Trimesh, reference: trimesh.Trimesh) -> float:
    """From the vertices of ``mesh`` to those of ``reference``, as a part of its diagonal."""
    distance, _ = reference.kdtree.query(mesh.vertices)
    return float(np.mean(distance) / np.linalg.norm(reference.extents))


@pytest.mark.parametrize(("target_faces", "distance"), [(100, 0.01), (1000, 0.005), (4000, 0.004)])
def test_the_target_is_met_and_the_shape_kept(target_faces: int, distance: float) -> None:
    mesh = blob(20_000)
    smaller = decimate(mesh, target_faces)
    before, after = measure(mesh), measure(smaller)
    assert target_faces * 0.98 <= after.faces <= target_faces
    assert after.is_watertight
    assert after.is_winding_consistent
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=0.05)
    assert mean_distance(smaller, mesh) < distance


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
def test_the_unit_does_not_matter(size: float) -> None:
    mesh = blob(5000)
    scaled = trimesh.Trimesh(mesh.vertices * size + size, mesh.faces, process=False)
    assert np.array_equal(decimate(scaled, 800).faces.shape, decimate(mesh, 800).faces.shape)


def test_a_small_mesh_comes_back_with_its_seams_closed() -> None:
    mesh = decimate(textured_ball(), 10_000)
    assert len(mesh.vertices) == measure(textured_ball()).vertices
    assert measure(mesh).is_watertight


def test_a_seam_does_not_tear() -> None:
    assert measure(decimate(textured_ball(40), 1000)).is_watertight


def test_a_mesh_that_comes_back_as_it_is_shares_nothing_with_the_one_given() -> None:
    mesh = blob()
    made = decimate(mesh, len(mesh.faces))
    assert np.array_equal(made.vertices, mesh.vertices)
    assert not np.shares_memory(made.vertices, mesh.vertices)
    assert not np.shares_memory(made.faces, mesh.faces)


def test_the_mesh_given_is_not_changed() -> None:
    mesh = blob()
    vertices, faces = np.array(mesh.vertices), np.array(mesh.faces)
    decimate(mesh, 100)
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(mesh.faces, faces)


def test_a_large_mesh_is_reduced_in_a_process_of_its_own_and_comes_out_the_same() -> None:
    asked: list[float] = []
    reduced = decimate(LARGE, 5000, lambda: asked.append(time.perf_counter()))
    middle = (LARGE.vertices.max(axis=0) + LARGE.vertices.min(axis=0)) / 2
    scale = float(np.abs(LARGE.vertices - middle).max())
    points, faces = simplify.simplify((LARGE.vertices - middle) / scale, LARGE.faces.astype(np.int32), 5000)
    assert np.array_equal(reduced.faces, faces)
    assert reduced.vertices == pytest.approx(points * scale + middle)
    assert len(asked) >= 3
    assert np.diff(asked[1:]).max() < 1.0


def test_it_stops_at_once_when_asked() -> None:
    start = time.perf_counter()

    def check() -> None:
        if time.perf_counter() - start > 0.15:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        decimate(LARGE, 100, check)
    assert time.perf_counter() - start < 5.0


def test_a_child_that_dies_says_why() -> None:
    nothing = np.array([[0, 1, 2]] * 3, np.int32)
    with Child(module.SCRIPT) as child, pytest.raises(RuntimeError, match=r"simplify ended with 1: .*target_count"):
        module._simplify_in_child(child, module._Reduced(np.zeros((4, 3)), nothing), -1, lambda: None)


def reduced_in_pieces(mesh: trimesh.Trimesh, target_faces: int) -> trimesh.Trimesh:
    points, frame = np.asarray(mesh.vertices), module._Frame.of(mesh.vertices)
    with Child(module.SCRIPT) as one, Child(module.SCRIPT) as other:
        made = module._simplify_in_pieces((one, other), points, mesh.faces, frame, target_faces, lambda: None)
    return trimesh.Trimesh(frame.outward(made.points), made.faces, process=False)


def test_halves_that_are_reduced_apart_fit_together() -> None:
    mesh = blob(40_000)
    before, after = measure(mesh), measure(reduced_in_pieces(mesh, 8000))
    assert after.faces == pytest.approx(8000, rel=0.02)
    assert after.is_watertight
    assert after.is_winding_consistent
    assert after.components == before.components
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=0.005)
    assert after.size_mm == pytest.approx(before.size_mm, rel=0.005)


def test_a_cut_that_is_too_long_for_so_few_faces_leaves_the_halves_as_they_are() -> None:
    mesh = blob(5000)
    assert len(reduced_in_pieces(mesh, 100).faces) == len(mesh.faces)


def test_halves_with_holes_keep_their_rims() -> None:
    mesh = blob(40_000)
    opened = trimesh.Trimesh(mesh.vertices, mesh.faces[100:], process=False)
    before, after = measure(opened), measure(reduced_in_pieces(opened, 8000))
    assert after.boundary_edges == before.boundary_edges > 0


def test_the_largest_meshes_are_reduced_in_pieces_and_stay_near() -> None:
    mesh = blob(MIN_FACES_IN_PIECES + 20_000)
    reduced = decimate(mesh, 20_000)
    report = measure(reduced)
    assert 19_600 <= report.faces <= 20_000
    assert report.is_watertight
    assert mean_distance(reduced, mesh) < 0.001


@pytest.mark.parametrize(
    ("faces", "target_faces", "count"),
    [
        (MAX_FACES_HERE, 1000, 0),
        (MAX_FACES_HERE + 1, 1000, 1),
        (MIN_FACES_IN_PIECES, 1000, 2),
        (MIN_FACES_IN_PIECES, MIN_FACES_IN_PIECES // 2, 1),
        (MIN_FACES_IN_PIECES, MIN_FACES_IN_PIECES, 0),
    ],
)
def test_the_processes_start_before_the_work_and_end_with_it(faces: int, target_faces: int, count: int) -> None:
    with pytest.raises(Cancelled), Reducer(faces, target_faces):
        assert len(children_of("simplify.py")) == count
        raise Cancelled("stopped")
    assert children_of("simplify.py") == []


def test_a_mesh_that_turned_out_small_needs_no_process() -> None:
    with Reducer(MIN_FACES_IN_PIECES, 1000) as reducer:
        reduced = reducer.reduce(np.asarray(blob(4000).vertices), np.asarray(blob(4000).faces))
    assert np.array_equal(reduced.faces, decimate(blob(4000), 1000).faces)


def test_a_killed_child_is_an_error_of_memory() -> None:
    def kill() -> None:
        for child in children_of("simplify.py"):
            child.kill()

    with pytest.raises(OutOfMemory, match="memory ran out"):
        decimate(LARGE, 100, kill)


def test_the_script_speaks_through_its_pipes() -> None:
    mesh = blob()
    points, faces = np.asarray(mesh.vertices, np.float64), mesh.faces.astype(np.int32)
    given, out = BytesIO(), BytesIO()
    np.savez(given, points=points, faces=faces, target=500, keeps_border=False)
    simplify.main(BytesIO(given.getvalue()), out)
    expected = simplify.simplify(points, faces, 500)
    found = np.load(BytesIO(out.getvalue()))
    assert np.array_equal(found["points"], expected[0])
    assert np.array_equal(found["faces"], expected[1])


def test_the_script_imports_nothing_of_orfeas() -> None:
    code = f"import runpy, sys; runpy.run_path({simplify.__file__!r}); print([m for m in sys.modules if 'orfeas' in m])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert out.stdout.strip() == "[]"


def test_threads_do_not_get_into_each_others_way() -> None:
    meshes = [blob(2000), blob(6000), box(), blob(4000)]
    expected = [decimate(mesh, 500) for mesh in meshes]
    found: dict[int, trimesh.Trimesh] = {}

    def work(number: int) -> None:
        for _ in range(5):
            found[number] = decimate(meshes[number], 500)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(meshes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, mesh in enumerate(expected):
        assert np.array_equal(found[number].faces, mesh.faces)
        assert np.array_equal(found[number].vertices, mesh.vertices)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_are_refused(bad: float) -> None:
    vertices = np.array(box().vertices)
    vertices[0, 0] = bad
    with pytest.raises(InvalidMesh, match="not finite"):
        decimate(trimesh.Trimesh(vertices, box().faces, process=False), 4)
