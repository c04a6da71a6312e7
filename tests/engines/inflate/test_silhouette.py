import numpy as np
import pytest
from numpy.typing import NDArray

from orfeas.engines.inflate.silhouette import Silhouette, resample, signed_area, trace
from tests.images.drawings import disc, doughnut, drawn, picture, target

Pixels = NDArray[np.uint8]


def alpha_of(name: str) -> Pixels:
    return np.asarray(picture(name))[..., 3]


def lengths(silhouette: Silhouette) -> list[float]:
    return [float(np.linalg.norm(loop - np.roll(loop, 1, axis=0), axis=1).sum()) for loop in silhouette.loops]


def test_a_disc_is_traced_to_a_fraction_of_a_pixel() -> None:
    (loop,) = trace(np.asarray(drawn(disc))[..., 3], 192).loops
    radii = np.linalg.norm(loop - 256, axis=1)
    assert radii == pytest.approx(0.35 * 512, abs=0.35)


def test_y_points_up_from_the_picture_s_lower_edge() -> None:
    alpha = np.zeros((100, 200), np.uint8)
    alpha[10:30, 50:90] = 255
    (loop,) = trace(alpha, 64).loops
    assert loop.min(axis=0) == pytest.approx([50, 70], abs=0.2)
    assert loop.max(axis=0) == pytest.approx([90, 90], abs=0.2)


def test_a_picture_that_is_all_subject_is_traced_along_its_border() -> None:
    (loop,) = trace(np.full((60, 90), 255, np.uint8), 64).loops
    assert loop.min(axis=0) == pytest.approx([0, 0], abs=0.2)
    assert loop.max(axis=0) == pytest.approx([90, 60], abs=0.2)


def test_the_subject_lies_to_the_left_of_every_curve() -> None:
    inner, outer = sorted(signed_area(loop) for loop in trace(np.asarray(drawn(doughnut))[..., 3], 192).loops)
    assert outer == pytest.approx(np.pi * (0.38 * 512) ** 2, rel=0.01)
    assert inner == pytest.approx(-np.pi * (0.11 * 512) ** 2, rel=0.01)


def test_a_part_within_a_hole_is_a_part() -> None:
    areas = [signed_area(loop) for loop in trace(np.asarray(drawn(target))[..., 3], 192).loops]
    assert sorted(np.sign(areas)) == [-1, 1, 1]


@pytest.mark.parametrize("resolution", [16, 64, 256, 512])
def test_the_area_is_the_mask_s_at_every_resolution(resolution: int) -> None:
    alpha = alpha_of("cat")
    assert trace(alpha, resolution).area_px == pytest.approx(float((alpha >= 128).sum()), rel=0.012)


def test_more_cells_show_more_detail() -> None:
    alpha = alpha_of("comb")
    assert len(trace(alpha, 16).loops[0]) < len(trace(alpha, 128).loops[0])


def test_specks_and_pinholes_are_dropped() -> None:
    alpha = np.asarray(drawn(disc))[..., 3].copy()
    alpha[5:8, 5:8] = 255
    alpha[255:258, 255:258] = 0
    assert len(trace(alpha, 64).loops) == 1


def test_nothing_but_specks_or_nothing_at_all_has_no_curves() -> None:
    alpha = np.zeros((64, 64), np.uint8)
    assert trace(alpha, 128).loops == ()
    alpha[::8, ::8] = 255
    assert trace(alpha, 16).loops == ()


def test_a_thin_neck_is_no_place_for_two_curves_to_cross() -> None:
    alpha = np.zeros((256, 256), np.uint8)
    alpha[40:120, 60:200] = 255
    alpha[136:220, 60:200] = 255
    alpha[120:136, 128] = 140
    for resolution in (32, 64, 100, 128, 200, 256):
        for loop in trace(alpha, resolution).loops:
            assert signed_area(loop) > 0


def test_pixels_stairs_are_taken_out_where_the_subject_is_thick() -> None:
    soft, hard = np.asarray(drawn(disc))[..., 3], np.where(np.asarray(drawn(disc))[..., 3] >= 128, 255, 0)
    smooth, stairs = (lengths(trace(alpha.astype(np.uint8), 256))[0] for alpha in (soft, hard))
    assert stairs == pytest.approx(smooth, rel=0.002)


def test_a_mask_of_noise_is_traced_on_fewer_cells() -> None:
    noise = np.where(np.random.default_rng(0).random((600, 600)) > 0.5, 255, 0).astype(np.uint8)
    assert trace(noise, 512).resolution < 512
    assert trace(alpha_of("wheel"), 512).resolution == 512


def test_resampling_a_circle_keeps_it_a_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    even = resample(50 * np.column_stack([np.cos(angle), np.sin(angle)]), 1.0)
    assert len(even) == pytest.approx(2 * np.pi * 50, abs=2)
    assert np.linalg.norm(even, axis=1) == pytest.approx(50, abs=0.05)
