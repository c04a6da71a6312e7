"""One live job per session, and what becomes of it: claims, refusals, cancelling, restarts."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orfeas.errors import (
    Cancelled,
    DuplicateJob,
    InternalError,
    InvalidImage,
    NotFound,
    OrfeasError,
    RateLimited,
    ServerBusy,
)
from orfeas.jobs import Caller, Jobs
from orfeas.progress import Stage, Step
from orfeas.records import ImageInfo, Job, JobKind, JobStatus, MeshReport, Scalar, is_job_id, new_job_id
from orfeas.workspace import Workspace

IMAGE = ImageInfo(64, 48, "PNG", "RGBA", True, 1234, False)
MESH = MeshReport(8, 12, 1, True, True, 2, 0, 0, 0, 8.0, 24.0, (2.0, 2.0, 2.0), True, True, 1)
TIMES = {"cut_out": 0.5, "shape": 2.0, "save": 0.5, "total": 3.1}
SOON_S = 10


def nobody_waits(job_id: str) -> bool:
    return False


def caller(session: str = "page", owner: str = "", address: str = "") -> Caller:
    return Caller(session, owner, address)


@pytest.fixture
def open_jobs(tmp_path: Path) -> Iterator[Callable[..., Jobs]]:
    opened: list[Jobs] = []

    def open_them(max_waiting: int = 8, **options: object) -> Jobs:
        workspace = Workspace(tmp_path, keep_days=7, keep_gb=1)
        jobs = Jobs(
            tmp_path / "history.sqlite3",
            flag_of=workspace.cancel_flag,
            max_waiting=max_waiting,
            **options,  # type: ignore[arg-type]  # each test names what it sets
        )
        opened.append(jobs)
        return jobs

    yield open_them
    for jobs in opened:
        jobs.close(timeout_s=0)


@pytest.fixture
def jobs(open_jobs: Callable[..., Jobs]) -> Jobs:
    made: Jobs = open_jobs()
    return made


def claim(jobs: Jobs, session: str = "page", kind: JobKind = JobKind.IMAGE_TO_3D, **more: str) -> Job:
    return jobs.claim(kind, caller(session, **more), engine="inflate", options={"quality": "draft", "seed": 7})


def run(jobs: Jobs, job: Job, times: dict[str, float] = TIMES) -> Job:
    jobs.begin(job.job_id)
    return jobs.complete(job.job_id, timings_s=times, files={"glb": 10})


def test_a_claimed_job_is_queued_and_says_what_it_was_claimed_with(jobs: Jobs) -> None:
    job = jobs.claim(
        JobKind.TEXT_TO_3D,
        caller(),
        engine="inflate",
        engine_reason="The only one here.",
        is_preview=True,
        prompt="a red apple",
        options={"quality": "draft", "seed": 7, "texture": True, "size_mm": 100.0},
        image=IMAGE,
    )
    age = datetime.now(UTC) - datetime.fromisoformat(job.created)

    assert (job.status, job.progress, job.finished, job.error) == (JobStatus.QUEUED, 0.0, None, None)
    assert (job.kind, job.engine, job.engine_reason, job.is_preview) == (
        JobKind.TEXT_TO_3D,
        "inflate",
        "The only one here.",
        True,
    )
    assert (job.prompt, job.image, job.options["texture"]) == ("a red apple", IMAGE, True)
    assert is_job_id(job.job_id)
    assert 0 <= age.total_seconds() < SOON_S
    assert jobs.get(job.job_id) == job


def test_a_job_runs_and_tells_how_far_it_is(jobs: Jobs) -> None:
    job = claim(jobs)
    assert jobs.begin(job.job_id).status == JobStatus.RUNNING
    jobs.report(job.job_id, Step(Stage.SHAPE, 14, 30), {})
    running = jobs.get(job.job_id)

    assert (running.stage, running.step, running.steps) == ("shape", 14, 30)
    assert 0 < running.progress < 1


def test_a_completed_job_has_everything_and_frees_its_session(jobs: Jobs) -> None:
    job = claim(jobs)
    jobs.begin(job.job_id)
    done = jobs.complete(job.job_id, timings_s=TIMES, files={"glb": 99}, mesh=MESH, notes=["Stepped down."])

    assert (done.status, done.progress, done.error) == (JobStatus.COMPLETED, 1.0, None)
    assert (done.timings_s, done.files, done.mesh, done.notes) == (TIMES, {"glb": 99}, MESH, ("Stepped down.",))
    assert done.finished is not None and done.finished >= done.created
    assert jobs.get(job.job_id) == done
    assert jobs.live("page") is None
    claim(jobs)


def test_a_failed_job_says_why_and_where_and_frees_its_session(jobs: Jobs) -> None:
    job = claim(jobs)
    jobs.begin(job.job_id)
    jobs.report(job.job_id, Step(Stage.CUT_OUT), {})
    failed = jobs.fail(job.job_id, InvalidImage("Nothing is in the foreground."), {"total": 0.1})

    assert failed.status == JobStatus.FAILED
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("invalid_image", "Nothing is in the foreground.")
    assert (failed.stage, failed.timings_s) == ("cut_out", {"total": 0.1})
    claim(jobs)


def test_progress_never_goes_back(jobs: Jobs) -> None:
    job = claim(jobs)
    jobs.begin(job.job_id)
    told = []
    for step in (Step(Stage.SHAPE, 5, 10), Step(Stage.CUT_OUT), Step(Stage.SURFACE), Step(Stage.SHAPE, 1, 10)):
        jobs.report(job.job_id, step, {})
        told.append(jobs.get(job.job_id).progress)
    assert told == sorted(told)
    assert told[1] == told[0] > 0


def test_a_second_claim_of_a_session_is_refused_and_names_the_first(jobs: Jobs) -> None:
    first = claim(jobs)
    with pytest.raises(DuplicateJob) as queued:
        claim(jobs, kind=JobKind.TEXT_TO_IMAGE)
    jobs.begin(first.job_id)
    with pytest.raises(DuplicateJob) as running:
        claim(jobs)

    ending = "Wait for it, or stop it first."
    assert str(queued.value) == f"Your image to 3d job {first.job_id} is still queued. {ending}"
    assert str(running.value) == f"Your image to 3d job {first.job_id} is still running. {ending}"
    assert jobs.history("page") == (jobs.get(first.job_id),)


def test_of_forty_threads_on_one_session_exactly_one_is_accepted(jobs: Jobs) -> None:
    start = threading.Barrier(40)

    def submit(_: int) -> Job | OrfeasError:
        start.wait()
        try:
            return claim(jobs)
        except DuplicateJob as error:
            return error

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(submit, range(40)))
    accepted = [answer for answer in answers if isinstance(answer, Job)]

    assert len(accepted) == 1
    assert all(accepted[0].job_id in str(answer) for answer in answers if isinstance(answer, DuplicateJob))
    assert jobs.history("page") == (accepted[0],)


def test_bare_requests_may_have_many_jobs_but_wait_like_all_others(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(max_waiting=2)
    claim(jobs, session="")
    claim(jobs, session="")
    with pytest.raises(ServerBusy):
        claim(jobs, session="")
    assert jobs.waiting() == 2
    assert jobs.live("") is None


def test_too_many_waiting_jobs_are_refused_with_their_number(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(max_waiting=2)
    first = claim(jobs, "one")
    claim(jobs, "two")
    with pytest.raises(ServerBusy, match=r"^2 jobs are waiting already\. Try again in a few minutes\.$"):
        claim(jobs, "three")

    jobs.begin(first.job_id)
    claim(jobs, "three")
    assert (jobs.waiting(), jobs.running()) == (2, 1)


def test_a_busy_server_says_when_to_come_back_once_it_knows(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(max_waiting=2)
    run(jobs, claim(jobs), {"shape": 90.0})
    claim(jobs, "one")
    claim(jobs, "two")
    with pytest.raises(ServerBusy, match=r"Try again in about 3 minutes\.$"):
        claim(jobs, "three")


def test_only_accepted_jobs_count_against_a_limit(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(session_limit="2/hour")
    first = claim(jobs)
    for _ in range(5):
        with pytest.raises(DuplicateJob):
            claim(jobs)
    run(jobs, first)
    run(jobs, claim(jobs))
    with pytest.raises(RateLimited, match=r"^A session may start 2 per 1 hour here\. Try again in 60 minutes\.$"):
        claim(jobs)
    claim(jobs, "another")


def test_a_job_waiting_for_longer_than_the_grace_with_nobody_there_is_dropped(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(is_waiting=nobody_waits, grace_s=0.05)
    left = claim(jobs)
    with pytest.raises(DuplicateJob):
        claim(jobs)
    time.sleep(0.1)
    second = claim(jobs)
    dropped = jobs.get(left.job_id)

    assert dropped.status == JobStatus.CANCELLED
    assert dropped.error is not None
    assert (dropped.error.code, dropped.error.message) == ("cancelled", "The page went away before this job started.")
    assert jobs.live("page") == second


@pytest.mark.parametrize(
    "look",
    [
        lambda jobs, job: jobs.get(job.job_id).status == JobStatus.QUEUED,
        lambda jobs, job: jobs.history("page")[0].status == JobStatus.QUEUED,
        lambda jobs, job: jobs.live("page") is not None,
        lambda jobs, job: jobs.waiting() > 0,
    ],
    ids=["get", "history", "live", "waiting"],
)
def test_nobody_is_shown_a_forsaken_job_as_queued(
    open_jobs: Callable[..., Jobs], look: Callable[[Jobs, Job], bool]
) -> None:
    jobs = open_jobs(is_waiting=nobody_waits, grace_s=0.05)
    job = claim(jobs)
    assert look(jobs, job)
    time.sleep(0.1)
    assert not look(jobs, job)


def test_the_grace_begins_anew_whenever_somebody_is_seen_to_wait(open_jobs: Callable[..., Jobs]) -> None:
    held: set[str] = set()
    jobs = open_jobs(is_waiting=held.__contains__, grace_s=0.3)
    job = claim(jobs)
    held.add(job.job_id)
    time.sleep(0.4)
    assert jobs.get(job.job_id).status == JobStatus.QUEUED

    held.clear()
    assert jobs.get(job.job_id).status == JobStatus.QUEUED
    time.sleep(0.4)
    assert jobs.get(job.job_id).status == JobStatus.CANCELLED


def test_a_running_job_is_live_until_its_worker_has_ended(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs(is_waiting=nobody_waits, grace_s=0)
    job = claim(jobs)
    jobs.begin(job.job_id)
    jobs.request_cancel(job.job_id)
    with pytest.raises(DuplicateJob):
        claim(jobs)
    jobs.cancelled(job.job_id, Cancelled("the job was stopped before it was done"), {})
    claim(jobs)


def test_cancelling_a_queued_job_ends_it_at_once_and_frees_its_session(jobs: Jobs) -> None:
    job = claim(jobs)
    ended = jobs.request_cancel(job.job_id)

    assert ended.status == JobStatus.CANCELLED
    assert ended.error is not None and ended.error.message == "Stopped before it started."
    assert jobs.is_cancelled(job.job_id)
    claim(jobs)
    with pytest.raises(Cancelled, match="Stopped before it started"):
        jobs.begin(job.job_id)


def test_cancelling_a_running_job_sets_its_flag_and_is_the_same_twice(jobs: Jobs) -> None:
    job = claim(jobs)
    running = jobs.begin(job.job_id)
    assert not jobs.is_cancelled(job.job_id)

    assert jobs.request_cancel(job.job_id) == running
    assert jobs.request_cancel(job.job_id) == running
    assert jobs.is_cancelled(job.job_id)
    ended = jobs.cancelled(job.job_id, Cancelled("the job was stopped before it was done"), {"total": 0.3})
    assert (ended.status, ended.timings_s) == (JobStatus.CANCELLED, {"total": 0.3})


def test_cancelling_a_job_that_has_ended_changes_nothing(jobs: Jobs) -> None:
    done = run(jobs, claim(jobs))
    assert jobs.request_cancel(done.job_id) == done
    assert jobs.get(done.job_id) == done


def test_the_first_end_of_a_job_is_its_only_one(jobs: Jobs) -> None:
    done = run(jobs, claim(jobs))
    assert jobs.fail(done.job_id, InternalError("late"), {}) == done
    assert jobs.cancelled(done.job_id, Cancelled("late"), {}) == done
    assert jobs.complete(done.job_id, timings_s={}, files={}) == done
    jobs.report(done.job_id, Step(Stage.SHAPE), {})
    assert jobs.get(done.job_id) == done


def test_a_queued_job_that_another_process_stopped_does_not_begin(jobs: Jobs, tmp_path: Path) -> None:
    job = claim(jobs)
    Workspace(tmp_path, keep_days=7, keep_gb=1).cancel_flag(job.job_id).set()
    assert jobs.is_cancelled(job.job_id)
    with pytest.raises(Cancelled):
        jobs.begin(job.job_id)


def test_a_job_does_not_begin_twice(jobs: Jobs) -> None:
    done = run(jobs, claim(jobs))
    with pytest.raises(NotFound):
        jobs.begin(done.job_id)


@pytest.mark.parametrize("job_id", ["", "..\\..\\x", "../../etc/passwd", "'; DROP TABLE jobs; --", "0" * 32, "A" * 32])
def test_an_unknown_or_hostile_id_is_not_found_and_not_repeated(jobs: Jobs, job_id: str) -> None:
    asks: list[Callable[[], object]] = [
        lambda: jobs.get(job_id),
        lambda: jobs.begin(job_id),
        lambda: jobs.request_cancel(job_id),
        lambda: jobs.add_file(job_id, "stl", 1),
        lambda: jobs.fail(job_id, InternalError("x"), {}),
    ]
    for ask in asks:
        with pytest.raises(NotFound) as error:
            ask()
        assert str(error.value) == "There is no such job, or its files have expired."


def test_the_history_is_the_owners_newest_first_and_has_live_progress(jobs: Jobs) -> None:
    old = run(jobs, claim(jobs, "one", owner="me"))
    claim(jobs, "two", owner="someone else")
    new = claim(jobs, "one", owner="me")
    jobs.begin(new.job_id)
    jobs.report(new.job_id, Step(Stage.SURFACE), {})

    listed = jobs.history("me")
    assert [job.job_id for job in listed] == [new.job_id, old.job_id]
    assert listed[0].stage == "surface"
    assert jobs.history("me", limit=1) == listed[:1]


def test_jobs_without_owner_and_session_are_in_no_history(jobs: Jobs) -> None:
    job = claim(jobs, session="")
    assert jobs.history("") == ()
    assert jobs.get(job.job_id) == job


def test_an_adopted_sessions_jobs_are_the_browsers_before_and_after(jobs: Jobs) -> None:
    before = run(jobs, claim(jobs, "page"))
    other = run(jobs, claim(jobs, "elsewhere"))
    jobs.adopt("page", "token")
    after = run(jobs, claim(jobs, "page"))
    jobs.adopt("reloaded", "token")
    reloaded = claim(jobs, "reloaded")

    assert jobs.owner_of("reloaded") == "token"
    assert [job.job_id for job in jobs.history("token")] == [reloaded.job_id, after.job_id, before.job_id]
    assert jobs.history("page") == ()
    assert jobs.history("elsewhere") == (other,)


def test_a_request_without_a_session_adopts_nothing(jobs: Jobs) -> None:
    job = claim(jobs, session="")
    jobs.adopt("", "token")
    assert jobs.history("token") == ()
    assert jobs.get(job.job_id) == job


def test_a_session_that_changes_browsers_takes_nothing_from_the_first(jobs: Jobs) -> None:
    jobs.adopt("page", "first")
    job = run(jobs, claim(jobs, "page"))
    jobs.adopt("page", "second")
    assert jobs.history("first") == (job,)
    assert jobs.history("second") == ()


def test_jobs_ahead_are_what_runs_and_what_was_claimed_before(jobs: Jobs) -> None:
    one, two, three = (claim(jobs, session) for session in ("one", "two", "three"))
    assert [jobs.ahead(job.job_id) for job in (one, two, three)] == [0, 1, 2]
    jobs.begin(two.job_id)
    assert [jobs.ahead(job.job_id) for job in (one, two, three)] == [1, 0, 2]
    jobs.complete(two.job_id, timings_s={}, files={})
    assert [jobs.ahead(job.job_id) for job in (one, two, three)] == [0, 0, 1]


def test_the_time_left_counts_the_queue_and_runs_down(jobs: Jobs) -> None:
    assert jobs.expected_s(JobKind.IMAGE_TO_3D, "inflate", "draft") is None
    first = claim(jobs)
    assert jobs.left_s(first.job_id) is None
    run(jobs, first, {"cut_out": 10.0, "shape": 80.0, "save": 10.0, "total": 101.0})
    assert jobs.expected_s(JobKind.IMAGE_TO_3D, "inflate", "draft") == pytest.approx(100)
    assert jobs.expected_s(JobKind.IMAGE_TO_3D, "inflate", "high") is None

    running, queued = claim(jobs, "one"), claim(jobs, "two")
    assert jobs.left_s(queued.job_id) == pytest.approx(200)
    jobs.begin(running.job_id)
    jobs.report(running.job_id, Step(Stage.SHAPE, 40, 80), {})
    assert jobs.get(running.job_id).progress == pytest.approx(0.5)
    assert jobs.left_s(running.job_id) == pytest.approx(50, abs=5)
    assert jobs.left_s(queued.job_id) == pytest.approx(150, abs=5)
    assert jobs.left_s(first.job_id) is None


def test_failed_and_cancelled_jobs_teach_no_times(jobs: Jobs) -> None:
    failed = claim(jobs)
    jobs.begin(failed.job_id)
    jobs.fail(failed.job_id, InternalError("x"), {"shape": 1.0})
    stopped = claim(jobs)
    jobs.begin(stopped.job_id)
    jobs.cancelled(stopped.job_id, Cancelled("x"), {"shape": 1.0})
    assert jobs.expected_s(JobKind.IMAGE_TO_3D, "inflate", "draft") is None


def test_a_file_made_later_is_noted(jobs: Jobs) -> None:
    done = run(jobs, claim(jobs))
    jobs.add_file(done.job_id, "stl", 77)
    assert jobs.add_file(done.job_id, "stl", 77) == jobs.get(done.job_id)
    assert jobs.get(done.job_id).files == {"glb": 10, "stl": 77}


def test_forgotten_jobs_are_not_found_and_live_ones_are_not_forgotten(jobs: Jobs) -> None:
    done = run(jobs, claim(jobs, "one"))
    live = claim(jobs, "two")
    assert jobs.is_live(live.job_id)
    assert not jobs.is_live(done.job_id)
    jobs.forget([done.job_id, live.job_id])

    with pytest.raises(NotFound):
        jobs.get(done.job_id)
    assert jobs.history("two") == (live,)


def test_a_restart_keeps_the_history_and_the_times(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs()
    job = jobs.claim(
        JobKind.IMAGE_TO_3D,
        caller(owner="me"),
        engine="inflate",
        prompt="<b>\"'; DROP TABLE jobs; --\u0000\U0001f34e",
        options={"quality": "draft", "texture": True, "seed": 7, "size_mm": 100.0, "negative_prompt": ""},
        image=IMAGE,
    )
    jobs.begin(job.job_id)
    done = jobs.complete(job.job_id, timings_s=TIMES, files={"glb": 99}, mesh=MESH, notes=("A note.",))
    jobs.close()

    reopened = open_jobs()
    assert reopened.history("me") == (done,)
    assert reopened.get(job.job_id) == done
    assert isinstance(reopened.get(job.job_id).options["texture"], bool)
    assert isinstance(reopened.get(job.job_id).options["size_mm"], float)
    assert reopened.expected_s(JobKind.IMAGE_TO_3D, "inflate", "draft") == pytest.approx(3.0)


def test_jobs_that_the_end_of_the_process_interrupted_become_failed(open_jobs: Callable[..., Jobs]) -> None:
    first = open_jobs()
    running, queued = claim(first, "one"), claim(first, "two")
    first.begin(running.job_id)

    second = open_jobs()
    for job in (running, queued):
        ended = second.get(job.job_id)
        assert ended.status == JobStatus.FAILED
        assert ended.finished is not None
        assert ended.error is not None
        assert ended.error.code == "internal"
        assert ended.error.message == "The studio was restarted before this job was done; start it again."
    claim(second, "one")


CHILD = """
import sys, time
from pathlib import Path
from orfeas.jobs import Caller, Jobs
from orfeas.records import JobKind
from orfeas.workspace import Workspace
folder = Path(sys.argv[1])
workspace = Workspace(folder, keep_days=7, keep_gb=1)
jobs = Jobs(folder / "history.sqlite3", flag_of=workspace.cancel_flag, max_waiting=8)
job = jobs.claim(JobKind.IMAGE_TO_3D, Caller("child", "", ""))
jobs.begin(job.job_id)
print(job.job_id, flush=True)
while not jobs.is_cancelled(job.job_id):
    time.sleep(0.01)
