"""Pictograms are drawn large, smooth and clean."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from orfeas.text_to_image.pictogram.catalogue import read_catalogue
from orfeas.text_to_image.pictogram.drawing import SIZE_PX, SUBJECT_PX, draw, read_font

CHARACTERS = [entry.character for entry in read_catalogue()]
APPLE, DOUGHNUT, CLOUD = "\N{RED APPLE}", "\N{DOUGHNUT}", "\N{CLOUD}"


FONT = read_font()


def pictogram(character: str) -> Image.Image:
    return draw(character, FONT)


def alpha_of(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.getchannel("A"))


def test_a_pictogram_is_centred_on_a_square_with_a_margin() -> None:
    image = pictogram(APPLE)
    assert (image.mode, image.size) == ("RGBA", (SIZE_PX, SIZE_PX))
    rows, columns = np.nonzero(alpha_of(image) > 127)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(SUBJECT_PX, abs=12)
    for places in (rows, columns):
        assert (places.min() + places.max()) / 2 == pytest.approx(SIZE_PX / 2, abs=8)


def test_drawing_twice_gives_the_same_pixels() -> None:
    assert pictogram(APPLE).tobytes() == pictogram(APPLE).tobytes()


def test_the_alpha_is_clear_or_solid_but_for_a_thin_outline() -> None:
    alpha = alpha_of(pictogram(APPLE))
    outline = np.count_nonzero((alpha > 5) & (alpha < 250))
    perimeter = np.count_nonzero((alpha > 127) ^ ndimage.binary_erosion(alpha > 127))
    assert outline < 3 * perimeter


def test_the_outline_is_no_staircase() -> None:
    # Along a circle the outline's direction turns evenly; a staircase would jump between few directions.
    alpha = alpha_of(pictogram("\N{LARGE RED CIRCLE}")) > 127
    rows, columns = np.nonzero(alpha ^ ndimage.binary_erosion(alpha))
    radius = np.hypot(rows - rows.mean(), columns - columns.mean())
    assert radius.std() < 0.006 * radius.mean()


def test_light_edges_have_no_dark_fringe() -> None:
    rgba = np.asarray(pictogram(CLOUD)).astype(int)
    solid = rgba[..., 3] > 250
    edge = (rgba[..., 3] > 127) & ~ndimage.binary_erosion(solid, iterations=4)
    assert rgba[edge, :3].mean() > rgba[solid, :3].mean() - 25
    assert np.percentile(rgba[edge, :3], 1) > 110


def test_a_hole_stays_a_hole() -> None:
    _, parts = ndimage.label(alpha_of(pictogram(DOUGHNUT)) < 128)
    assert parts == 2


def test_an_emoji_of_several_characters_is_drawn_as_one() -> None:
    catalogue = {entry.name: entry for entry in read_catalogue()}
    assert pictogram(catalogue["polar bear"].character).tobytes() != pictogram(catalogue["bear"].character).tobytes()


def test_pictograms_from_all_over_the_catalogue_can_be_drawn() -> None:
    for character in CHARACTERS[::27]:
        assert 0.02 < (alpha_of(pictogram(character)) > 127).mean() < 0.8
