"""How fast a live job goes."""

import pytest

from orfeas.jobs.live import Pace
from orfeas.progress import Stage, Step


def test_a_pace_is_seconds_for_each_step_since_the_first_that_has_a_number() -> None:
    pace = Pace("", 0.0)
    for step, now in ((Step(Stage.SHAPE), 10.0), (Step(Stage.SHAPE, 0, 30), 14.0), (Step(Stage.SHAPE, 1, 30), 15.5)):
        pace = pace.after(step, now)
    assert pace.begun_at == 10
    assert pace.step_s(Step(Stage.SHAPE, 4, 30), 20.0) == pytest.approx(1.5)


def test_a_stage_without_a_second_step_has_no_pace() -> None:
    pace = Pace("", 0.0).after(Step(Stage.SHAPE, 3, 30), 1.0)
    assert pace.step_s(Step(Stage.SHAPE, 3, 30), 5.0) is None


def test_each_stage_has_a_pace_of_its_own() -> None:
    pace = Pace("", 0.0).after(Step(Stage.SHAPE, 0, 30), 1.0).after(Step(Stage.SURFACE, 0, 100), 9.0)
    assert (pace.begun_at, pace.counted_at) == (9.0, 9.0)
