from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.repair import repair
from orfeas.meshes.stats import measure
from orfeas.records import MeshReport
from tests.meshes.solids import (
    blob,
    box,
    coloured_box,
    inverted,
    joined,
    soup,
    textured_ball,
    with_faces,
    without_faces,
)

Break = Callable[[trimesh.Trimesh, np.random.Generator], trimesh.Trimesh]


def in_a_file(mesh: trimesh.Trimesh) -> MeshReport:
    """Measures of the mesh as an STL file holds it: 32-bit triangles that share no vertex."""
    single = trimesh.Trimesh(np.asarray(mesh.vertices, np.float32), mesh.faces, process=False)
    return measure(soup(single))


def looks_of(mesh: trimesh.Trimesh) -> Counter[frozenset[tuple[float, ...]]]:
    """How often there is a face with these corners, each a place and what it looks like."""
    look = appearance_of(mesh)
    values = look.uv if look.uv is not None else np.asarray(look.colours)
    rows = np.column_stack([mesh.vertices, values]).round(9)[np.asarray(mesh.faces)]
    return Counter(frozenset(map(tuple, face.tolist())) for face in rows)


def with_holes(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    middles = np.asarray(mesh.vertices)[mesh.faces].mean(axis=1)
    dropped = rng.random(len(middles)) < 0.01
    for middle in rng.choice(middles, 8):
        dropped |= np.linalg.norm(middles - middle, axis=1) < rng.uniform(0.02, 0.15)
    return without_faces(mesh, *np.flatnonzero(dropped))


def with_turned_faces(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    faces = np.array(mesh.faces)
    turned = rng.random(len(faces)) < 0.1
    faces[turned] = faces[turned][:, ::-1]
    return with_faces(mesh, faces)


def with_fins(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    start, end = np.asarray(mesh.faces)[rng.integers(len(mesh.faces), size=60), :2].T
    tips = mesh.vertices[start] + rng.normal(scale=0.1, size=(60, 3))
    fins = np.column_stack([start, end, len(mesh.vertices) + np.arange(60)])
    again = np.asarray(mesh.faces)[rng.integers(len(mesh.faces), size=40)]
    faces = np.vstack([mesh.faces, fins, again, again[:, ::-1], [[0, 0, 1]]])
    return trimesh.Trimesh(np.vstack([mesh.vertices, tips]), faces, process=False)


def as_soup(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    return soup(mesh)


def cracked(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    apart = soup(mesh)
    return trimesh.Trimesh(apart.vertices + rng.uniform(-2e-6, 2e-6, apart.vertices.shape), apart.faces, process=False)


def beside_itself(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    return joined(mesh, trimesh.Trimesh(mesh.vertices + np.array([0.3, 0.1, 0.0]), mesh.faces, process=False))


def all_at_once(mesh: trimesh.Trimesh, rng: np.random.Generator) -> trimesh.Trimesh:
    broken = with_fins(with_turned_faces(with_holes(mesh, rng), rng), rng)
    return beside_itself(soup(broken), rng)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("damage", "bodies", "tolerance"),
    [
        (with_holes, 1, 0.01),
        (with_turned_faces, 1, 1e-7),
        (with_fins, 1, 1e-7),
        (as_soup, 1, 1e-7),
        (cracked, 1, 1e-4),
        (beside_itself, 2, 1e-7),
        (all_at_once, 2, 0.01),
    ],
)
def test_a_broken_mesh_is_closed_and_keeps_its_shape(damage: Break, bodies: int, tolerance: float, seed: int) -> None:
    mesh = blob(4000)
    volume = measure(mesh).volume_mm3
    assert volume is not None
    repaired = repair(damage(mesh, np.random.default_rng(seed)))
    for report in (measure(repaired), in_a_file(repaired)):
        assert report.is_watertight
        assert report.is_winding_consistent
        assert report.volume_mm3 == pytest.approx(bodies * volume, rel=tolerance)
    assert measure(repaired).components == bodies


@pytest.mark.parametrize("mesh", [blob(), box(), joined(box(4), inverted(box())), trimesh.creation.torus(2, 0.5)])
def test_a_sound_mesh_keeps_every_face(mesh: trimesh.Trimesh) -> None:
    repaired = repair(mesh)
    expected = {tuple(sorted(map(tuple, face.tolist()))) for face in np.asarray(mesh.vertices)[mesh.faces]}
    found = {tuple(sorted(map(tuple, face.tolist()))) for face in np.asarray(repaired.vertices)[repaired.faces]}
    assert found == expected
    assert measure(repaired) == pytest.approx(measure(trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)))


def test_a_seam_stays_in_the_uvs_and_is_none_in_the_surface() -> None:
    ball = textured_ball()
    repaired = repair(ball)
    assert looks_of(repaired) == looks_of(ball)
    assert measure(repaired).is_watertight
    assert appearance_of(repaired).texture is appearance_of(ball).texture is not None


def test_a_face_that_is_turned_over_keeps_the_uv_of_each_corner() -> None:
    ball = textured_ball()
    assert looks_of(repair(with_turned_faces(ball, np.random.default_rng(3)))) == looks_of(ball)


def test_the_faces_left_of_a_textured_mesh_with_holes_keep_their_uvs() -> None:
    broken = with_holes(textured_ball(24), np.random.default_rng(3))
    assert len(broken.faces) < len(textured_ball(24).faces)
    repaired = repair(broken)
    assert measure(repaired).is_watertight
    found = looks_of(repaired)
    assert all(found[look] >= count for look, count in looks_of(broken).items())


def test_a_filled_hole_has_the_look_of_its_rim() -> None:
    broken = with_holes(textured_ball(24), np.random.default_rng(3))
    repaired = repair(broken)
    uv, own = appearance_of(repaired).uv, appearance_of(broken).uv
    assert uv is not None and own is not None
    filled = uv[repaired.faces[len(broken.faces) :]].reshape(-1, 2)
    assert len(filled)
    assert {tuple(uv) for uv in filled} <= {tuple(uv) for uv in own}


def test_colours_on_vertices_are_kept() -> None:
    broken = without_faces(coloured_box(), 4)
    repaired = repair(broken)
    assert measure(repaired).is_watertight
    assert looks_of(broken) <= looks_of(repaired)


def test_a_hole_of_three_sides_is_filled_by_one_face() -> None:
    repaired = repair(without_faces(box(), 4))
    assert len(repaired.faces) == 12
    assert measure(repaired).volume_mm3 == pytest.approx(1.0)


def test_a_missing_side_is_filled_between_its_corners() -> None:
    cube = box()
    top = np.flatnonzero((np.asarray(cube.vertices)[cube.faces][:, :, 1] > 0.4).all(axis=1))
    repaired = repair(without_faces(cube, *top))
    assert len(repaired.faces) == 12
    assert len(repaired.vertices) == 8
    assert measure(repaired).volume_mm3 == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("offset", "edges"),
    [((1.0, 1.0, 0.0), 1), ((1.0, 1.0, 1.0), 0), ((1.0, 0.0, 0.0), 4), ((0.4, 0.0, 0.0), 0)],
    ids=["along an edge", "at a corner", "at a side", "overlapping"],
)
def test_bodies_that_touch_are_parted(offset: tuple[float, float, float], edges: int) -> None:
    mesh = joined(box(), box(at=offset))
    assert measure(mesh).non_manifold_edges == edges
    report = in_a_file(repair(mesh))
    assert report.is_watertight
    assert report.components == 2
    assert report.volume_mm3 == pytest.approx(2.0, rel=1e-4)


def test_a_lone_face_beside_a_body_is_dropped() -> None:
    triangle = trimesh.Trimesh(np.eye(3) + 5.0, [[0, 1, 2]], process=False)
    assert measure(repair(joined(blob(), triangle))) == measure(repair(blob()))


def test_a_sheet_that_hangs_from_a_body_is_peeled_off() -> None:
    mesh = blob()
    a, b = np.asarray(mesh.faces)[10, :2]
    count = len(mesh.vertices)
    sheet = mesh.vertices[[a, b]] * 1.5
    faces = np.vstack([mesh.faces, [[a, b, count], [b, count + 1, count]]])
    repaired = repair(trimesh.Trimesh(np.vstack([mesh.vertices, sheet]), faces, process=False))
    assert measure(repaired) == measure(mesh)


def test_a_strip_with_one_side_becomes_closed_all_the_same() -> None:
    turn = np.linspace(0, np.pi, 21)
    ring = np.column_stack([np.cos(2 * turn), np.sin(2 * turn), np.zeros(21)])
    across = np.column_stack([np.cos(turn) * ring[:, 0], np.cos(turn) * ring[:, 1], np.sin(turn)]) * 0.3
    points = np.vstack([(ring - across)[:20], (ring + across)[:20]])
    n = np.arange(20)
    after, other = (n + 1) % 20, np.where(n == 19, 20, 0)
    low, high = n, n + 20
    low_after, high_after = after + other, (after + 20 - other) % 40
    faces = np.vstack([np.column_stack([low, low_after, high]), np.column_stack([low_after, high_after, high])])
    report = measure(repair(trimesh.Trimesh(points, faces, process=False)))
    assert report.is_watertight
    assert not report.is_winding_consistent
    assert report.volume_mm3 is None


def test_a_single_triangle_becomes_a_flat_pillow() -> None:
    report = measure(repair(trimesh.Trimesh(np.eye(3), [[0, 1, 2]], process=False)))
    assert report.is_watertight
    assert report.volume_mm3 == pytest.approx(0.0, abs=1e-12)


def test_the_mesh_given_is_not_changed() -> None:
    mesh = with_fins(blob(), np.random.default_rng(0))
    vertices, faces = np.array(mesh.vertices), np.array(mesh.faces)
    repair(mesh)
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(mesh.faces, faces)


def test_repairing_twice_changes_nothing_more() -> None:
    once = repair(all_at_once(blob(), np.random.default_rng(3)))
    twice = repair(once)
    assert measure(twice) == measure(once)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 12), st.integers(1, 40))
def test_triangles_at_random_end_in_whole_edges(seed: int, vertices: int, faces: int) -> None:
    rng = np.random.default_rng(seed)
    mesh = trimesh.Trimesh(rng.normal(size=(vertices, 3)), rng.integers(0, vertices, (faces, 3)), process=False)
    try:
        repaired = repair(mesh)
    except InvalidMesh:
        assert all(len(set(face)) < 3 for face in mesh.faces.tolist())
        return
    report = measure(repaired)
    assert report.boundary_edges == 0
    assert np.isfinite(repaired.vertices).all()


@pytest.mark.parametrize("faces", [np.zeros((0, 3), int), np.array([[0, 0, 1]])])
def test_what_has_no_surface_is_refused(faces: NDArray[np.int64]) -> None:
    with pytest.raises(InvalidMesh, match="no surface"):
        repair(trimesh.Trimesh(np.eye(3), faces, process=False))


def test_points_that_are_not_finite_are_refused() -> None:
    vertices = np.array(box().vertices)
    vertices[0, 0] = np.nan
    with pytest.raises(InvalidMesh, match="not finite"):
        repair(trimesh.Trimesh(vertices, box().faces, process=False))
