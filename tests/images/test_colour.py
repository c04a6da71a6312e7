import numpy as np
import pytest
from PIL import Image, ImageCms

from orfeas.errors import InvalidImage
from orfeas.images.colour import to_rgba

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
# Web colours, which a palette of 256 keeps.
SWATCH = (204, 102, 51)


def pixel(image: Image.Image) -> tuple[int, ...]:
    return tuple(np.asarray(to_rgba(image))[0, 0].tolist())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "RGBX", "YCbCr", "CMYK"])
def test_colours_survive_every_mode(mode: str) -> None:
    image = Image.new("RGB", (8, 8), SWATCH).convert(mode)
    assert pixel(image) == pytest.approx((*SWATCH, 255), abs=2)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_becomes_three_equal_channels(mode: str) -> None:
    assert pixel(Image.new(mode, (8, 8), 255)) == (255, 255, 255, 255)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "La", "RGBa"])
def test_alpha_survives_and_is_straight(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (200, 200, 200, 128))
    for step in {"La": ("LA", "La"), "LA": ("LA",), "RGBa": ("RGBa",), "RGBA": ()}[mode]:
        image = image.convert(step)
    assert pixel(image) == pytest.approx((200, 200, 200, 128), abs=1)


def test_a_palette_s_clear_colour_becomes_alpha() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, *SWATCH])
    image.putpixel((7, 7), 0)
    image.info["transparency"] = 0
    pixels = np.asarray(to_rgba(image))
    assert tuple(pixels[0, 0]) == (*SWATCH, 255)
    assert pixels[7, 7, 3] == 0


@pytest.mark.parametrize("profile", [b"", "swapped"])
def test_a_clear_colour_of_rgb_becomes_alpha(profile: bytes | str) -> None:
    image = Image.new("RGB", (8, 8), SWATCH)
    image.putpixel((7, 7), (1, 2, 3))
    image.info["transparency"] = (1, 2, 3)
    pixels = np.asarray(to_rgba(profiled(image, swapped_profile() if profile else b"")))
    assert pixels[0, 0, 3] == 255
    assert pixels[7, 7, 3] == 0


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    deep = Image.fromarray(RAMP.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    assert (np.asarray(to_rgba(deep))[..., 0] == RAMP).all()


def test_a_clear_grey_of_sixteen_bits_becomes_alpha() -> None:
    deep = Image.fromarray(RAMP.astype(np.uint16) * 257)
    deep.info["transparency"] = 257 * 7
    assert np.flatnonzero(np.asarray(to_rgba(deep))[..., 3].ravel() == 0).tolist() == [7]


@pytest.mark.parametrize(("white", "dtype"), [(1.0, np.float32), (255.0, np.float32), (65535, np.int32)])
def test_the_whitest_value_of_deep_grey_is_found(white: float, dtype: type) -> None:
    image = Image.fromarray((RAMP / 255 * white).astype(dtype))
    assert np.abs(np.asarray(to_rgba(image))[..., 0].astype(int) - RAMP).max() <= 1


def test_values_that_are_no_numbers_become_black() -> None:
    values = np.array([[np.nan, 1.0], [np.inf, 0.5]], np.float32)
    assert np.asarray(to_rgba(Image.fromarray(values)))[..., 0].tolist() == [[0, 255], [0, 128]]


@pytest.mark.parametrize("mode", ["LAB", "HSV"])
def test_a_mode_without_plain_colours_is_refused(mode: str) -> None:
    with pytest.raises(InvalidImage, match=mode):
        to_rgba(Image.new(mode, (8, 8)))


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A profile in which red and green have changed places, under another name."""
    renamed = srgb_profile().replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return renamed.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")


def profiled(image: Image.Image, profile: bytes) -> Image.Image:
    image.info["icc_profile"] = profile
    return image


def test_an_srgb_profile_changes_nothing() -> None:
    assert pixel(profiled(Image.new("RGB", (8, 8), SWATCH), srgb_profile())) == (*SWATCH, 255)


def test_another_profile_is_applied() -> None:
    red, green, blue = SWATCH
    assert pixel(profiled(Image.new("RGB", (8, 8), SWATCH), swapped_profile())) == pytest.approx(
        (green, red, blue, 255), abs=2
    )


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "P"])
def test_a_profile_leaves_alpha_alone(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (*SWATCH, 255)).convert(mode)
    image = profiled(image, swapped_profile())
    assert pixel(image) == pytest.approx((102, 204, 51, 255), abs=2)


@pytest.mark.parametrize("mode", ["L", "LA", "CMYK"])
def test_a_profile_that_does_not_fit_the_picture_is_left_out(mode: str) -> None:
    image = Image.new("RGB", (8, 8), (90, 90, 90)).convert(mode)
    assert pixel(profiled(image, swapped_profile())) == pytest.approx((90, 90, 90, 255), abs=1)


def test_a_broken_profile_is_left_out() -> None:
    assert pixel(profiled(Image.new("RGB", (8, 8), SWATCH), b"not a profile")) == (*SWATCH, 255)
