"""Shares of the work, measured or guessed."""

import pytest

from orfeas.jobs.plan import make_plan
from orfeas.progress import Stage, Step
from orfeas.records import JobKind


def test_measured_stages_weigh_as_long_as_they_take() -> None:
    plan = make_plan(JobKind.IMAGE_TO_3D, {Stage.CUT_OUT: 1.0, Stage.SHAPE: 8.0, Stage.SAVE: 1.0})
    assert plan.total_s == 10
    assert plan.progress(Step(Stage.CUT_OUT)) == 0
    assert plan.progress(Step(Stage.SHAPE)) == pytest.approx(0.1)
    assert plan.progress(Step(Stage.SHAPE, 15, 30)) == pytest.approx(0.5)
    assert plan.progress(Step(Stage.SAVE)) == pytest.approx(0.9)
    assert plan.progress(Step(Stage.SAVE, 1, 1)) == pytest.approx(1)


def test_a_stage_that_was_never_measured_moves_nothing() -> None:
    plan = make_plan(JobKind.IMAGE_TO_3D, {Stage.SHAPE: 5.0, Stage.SAVE: 5.0})
    assert plan.progress(Step(Stage.TEXTURE, 1, 2)) == pytest.approx(0.5)


def test_times_of_nothing_at_all_give_no_progress() -> None:
    assert make_plan(JobKind.REPAIR, {Stage.SAVE: 0.0}).progress(Step(Stage.SAVE, 1, 1)) == 0


@pytest.mark.parametrize("kind", JobKind)
def test_every_kind_has_a_first_guess_that_grows_to_one_and_claims_no_seconds(kind: JobKind) -> None:
    plan = make_plan(kind, {})
    told = [plan.progress(Step(stage, 1, 1)) for stage in Stage]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert plan.total_s is None


def test_time_left_goes_by_the_pace_of_the_stage_and_the_times_of_those_to_come() -> None:
    plan = make_plan(JobKind.IMAGE_TO_3D, {Stage.CUT_OUT: 1.0, Stage.SHAPE: 8.0, Stage.SAVE: 3.0})
    assert plan.left_s(Step(Stage.SHAPE, 10, 30), spent_s=99, step_s=0.5) == pytest.approx(20 * 0.5 + 3)


def test_time_left_before_a_stage_has_a_pace_goes_by_the_times_of_earlier_jobs() -> None:
    plan = make_plan(JobKind.IMAGE_TO_3D, {Stage.CUT_OUT: 1.0, Stage.SHAPE: 8.0, Stage.SAVE: 3.0})
    assert plan.left_s(Step(Stage.SHAPE), spent_s=2, step_s=None) == pytest.approx(6 + 3)
    assert plan.left_s(Step(Stage.SHAPE), spent_s=20, step_s=None) == pytest.approx(3)
    assert plan.left_s(Step(Stage.SHAPE, 1, 4), spent_s=20, step_s=None) == pytest.approx(6 + 3)


def test_the_first_job_of_a_kind_has_a_time_left_from_its_second_step_on() -> None:
    plan = make_plan(JobKind.IMAGE_TO_3D, {}, has_texture=False)
    assert plan.left_s(Step(Stage.SHAPE, 0, 30), spent_s=0, step_s=None) is None
    # 20 steps are left, and surface and save weigh half of all 30.
    assert plan.left_s(Step(Stage.SHAPE, 10, 30), spent_s=5, step_s=0.5) == pytest.approx(10 + 7.5)


def test_a_repair_tells_no_time_and_goes_by_the_proportions_of_those_before_it() -> None:
    plan = make_plan(JobKind.REPAIR, {Stage.REPAIR: 6.0, Stage.SAVE: 2.0})
    assert plan.total_s is None
    assert plan.progress(Step(Stage.SAVE)) == pytest.approx(0.75)
    assert plan.left_s(Step(Stage.REPAIR), spent_s=1, step_s=None) is None
    assert plan.left_s(Step(Stage.REPAIR, 3, 12), spent_s=6, step_s=2.0) is None


def test_a_job_without_texture_does_not_wait_for_one() -> None:
    times = {Stage.SHAPE: 1.0, Stage.TEXTURE: 9.0}
    assert make_plan(JobKind.IMAGE_TO_3D, times, has_texture=False).total_s == 1
