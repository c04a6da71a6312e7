"""The rasteriser against a slow one, pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from torch import Tensor

from orfeas.textures import rasterize as module
from orfeas.textures.cameras import Camera, project
from orfeas.textures.rasterize import TILE_PX, Grid, find_hits, interpolate, is_hidden, rasterize, to_pixels
from tests.meshes.solids import blob
from tests.textures.looking import subject_of_mesh

Floats = NDArray[np.float64]


def random_triangles(seed: int, count: int, reach: float = 1.2) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    points = random.uniform(-reach, reach, (count * 3, 3)).astype(np.float32)
    return torch.from_numpy(points), torch.arange(count * 3).reshape(-1, 3)


def weights_at(corners: Floats, x: float, y: float) -> Floats:
    system = np.vstack([corners[:, :2].T, np.ones(3)])
    found: Floats = np.linalg.solve(system, np.array([x, y, 1.0]))
    return found


def slow(
    points: Tensor, faces: Tensor, height: int, width: int, grid: Grid
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Depth, face, and how near each pixel is to a place where rounding decides (the least weight of any face)."""
    corners = to_pixels(points.double(), height, width, grid)[faces].numpy()
    depth, owner = np.full((height, width), np.inf), np.full((height, width), -1)
    doubt = np.full((height, width), np.inf)
    for row in range(height):
        for column in range(width):
            for number, triangle in enumerate(corners):
                weights = weights_at(triangle, column + 0.5, row + 0.5)
                doubt[row, column] = min(doubt[row, column], abs(weights.min()))
                distance = float(weights @ triangle[:, 2])
                if weights.min() >= 0 and distance < depth[row, column]:
                    depth[row, column], owner[row, column] = distance, number
    return depth, owner, doubt


@pytest.mark.parametrize("grid", ["corners", "centres"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_it_draws_what_the_slow_one_draws(grid: Grid, seed: int) -> None:
    points, faces = random_triangles(seed, 8)
    fast = rasterize(points, faces, 21, 17, grid)
    depth, owner, doubt = slow(points, faces, 21, 17, grid)
    is_clear = doubt > 1e-4
    assert is_clear.mean() > 0.9
    assert np.array_equal(fast.face.numpy()[is_clear], owner[is_clear])
    is_shown = is_clear & (owner >= 0)
    assert fast.depth.numpy()[is_shown] == pytest.approx(depth[is_shown], abs=1e-3)
    assert np.isinf(fast.depth.numpy()[is_clear & (owner < 0)]).all()


def test_turns_of_any_size_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    points, faces = random_triangles(3, 200)
    whole = rasterize(points, faces, 64, 64, "corners")
    monkeypatch.setattr(module, "CHUNK", 500)
    pieces = rasterize(points, faces, 64, 64, "corners")
    assert torch.equal(whole.face, pieces.face)
    assert torch.equal(whole.depth, pieces.depth)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_barycentrics_rebuild_the_pixel(seed: int) -> None:
    points, faces = random_triangles(seed, 30)
    raster = rasterize(points, faces, 40, 50, "centres")
    hits = find_hits(raster, points, faces, "centres")
    assert (hits.weights >= 0).all()
    assert hits.weights.sum(dim=1).numpy() == pytest.approx(np.ones(len(hits.pixel)), abs=1e-6)
    rebuilt = interpolate(hits, to_pixels(points, 40, 50, "centres"), faces).numpy()
    centres = np.column_stack([hits.pixel % 50, hits.pixel // 50]) + 0.5
    assert rebuilt[:, :2] == pytest.approx(centres, abs=2e-3)
    # A steep face is as far as its plane says only to a few digits.
    assert rebuilt[:, 2] == pytest.approx(raster.depth.flatten()[hits.pixel].numpy(), abs=2e-2)


def test_neighbours_leave_no_gap_between_them() -> None:
    random = np.random.default_rng(0)
    side = 12
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    inner = (np.abs(x) < 0.99) & (np.abs(y) < 0.99)
    jitter = random.uniform(-0.07, 0.07, (2, side, side)) * inner
    points = np.stack([x + jitter[0], y + jitter[1], np.zeros_like(x)], axis=-1).reshape(-1, 3).astype(np.float32)
    number = np.arange(side * side).reshape(side, side)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], 2).reshape(-1, 3), np.stack([a, c, d], 2).reshape(-1, 3)])
    for size in (64, 333, 1024):
        raster = rasterize(torch.from_numpy(points), torch.from_numpy(faces), size, size, "corners")
        assert (raster.face >= 0).all()
        assert len(np.unique(raster.face)) == len(faces)


