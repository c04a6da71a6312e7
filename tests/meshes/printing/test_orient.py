import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from orfeas.errors import Cancelled
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.orient import orient_for_printing
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, joined, textured_ball


def brick(size: tuple[float, float, float], at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    return trimesh.Trimesh(box().vertices * size + np.array(at), box().faces, process=False)


def turned(mesh: trimesh.Trimesh, seed: int) -> trimesh.Trimesh:
    matrix = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    return trimesh.Trimesh(np.asarray(mesh.vertices) @ matrix.T, mesh.faces, process=False)


def size_of(mesh: trimesh.Trimesh) -> tuple[float, ...]:
    return tuple(np.ptp(mesh.vertices, axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_a_brick_lies_on_its_largest_side(seed: int) -> None:
    made = orient_for_printing(turned(brick((10, 30, 20)), seed))
    assert size_of(made.mesh) == pytest.approx((30, 10, 20))
    assert made.contact_mm2 == pytest.approx(600.0)
    assert made.overhang_mm2 == pytest.approx(0.0, abs=1e-6)
    assert measure(made.mesh).volume_mm3 == pytest.approx(6000.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_cone_stands_on_its_base(seed: int) -> None:
    made = orient_for_printing(turned(trimesh.creation.cone(10.0, 30.0, sections=48), seed))
    assert size_of(made.mesh)[1] == pytest.approx(30.0)
    assert made.contact_mm2 == pytest.approx(100 * np.pi, rel=0.01)


def test_a_model_that_stands_well_stays_as_it_is() -> None:
    for model in (brick((30, 10, 20)), brick((30, 10, 29))):
        assert np.array_equal(orient_for_printing(model).rotation, np.eye(3))


def test_a_side_it_would_fall_over_on_is_not_taken() -> None:
    # A tall plate with a heavy ball at its end: on its own largest side, the ball hangs below.
    stand = joined(brick((10, 10, 10), (0, 5, 0)), brick((60, 30, 60), (40, 25, 0)))
    made = orient_for_printing(stand)
    assert made.contact_mm2 == pytest.approx(3600.0)
    assert made.mesh.vertices[:, 1].max() == pytest.approx(40.0)
    assert made.overhang_mm2 < 200.0


def test_of_two_sides_as_large_the_one_with_less_overhang_is_taken() -> None:
    # An L seen from the side: its two outer sides are alike, but one lies flat and the other holds a roof.
    shape = joined(brick((40, 4, 40), (0, 2, 0)), brick((8, 30, 8), (0, 19, 0)), brick((40, 4, 40), (0, 36, 0)))
    lower = joined(shape, brick((39, 8, 39), (0, 36, 0)))
    made = orient_for_printing(turned(lower, 1))
    assert made.contact_mm2 == pytest.approx(1600.0, rel=0.06)


def test_round_feet_are_stood_on_where_nothing_is_flat() -> None:
    feet = [trimesh.creation.icosphere(subdivisions=2, radius=2.0) for _ in range(3)]
    for foot, (x, z) in zip(feet, [(-10, -8), (10, -8), (0, 12)], strict=True):
        foot.apply_translation((x, 2.0, z))
    body = trimesh.creation.icosphere(subdivisions=3, radius=9.0)
    body.apply_translation((0.0, 10.0, 0.0))
    model = joined(*feet, body)
    assert np.array_equal(orient_for_printing(model).rotation, np.eye(3))
    again = orient_for_printing(turned(model, 2))
    assert size_of(again.mesh)[1] < 30.0
    assert again.mesh.vertices[:, 1].min() == pytest.approx(0.0)


def test_turning_keeps_the_look_and_every_distance() -> None:
    ball = textured_ball()
    ball.vertices *= (30.0, 10.0, 10.0)
    half = trimesh.Trimesh(np.maximum(ball.vertices, (0, -99, -99)), ball.faces, visual=ball.visual, process=False)
    made = orient_for_printing(half)
    assert not np.array_equal(made.rotation, np.eye(3))
    np.testing.assert_allclose(made.rotation @ made.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(made.rotation) == pytest.approx(1.0)
    there = half.vertices @ made.rotation.T
    np.testing.assert_allclose(made.mesh.vertices - made.mesh.vertices[0], there - there[0], atol=1e-9)
    np.testing.assert_array_equal(appearance_of(made.mesh).uv, appearance_of(half).uv)


def test_it_comes_out_the_same_every_time() -> None:
    model = turned(trimesh.creation.capsule(20.0, 5.0), 5)
    first, second = orient_for_printing(model), orient_for_printing(model)
    np.testing.assert_array_equal(first.rotation, second.rotation)


def test_a_flat_sheet_is_laid_flat() -> None:
    sheet = trimesh.Trimesh([[0, 0, 0], [10, 0, 0], [0, 10, 0], [10, 10, 0]], [[0, 1, 2], [1, 3, 2]], process=False)
    made = orient_for_printing(sheet)
    assert size_of(made.mesh) == pytest.approx((10, 0, 10), abs=1e-9)


def test_orienting_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        orient_for_printing(box(), check=stop)
