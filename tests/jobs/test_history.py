"""The SQLite file itself: damage, strangers, privacy and the running means."""

import sqlite3
import stat
from pathlib import Path

import pytest

from orfeas.errors import InternalError
from orfeas.jobs.history import SCHEMA_VERSION, History, Recipe
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, JobStatus, new_job_id

RECIPE = Recipe(JobKind.IMAGE_TO_3D, "inflate", "draft")


def make_job(status: JobStatus = JobStatus.COMPLETED) -> Job:
    return Job(new_job_id(), JobKind.IMAGE_TO_3D, status, "2030-01-01T00:00:00.000+00:00")


def aside(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("history.sqlite3.aside-*"))


def test_the_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.sqlite3"
    History(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content", [b"this is no database at all, only text" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_moved_aside_with_a_log_line(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(content)
    history = History(path)
    job = make_job()
    history.add(job, "me")

    assert history.of_owner("me", 10) == (job,)
    history.close()
    assert [kept.read_bytes() for kept in aside(tmp_path)] == [content]
    assert "the history is damaged" in caplog.text


def test_a_database_with_a_broken_page_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    for _ in range(200):
        history.add(make_job(), "me")
    history.close()
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\x5a" * 8192
    path.write_bytes(content)

    fresh = History(path)
    assert fresh.of_owner("me", 10) == ()
    fresh.close()
    assert len(aside(tmp_path)) == 1


def test_a_history_of_a_newer_release_is_kept_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.sqlite3"
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()

    History(path).close()
    assert len(aside(tmp_path)) == 1
    assert "written by a newer ORFEAS" in caplog.text


def test_a_place_where_no_file_can_be_is_an_error_for_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.mkdir()
    with pytest.raises(InternalError, match="cannot be used: "):
        History(path)


def test_two_histories_of_one_file_see_each_others_jobs(tmp_path: Path) -> None:
    one, two = (History(tmp_path / "history.sqlite3") for _ in range(2))
    jobs = [make_job(), make_job()]
    one.add(jobs[0], "me")
    two.add(jobs[1], "me")
    assert one.of_owner("me", 10) == two.of_owner("me", 10) == (jobs[1], jobs[0])
    one.close()
    two.close()


def test_a_record_that_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    good, bad = make_job(), make_job()
    history.add(good, "me")
    history.add(bad, "me")
    with sqlite3.connect(path) as outside:
        outside.execute("UPDATE jobs SET record = '{\"job_id\": 5}' WHERE job_id = ?", (bad.job_id,))
    outside.close()

    assert history.of_owner("me", 10) == (good,)
    assert history.get(bad.job_id) is None
    assert "cannot be read" in caplog.text
    history.close()


def test_a_record_with_a_field_of_a_later_release_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    job = make_job()
    history.add(job, "me")
    with sqlite3.connect(path) as outside:
        outside.execute("UPDATE jobs SET record = json_set(record, '$.weather', 'rain')")
    outside.close()
    assert history.get(job.job_id) == job
    history.close()


def test_only_queued_and_running_jobs_of_ended_processes_are_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    jobs = {status: make_job(status) for status in JobStatus}
    for job in jobs.values():
        history.add(job, "")
    assert {job.job_id for job in history.abandoned()} == history.unfinished_ids()
    assert history.unfinished_ids() == {jobs[JobStatus.QUEUED].job_id, jobs[JobStatus.RUNNING].job_id}

    with sqlite3.connect(path) as outside:
        outside.execute("UPDATE jobs SET process = '1 0.00'")
    outside.close()
    assert {job.job_id for job in history.abandoned()} == history.unfinished_ids()
    history.close()


def test_means_follow_the_first_jobs_evenly_and_later_ones_slowly(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    assert history.stage_times(RECIPE) == {}
    for seconds in (1.0, 2.0, 6.0):
        history.learn(RECIPE, {Stage.SHAPE: seconds, Stage.SAVE: 0.5})
    assert history.stage_times(RECIPE) == pytest.approx({Stage.SHAPE: 3.0, Stage.SAVE: 0.5})

    for _ in range(50):
        history.learn(RECIPE, {Stage.SHAPE: 10.0})
    times = history.stage_times(RECIPE)
    assert 9.9 < times[Stage.SHAPE] < 10
    history.learn(RECIPE, {Stage.SHAPE: 20.0})
    assert history.stage_times(RECIPE)[Stage.SHAPE] == pytest.approx(times[Stage.SHAPE] * 0.9 + 2.0)
    assert history.stage_times(Recipe(JobKind.IMAGE_TO_3D, "inflate", "high")) == {}
    history.close()


def test_a_closed_history_says_so_and_closes_again_without_harm(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    history.close()
    history.close()
    with pytest.raises(InternalError, match="closed"):
        history.get(new_job_id())
