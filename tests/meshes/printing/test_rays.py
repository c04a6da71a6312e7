import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orfeas.errors import Cancelled
from orfeas.meshes.printing.rays import Hits, RayGrid, cast, meet, ray_grid, split
from tests.meshes.solids import blob, box, joined, slab


def corners_of(mesh: trimesh.Trimesh) -> NDArray[np.float64]:
    return np.asarray(mesh.vertices, dtype=np.float64)[mesh.faces]


def by_brute_force(grid: RayGrid, origins: NDArray[np.float64], directions: NDArray[np.float64], leaving: bool) -> Hits:
    """Every ray against every triangle."""
    each = [
        meet(np.broadcast_to(triangle, (len(origins), 9)), origins, directions, 0.0, leaving)
        for triangle in grid.triangles
    ]
    distances = np.stack(each, axis=1)
    return Hits(distances.min(axis=1), distances.argmin(axis=1))


def rays_within(
    corners: NDArray[np.float64], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Random rays, a third of them along the axes and the diagonals."""
    origins = rng.uniform(corners.min(axis=(0, 1)), corners.max(axis=(0, 1)), (count, 3))
    directions = rng.normal(size=(count, 3))
    directions[: count // 3] = np.round(directions[: count // 3])
    directions[~directions.any(axis=1)] = (0.0, -1.0, 0.0)
    return origins, directions / np.linalg.norm(directions, axis=1)[:, None]


@pytest.mark.parametrize("leaving", [False, True])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_grid_finds_the_same_hits_as_trying_every_triangle(leaving: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [blob(400), box(0.3, (2.0, 0.1, 0.0)), slab(0.01, (0.0, 0.0, -2.0), 5.0)]
    corners = corners_of(joined(*shapes)) * rng.uniform(0.01, 100.0, 3)
    grid = ray_grid(corners)
    origins, directions = rays_within(corners, 300, rng)
    expected = by_brute_force(grid, origins, directions, leaving)
    hits = cast(grid, origins, directions, leaving=leaving)
    np.testing.assert_array_equal(hits.distance, expected.distance)
    met = np.isfinite(hits.distance)
    assert met.any()
    assert (hits.face[~met] == -1).all()
    again = meet(grid.triangles[hits.face[met]], origins[met], directions[met], 0.0, leaving)
    np.testing.assert_array_equal(again, hits.distance[met])


def test_a_ray_through_an_edge_is_stopped() -> None:
    corners = corners_of(box(2.0))
    toward = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, -1.0, 0.0]])
    lengths = np.linalg.norm(toward, axis=1)
    hits = cast(ray_grid(corners), np.zeros((4, 3)), toward / lengths[:, None])
    np.testing.assert_allclose(hits.distance, lengths)


def test_nothing_is_met_before_the_start() -> None:
    corners = corners_of(joined(box(1.0), box(3.0)))
    hits = cast(ray_grid(corners), np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0]]), start=1.0)
    np.testing.assert_allclose(hits.distance, [1.5])


def test_a_flat_model_has_a_grid_of_one_layer() -> None:
    corners = np.array([[[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 0.0, 4.0]]])
    grid = ray_grid(corners)
    assert grid.shape[1] == 1
    hits = cast(grid, np.array([[1.0, 0.0, 1.0]]), np.array([[0.0, -1.0, 0.0]]))
    np.testing.assert_array_equal(hits.distance, [0.0])


def test_casting_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    grid = ray_grid(corners_of(box()))
    with pytest.raises(Cancelled):
        cast(grid, np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0]]), check=stop)
    with pytest.raises(Cancelled):
        ray_grid(corners_of(box()), check=stop)


def test_splitting_keeps_the_surface_and_shortens_every_side() -> None:
    corners = corners_of(slab(0.1, size=3.0))
    parts, number = split(corners, 0.25)
    sides = np.linalg.norm(parts - parts[:, [1, 2, 0]], axis=2)
    assert sides.max() <= 0.25

    def areas(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
        cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        halves: NDArray[np.float64] = np.linalg.norm(cross, axis=1) / 2.0
        return halves

    np.testing.assert_allclose(np.bincount(number, areas(parts)), areas(corners))
