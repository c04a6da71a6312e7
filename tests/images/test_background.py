import numpy as np
import pytest
from PIL import Image

from orfeas.engines.grabcut import GrabCut
from orfeas.errors import Cancelled, InvalidImage
from orfeas.images.background import MAX_SIDE_PX, cut_out
from orfeas.options import RemoveBackground
from orfeas.progress import Progress, Stage, Step
from tests.images.drawings import apple, disc, drawn, mug, on_background

AUTO, ALWAYS, NEVER = RemoveBackground.AUTO, RemoveBackground.ALWAYS, RemoveBackground.NEVER


def cut(image: Image.Image, remove_background: RemoveBackground, progress: Progress | None = None) -> Image.Image:
    progress = progress or Progress()
    with progress.stage(Stage.CUT_OUT):
        return cut_out(image, remove_background, GrabCut().find_alpha, progress).image


def subject(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(image)[..., 3] >= 128


def test_auto_keeps_a_real_alpha_channel_bit_for_bit() -> None:
    picture = drawn(apple)
    assert (np.asarray(cut(picture, AUTO)) == np.asarray(picture)).all()


def test_auto_cuts_a_photo_out() -> None:
    found, truth = subject(cut(on_background(drawn(mug)), AUTO)), subject(drawn(mug))
    assert (found & truth).sum() / (found | truth).sum() > 0.98


def test_the_round_corners_of_a_screenshot_are_no_real_alpha_channel() -> None:
    screenshot = on_background(drawn(mug))
    screenshot.putpixel((0, 0), (0, 0, 0, 0))
    screenshot.putpixel((511, 511), (0, 0, 0, 0))
    assert subject(cut(screenshot, AUTO)).mean() == pytest.approx(subject(drawn(mug)).mean(), rel=0.03)


def test_always_cuts_out_what_the_alpha_channel_leaves() -> None:
    card = Image.new("RGBA", (512, 512))
    card.paste(on_background(drawn(disc), "#3a6ea5").crop((40, 40, 472, 472)), (40, 40))
    kept, cut_again = subject(cut(card, AUTO)), subject(cut(card, ALWAYS))
    assert kept.mean() == pytest.approx((432 / 512) ** 2)
    assert not cut_again[~kept].any()


def test_never_leaves_the_picture_as_it_is() -> None:
    photo = on_background(drawn(mug))
    assert (np.asarray(cut(photo, NEVER)) == np.asarray(photo)).all()


def test_the_rim_of_a_cut_out_shows_nothing_of_the_background() -> None:
    result = np.asarray(cut(on_background(drawn(disc), "#2050e0"), AUTO)).astype(int)
    rim = (result[..., 3] > 30) & (result[..., 3] < 225)
    assert rim.sum() > 100
    assert np.median(result[rim][:, 0] - result[rim][:, 2]) > 120


@pytest.mark.parametrize("remove_background", [AUTO, ALWAYS])
def test_nothing_in_the_foreground_is_refused(remove_background: RemoveBackground) -> None:
    wall = 150 + np.random.default_rng(0).normal(0, 3, (256, 256, 3))
    picture = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8)).convert("RGBA")
    with pytest.raises(InvalidImage, match="nothing in the foreground"):
        cut(picture, remove_background)


def test_an_alpha_channel_with_next_to_nothing_in_it_is_refused() -> None:
    picture = Image.new("RGBA", (512, 512))
    picture.putpixel((9, 9), (255, 0, 0, 255))
    with pytest.raises(InvalidImage, match="nothing in the foreground"):
        cut(picture, NEVER)


@pytest.mark.parametrize("remove_background", [AUTO, NEVER])
def test_a_larger_picture_is_reduced(remove_background: RemoveBackground) -> None:
    large = drawn(disc, 256).resize((3000, 1500))
    assert cut(large, remove_background).size == (MAX_SIDE_PX, MAX_SIDE_PX // 2)


def test_reducing_mixes_no_colour_of_clear_pixels_in() -> None:
    large = np.zeros((2400, 2400, 4), np.uint8)
    large[...] = (0, 255, 0, 0)
    large[401:2001, 401:2001] = (255, 0, 0, 255)
    reduced = np.asarray(cut(Image.fromarray(large), AUTO))
    assert (reduced[reduced[..., 3] > 20][:, 1] < 8).all()


def test_the_same_picture_gives_the_same_bytes() -> None:
    photo = on_background(drawn(apple))
    assert cut(photo, AUTO).tobytes() == cut(photo, AUTO).tobytes()


def test_every_step_is_reported() -> None:
    for remove_background in (AUTO, NEVER):
        seen: list[Step] = []
        cut(on_background(drawn(mug, 128)), remove_background, Progress(report=seen.append))
        assert seen[-1] == Step(Stage.CUT_OUT, 3, 3)


@pytest.mark.parametrize("checks", range(2, 6))
def test_it_stops_between_any_two_steps(checks: int) -> None:
    asked: list[bool] = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) >= checks

    with pytest.raises(Cancelled):
        cut(on_background(drawn(mug, 128)), AUTO, Progress(is_cancelled=is_cancelled))
    assert len(asked) == checks