print("stopping", flush=True)
time.sleep(60)
"""


def test_another_processes_job_can_be_seen_and_stopped_and_fails_when_that_process_is_killed(
    open_jobs: Callable[..., Jobs], tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            job_id = child.stdout.readline().strip()
            jobs = open_jobs()
            assert jobs.get(job_id).status == JobStatus.RUNNING
            assert jobs.is_live(job_id)
            jobs.request_cancel(job_id)
            assert child.stdout.readline() == "stopping\n"
        finally:
            os.kill(child.pid, signal.SIGKILL)
    jobs.close()
    assert open_jobs().get(job_id).status == JobStatus.FAILED


def test_closing_stops_what_runs_and_waits_for_it(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs()
    running, queued = claim(jobs, "one"), claim(jobs, "two")
    jobs.begin(running.job_id)

    def work() -> None:
        while not jobs.is_cancelled(running.job_id):
            time.sleep(0.01)
        jobs.cancelled(running.job_id, Cancelled("the job was stopped before it was done"), {"total": 1.0})

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        start = time.monotonic()
        jobs.close(timeout_s=4 * SOON_S)
        jobs.close()
        worker.result(SOON_S)
        assert time.monotonic() - start < SOON_S

    reopened = open_jobs()
    assert reopened.get(running.job_id).timings_s == {"total": 1.0}
    ended = reopened.get(queued.job_id)
    assert ended.status == JobStatus.CANCELLED
    assert ended.error is not None
    assert ended.error.message == "The studio was stopped before this job was done; start it again."


def test_a_worker_that_is_too_late_for_closing_finds_its_job_ended(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs()
    job = claim(jobs)
    jobs.begin(job.job_id)
    jobs.close(timeout_s=0.05)

    jobs.report(job.job_id, Step(Stage.SAVE), {})
    assert jobs.is_cancelled(job.job_id)
    assert jobs.complete(job.job_id, timings_s={}, files={}).status == JobStatus.CANCELLED
    with pytest.raises(ServerBusy, match="being stopped"):
        claim(jobs, "another")
    with pytest.raises(InternalError, match="closed"):
        jobs.get(new_job_id())


def test_a_history_that_cannot_be_written_refuses_new_jobs_and_keeps_no_session_stuck(
    open_jobs: Callable[..., Jobs], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = open_jobs()
    job = claim(jobs)
    jobs.begin(job.job_id)
    with sqlite3.connect(tmp_path / "history.sqlite3") as outside:
        outside.execute("ALTER TABLE jobs RENAME TO hidden")
    done = jobs.complete(job.job_id, timings_s=TIMES, files={"glb": 1})

    assert done.status == JobStatus.COMPLETED
    assert jobs.get(job.job_id) == done
    assert jobs.live("page") is None
    assert f"job {job.job_id} has ended, and cannot be recorded yet" in caplog.text
    with pytest.raises(InternalError, match="history cannot be used") as refused:
        claim(jobs)
    assert "/" not in str(refused.value)

    with outside:
        outside.execute("ALTER TABLE hidden RENAME TO jobs")
    outside.close()
    run(jobs, claim(jobs))
    jobs.close()
    assert open_jobs().get(job.job_id) == done


def test_times_that_cannot_be_written_do_not_fail_the_job(
    jobs: Jobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = claim(jobs)
    jobs.begin(job.job_id)
    with sqlite3.connect(tmp_path / "history.sqlite3") as outside:
        outside.execute("DROP TABLE stage_times")
    outside.close()
    assert jobs.complete(job.job_id, timings_s=TIMES, files={}).status == JobStatus.COMPLETED
    assert f"the times of job {job.job_id} cannot be recorded" in caplog.text


def test_ten_sessions_at_random_leave_nothing_behind(open_jobs: Callable[..., Jobs]) -> None:
    jobs = open_jobs()
    device = threading.Lock()
    on_device: list[int] = []

    def work(number: int) -> int:
        accepted = 0
        for turn in range(12):
            try:
                job = claim(jobs, f"session-{(number + turn) % 10}")
            except (DuplicateJob, ServerBusy):
                continue
            accepted += 1
            if turn % 3 == 0:
                jobs.request_cancel(job.job_id)
            with device:
                try:
                    jobs.begin(job.job_id)
                except Cancelled as error:
                    jobs.cancelled(job.job_id, error, {})
                    continue
                on_device.append(jobs.running())
                jobs.report(job.job_id, Step(Stage.SHAPE), {})
                jobs.complete(job.job_id, timings_s=TIMES, files={})
        return accepted

    with ThreadPoolExecutor(10) as pool:
        accepted = sum(pool.map(work, range(10)))

    assert accepted > 0
    assert set(on_device) == {1}
    assert (jobs.waiting(), jobs.running()) == (0, 0)
    assert jobs.live_ids() == frozenset()
    assert sum(len(jobs.history(f"session-{n}", limit=1000)) for n in range(10)) == accepted


def test_each_painter_has_times_of_its_own(jobs: Jobs) -> None:
    for painter, seconds in (("projection", 1.0), ("hunyuan3d-2.1", 30.0)):
        options: dict[str, Scalar] = {"quality": "draft", "texture": True, "texture_engine": painter}
        job = jobs.claim(JobKind.IMAGE_TO_3D, Caller(painter, "", ""), engine="hunyuan3d-2.1", options=options)
        run(jobs, job, {"shape": 5.0, "texture": seconds})
    kind = JobKind.IMAGE_TO_3D
    assert jobs.expected_s(kind, "hunyuan3d-2.1+projection", "draft") == pytest.approx(6)
    assert jobs.expected_s(kind, "hunyuan3d-2.1+hunyuan3d-2.1", "draft") == pytest.approx(35)


def test_a_job_is_never_all_done_before_its_end(jobs: Jobs) -> None:
    run(jobs, claim(jobs), {"shape": 5.0})
    job = claim(jobs)
    jobs.begin(job.job_id)
    jobs.report(job.job_id, Step(Stage.SAVE), {})
    assert jobs.get(job.job_id).progress == 0.99
