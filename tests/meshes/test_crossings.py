from fractions import Fraction

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orfeas.meshes.crossings import count_crossing_faces, find_crossings, find_crossings_soon
from orfeas.meshes.weld import weld
from tests.meshes.solids import blob, box, joined, slab, soup

Points = NDArray[np.float64]
Faces = NDArray[np.int64]
Found = list[tuple[int, int]]


def indexed(mesh: trimesh.Trimesh) -> tuple[Points, Faces]:
    first, inverse = weld(mesh.vertices)
    return np.asarray(mesh.vertices)[first], inverse[np.asarray(mesh.faces)]


def crossings(points: object, faces: object) -> Found:
    pairs = find_crossings(np.asarray(points, dtype=np.float64), np.asarray(faces, dtype=np.int64))
    return [(int(one), int(other)) for one, other in pairs]


def crossings_of(mesh: trimesh.Trimesh) -> Found:
    return crossings(*indexed(mesh))


def exact_span(corners: NDArray[np.int64], away: NDArray[np.int64], line: NDArray[np.int64]) -> list[Fraction]:
    """Where a triangle meets a plane that its corners are ``away`` from on both sides, measured along ``line``."""
    along = [int(corner @ line) for corner in corners]
    meets = [Fraction(along[i]) for i in range(3) if away[i] == 0]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        if away[i] * away[j] < 0:
            meets.append(along[i] + Fraction(int(away[i]), int(away[i] - away[j])) * (along[j] - along[i]))
    return sorted(meets)


def exact(points: NDArray[np.int64], faces: Faces) -> Found:
    """Every pair, held against each other in whole numbers and fractions of them."""
    found = []
    for one in range(len(faces)):
        for other in range(one + 1, len(faces)):
            a, b = points[faces[one]], points[faces[other]]
            across = np.cross(a[1] - a[0], a[2] - a[0]), np.cross(b[1] - b[0], b[2] - b[0])
            if not across[0].any() or not across[1].any():
                continue
            shared = np.intersect1d(faces[one], faces[other])
            if len(shared) >= 2:
                start, end = points[shared[:2]]
                thirds = [points[np.setdiff1d(faces[face], shared[:2])[0]] - start for face in (one, other)]
                sides = [np.cross(end - start, third) for third in thirds]
                if not np.cross(sides[0], sides[1]).any() and sides[0] @ sides[1] > 0:
                    found.append((one, other))
                continue
            away = (a - b[0]) @ across[1], (b - a[0]) @ across[0]
            if any(side.max() <= 0 or side.min() >= 0 for side in away):
                continue
            line = np.cross(*across)
            here, there = exact_span(a, away[0], line), exact_span(b, away[1], line)
            if max(here[0], there[0]) < min(here[-1], there[-1]):
                found.append((one, other))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 5), st.integers(4, 30))
def test_faces_on_a_coarse_grid_cross_where_exact_numbers_say_so(seed: int, steps: int, vertices: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, steps, size=(vertices, 3)), axis=0)
    faces = rng.integers(0, len(points), size=(14, 3))
    faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
    assert crossings(points, faces) == exact(points, faces)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_a_turned_scaled_and_shuffled_model_has_the_same_crossings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 3, size=(60, 3))
    faces = rng.permuted(np.tile(np.arange(60), (40, 1)), axis=1)[:, :3]
    order = rng.permutation(len(faces))
    rolled = np.roll(faces, 1, axis=1)[order][:, :: rng.choice([-1, 1])]
    moved = Rotation.random(rng=rng).apply(points) * 10.0 ** rng.integers(-5, 5) + rng.normal(size=3)
    there = {tuple(sorted((int(order[one]), int(order[other])))) for one, other in crossings(moved, rolled)}
    assert there == set(crossings(points, faces))
    assert len(there) > 10


def through(corners: Points) -> Found:
    """Pairs of many triangles one edge of which passes through the other (Möller and Trumbore 1997)."""
    a, b, c = corners.swapaxes(0, 1)
    found = set()
    for corner in range(3):
        start, way = corners[:, None, corner], (corners[:, (corner + 1) % 3] - corners[:, corner])[:, None]
        first = np.cross(way, (c - a)[None])
        det = np.einsum("ijk,jk->ij", first, b - a)
        off = start - a[None]
        second = np.cross(off, (b - a)[None])
        u, v = (off * first).sum(axis=2) / det, (way * second).sum(axis=2) / det
        t = np.einsum("ijk,jk->ij", second, c - a) / det
        hits = np.argwhere((u > 0) & (v > 0) & (u + v < 1) & (t > 0) & (t < 1))
        found |= {(int(min(hit)), int(max(hit))) for hit in hits if hit[0] != hit[1]}
    return sorted(found)


