"""A model that turns, frame by frame."""

import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from orfeas.errors import Cancelled, InvalidMesh, InvalidOption
from orfeas.pictures.render import Renderer
from orfeas.pictures.scene import set_scene
from orfeas.pictures.turntable import (
    AZIMUTH_DEG,
    ELEVATION_DEG,
    make_portrait,
    make_turntable,
    parse_turntable_options,
)
from orfeas.pictures.webp import encode
from orfeas.progress import Progress, Stage, Step
from tests.pictures.sitters import painted_cube, written

SMALL = parse_turntable_options(frames=8, size_px=96, seconds=1.5)


def decoded(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(encode(image))).convert("RGBA"))


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    return written(painted_cube(), tmp_path)


def test_every_frame_is_the_model_seen_from_its_azimuth_and_none_comes_twice(cube: Path) -> None:
    renderer = Renderer(set_scene(painted_cube()), ELEVATION_DEG, 96)
    with Image.open(BytesIO(make_turntable(cube, SMALL, Progress()))) as film:
        frames = [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 8
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame, decoded(renderer.draw(AZIMUTH_DEG + 45 * number)))
    assert len({frame.tobytes() for frame in frames}) == 8


def test_it_turns_for_ever_and_once_in_the_time_asked_for(cube: Path) -> None:
    with Image.open(BytesIO(make_turntable(cube, SMALL, Progress()))) as film:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(film) if frame.load() is not None]
        assert film.info["loop"] == 0
        assert film.size == (96, 96)
    assert sum(durations) == 1500
    assert max(durations) - min(durations) <= 1


def test_it_begins_with_the_portrait(cube: Path) -> None:
    with Image.open(BytesIO(make_turntable(cube, SMALL, Progress()))) as film:
        first = np.asarray(film.convert("RGBA"))
    np.testing.assert_array_equal(first, decoded(make_portrait(painted_cube(), 96)))


def test_a_clear_turntable_is_clear_in_every_frame_and_one_with_a_background_in_none(cube: Path) -> None:
    for background, corner in (("transparent", 0), ("#FFFFFF", 255)):
        options = parse_turntable_options(frames=4, size_px=64, background=background)
        with Image.open(BytesIO(make_turntable(cube, options, Progress()))) as film:
            for frame in ImageSequence.Iterator(film):
                pixels = np.asarray(frame.convert("RGBA"))
                assert pixels[0, 0, 3] == corner
                assert pixels[32, 32, 3] == 255


def test_the_same_model_and_options_give_the_same_bytes(cube: Path) -> None:
    assert make_turntable(cube, SMALL, Progress()) == make_turntable(cube, SMALL, Progress())


def test_every_frame_is_told(cube: Path) -> None:
    told: list[Step] = []
    progress = Progress(told.append)
    make_turntable(cube, SMALL, progress)
    assert [(step.done, step.total) for step in told[1:]] == [(done, 8) for done in range(9)]
    assert {step.stage for step in told} == set(progress.timings_s) == {Stage.RENDER}


def test_a_stop_takes_effect_between_frames(cube: Path) -> None:
    stop = threading.Event()
    told: list[Step] = []

    def report(step: Step) -> None:
        told.append(step)
        if step.done == 2:
            stop.set()

    with pytest.raises(Cancelled):
        make_turntable(cube, parse_turntable_options(frames=90, size_px=64), Progress(report, stop.is_set))
    assert told[-1].done == 2


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(b"glTF, or not")
    with pytest.raises(InvalidMesh):
        make_turntable(path, SMALL, Progress())


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("output_format", "mp4", "webp"),
        ("output_format", "../../x", "webp"),
        ("frames", 3, "from 4 to 90"),
        ("frames", 10**9, "from 4 to 90"),
        ("frames", 24.5, "a whole number"),
        ("frames", "24; rm -rf /", "from 4 to 90"),
        ("frames", True, "from 4 to 90"),
        ("size_px", 0, "from 64 to 1,024"),
        ("size_px", 1e300, "from 64 to 1,024"),
        ("size_px", None, "from 64 to 1,024"),
        ("seconds", 0, "from 1 to 60"),
        ("seconds", float("nan"), "from 1 to 60"),
        ("seconds", float("inf"), "from 1 to 60"),
        ("background", "red", "a colour such as #ffffff"),
        ("background", "#ffffff00", "a colour such as #ffffff"),
        ("background", "#<script>", "a colour such as #ffffff"),
        ("background", ["#ffffff"], "a colour such as #ffffff"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(name: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidOption, match=allowed) as refused:
        parse_turntable_options(**{name: value})
    assert refused.value.option == name


def test_a_colour_is_read_in_any_letter_case() -> None:
    assert parse_turntable_options(background=" #FF8000").colour == (255, 128, 0)
    assert parse_turntable_options().colour is None
