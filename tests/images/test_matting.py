import numpy as np
import pytest
from numpy.typing import NDArray

from orfeas.images.filters import Floats, Mask, gaussian_blur, resize
from orfeas.images.matting import refine_alpha, subject_colours

SIZE_PX = 600
SUBJECT, BACKGROUND = np.array([190.0, 40, 40]), np.array([40.0, 80, 160])


@pytest.fixture(scope="module")
def truth() -> Floats:
    """A disc whose edge is a few pixels soft."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    return np.asarray(np.clip((180 - np.hypot(x - 300, y - 300)) / 4 + 0.5, 0, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def picture(truth: Floats) -> NDArray[np.uint8]:
    return (SUBJECT * truth[..., None] + BACKGROUND * (1 - truth[..., None]) + 0.5).astype(np.uint8)


def coarse(truth: Floats, level: float) -> Mask:
    return resize(truth, 200, 200) > level


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_alpha_follows_the_picture_s_edge_where_the_mask_is_too_large_or_too_small(
    truth: Floats, picture: NDArray[np.uint8], level: float
) -> None:
    alpha = refine_alpha(picture, coarse(truth, level))
    assert np.abs(alpha - truth).mean() < 0.004
    found, wanted = alpha >= 0.5, truth >= 0.5
    assert (found & wanted).sum() / (found | wanted).sum() > 0.99


def test_alpha_is_whole_away_from_the_edge(truth: Floats, picture: NDArray[np.uint8]) -> None:
    alpha = refine_alpha(picture, coarse(truth, 0.5))
    assert (alpha[280:320, 280:320] == 1).all()
    assert (alpha[:40] == 0).all()


def test_a_picture_of_one_colour_keeps_its_mask(truth: Floats) -> None:
    flat = np.full((SIZE_PX, SIZE_PX, 3), 99, np.uint8)
    mask = coarse(truth, 0.5)
    found = refine_alpha(flat, mask) >= 0.5
    wanted = resize(mask.astype(np.float32), SIZE_PX, SIZE_PX) >= 0.5
    assert (found & wanted).sum() / (found | wanted).sum() > 0.98


def test_nothing_stays_nothing_and_all_stays_all(picture: NDArray[np.uint8]) -> None:
    assert (refine_alpha(picture, np.zeros((50, 50), np.bool_)) == 0).all()
    assert (refine_alpha(picture, np.ones((50, 50), np.bool_)) == 1).all()


def test_the_background_s_colour_leaves_the_soft_edge(truth: Floats, picture: NDArray[np.uint8]) -> None:
    colours = subject_colours(picture, truth)
    edge = (truth > 0.2) & (truth < 0.8)
    assert np.abs(picture[edge] - SUBJECT).mean() > 40
    assert np.abs(colours[edge] - SUBJECT).mean() < 8


def test_pixels_that_are_wholly_the_subject_s_stay_as_they_are(truth: Floats) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    colours = subject_colours(noise, truth)
    assert (colours[truth == 1] == noise[truth == 1]).all()


def test_a_thin_line_keeps_its_own_colour() -> None:
    line = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    line[:, 299:302] = 1
    alpha = gaussian_blur(line, 0.8)
    picture = (SUBJECT * alpha[..., None] + BACKGROUND * (1 - alpha[..., None]) + 0.5).astype(np.uint8)
    edge = (alpha > 0.3) & (alpha < 0.9)
    assert np.abs(subject_colours(picture, alpha)[edge] - SUBJECT).mean() < 25
