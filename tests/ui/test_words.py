from dataclasses import replace

import pytest

from orfeas.options import OutputFormat, Quality, Style
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, JobStatus
from orfeas.ui import words


def job(**changes: object) -> Job:
    values = {"job_id": "j", "kind": JobKind.IMAGE_TO_3D, "status": JobStatus.RUNNING, "created": "", **changes}
    return Job(**values)  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (38_123, "38 kB"), (1_440_000, "1.4 MB"), (2.5e9, "2.5 GB")],
)
def test_sizes_read_as_people_write_them(count: int, text: str) -> None:
    assert words.bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (0.42, "0.4 s"), (12.4, "12 s"), (60, "1 min"), (185, "3 min 5 s")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert words.seconds_text(seconds) == text


def test_every_choice_has_a_name() -> None:
    assert set(words.QUALITY_NAMES) == set(Quality)
    assert set(words.STYLE_NAMES) == set(Style)
    assert set(words.STAGE_NAMES) == set(Stage)
    assert set(words.FORMAT_NAMES) == set(words.FORMAT_TIPS) == set(OutputFormat)


def test_a_waiting_job_waits() -> None:
    assert words.stage_text(job(status=JobStatus.QUEUED)) == "Waiting for its turn"


def test_a_job_between_stages_starts() -> None:
    assert words.stage_text(job()) == "Starting"


def test_a_stage_in_steps_is_counted() -> None:
    assert words.stage_text(job(stage="shape", step=14, steps=30)) == "Shape, 14 of 30"


def test_the_time_left_is_told_where_it_is_known() -> None:
    told = job(stage="shape", step=14, steps=30)
    assert words.progress_text(told) == "Shape, 14 of 30"
    assert words.progress_text(replace(told, left_s=12.3)) == "Shape, 14 of 30, about 12 s left"


def test_a_job_without_texture_has_no_texture_stage() -> None:
    assert words.stages_of(job(options={"texture": False})) == (Stage.CUT_OUT, Stage.SHAPE, Stage.SURFACE, Stage.SAVE)


def test_a_job_from_words_begins_with_the_picture() -> None:
    assert words.stages_of(job(kind=JobKind.TEXT_TO_3D))[:2] == (Stage.PICTURE, Stage.CUT_OUT)


def test_a_picture_has_one_stage() -> None:
    assert words.stages_of(job(kind=JobKind.TEXT_TO_IMAGE)) == (Stage.PICTURE,)
