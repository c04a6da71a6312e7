import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orfeas.images.filters import resize
from orfeas.images.segmentation import find_subject
from tests.images.drawings import DRAWINGS, Draw, apple, chair, disc, doughnut, drawn, house, mug

SIZE_PX = 480
Levels = NDArray[np.float64]


def backgrounds() -> dict[str, Levels]:
    random = np.random.default_rng(0)
    y, x = np.mgrid[0 : 1 : SIZE_PX * 1j, 0 : 1 : SIZE_PX * 1j]
    blobs = np.kron(random.random((8, 8, 3)), np.ones((SIZE_PX // 8, SIZE_PX // 8, 1)))
    return {
        "white": np.full((SIZE_PX, SIZE_PX, 3), 252.0),
        "grey": np.full((SIZE_PX, SIZE_PX, 3), 128.0),
        "gradient": np.dstack([90 + 110 * x, 130 + 90 * y, 200 - 80 * x * y]),
        "noisy": 165 + random.normal(0, 18, (SIZE_PX, SIZE_PX, 3)),
        "clutter": np.array([30, 60, 70]) + np.array([60, 140, 140]) * blobs,
    }


def photographed(subject: Image.Image, background: Levels) -> NDArray[np.uint8]:
    """The subject before the background, with a little of a sensor's noise."""
    pixels = np.asarray(subject).astype(np.float64)
    alpha = pixels[..., 3:] / 255
    noise = np.random.default_rng(1).normal(0, 1.5, background.shape)
    return np.clip(pixels[..., :3] * alpha + background * (1 - alpha) + noise, 0, 255).astype(np.uint8)


def iou(mask: NDArray[np.bool_], subject: Image.Image) -> float:
    truth = np.asarray(subject)[..., 3] >= 128
    found = resize(mask.astype(np.float32), truth.shape[1], truth.shape[0]) >= 0.5
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("background", ["white", "grey", "gradient", "noisy"])
@pytest.mark.parametrize("draw", [disc, doughnut, mug, house])
def test_a_subject_is_found_on_a_plain_background(draw: Draw, background: str) -> None:
    subject = drawn(draw, SIZE_PX)
    assert iou(find_subject(photographed(subject, backgrounds()[background])), subject) > 0.95


@pytest.mark.parametrize("draw", [disc, apple])
def test_a_subject_is_found_among_clutter(draw: Draw) -> None:
    subject = drawn(draw, SIZE_PX)
    assert iou(find_subject(photographed(subject, backgrounds()["clutter"])), subject) > 0.8


def test_thin_legs_are_kept() -> None:
    subject = drawn(chair, SIZE_PX)
    assert iou(find_subject(photographed(subject, backgrounds()["white"])), subject) > 0.85


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_the_same_picture_gives_the_same_mask(name: str) -> None:
    picture = photographed(drawn(DRAWINGS[name], 160), backgrounds()["clutter"][:160, :160])
    assert (find_subject(picture) == find_subject(picture)).all()


def test_a_soft_shadow_on_the_ground_is_no_part_of_the_subject() -> None:
    subject = drawn(mug, SIZE_PX)
    y, x = np.mgrid[0 : 100 : SIZE_PX * 1j, 0 : 100 : SIZE_PX * 1j]
    shadow = 1 - 0.3 * np.exp(-(((x - 42) / 26) ** 4) - ((y - 84) / 4) ** 2)
    assert iou(find_subject(photographed(subject, 245 * shadow[..., None] * np.ones(3))), subject) > 0.93


def test_a_light_grey_subject_is_not_taken_for_a_shadow() -> None:
    subject = drawn(lambda draw, u: draw.ellipse((20 * u, 20 * u, 80 * u, 80 * u), fill="#d4d4d4"), SIZE_PX)
    assert iou(find_subject(photographed(subject, backgrounds()["white"])), subject) > 0.95


def test_white_spots_inside_the_subject_are_not_holes_where_the_background_is_not_quite_white() -> None:
    def spotted(draw: ImageDraw.ImageDraw, u: float) -> None:
        disc(draw, u)
        draw.ellipse((40 * u, 30 * u, 55 * u, 45 * u), fill="#ffffff")

    subject = drawn(spotted, SIZE_PX)
    assert iou(find_subject(photographed(subject, backgrounds()["white"] - 4)), subject) > 0.97


def test_a_subject_may_reach_the_lower_border() -> None:
    subject = drawn(apple, SIZE_PX).crop((0, 0, SIZE_PX, round(0.75 * SIZE_PX)))
    for name in ("white", "gradient"):
        picture = photographed(subject, backgrounds()[name][: subject.height])
        assert iou(find_subject(picture), subject) > 0.95


def test_a_close_up_may_reach_the_upper_border_too() -> None:
    tall = drawn(lambda draw, u: draw.rectangle((18 * u, 0, 82 * u, 100 * u), fill="#c02818"), SIZE_PX)
    assert iou(find_subject(photographed(tall, backgrounds()["clutter"])), tall) > 0.8


@pytest.mark.parametrize("noise", [0.0, 2.0, 12.0])
def test_nothing_is_found_where_nothing_stands_out(noise: float) -> None:
    flat = 150 + np.random.default_rng(2).normal(0, noise, (200, 300, 3))
    assert find_subject(np.clip(flat, 0, 255).astype(np.uint8)).mean() < 0.02


def test_specks_beside_the_subject_and_pinholes_in_it_are_dropped() -> None:
    subject = drawn(disc, SIZE_PX)
    picture = photographed(subject, backgrounds()["white"])
    picture[20:26, 20:26] = (10, 10, 10)
    picture[240:243, 240:243] = (252, 252, 252)
    mask = find_subject(picture)
    assert not mask[:30, :30].any()
    assert mask[140:180, 140:180].all()


@pytest.mark.parametrize("shape", [(32, 32), (33, 900), (900, 33)])
def test_small_and_long_pictures_work(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 240, np.uint8)
    picture[10:22, 10:22] = (200, 30, 30)
    mask = find_subject(picture)
    assert max(mask.shape) <= 320
    assert mask.any()
    assert not mask.all()