def test_triangles_all_over_cross_where_an_edge_of_one_passes_through_the_other() -> None:
    rng = np.random.default_rng(4)
    corners = rng.uniform(0, 4, size=(400, 1, 3)) + rng.normal(scale=0.6, size=(400, 3, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = through(corners)
    assert len(expected) > 500
    assert crossings(corners.reshape(-1, 3), np.arange(1200).reshape(-1, 3)) == expected


def test_boxes_that_overlap_cross_along_the_whole_of_their_common_line() -> None:
    mesh = joined(box(2.0), box(2.0, at=(0.9, 1.1, 0.8)))
    pairs = crossings_of(mesh)
    assert {one < 12 <= other for one, other in pairs} == {True}
    # The line runs over six sides, three of each box.
    normals = np.asarray(mesh.face_normals).round(6)
    assert len({tuple(normals[one]) for one, _ in pairs}) == len({tuple(normals[other]) for _, other in pairs}) == 3


@pytest.mark.parametrize("at", [(1.0, 0.0, 0.0), (1.0, 0.3, 0.2), (1.0, 1.0, 0.0), (1.0, 1.0, 0.4), (1.0, 1.0, 1.0)])
@pytest.mark.parametrize("turned", [False, True])
def test_boxes_that_touch_do_not_cross(at: tuple[float, float, float], turned: bool) -> None:
    bodies = joined(box(), box(at=at))
    turn = Rotation.from_rotvec([0.3, 0.7, -0.4]) if turned else Rotation.identity()
    stored = turn.apply(bodies.vertices * 70.0).astype(np.float32).astype(np.float64)
    assert crossings(stored, np.asarray(bodies.faces)) == []


@pytest.mark.parametrize("mesh", [blob(), trimesh.creation.torus(2, 0.5), slab(0.01), trimesh.creation.icosphere(4)])
def test_a_sound_body_does_not_pass_through_itself(mesh: trimesh.Trimesh) -> None:
    assert crossings_of(mesh) == []
    assert crossings(soup(mesh).vertices, soup(mesh).faces) == []


def test_spheres_cross_where_their_surfaces_meet() -> None:
    mesh = joined(trimesh.creation.icosphere(4), trimesh.creation.icosphere(4))
    mesh.vertices[len(mesh.vertices) // 2 :] += (1.2, 0.01, 0.02)
    pairs = find_crossings(*indexed(mesh))
    middles = np.asarray(mesh.triangles)[np.unique(pairs)].mean(axis=1)
    assert len(pairs) > 100
    assert middles[:, 0] == pytest.approx(0.6, abs=0.06)
    assert np.linalg.norm(middles[:, 1:], axis=1) == pytest.approx(0.8, abs=0.06)


FAN = np.array([[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, -2, 0], [1, 1, 1]])


def test_faces_around_a_vertex_cross_where_one_goes_through_another() -> None:
    # The last face shares the middle alone with the first, and reaches through it from above to below.
    points = np.vstack([FAN, [[0.5, 0.5, -1.0]]])
    assert crossings(points, [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 5, 6]]) == [(0, 3)]


def test_faces_around_a_vertex_do_not_cross_where_one_only_leans_on_another() -> None:
    points = np.vstack([FAN, [[0.5, 0.5, 0.0]]])
    assert crossings(points, [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 5, 6]]) == []


@pytest.mark.parametrize(("lift", "count"), [(0.0, 1), (1e-9, 1), (0.01, 0)])
@pytest.mark.parametrize("faces", [[[0, 1, 2], [1, 0, 3]], [[0, 1, 2], [0, 1, 3]], [[2, 0, 1], [3, 0, 1]]])
def test_a_face_folded_flat_onto_its_neighbour_crosses_it(lift: float, count: int, faces: list[list[int]]) -> None:
    points = [[0.0, 0, 0], [2, 0, 0], [1, 2, 0], [0.7, 1, lift]]
    assert len(crossings(points, faces)) == count


def test_faces_side_by_side_in_one_plane_do_not_cross() -> None:
    x, y = np.meshgrid(np.arange(6.0), np.arange(6.0))
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(36)])
    corner = np.arange(36).reshape(6, 6)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    assert crossings(points, faces) == []
    # A second layer of other faces in the same plane only touches the first.
    assert crossings(np.vstack([points, points + np.array([0.4, 0.3, 0.0])]), np.vstack([faces, faces + 36])) == []


def test_a_face_that_is_there_several_times_crosses_all_its_twins() -> None:
    assert crossings(np.eye(3), [[0, 1, 2], [1, 0, 2], [0, 1, 2]]) == [(0, 1), (0, 2), (1, 2)]


