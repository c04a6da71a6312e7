from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.images.mask import check_mask, load_mask

SIZE = (120, 80)


def saved(path: Path, image: Image.Image, exif: Image.Exif | None = None) -> Path:
    image.save(path, exif=exif or Image.Exif(), quality=95)
    return path


def ramp(width: int = 240, height: int = 160) -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(0, 255, width), (height, 1)).astype(np.uint8))


def test_grey_is_kept_grey_at_the_picture_s_size(tmp_path: Path) -> None:
    mask = load_mask(saved(tmp_path / "mask.png", ramp()), SIZE)
    assert (mask.mode, mask.size) == ("L", SIZE)
    wanted = np.linspace(0, 255, SIZE[0])
    assert np.abs(np.asarray(mask) - wanted).max() < 3


def test_an_alpha_channel_goes_before_the_colours(tmp_path: Path) -> None:
    picture = Image.new("RGBA", SIZE, "white")
    picture.putalpha(ramp(*SIZE))
    assert (np.asarray(load_mask(saved(tmp_path / "mask.png", picture), SIZE)) == np.asarray(ramp(*SIZE))).all()


def test_an_alpha_channel_that_says_nothing_does_not(tmp_path: Path) -> None:
    picture = ramp(*SIZE).convert("RGBA")
    assert (np.asarray(load_mask(saved(tmp_path / "mask.png", picture), SIZE)) == np.asarray(ramp(*SIZE))).all()


def test_a_mask_of_16_bits_and_one_that_lies_on_its_side_are_read(tmp_path: Path) -> None:
    deep = Image.fromarray((np.asarray(ramp(*SIZE)).astype(np.uint16)) * 257)
    assert (
        np.abs(np.asarray(load_mask(saved(tmp_path / "deep.png", deep), SIZE), int) - np.asarray(ramp(*SIZE))).max()
        <= 1
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(tmp_path / "turned.jpg", ramp(*SIZE).rotate(90, expand=True), exif)
    assert np.abs(np.asarray(load_mask(turned, SIZE), int) - np.asarray(ramp(*SIZE))).max() < 8


def test_a_white_mask_keeps_everything_and_a_black_one_is_refused(tmp_path: Path) -> None:
    assert load_mask(saved(tmp_path / "white.png", Image.new("L", SIZE, 255)), SIZE).getextrema() == (255, 255)
    with pytest.raises(InvalidImage, match="The mask cannot be used: it keeps nothing"):
        load_mask(saved(tmp_path / "black.png", Image.new("L", SIZE, 0)), SIZE)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_picture_is_refused_as_a_mask(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(content)
    for use in (check_mask, lambda mask: load_mask(mask, SIZE)):
        with pytest.raises(InvalidImage, match="The mask cannot be used: ") as caught:
            use(path)
        assert caught.value.option == "mask"
