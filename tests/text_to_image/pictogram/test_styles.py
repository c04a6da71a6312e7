"""Every style changes the picture, always the same way, and leaves its alpha alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from orfeas.options import Style
from orfeas.text_to_image.pictogram.drawing import draw, read_font
from orfeas.text_to_image.pictogram.styles import MINIMALIST_COLOURS, apply_style

STYLES = [style for style in Style if style is not Style.NONE]


@pytest.fixture(scope="module")
def apple() -> Image.Image:
    return draw("\N{RED APPLE}", read_font())


@pytest.fixture(scope="module")
def styled(apple: Image.Image) -> dict[Style, NDArray[np.int32]]:
    return {style: np.asarray(apply_style(apple, style)).astype(np.int32) for style in Style}


def test_none_gives_the_picture_back_as_it_is(apple: Image.Image) -> None:
    assert apply_style(apple, Style.NONE).tobytes() == apple.tobytes()


@pytest.mark.parametrize("style", STYLES)
def test_a_style_keeps_the_alpha(styled: dict[Style, NDArray[np.int32]], style: Style) -> None:
    assert np.array_equal(styled[style][..., 3], styled[Style.NONE][..., 3])


def test_any_two_styles_differ_in_what_is_seen(
    styled: dict[Style, NDArray[np.int32]],
) -> None:
    solid = styled[Style.NONE][..., 3] > 250
    for first in Style:
        for second in Style:
            difference = np.abs(styled[first] - styled[second])[solid].mean()
            assert (difference > 3) == (first is not second)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_the_same_every_time(apple: Image.Image, style: Style) -> None:
    assert apply_style(apple, style).tobytes() == apply_style(apple, style).tobytes()


def test_minimalist_uses_few_flat_colours(
    styled: dict[Style, NDArray[np.int32]],
) -> None:
    solid = styled[Style.MINIMALIST][styled[Style.NONE][..., 3] > 250][:, :3]
    counts = np.sort(np.unique(solid // 4, axis=0, return_counts=True)[1])[::-1]
    assert counts[:MINIMALIST_COLOURS].sum() > 0.95 * len(solid)


@pytest.mark.parametrize("style", STYLES)
def test_a_picture_of_a_single_colour_stays_whole(style: Style) -> None:
    square = Image.new("RGBA", (1024, 1024))
    square.paste((128, 128, 128, 255), (200, 200, 824, 824))
    result = np.asarray(apply_style(square, style))
    assert (result[..., 3] == 255).sum() == 624**2


def test_styles_leave_their_input_alone(apple: Image.Image) -> None:
    before = apple.tobytes()
    apply_style(apple, Style.REALISTIC)
    assert apple.tobytes() == before


def test_a_long_thin_picture_takes_every_style() -> None:
    stick = Image.new("RGBA", (1024, 1024))
    stick.paste((200, 60, 20, 255), (508, 40, 516, 984))
    for style in STYLES:
        result = np.asarray(apply_style(stick, style))
        assert (result[..., 3] == 255).sum() == 8 * 944
