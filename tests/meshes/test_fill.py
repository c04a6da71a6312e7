import numpy as np
import pytest
import trimesh
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orfeas.errors import Cancelled
from orfeas.meshes.fill import MAX_FILMS, MAX_RIM, Filling, _close, _weigh, fill
from orfeas.meshes.halfedges import half_edges
from orfeas.meshes.repair import repair
from tests.meshes.solids import blob, box, without_faces

L_SHAPE = [(0, 0), (4, 0), (4, 1), (1, 1), (1, 5), (0, 5)]


def open_sides(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    sides = half_edges(faces)
    return sides.of_edges(sides.count == 1)


def filled(mesh: trimesh.Trimesh) -> tuple[Filling, trimesh.Trimesh]:
    """The filling of all holes, and the mesh with it."""
    points, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    made = fill(points, faces, open_sides(faces))
    all_points, all_faces = np.concatenate([points, made.points]), np.concatenate([faces, made.faces])
    return made, trimesh.Trimesh(all_points, all_faces, process=False)


def tube(outline: NDArray[np.float64]) -> trimesh.Trimesh:
    """A wall of height 1 over an outline ``[n, 2]`` that runs counter-clockwise, open below and above."""
    count = len(outline)
    points = np.concatenate([np.column_stack([outline, np.full(count, z)]) for z in (0.0, 1.0)])
    here, there = np.arange(count), (np.arange(count) + 1) % count
    faces = np.concatenate(
        [np.column_stack([here, there, there + count]), np.column_stack([here, there + count, here + count])]
    )
    return trimesh.Trimesh(points, faces, process=False)


def area(points: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    a, b, c = points[faces.T]
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)


def test_a_hole_that_is_not_convex_is_filled_within_its_rim() -> None:
    made, closed = filled(tube(np.array(L_SHAPE, dtype=np.float64)))
    assert len(made.points) == 0
    assert len(made.faces) == 2 * (len(L_SHAPE) - 2)
    assert area(closed.vertices, made.faces) == pytest.approx(2 * 8.0)
    assert closed.is_watertight and closed.is_winding_consistent
    assert closed.volume == pytest.approx(8.0)


def test_a_hole_of_three_sides_is_filled_by_the_face_that_was_missing() -> None:
    cube = box()
    made, closed = filled(without_faces(cube, 4))
    assert sorted(made.faces[0]) == sorted(cube.faces[4])
    assert closed.volume == pytest.approx(1.0)


def flower(count: int, height: float = 0.0) -> NDArray[np.float64]:
    """A closed line ``[count, 3]`` of five petals around an area of 1.08 π, in waves of that height."""
    turns = np.arange(count) / count * 2 * np.pi
    reach = 1.0 + 0.4 * np.sin(5 * turns)
    return np.column_stack([reach * np.cos(turns), reach * np.sin(turns), height * np.sin(2 * turns)])


@pytest.mark.parametrize("count", [20, 96, MAX_RIM, MAX_RIM + 200])
def test_a_flat_rim_is_filled_flat(count: int) -> None:
    rim = flower(count)
    made, closed = filled(tube(rim[:, :2]))
    assert closed.is_watertight and closed.is_winding_consistent
    twice = np.abs(rim[:, 0] * np.roll(rim[:, 1], -1) - rim[:, 1] * np.roll(rim[:, 0], -1)).sum()
    assert closed.volume == pytest.approx(twice / 2.0)
    assert area(closed.vertices, made.faces) == pytest.approx(twice)


@pytest.mark.parametrize("count", [20, MAX_RIM])
def test_a_flat_rim_is_filled_with_two_triangles_less_than_it_has_sides(count: int) -> None:
    made, _ = filled(tube(flower(count)[:, :2]))
    assert (len(made.points), len(made.faces)) == (0, 2 * (count - 2))


def test_a_rim_in_waves_gets_a_smooth_film_that_stays_between_its_crests() -> None:
    rim = flower(200, height=0.5)
    hub = [[0.0, 0.0, -3.0]]
    cone = np.column_stack([np.arange(200), (np.arange(200) + 1) % 200, np.full(200, 200)])
    made, closed = filled(trimesh.Trimesh(np.concatenate([rim, hub]), cone[:, ::-1], process=False))
    assert closed.is_watertight and closed.is_winding_consistent
    assert np.abs(made.points[:, 2]).max() < 0.5
    film = trimesh.Trimesh(closed.vertices, made.faces, process=False)
    assert np.quantile(film.face_adjacency_angles, 0.95) < np.radians(12)
    triangles = trimesh.Trimesh(
        closed.vertices, _close(rim, np.arange(200)[None], np.array([-1]), MAX_RIM)[0], process=False
    )
    assert film.area < triangles.area


@pytest.mark.parametrize("count", [80, 600, 1500])
def test_a_jagged_rim_is_closed_without_stars(count: int) -> None:
    mesh = trimesh.creation.icosphere(5)
    rng = np.random.default_rng(count)
    teeth = 0.3 * np.sin(np.arange(count)) * rng.random(count)
    far = mesh.triangles_center @ np.array([0.36, 0.8, 0.48])
    around = np.arctan2(mesh.triangles_center[:, 0], mesh.triangles_center[:, 2])
    limit = 0.7 + teeth[((around + np.pi) / (2 * np.pi) * (count - 1)).astype(np.int64)]
    opened = repair(trimesh.Trimesh(mesh.vertices, mesh.faces[far < limit], process=False))
    assert opened.is_watertight
    assert np.bincount(opened.faces.ravel()).max() < 30


def test_a_slit_is_closed_without_new_points() -> None:
    x = np.linspace(0.0, 1.0, 40)
    lips = np.concatenate(
        [np.column_stack([x, 0.002 * np.sin(np.pi * x)]), np.column_stack([x, -0.002 * np.sin(np.pi * x)])[-2:0:-1]]
    )
    made, closed = filled(tube(lips[::-1]))
    assert len(made.points) == 0
    assert closed.is_watertight


def test_no_edge_is_made_that_the_surface_has_already() -> None:
    cube = box()
    top = np.flatnonzero((np.asarray(cube.vertices)[cube.faces][:, :, 1] > 0.4).all(axis=1))
    shared = set(cube.faces[top[0]]) & set(cube.faces[top[1]])
    others = set(cube.faces[top].ravel()) - shared
    opened = without_faces(cube, *top)
    points = np.concatenate([opened.vertices, [[0.0, 9.0, 0.0], [0.0, 8.0, 0.0]]])
    for diagonal, is_other_free in ((shared, True), (others, True), (shared | others, False)):
        faces = np.asarray(opened.faces, np.int64)
        for pair, far in ((shared, 8), (others, 9)):
            if pair <= diagonal:
                faces = np.concatenate([faces, [[*pair, far]]])
        rim = open_sides(np.asarray(opened.faces, np.int64))
        made = fill(points, faces, rim)
        assert not any(pair <= set(face) for face in made.faces for pair in (shared, others) if pair <= diagonal)
        assert len(made.points) == (0 if is_other_free else 1)
        assert len(made.faces) == (2 if is_other_free else 4)


def test_each_face_tells_a_side_that_it_touches() -> None:
    mesh = tube(np.array(L_SHAPE, dtype=np.float64))
    made, _ = filled(mesh)
    begins = np.asarray(mesh.faces).ravel()[made.sides]
    assert (made.faces == begins[:, None]).any(axis=1).all()
    assert np.isin(made.sides, open_sides(np.asarray(mesh.faces, np.int64))).all()


def test_each_face_of_a_film_tells_a_side_of_its_own_rim() -> None:
    outer, inner = flower(60, 0.4), flower(60, 0.4) * 0.99
    cone = np.column_stack([(np.arange(60) + 1) % 60, np.arange(60), np.full(60, 60)])
    points = np.concatenate([outer, [[0.0, 0.0, -3.0]], inner, [[0.0, 0.0, -2.5]]])
    made, closed = filled(trimesh.Trimesh(points, np.concatenate([cone, cone + 61]), process=False))
    assert len(made.points) > 100
    labels = trimesh.graph.connected_component_labels(closed.face_adjacency, len(closed.faces))  # type: ignore[no-untyped-call]  # untyped
    assert (labels[made.sides // 3] == labels[120:]).all()


def test_all_films_together_have_no_more_faces_than_is_sensible() -> None:
    rim, cone = flower(100, 0.4), np.column_stack([(np.arange(100) + 1) % 100, np.arange(100), np.full(100, 100)])
    one = np.concatenate([rim, [[0.0, 0.0, -3.0]]])
    points = np.concatenate([one + np.array([3.0 * number, 0.0, 0.0]) for number in range(80)])
    faces = np.concatenate([cone + 101 * number for number in range(80)])
    made, closed = filled(trimesh.Trimesh(points, faces, process=False))
    assert closed.is_watertight and closed.is_winding_consistent
    assert len(made.faces) < 1.5 * MAX_FILMS


def test_it_stops_when_asked() -> None:
    asked = []

    def check() -> None:
        asked.append(0)
        if len(asked) == 3:
            raise Cancelled("stopped")

    mesh = tube(flower(50)[:, :2])
    mesh.vertices[:50, 2] -= np.sin(np.arange(50))
    faces = np.asarray(mesh.faces, np.int64)
    with pytest.raises(Cancelled):
        fill(np.asarray(mesh.vertices), faces, open_sides(faces), check)


def test_a_surface_without_holes_gets_nothing() -> None:
    made, closed = filled(box())
    assert len(made.points) == len(made.faces) == len(made.sides) == 0
    assert len(closed.faces) == 12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_what_is_torn_out_of_a_body_is_closed(seed: int, torn: int) -> None:
    mesh = blob(600)
    rng = np.random.default_rng(seed)
    place = rng.normal(size=3)
    near = np.argsort(np.linalg.norm(mesh.triangles_center - 1.3 * place / np.linalg.norm(place), axis=1))[:torn]
    opened = without_faces(mesh, *near)
    starts = np.asarray(opened.faces).ravel()[open_sides(np.asarray(opened.faces, np.int64))]
    assume(len(np.unique(starts)) == len(starts))  # a repair parts rims that touch
    _, closed = filled(opened)
    assert closed.is_watertight and closed.is_winding_consistent


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_no_other_triangles_between_the_corners_cost_less(seed: int, size: int) -> None:
    points = np.random.default_rng(seed).normal(size=(size + 1, 3))
    rim = np.arange(size)
    cone = np.column_stack([rim, (rim + 1) % size, np.full(size, size)])
    made = fill(points, cone, open_sides(cone))
    cost = _weigh(points[made.faces]).sum()
    assert cost == pytest.approx(least_cost(points, tuple(range(size))))


def least_cost(points: NDArray[np.float64], polygon: tuple[int, ...]) -> float:
    """By trying every way to cut the polygon into triangles."""
    if len(polygon) < 3:
        return 0.0
    first, last = polygon[0], polygon[-1]
    return min(
        float(_weigh(points[[first, polygon[i], last]]))
        + least_cost(points, polygon[: i + 1])
        + least_cost(points, polygon[i:])
        for i in range(1, len(polygon) - 1)
    )
