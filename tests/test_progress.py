import pytest
from PIL import Image

from orfeas.errors import Cancelled
from orfeas.progress import Progress, Stage, Step


def test_stages_and_steps_are_reported_in_order() -> None:
    seen: list[Step] = []
    progress = Progress(report=seen.append)
    with progress.stage(Stage.SHAPE):
        progress.step(1, 2)
        progress.step(2, 2)
    with progress.stage(Stage.SAVE):
        pass
    assert seen == [Step(Stage.SHAPE), Step(Stage.SHAPE, 1, 2), Step(Stage.SHAPE, 2, 2), Step(Stage.SAVE)]


def test_a_stage_entered_twice_adds_up() -> None:
    progress = Progress()
    with progress.stage(Stage.SAVE):
        pass
    first = progress.timings_s[Stage.SAVE]
    with progress.stage(Stage.SAVE):
        pass
    assert progress.timings_s[Stage.SAVE] > first > 0


def test_a_step_after_the_request_to_stop_raises_and_reports_nothing() -> None:
    seen: list[Step] = []
    stopped: list[bool] = []
    progress = Progress(report=seen.append, is_cancelled=lambda: bool(stopped))
    with pytest.raises(Cancelled), progress.stage(Stage.SHAPE):
        stopped.append(True)
        progress.step(1, 2)
    assert seen == [Step(Stage.SHAPE)]


def test_a_stage_is_not_entered_once_asked_to_stop() -> None:
    progress = Progress(is_cancelled=lambda: True)
    with pytest.raises(Cancelled), progress.stage(Stage.SHAPE):
        pass
    assert progress.timings_s == {}


def test_a_stage_that_failed_is_timed() -> None:
    progress = Progress()
    with pytest.raises(ZeroDivisionError), progress.stage(Stage.SHAPE):
        _ = 1 / 0
    assert progress.timings_s[Stage.SHAPE] > 0


def test_a_preview_is_drawn_at_most_once_a_second_and_only_where_somebody_can_look() -> None:
    shown: list[Image.Image] = []
    drawn = 0

    def draw() -> Image.Image:
        nonlocal drawn
        drawn += 1
        return Image.new("RGB", (8, 8))

    Progress().preview(draw)
    assert drawn == 0
    progress = Progress(show=shown.append)
    progress.preview(lambda: None)  # nothing to see yet
    progress.preview(draw)
    progress.preview(draw)
    assert (drawn, len(shown)) == (1, 1)