WALL = [[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]


def test_a_sliver_through_a_face_crosses_it() -> None:
    needle = [[1.0, 1, -1], [1.001, 1, 1], [1, 1.0003, 1]]
    assert crossings([*WALL, *needle], [[0, 1, 2], [3, 4, 5]]) == [(0, 1)]


@pytest.mark.parametrize("needle", [[[1.0, 1, -1], [1, 1, 1], [1, 1, 0.5]], [[1.0, 1, -1], [1, 1, 1], [1, 1, 1]]])
def test_what_has_no_area_crosses_nothing(needle: list[list[float]]) -> None:
    assert crossings([*WALL, *needle], [[0, 1, 2], [3, 4, 5], [3, 4, 3]]) == []


def test_there_is_nothing_to_cross_without_faces() -> None:
    assert crossings(np.zeros((0, 3)), np.zeros((0, 3))) == []
    assert count_crossing_faces(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64)) == 0


def test_what_the_check_raises_stops_the_search() -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_crossings(*indexed(blob()), check)


def test_faces_are_counted_that_pass_through_their_own_body() -> None:
    dented = slab(1.0, size=4.0)
    dented.vertices[np.asarray(dented.vertices).argmax(axis=0)[2]] -= (0.5, 0.6, 3.0)
    points, faces = indexed(dented)
    count = count_crossing_faces(points, faces)
    assert count == len(np.unique(find_crossings(points, faces)))
    assert count >= 2


def test_bodies_that_overlap_are_no_fault() -> None:
    assert count_crossing_faces(*indexed(joined(box(2.0), box(2.0, at=(0.9, 1.1, 0.8))))) == 0


def fan(faces: int) -> tuple[Points, Faces]:
    """Faces around a vertex, like a waved sheet; the boxes around them all overlap."""
    angle = np.linspace(0.0, 2 * np.pi, faces + 1)[:-1]
    points = np.vstack([np.zeros(3), np.column_stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(3 * angle)])])
    rim = 1 + np.arange(faces)
    return points, np.column_stack([np.zeros(faces, dtype=np.int64), rim, np.roll(rim, -1)])


def book(faces: int) -> tuple[Points, Faces]:
    """Faces that all share one edge, like the pages of an open book."""
    angle = np.linspace(0.0, 2 * np.pi, faces + 1)[:-1]
    rim = np.column_stack([np.cos(angle), np.sin(angle), np.full(faces, 0.5)])
    spine, leaf = np.zeros(faces, dtype=np.int64), 2 + np.arange(faces)
    return np.vstack([np.zeros(3), [0.0, 0.0, 1.0], rim]), np.column_stack([spine, spine + 1, leaf])


def needles(faces: int) -> tuple[Points, Faces]:
    """Long thin faces all over that pass each other by; the boxes around them mostly overlap."""
    rng = np.random.default_rng(1)
    start, way = rng.uniform(0, 100, size=(faces, 1, 3)), rng.normal(scale=20, size=(faces, 1, 3))
    corners = np.concatenate([start, start + way, start + way + rng.normal(scale=1e-6, size=(faces, 1, 3))], axis=1)
    return corners.reshape(-1, 3), np.arange(3 * faces).reshape(-1, 3)


def test_it_is_not_looked_for_above_a_number_of_faces() -> None:
    assert count_crossing_faces(np.eye(3), np.tile(np.arange(3), (100_001, 1))) is None
    assert find_crossings_soon(np.eye(3), np.tile(np.arange(3), (400_001, 1))) is None


@pytest.mark.parametrize(
    ("points", "faces"),
    [(np.eye(3), np.tile(np.arange(3), (10_000, 1))), fan(20_000), book(4000), needles(97_000)],
    ids=["twins", "fan", "book", "needles"],
)
def test_it_is_not_looked_for_where_it_would_take_long(points: Points, faces: Faces) -> None:
    assert find_crossings_soon(points, faces) is None


@pytest.mark.parametrize("faces", [24, 25, 60, 1000])
def test_it_is_looked_for_however_many_faces_share_an_edge(faces: int) -> None:
    assert count_crossing_faces(*book(faces)) == 0
    points, pages = book(faces)
    twice = np.vstack([pages, pages[:1]])
    assert find_crossings_soon(points, twice) == pytest.approx(np.array([[0, faces]]))


def test_it_is_looked_for_on_a_sound_surface_of_many_faces() -> None:
    x, y = np.meshgrid(np.arange(448.0), np.arange(448.0))
    points = np.column_stack([x.ravel(), y.ravel(), np.sin(x / 9).ravel()])
    corner = np.arange(448 * 448).reshape(448, 448)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    points[corner[200, 300], 2] += 1.5
    points[corner[200, 302]] += (-3.5, 0.1, 0.6)
    pairs = find_crossings_soon(points, faces)
    assert pairs is not None
    assert len(pairs) > 0
    assert (np.abs(points[faces[pairs], :2] - (300, 200)) <= 4).all()


def test_a_fan_of_a_thousand_faces_is_counted() -> None:
    assert count_crossing_faces(*fan(1000)) == 0
