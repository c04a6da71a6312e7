import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from orfeas.errors import Cancelled, EngineUnavailable, InvalidMesh, InvalidOption, OutOfMemory
from orfeas.meshes.printing import instant
from orfeas.meshes.printing.remesh import PACKAGE, _cut_well, _with_quads_first, can_remesh, remesh
from orfeas.meshes.stats import measure
from orfeas.options import RemeshChoice
from tests.meshes.solids import blob, box, soup

needs_library = pytest.mark.skipif(not can_remesh(), reason=f"{PACKAGE} has no wheel for this machine")


def spread_of_sides(mesh: trimesh.Trimesh) -> float:
    """Standard deviation of the lengths of sides, by their mean."""
    corners = np.asarray(mesh.vertices)[mesh.faces]
    sides = np.linalg.norm(corners - corners[:, [1, 2, 0]], axis=2)
    return float(sides.std() / sides.mean())


@needs_library
def test_triangles_come_even_and_closed_with_the_same_shape() -> None:
    model = blob(4000)
    made = remesh(soup(model), RemeshChoice.TRIANGLES, 1500, crease_deg=60.0)
    report = measure(made.mesh)
    assert made.quads is None
    assert report.is_watertight
    assert report.is_winding_consistent
    assert report.faces == pytest.approx(1500, rel=0.15)
    assert report.volume_mm3 == pytest.approx(measure(model).volume_mm3, rel=0.02)
    assert spread_of_sides(made.mesh) < 0.15 < spread_of_sides(model)


@needs_library
@pytest.mark.parametrize("target_faces", [500, 2000])
def test_quads_come_with_their_triangles_and_closed(target_faces: int) -> None:
    model = blob(4000)
    made = remesh(model, RemeshChoice.QUADS, target_faces)
    assert made.quads is not None
    assert len(made.quads) == pytest.approx(target_faces, rel=0.2)
    paired = np.asarray(made.mesh.faces[: 2 * len(made.quads)])
    np.testing.assert_array_equal(paired[::2], made.quads[:, :3])
    np.testing.assert_array_equal(paired[1::2], made.quads[:, [0, 2, 3]])
    report = measure(made.mesh)
    assert report.is_watertight and report.is_winding_consistent
    assert report.degenerate_faces == 0
    assert made.mesh.volume == pytest.approx(measure(model).volume_mm3, rel=0.06)


def test_where_quads_left_it_open_they_come_before_the_triangles_that_close_it() -> None:
    # Two quads and the four triangles of a box's other sides, in the order of a repair.
    faces = [[0, 1, 2], [5, 6, 7], [5, 7, 4], [3, 1, 8], [9, 1, 2], [9, 2, 3]]
    made = _with_quads_first(trimesh.Trimesh(np.random.default_rng(0).normal(size=(10, 3)), faces, process=False))
    assert made.quads is not None
    assert made.quads.tolist() == [[5, 6, 7, 4], [9, 1, 2, 3]]
    assert made.mesh.faces.tolist() == [faces[1], faces[2], faces[4], faces[5], faces[0], faces[3]]


def test_a_quad_is_cut_where_its_triangles_are_less_thin() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0]])
    assert _cut_well(points, np.array([[0, 1, 2, 3]])).tolist() == [[1, 2, 3, 0]]
    assert _cut_well(points, np.array([[1, 2, 3, 0]])).tolist() == [[1, 2, 3, 0]]


@needs_library
def test_a_plate_thinner_than_the_new_faces_is_refused() -> None:
    plate = trimesh.creation.box((50.0, 50.0, 1.5)).subdivide().subdivide().subdivide()
    with pytest.raises(InvalidMesh, match=r"finer than its new faces, which would keep \d+% of its volume"):
        remesh(plate, RemeshChoice.QUADS, 500)


@needs_library
def test_remeshing_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        remesh(box(), RemeshChoice.QUADS, 100, check=stop)


@needs_library
def test_a_process_that_takes_too_long_is_an_error_of_the_model() -> None:
    with pytest.raises(InvalidMesh, match="too long"):
        remesh(box(), RemeshChoice.QUADS, 100, timeout_s=0.0)


def test_without_the_library_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(EngineUnavailable, match=PACKAGE):
        remesh(box(), RemeshChoice.QUADS, 100)


@pytest.mark.parametrize(("faces", "crease_deg"), [(99, None), (500_001, None), (100, 0.0), (100, 180.0)])
def test_options_out_of_range_are_refused(faces: int, crease_deg: float | None) -> None:
    with pytest.raises(InvalidOption):
        remesh(box(), RemeshChoice.TRIANGLES, faces, crease_deg)


def test_faces_out_of_range_are_told_with_what_they_are_for() -> None:
    with pytest.raises(InvalidOption, match=r"target_faces cannot be 2,000,000 with remesh; from 100 to 500,000"):
        remesh(box(), RemeshChoice.TRIANGLES, 2_000_000)


@needs_library
@pytest.mark.parametrize(
    "mesh",
    [
        trimesh.Trimesh([[0, 0, 0], [10, 0, 0], [0, 10, 0]], [[0, 1, 2]], process=False),
        trimesh.creation.box((1000.0, 1000.0, 0.001)),
    ],
    ids=["one triangle", "a plate of a micrometre"],
)
@pytest.mark.parametrize("pattern", [RemeshChoice.TRIANGLES, RemeshChoice.QUADS])
def test_a_sheet_is_refused_without_a_try(mesh: trimesh.Trimesh, pattern: RemeshChoice) -> None:
    with pytest.raises(InvalidMesh, match="The model is a sheet"):
        remesh(mesh, pattern, 1000, timeout_s=0.0)


@needs_library
@pytest.mark.parametrize(
    ("sides_mm", "faces", "message"),
    [
        ((200.0, 200.0, 1.0), 1000, "far thinner than its new faces"),
        ((1000.0, 0.01, 0.01), 1000, "far thinner than its new faces"),
        ((1000.0, 0.5, 0.5), 10_000, "too long and narrow"),
    ],
)
def test_what_would_fill_the_memory_is_refused_without_a_try(
    sides_mm: tuple[float, float, float], faces: int, message: str
) -> None:
    with pytest.raises(InvalidMesh, match=message):
        remesh(trimesh.creation.box(sides_mm), RemeshChoice.TRIANGLES, faces, timeout_s=0.0)


@needs_library
@pytest.mark.parametrize(("side_mm", "faces"), [(1e-3, 1000), (40.0, 100), (40.0, 500_000)])
def test_a_cube_of_two_triangles_a_side_is_never_refused_without_a_try(side_mm: float, faces: int) -> None:
    with pytest.raises(InvalidMesh, match="took too long"):
        remesh(box(side_mm), RemeshChoice.TRIANGLES, faces, timeout_s=0.0)


@needs_library
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere no bound holds for sure")
def test_the_library_gets_so_much_memory_and_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tight = tmp_path / "instant.py"
    text = Path(instant.__file__).read_text(encoding="utf-8")
    tight.write_text(text.replace("MAX_BYTES = 4_000_000_000", "MAX_BYTES = 100_000_000"), encoding="utf-8")
    monkeypatch.setattr(instant, "__file__", str(tight))
    with pytest.raises(OutOfMemory, match="4 GB"):
        remesh(blob(4000), RemeshChoice.TRIANGLES, 100_000)
