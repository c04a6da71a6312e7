from functools import cache

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from orfeas.meshes.crossings import count_crossing_faces, find_crossings
from orfeas.meshes.decimate import decimate
from orfeas.meshes.repair import repair
from orfeas.meshes.stats import measure
from orfeas.meshes.uncross import TRAVEL, Uncrossed, uncross
from orfeas.meshes.weld import weld
from tests.meshes.solids import box, joined, textured_ball
from tests.meshes.test_crossings import needles

Points = NDArray[np.float64]
Faces = NDArray[np.int64]


def indexed(mesh: trimesh.Trimesh) -> tuple[Points, Faces]:
    first, inverse = weld(mesh.vertices)
    return np.asarray(mesh.vertices)[first], inverse[np.asarray(mesh.faces)]


@cache
def surface(cells: int, thickness: float, is_gyroid: bool) -> trimesh.Trimesh:
    """A thin wall, curved like a gyroid within a ball, or like a flag."""
    grid = np.linspace(-3.2, 3.2, cells)
    x, y, z = np.meshgrid(grid, grid, grid, indexing="ij", sparse=True)
    if is_gyroid:
        wall = np.sin(2 * x) * np.cos(2 * y) + np.sin(2 * y) * np.cos(2 * z) + np.sin(2 * z) * np.cos(2 * x)
        within = x**2 + y**2 + z**2 - 9.0
    else:
        wall, within = z - 0.6 * np.sin(2 * x) * np.cos(2 * y), np.maximum(np.abs(x), np.abs(y)) - 2.8
    field = np.maximum(np.abs(wall) - thickness, within).astype(np.float32)
    points, faces, _, _ = marching_cubes(field, 0.0, spacing=(6.4 / (cells - 1),) * 3)  # type: ignore[no-untyped-call]  # untyped
    return trimesh.Trimesh(points, faces, process=False)


