from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from orfeas.errors import Cancelled, InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.smooth import MAX_MOVE, smooth
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, coloured_box, joined, slab, soup, textured_ball, without_faces


def rough_ball(noise: float) -> trimesh.Trimesh:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    shift = np.random.default_rng(3).normal(scale=noise, size=ball.vertices.shape)
    return trimesh.Trimesh(ball.vertices + shift, ball.faces, process=False)


def finely(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """With edges of a thirtieth of its longest side at most."""
    edge = float(mesh.extents.max()) / 30
    fine = trimesh.remesh.subdivide_to_size(mesh.vertices, mesh.faces, edge)  # type: ignore[no-untyped-call]  # trimesh
    return trimesh.Trimesh(*fine)


def roughness(mesh: trimesh.Trimesh) -> float:
    return float(np.linalg.norm(mesh.vertices, axis=1).std())


def test_noise_goes_and_the_volume_stays() -> None:
    rough = rough_ball(0.1)
    even = smooth(rough).mesh
    assert roughness(even) < 0.5 * roughness(rough)
    assert measure(even).volume_mm3 == pytest.approx(measure(rough).volume_mm3, rel=1e-5)
    np.testing.assert_array_equal(even.faces, rough.faces)


def test_a_smooth_ball_stays_where_it_is() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    moved = np.linalg.norm(smooth(ball).mesh.vertices - ball.vertices, axis=1)
    assert moved.max() < 0.1


def test_more_steps_smooth_more() -> None:
    rough = rough_ball(0.1)
    assert roughness(smooth(rough, 20).mesh) < roughness(smooth(rough, 5).mesh)


def test_seams_stay_closed_and_the_look_is_kept() -> None:
    ball = textured_ball()
    even = smooth(ball).mesh
    assert measure(even).is_watertight
    np.testing.assert_array_equal(appearance_of(even).uv, appearance_of(ball).uv)
    assert appearance_of(even).texture is appearance_of(ball).texture
    np.testing.assert_array_equal(
        appearance_of(smooth(coloured_box()).mesh).colours, appearance_of(coloured_box()).colours
    )


def test_triangles_that_share_no_vertex_move_together() -> None:
    rough = rough_ball(0.1)
    np.testing.assert_allclose(
        smooth(soup(rough)).mesh.vertices, smooth(rough).mesh.vertices[rough.faces].reshape(-1, 3)
    )


def test_rims_stay_where_they_are() -> None:
    rough = without_faces(rough_ball(0.1), *range(40))
    rim = np.unique(np.asarray(rough_ball(0.1).faces)[:40])
    rim = rim[np.isin(rim, rough.faces)]
    np.testing.assert_array_equal(smooth(rough).mesh.vertices[rim], rough.vertices[rim])


@pytest.mark.parametrize("steps", [10, 100])
@pytest.mark.parametrize("make", [lambda: box(40.0), lambda: trimesh.creation.cylinder(10.0, 60.0, sections=48)])
def test_large_faces_are_the_shape_and_stay(make: Callable[[], trimesh.Trimesh], steps: int) -> None:
    solid = make()
    made = smooth(solid, steps)
    np.testing.assert_array_equal(made.mesh.vertices, solid.vertices)
    assert made.large == made.places == len(solid.vertices)


def test_only_the_ends_of_large_edges_stay() -> None:
    rough = rough_ball(0.1)
    whole = joined(rough, box(10.0, (30.0, 0.0, 0.0)))
    made = smooth(whole)
    assert (made.places, made.large) == (len(whole.vertices), 8)
    np.testing.assert_array_equal(made.mesh.vertices[-8:], whole.vertices[-8:])
    assert roughness(trimesh.Trimesh(made.mesh.vertices[:-8], rough.faces, process=False)) < 0.5 * roughness(rough)


@pytest.mark.parametrize(
    "make", [lambda: rough_ball(0.6), lambda: finely(box(40.0)), lambda: finely(slab(1.0, size=40.0))]
)
def test_no_vertex_goes_further_than_a_hundredth_of_the_diagonal(make: Callable[[], trimesh.Trimesh]) -> None:
    solid = make()
    moved = np.linalg.norm(smooth(solid, 100).mesh.vertices - solid.vertices, axis=1)
    assert 0 < moved.max() <= MAX_MOVE * solid.scale * (1 + 1e-9)


@pytest.mark.parametrize("steps", [0, 201])
def test_steps_out_of_range_are_refused(steps: int) -> None:
    with pytest.raises(InvalidOption, match="1 to 200"):
        smooth(box(), steps)


def test_numbers_that_are_not_finite_are_refused() -> None:
    broken = trimesh.Trimesh(np.where(box().vertices > 0.4, np.nan, box().vertices), box().faces, process=False)
    with pytest.raises(InvalidMesh):
        smooth(broken)


def test_smoothing_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        smooth(box(), check=stop)
