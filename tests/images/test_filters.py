import numpy as np
import pytest

from orfeas.images.filters import box_blur, depth_within, gaussian_blur, grow, resize, shrink, unit


def test_shrinking_keeps_the_mean() -> None:
    image = np.random.default_rng(0).random((64, 96)).astype(np.float32)
    assert resize(image, 24, 16).mean() == pytest.approx(image.mean(), abs=1e-6)


def test_resizing_takes_the_width_first_and_keeps_the_type() -> None:
    resized = resize(np.zeros((10, 20, 3), np.uint8), 7, 5)
    assert resized.shape == (5, 7, 3)
    assert resized.dtype == np.uint8


def test_enlarging_keeps_the_corners_where_they_are() -> None:
    image = np.array([[0, 0], [0, 1]], np.float32)
    enlarged = resize(image, 8, 8, enlarge_by="cubic")
    assert enlarged.argmax() >= 8 * 6 + 6
    assert resize(image, 8, 8)[0, 0] == 0


def test_a_small_picture_is_not_enlarged() -> None:
    assert shrink(np.zeros((30, 40, 3), np.uint8), 320).shape == (30, 40, 3)
    assert shrink(np.zeros((1000, 10, 3), np.uint8), 100).shape == (100, 1, 3)


def test_levels_become_numbers_from_zero_to_one() -> None:
    assert unit(np.array([[0, 51, 255]], np.uint8)).ravel().tolist() == pytest.approx([0, 0.2, 1])


def test_a_blur_leaves_a_flat_image_flat() -> None:
    flat = np.full((20, 30), 0.4, np.float32)
    assert np.allclose(box_blur(flat, 3), 0.4)
    assert np.allclose(gaussian_blur(flat, 2.0), 0.4)


def test_a_box_blur_is_the_mean_of_its_square() -> None:
    image = np.random.default_rng(1).random((15, 15)).astype(np.float32)
    assert box_blur(image, 2)[7, 7] == pytest.approx(image[5:10, 5:10].mean(), abs=1e-6)


def test_depth_is_the_distance_to_the_nearest_pixel_outside() -> None:
    mask = np.zeros((21, 21), np.bool_)
    mask[5:16, 5:16] = True
    depth = depth_within(mask)
    assert depth[10, 10] == pytest.approx(6, abs=0.1)
    assert (depth[~mask] == 0).all()


def test_growing_takes_in_a_square_around_every_pixel() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 4] = True
    assert grow(mask, 2).sum() == 25
