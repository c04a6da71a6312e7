import numpy as np
import pytest
import trimesh

from orfeas.errors import Cancelled, InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.smooth import MAX_SCALE, smooth
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, coloured_box, soup, textured_ball, without_faces


def rough_ball(noise: float) -> trimesh.Trimesh:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    shift = np.random.default_rng(3).normal(scale=noise, size=ball.vertices.shape)
    return trimesh.Trimesh(ball.vertices + shift, ball.faces, process=False)


def roughness(mesh: trimesh.Trimesh) -> float:
    return float(np.linalg.norm(mesh.vertices, axis=1).std())


def test_noise_goes_and_the_volume_stays() -> None:
    rough = rough_ball(0.1)
    even = smooth(rough)
    assert roughness(even) < 0.5 * roughness(rough)
    assert measure(even).volume_mm3 == pytest.approx(measure(rough).volume_mm3, rel=1e-9)
    np.testing.assert_array_equal(even.faces, rough.faces)


def test_a_smooth_ball_stays_where_it_is() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    moved = np.linalg.norm(smooth(ball).vertices - ball.vertices, axis=1)
    assert moved.max() < 0.1


def test_more_steps_smooth_more() -> None:
    rough = rough_ball(0.1)
    assert roughness(smooth(rough, 20)) < roughness(smooth(rough, 5))


def test_seams_stay_closed_and_the_look_is_kept() -> None:
    ball = textured_ball()
    even = smooth(ball)
    assert measure(even).is_watertight
    np.testing.assert_array_equal(appearance_of(even).uv, appearance_of(ball).uv)
    assert appearance_of(even).texture is appearance_of(ball).texture
    np.testing.assert_array_equal(appearance_of(smooth(coloured_box())).colours, appearance_of(coloured_box()).colours)


def test_triangles_that_share_no_vertex_move_together() -> None:
    rough = rough_ball(0.1)
    np.testing.assert_allclose(smooth(soup(rough)).vertices, smooth(rough).vertices[rough.faces].reshape(-1, 3))


def test_rims_stay_where_they_are() -> None:
    rough = without_faces(rough_ball(0.1), *range(40))
    rim = np.unique(np.asarray(rough_ball(0.1).faces)[:40])
    rim = rim[np.isin(rim, rough.faces)]
    inner = [v for v in rim if not np.array_equal(smooth(rough).vertices[v], rough.vertices[v])]
    assert inner == []


def test_what_vanishes_is_not_blown_up() -> None:
    spike = trimesh.creation.icosphere(subdivisions=0, radius=1.0)
    size = np.ptp(smooth(spike, 200).vertices, axis=0).max()
    assert size < np.ptp(spike.vertices, axis=0).max() * MAX_SCALE


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
