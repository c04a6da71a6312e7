"""Cameras: what is where in their pictures."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orfeas.textures.cameras import ALWAYS_CHOSEN, CANDIDATES, DISTANCE, Camera, axes, project, to_colour_frame

ANGLES = st.floats(-90, 90), st.floats(-360, 720)


@given(*ANGLES)
def test_its_axes_are_a_right_handed_frame(elevation: float, azimuth: float) -> None:
    frame = axes(Camera(elevation, azimuth)).numpy()
    assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-6)
    assert np.linalg.det(frame) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("camera", "right", "up", "back"),
    [
        (Camera(0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
        (Camera(0, 90), (0, 0, -1), (0, 1, 0), (1, 0, 0)),
        (Camera(0, 180), (-1, 0, 0), (0, 1, 0), (0, 0, -1)),
        (Camera(90, 0), (1, 0, 0), (0, 0, -1), (0, 1, 0)),
        (Camera(-90, 180), (-1, 0, 0), (0, 0, -1), (0, -1, 0)),
    ],
)
def test_the_sides_are_seen_upright(
    camera: Camera, right: tuple[int, ...], up: tuple[int, ...], back: tuple[int, ...]
) -> None:
    assert axes(camera).numpy() == pytest.approx(np.array([right, up, back], dtype=float), abs=1e-6)


def test_a_picture_runs_right_and_down_and_away() -> None:
    points = torch.tensor([[0.6, 0.0, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 0.6]])
    expected = [[1, 0, DISTANCE], [0, -1, DISTANCE], [0, 0, DISTANCE - 0.6]]
    assert project(points, Camera(0, 0)).numpy() == pytest.approx(np.array(expected), abs=1e-6)


@given(*ANGLES)
def test_the_ball_around_a_model_is_always_in_the_picture(elevation: float, azimuth: float) -> None:
    ball = torch.nn.functional.normalize(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), dim=1) * 0.575
    place = project(ball, Camera(elevation, azimuth))
    assert place[:, :2].abs().max() < 0.96
    assert place[:, 2].min() > 0.1


def test_the_colour_frame_is_z_up_and_no_mirror_image() -> None:
    turned = to_colour_frame(torch.eye(3)).numpy()
    assert np.array_equal(to_colour_frame(torch.tensor([0.0, 1.0, 0.0])).numpy(), [0, 0, 1])
    assert np.linalg.det(turned) == pytest.approx(1.0)


def test_thirty_views_are_there_to_choose_from_the_front_first() -> None:
    assert len(set(CANDIDATES)) == 30
    assert CANDIDATES[0].camera == Camera(0, 0)
    assert max(view.weight for view in CANDIDATES) == CANDIDATES[0].weight
    assert all(abs(view.camera.elevation_deg) == 20 for view in CANDIDATES[ALWAYS_CHOSEN:])
