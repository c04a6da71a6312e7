from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import COARSE_CELLS, Field, coarse_stride, decode_volume
from orfeas.errors import Cancelled
from orfeas.progress import Progress, Stage, Step
from tests.engines.hunyuan.fields import (
    FIELDS,
    ball_distance,
    decode,
    extract,
    extract_dense,
    finned_ball,
    noise_in_a_ball,
    shell,
    sorted_triangles,
    sphere,
    torus,
    truncated,
    two_balls,
)

# Of 60 cells, it is a sample of stride 2 and as far as can be from those of stride 4.
BETWEEN_COARSE_SAMPLES = (-0.53867, -0.53867, -0.53867)


class Listener:
    """A field that remembers what it was asked."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.asked: list[Tensor] = []

    def __call__(self, points: Tensor) -> Tensor:
        self.asked.append(points)
        return self.field(points)


def small_ball(radius: float, centre: tuple[float, float, float], scale: float) -> Field:
    return truncated(
        lambda p: torch.maximum(ball_distance(p, (0.3, 0.3, 0.3), 0.4), ball_distance(p, centre, radius)), scale
    )


def assert_same_mesh(field: Field, resolution: int, **options: float) -> None:
    fast, dense = extract(field, resolution, **options), extract_dense(field, resolution, **options)
    assert np.array_equal(sorted_triangles(fast.mesh), sorted_triangles(dense.mesh))
    assert len(fast.mesh.vertices) == len(dense.mesh.vertices)
    assert fast.is_cut_by_box == dense.is_cut_by_box


@pytest.mark.parametrize(("resolution", "coarse_cells"), [(64, 31), (67, 16)])
@pytest.mark.parametrize("name", FIELDS)
def test_the_mesh_is_that_of_the_dense_grid(name: str, resolution: int, coarse_cells: int) -> None:
    assert_same_mesh(FIELDS[name], resolution, coarse_cells=coarse_cells)


@pytest.mark.parametrize("resolution", range(8, 40))
def test_the_mesh_is_that_of_the_dense_grid_at_any_resolution(resolution: int) -> None:
    assert_same_mesh(torus, resolution, coarse_cells=5)


@pytest.mark.parametrize("level", [-0.9, -0.3, 0.25, 0.97])
def test_the_mesh_is_that_of_the_dense_grid_at_any_level(level: float) -> None:
    assert_same_mesh(torus, 77, level=level)


def test_a_box_of_another_size_is_another_scale() -> None:
    small, large = extract(sphere, 64, bounds=1.0), extract(lambda p: sphere(p / 2), 64, bounds=2.0)
    assert np.allclose(large.mesh.vertices, 2 * small.mesh.vertices, rtol=0, atol=1e-6)


def test_a_sphere_at_256_takes_a_thirtieth_of_the_points() -> None:
    volume = decode(sphere, 256, coarse_cells=COARSE_CELLS)
    assert volume.points < 257**3 / 30
    assert extract_surface(volume)[0].mesh.is_watertight


def test_memory_follows_the_surface_and_not_the_cube() -> None:
    few, many = (len(decode(sphere, resolution).pages.values) for resolution in (128, 256))
    assert many < 6 * few
    assert many < 0.1 * 257**3


def test_rows_are_decoded_as_they_would_be_alone() -> None:
    def rows(points: Tensor) -> Tensor:
        return torch.stack([sphere(points[0]), two_balls(points[1]), shell(points[2])])

    together = extract_surface(decode(rows, 60, rows=3))
    alone = [extract(field, 60) for field in (sphere, two_balls, shell)]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(sorted_triangles(one.mesh), sorted_triangles(other.mesh))


def test_no_call_is_larger_than_the_chunk() -> None:
    listener = Listener(sphere)
    decode(listener, 64, chunk=1000)
    assert {tuple(p.shape[::2]) for p in listener.asked} == {(1, 3)}
    assert max(p.shape[1] for p in listener.asked) == 1000


def test_the_chunk_changes_nothing() -> None:
    one, other = extract(torus, 64, chunk=777), extract(torus, 64)
    assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
    assert np.array_equal(one.mesh.faces, other.mesh.faces)


def test_points_are_those_of_the_dense_grid_and_none_is_asked_twice() -> None:
    listener = Listener(torus)
    volume = decode(listener, 77)
    asked = torch.cat(listener.asked, dim=1)[0]
    axis = torch.linspace(-1.01, 1.01, 78)
    assert asked.dtype == torch.float32
    assert torch.isin(asked, axis).all()
    assert len(torch.unique(asked, dim=0)) == len(asked) == volume.points


def test_every_cell_has_known_corners_on_both_sides() -> None:
    volume = decode(finned_ball, 77)
    slots = volume.pages.reserve(volume.cells, (0, 1)).view(8, -1)
    assert volume.pages.is_known[slots].all()
    assert (volume.pages.values[slots] > 0).any(0).all()
    assert not (volume.pages.values[slots] > 0).all(0).any()


def test_a_field_that_deceives_the_coarse_levels_still_gives_a_closed_mesh() -> None:
    surface = extract(noise_in_a_ball, 64)
    assert surface.mesh.is_watertight
    assert not surface.is_cut_by_box


def test_a_thin_wall_is_followed_from_where_the_coarse_grid_sees_the_body() -> None:
    def ball_with_a_saturated_fin(points: Tensor) -> Tensor:
        fin = torch.minimum(0.012 - (points[..., 0] - 0.0673).abs(), 0.8 - points.norm(dim=-1))
        return (500 * torch.maximum(fin, 0.3 - points.norm(dim=-1))).clamp(-1, 1)

    assert_same_mesh(ball_with_a_saturated_fin, 120)
    assert extract(ball_with_a_saturated_fin, 120).mesh.extents[1] > 1.5


def test_a_bubble_between_coarse_samples_is_found_within_reach_of_a_truncated_distance() -> None:
    """Radius 0.04, the nearest coarse sample is at 0.117."""
    field = small_ball(0.04, BETWEEN_COARSE_SAMPLES, scale=5)
    assert extract(field, 60, coarse_cells=15).mesh.body_count == 2
    assert_same_mesh(field, 60, coarse_cells=15)


def test_a_bubble_between_coarse_samples_of_a_saturated_field_needs_a_finer_coarse_level() -> None:
    """The inherent limit: nothing the coarsest level asks for tells of it."""
    field = small_ball(0.04, BETWEEN_COARSE_SAMPLES, scale=500)
    assert extract_dense(field, 60).mesh.body_count == 2
    assert extract(field, 60, coarse_cells=15).mesh.body_count == 1
    assert extract(field, 60, coarse_cells=30).mesh.body_count == 2


@pytest.mark.parametrize(
    ("resolution", "stride"), [(16, 1), (125, 1), (126, 2), (128, 2), (255, 4), (256, 4), (384, 4), (512, 8)]
)
def test_the_coarsest_level_keeps_at_least_63_cells(resolution: int, stride: int) -> None:
    assert coarse_stride(resolution) == stride


def follow(field: Field, on_step: Callable[[Step], None], is_cancelled: Callable[[], bool]) -> None:
    progress = Progress(on_step, is_cancelled)
    with progress.stage(Stage.SURFACE):
        decode_volume(field, 64, progress, coarse_cells=15, chunk=2000)


def test_progress_tells_of_every_chunk_and_never_goes_back() -> None:
    steps: list[Step] = []
    listener = Listener(finned_ball)
    follow(listener, steps.append, lambda: False)
    done = [step.done for step in steps[1:]]
    assert {step.total for step in steps[1:]} == {100}
    assert done == sorted(done)
    assert done[-1] == 100
    assert len(done) == len(listener.asked) + 1


def test_cancelling_stops_before_the_next_chunk() -> None:
    listener = Listener(sphere)
    with pytest.raises(Cancelled):
        follow(listener, lambda step: None, lambda: len(listener.asked) == 4)
    assert len(listener.asked) == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_field_that_is_not_finite_is_an_error(value: float) -> None:
    with pytest.raises(ArithmeticError, match="not finite"):
        decode(lambda p: torch.where(p[..., 0] > 0.5, value, sphere(p)), 20)