def test_corners_are_pixel_centres_and_a_texture_s_are_its_borders() -> None:
    square = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    assert to_pixels(square, 8, 8, "corners")[:, 0].tolist() == [0.5, 7.5, 7.5, 0.5]
    assert to_pixels(square, 8, 8, "centres")[:, 0].tolist() == [0.0, 8.0, 8.0, 0.0]
    for grid in ("corners", "centres"):
        assert (rasterize(square, faces, 8, 8, grid).face >= 0).all()
    half = square * torch.tensor([0.5, 0.5, 1.0])
    assert int((rasterize(half, faces, 8, 8, "centres").face >= 0).sum()) == 16


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_at_equal_distance_the_first_face_wins(order: list[int]) -> None:
    points = torch.tensor([[-1.0, -1, 0.25], [1, -1, 0.25], [0, 1, 0.25]]).repeat(2, 1)
    faces = torch.tensor([[0, 1, 2], [3, 5, 4]])[order]
    assert set(rasterize(points, faces, 16, 16, "corners").face.flatten().tolist()) == {-1, 0}


def test_within_a_step_of_distance_the_first_face_wins() -> None:
    points = torch.tensor([[-1.0, -1, 0.5004], [1, -1, 0.5004], [0, 1, 0.5004]]).repeat(2, 1)
    points[3:, 2] = 0.5001
    faces = torch.arange(6).reshape(2, 3)
    assert int(rasterize(points, faces, 16, 16, "corners").face.max()) == 1
    assert int(rasterize(points, faces, 16, 16, "corners", 1000).face.max()) == 0


def test_flat_faces_and_those_beyond_the_picture_draw_nothing() -> None:
    points = torch.tensor([[0.0, 0, 0], [0.5, 0.5, 0], [1, 1, 0], [3, 3, 0], [4, 3, 0], [3, 4, 0]])
    raster = rasterize(points, torch.arange(6).reshape(2, 3), 16, 16, "corners")
    assert (raster.face == -1).all()
    assert len(find_hits(raster, points, torch.arange(6).reshape(2, 3), "corners").pixel) == 0


def test_a_face_is_hidden_where_all_of_its_tiles_are_drawn_nearer_and_only_there() -> None:
    random = np.random.default_rng(0)
    height, width = 70, 100  # no whole tiles
    depth = torch.from_numpy(random.uniform(0, 1, (height, width))).float()
    depth[:, :TILE_PX] = torch.inf
    depth[:, TILE_PX : 2 * TILE_PX] *= 0.2
    start = random.uniform(-20, 110, (3000, 1, 2))
    place = np.concatenate([start, start + random.uniform(-20, 20, (3000, 2, 2))], axis=1)
    corners = torch.from_numpy(np.concatenate([place, random.uniform(0, 2, (3000, 3, 1))], axis=2)).float()
    low, high = corners[..., :2].amin(dim=1), corners[..., :2].amax(dim=1)
    limit = torch.tensor([width - 1, height - 1])
    first, last = (torch.minimum(end.clamp(min=0), limit).long() // TILE_PX for end in (low, high))
    expected = (high - low <= TILE_PX).all(dim=1)
    for face, (left, top), (right, bottom) in zip(range(3000), first.tolist(), last.tolist(), strict=True):
        behind = depth[top * TILE_PX : (bottom + 1) * TILE_PX, left * TILE_PX : (right + 1) * TILE_PX]
        expected[face] &= corners[face, :, 2].min() > behind.max()
    assert 300 < int(expected.sum()) < 2700
    assert torch.equal(is_hidden(corners, depth), expected)


def test_long_slivers_cost_their_rows_and_not_their_boxes() -> None:
    random = np.random.default_rng(0)
    start = random.uniform(-1, 1, (2000, 2))
    sliver = np.stack([start, -start, -start + 1e-4], axis=1)
    points = torch.from_numpy(np.concatenate([sliver, np.zeros((2000, 3, 1))], axis=2).reshape(-1, 3)).float()
    raster = rasterize(points, torch.arange(6000).reshape(-1, 3), 2048, 2048, "corners")
    assert raster.face.shape == (2048, 2048)


def test_a_closed_model_has_no_pinhole() -> None:
    subject = subject_of_mesh(blob(3000))
    raster = rasterize(project(subject.points, Camera(17, 33)), subject.faces, 300, 300, "corners")
    is_shown = raster.face.numpy() >= 0
    assert np.array_equal(binary_fill_holes(is_shown), is_shown)
    shown = raster.face[raster.face >= 0].long()
    back = project(subject.normals, Camera(17, 33))[:, 2] - project(torch.zeros(1, 3), Camera(17, 33))[0, 2]
    assert (back[shown] < 1e-3).all()  # only sides that face the camera are seen