def mean_edges(points: Points, faces: Faces) -> Points:
    """``[n]`` of a closed surface, every edge of which is in two faces."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    lengths = np.bincount(start, np.linalg.norm(points[start] - points[end], axis=1), len(points))
    return lengths / np.maximum(np.bincount(start, minlength=len(points)), 1)


def volume(points: Points, faces: Faces) -> float:
    a, b, c = points[faces].swapaxes(0, 1)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0


def assert_is_sound(done: Uncrossed, points: Points, faces: Faces) -> None:
    before = find_crossings(points, faces)
    assert done.before == len(before)
    assert done.left == len(find_crossings(done.points, faces))
    assert done.left <= done.before
    assert done.left_faces == count_crossing_faces(done.points, faces)
    moved = np.linalg.norm(done.points - points, axis=1)
    assert (moved <= TRAVEL * mean_edges(points, faces) * (1 + 1e-9)).all()
    assert set(np.flatnonzero(moved)) <= set(faces[before].ravel())


@pytest.mark.parametrize(
    ("cells", "thickness", "is_gyroid", "target"),
    [(110, 0.4, True, 3000), (110, 0.4, True, 700), (110, 0.04, False, 3000), (110, 0.04, False, 800)],
)
def test_faces_that_a_reduction_left_crossing_come_free(
    cells: int, thickness: float, is_gyroid: bool, target: int
) -> None:
    mesh = repair(decimate(surface(cells, thickness, is_gyroid), target))
    points, faces = indexed(mesh)
    assert measure(mesh).is_watertight
    done = uncross(points, faces)
    assert_is_sound(done, points, faces)
    assert done.before
    assert done.left == 0
    assert volume(done.points, faces) == pytest.approx(volume(points, faces), rel=0.03)
    assert measure(trimesh.Trimesh(done.points, faces, process=False)).is_watertight


def test_where_many_faces_cross_some_come_free() -> None:
    points, faces = indexed(repair(decimate(surface(110, 0.3, True), 1200)))
    done = uncross(points, faces)
    assert_is_sound(done, points, faces)
    assert done.before is not None
    assert done.left is not None
    assert 0 < done.left < 0.7 * done.before


def plate() -> tuple[Points, Faces]:
    """A closed plate of 16 × 16 squares, 0.5 thick, whose upper middle is at (0, 0, 0.25)."""
    solid = box()
    for _ in range(4):
        solid = solid.subdivide()
    return indexed(trimesh.Trimesh(solid.vertices * (16.0, 16.0, 0.5), solid.faces, process=False))


def pushed_through(depth: float) -> tuple[Points, Faces]:
    """The plate with a point of its upper side so deep below the lower one."""
    points, faces = plate()
    points = points.copy()
    points[np.linalg.norm(points - (0.0, 0.0, 0.25), axis=1).argmin(), 2] = -0.25 - depth
    return points, faces


@pytest.mark.parametrize("depth", [0.05, 0.2])
def test_a_point_pushed_a_little_through_a_plate_comes_back(depth: float) -> None:
    points, faces = pushed_through(depth)
    done = uncross(points, faces)
    assert_is_sound(done, points, faces)
    assert done.before
    assert done.left == 0


def test_a_point_pushed_far_through_a_plate_stays_where_it_was() -> None:
    points, faces = pushed_through(3.0)
    done = uncross(points, faces)
    assert done.before == done.left != 0
    assert np.array_equal(done.points, points)


def test_what_comes_free_stays_so_beside_what_does_not() -> None:
    points, faces = plate()
    points = points.copy()
    for x, depth in ((-4.0, 0.1), (4.0, 3.0)):
        points[np.linalg.norm(points - (x, 0.0, 0.25), axis=1).argmin(), 2] = -0.25 - depth
    done = uncross(points, faces)
    assert_is_sound(done, points, faces)
    moved = points[(done.points != points).any(axis=1)]
    assert len(moved)
    assert (moved[:, 0] < 0).all()
    assert (points[faces[find_crossings(done.points, faces)], 0] > 0).all()


def test_bodies_that_overlap_stay_as_they_are() -> None:
    mesh = joined(textured_ball(40), textured_ball(40))
    mesh.vertices[len(mesh.vertices) // 2 :] += (1.9, 0.01, 0.02)
    points, faces = indexed(mesh)
    done = uncross(points, faces)
    assert done.points is points
    assert done.before == done.left == len(find_crossings(points, faces)) > 0
    assert done.left_faces == 0


def test_a_surface_that_passes_through_itself_all_over_stays_as_it_is() -> None:
    mesh = repair(decimate(surface(110, 0.3, True), 800))
    points, faces = indexed(mesh)
    pairs = find_crossings(points, faces)
    done = uncross(points, faces)
    assert len(np.unique(pairs)) > 0.05 * len(faces)
    assert done.points is points
    assert done.before == done.left == len(pairs)
    assert done.left_faces == len(np.unique(pairs))


def test_a_sound_surface_stays_as_it_is() -> None:
    points, faces = plate()
    done = uncross(points, faces)
    assert done.points is points
    assert done.before == done.left == 0


def test_all_stays_where_it_would_take_long_to_look() -> None:
    points, faces = needles(97_000)
    done = uncross(points, faces)
    assert done.points is points
    assert done.before is done.left is done.left_faces is None


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.02, 0.5))
def test_points_shaken_at_random_never_get_worse(seed: int, strength: float) -> None:
    ball = trimesh.creation.icosphere(3)
    points, faces = np.array(ball.vertices), np.asarray(ball.faces, dtype=np.int64)
    rng = np.random.default_rng(seed)
    shaken = rng.choice(len(points), size=12, replace=False)
    points[shaken] += rng.normal(scale=strength, size=(12, 3))
    assert_is_sound(uncross(points, faces), points, faces)


def test_what_the_check_raises_stops_the_work() -> None:
    points, faces = plate()
    points = points.copy()
    points[np.linalg.norm(points - (0.0, 0.0, 0.25), axis=1).argmin(), 2] = -0.4
    count = 0

    def check() -> None:
        nonlocal count
        count += 1

    uncross(points, faces, check)
    left = iter(range(count - 1))

    def stop() -> None:
        if next(left, None) is None:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        uncross(points, faces, stop)
