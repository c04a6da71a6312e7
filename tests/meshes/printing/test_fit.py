import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.fit import fit, scale
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, textured_ball


def brick(x: float, y: float, z: float) -> trimesh.Trimesh:
    return trimesh.Trimesh(box().vertices * (x, y, z) + 7.0, box().faces, process=False)


def test_scaling_multiplies_every_side_and_keeps_the_look() -> None:
    ball = textured_ball()
    made = scale(ball, 25.4)
    np.testing.assert_allclose(np.ptp(made.vertices, axis=0), 25.4 * np.ptp(ball.vertices, axis=0))
    assert made.vertices[:, 1].min() == pytest.approx(0.0)
    np.testing.assert_array_equal(appearance_of(made).uv, appearance_of(ball).uv)
    assert appearance_of(made).texture is appearance_of(ball).texture


def test_a_model_that_fits_keeps_its_size() -> None:
    made = fit(brick(10, 20, 30), (200, 200, 200))
    assert made.scale == 1.0
    assert not made.is_turned
    np.testing.assert_allclose(np.ptp(made.mesh.vertices, axis=0), (10, 20, 30))


def test_it_grows_only_if_asked() -> None:
    assert fit(brick(10, 20, 30), (200, 200, 210), may_enlarge=True).scale == pytest.approx(7.0)


def test_it_is_turned_where_it_fits_larger_so() -> None:
    made = fit(brick(300, 10, 100), (100, 100, 200))
    assert made.is_turned
    assert made.scale == pytest.approx(2 / 3)
    np.testing.assert_allclose(np.ptp(made.mesh.vertices, axis=0), (200 / 3, 20 / 3, 200))
    assert measure(made.mesh).volume_mm3 == pytest.approx(300 * 10 * 100 * (2 / 3) ** 3)


def test_the_margin_stays_free_at_the_sides_and_above() -> None:
    made = fit(brick(100, 100, 50), (100, 100, 100), margin_mm=5.0)
    np.testing.assert_allclose(np.ptp(made.mesh.vertices, axis=0), (90, 90, 45))


@given(size=st.tuples(*[st.floats(0.1, 1e4)] * 3), room=st.tuples(*[st.floats(1.0, 1e3)] * 3), grow=st.booleans())
@settings(max_examples=50, deadline=None)
def test_it_always_fits_and_touches_where_it_was_scaled(
    size: tuple[float, float, float], room: tuple[float, float, float], grow: bool
) -> None:
    made = fit(brick(*size), room, may_enlarge=grow)
    share = np.ptp(made.mesh.vertices, axis=0) / np.array(room)
    assert share.max() <= 1.0 + 1e-9
    assert grow or made.scale <= 1.0
    assert made.scale == 1.0 or share.max() == pytest.approx(1.0)
    middle = (made.mesh.vertices.max(axis=0) + made.mesh.vertices.min(axis=0)) / 2
    np.testing.assert_allclose(middle[[0, 2]], 0.0, atol=1e-6)


@pytest.mark.parametrize("room", [(0.0, 1.0, 1.0), (float("inf"), 1.0, 1.0), (10.0, 10.0, 3.0)])
def test_a_printer_without_room_is_refused(room: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidOption, match="printer's volume"):
        fit(box(), room, margin_mm=2.0)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_that_is_none_is_refused(factor: float) -> None:
    with pytest.raises(InvalidOption, match="scaled by"):
        scale(box(), factor)


def test_a_model_of_no_size_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="one point"):
        fit(trimesh.Trimesh(np.ones((3, 3)), [[0, 1, 2]], process=False), (1, 1, 1), may_enlarge=True)
    with pytest.raises(InvalidMesh, match="empty"):
        scale(trimesh.Trimesh(), 2.0)
    with pytest.raises(InvalidMesh, match="thousand kilometres"):
        scale(box(), 1e12)
