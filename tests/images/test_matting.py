from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

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


def hairs() -> Floats:
    """A disc with three hundred hairs, the most of them thinner than a pixel."""
    random = np.random.default_rng(1)
    large = Image.new("L", (4 * SIZE_PX,) * 2)
    draw = ImageDraw.Draw(large)
    draw.ellipse([4 * c for c in (170, 170, 430, 430)], fill=255)
    for angle, length in random.uniform((0, 20), (2 * np.pi, 70), (300, 2)):
        ends = [4 * (300 + r * f(angle)) for r in (125, 130 + length) for f in (np.cos, np.sin)]
        draw.line(ends, fill=255, width=2)
    return np.asarray(large.resize((SIZE_PX, SIZE_PX), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)


def veil() -> Floats:
    """A large pane that lets four tenths of the background through, in a frame that does not."""
    pane = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    pane[100:500, 100:500] = 1
    pane[140:460, 140:460] = 0.6
    return pane


@pytest.mark.parametrize(("make", "most"), [(hairs, 0.012), (veil, 0.03)])
def test_on_a_new_background_the_rim_shows_no_halo_of_the_old_one(make: Callable[[], Floats], most: float) -> None:
    alpha = make()
    old = np.array([225.0, 215, 150])
    mottle = 12 * gaussian_blur(np.random.default_rng(2).standard_normal((SIZE_PX, SIZE_PX)).astype(np.float32), 3)
    subject = np.clip(np.array([110.0, 60, 30]) + 8 * mottle[..., None], 0, 255)
    picture = (subject * alpha[..., None] + old * (1 - alpha[..., None]) + 0.5).astype(np.uint8)
    rim = (alpha > 0.05) & (alpha < 0.95)

    def error_of(colours: NDArray[np.uint8]) -> float:
        # Whatever the new background is, it is mixed in by the same alpha.
        return float(np.abs((colours - subject) * alpha[..., None])[rim].mean() / 255)

    mended = error_of(subject_colours(picture, alpha))
    assert mended < most
    assert mended < 0.25 * error_of(picture)
