import numpy as np
import pytest
from PIL import ImageDraw

from orfeas.engines.inflate.height import Relief, inflate
from orfeas.engines.inflate.rim import place_rim
from orfeas.engines.inflate.sheet import Sheet, triangulate
from orfeas.engines.inflate.silhouette import trace
from tests.images.drawings import DRAWINGS, SPECIAL, Draw, disc, drawn, picture, square

RADIUS_PX = 0.35 * 512


def sheet_of(draw: Draw, spacing_px: float = 6.0) -> Sheet:
    return triangulate(place_rim(trace(np.asarray(drawn(draw))[..., 3], 192), spacing_px), spacing_px)


def strip(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle((2 * u, 40 * u, 98 * u, 60 * u), fill="black")


@pytest.fixture(scope="module")
def ball() -> tuple[Sheet, Relief]:
    sheet = sheet_of(disc)
    return sheet, inflate(sheet)


def test_a_disc_becomes_a_ball(ball: tuple[Sheet, Relief]) -> None:
    sheet, relief = ball
    expected = RADIUS_PX**2 - ((sheet.points - 256) ** 2).sum(axis=1)
    assert np.abs(relief.squared - expected).max() < 0.01 * RADIUS_PX**2


def test_the_gradient_of_a_ball_points_to_its_middle(ball: tuple[Sheet, Relief]) -> None:
    sheet, relief = ball
    inner = ~sheet.is_rim
    assert np.abs(relief.gradient + 2 * (sheet.points - 256))[inner].max() < 0.06 * RADIUS_PX


def test_a_strip_becomes_a_tube_as_deep_as_it_is_wide() -> None:
    sheet = sheet_of(strip)
    middle = np.abs(sheet.points[:, 0] - 256) < 80
    height = np.sqrt(inflate(sheet).squared[middle])
    assert height.max() == pytest.approx(0.1 * 512, rel=0.03)
    expected = np.sqrt(np.maximum(0, 51.2**2 - (sheet.points[middle, 1] - 256) ** 2))
    assert np.abs(height - expected).max() < 0.08 * 51.2


def test_a_square_is_about_as_deep_as_it_is_wide() -> None:
    assert np.sqrt(inflate(sheet_of(square)).squared.max()) == pytest.approx(0.3 * 512, rel=0.08)


@pytest.mark.parametrize("name", [*DRAWINGS, *SPECIAL])
def test_it_is_zero_on_the_rim_and_above_zero_elsewhere(name: str) -> None:
    sheet = triangulate(place_rim(trace(np.asarray(picture(name))[..., 3], 128), 8.0), 8.0)
    relief = inflate(sheet)
    assert (relief.squared[sheet.is_rim] == 0).all()
    assert (relief.squared[~sheet.is_rim] > 0).all()


def test_nothing_is_higher_than_the_widest_place_allows() -> None:
    for draw in (DRAWINGS["cat"], DRAWINGS["star"], DRAWINGS["hand"]):
        sheet = sheet_of(draw)
        assert np.sqrt(inflate(sheet).squared.max()) < 1.35 * sheet.distance.max()


def test_a_finer_sheet_gives_the_same_height() -> None:
    coarse, fine = (np.sqrt(inflate(sheet_of(DRAWINGS["cat"], spacing)).squared.max()) for spacing in (12.0, 4.0))
    assert coarse == pytest.approx(fine, rel=0.02)
