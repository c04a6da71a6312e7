"""The jobs that have not ended, in the order they were claimed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orfeas.errors import DuplicateJob, ServerBusy
from orfeas.jobs.plan import Plan
from orfeas.jobs.rates import in_words
from orfeas.progress import Step
from orfeas.records import Job, JobStatus

# A plan may leave out what comes; only the end of a job is the whole of it.
MOST_WHILE_LIVE = 0.99


@dataclass(frozen=True)
class Pace:
    """Where a stage was first heard of, and when; ``time.monotonic``.

    ``counted_from`` and ``counted_at`` are of its first step that has a number.
    """

    stage: str
    begun_at: float
    counted_from: int = 0
    counted_at: float | None = None

    def after(self, step: Step, now: float) -> "Pace":
        """The pace once ``step`` was told."""
        own = self if self.stage == step.stage else Pace(step.stage, now)
        if step.total and own.counted_at is None:
            return replace(own, counted_from=step.done, counted_at=now)
        return own

    def step_s(self, step: Step, now: float) -> float | None:
        """Seconds for each step so far; None before the second one."""
        if self.counted_at is None or step.done <= self.counted_from:
            return None
        return (now - self.counted_at) / (step.done - self.counted_from)


@dataclass(frozen=True)
class LiveJob:
    """A job that has not ended.

    Attributes:
        job: its record.
        session: who may not start another; empty: nobody.
        plan: what it is expected to pass.
        held_at: when somebody was last seen to wait for it, ``time.monotonic``.
        told_at: when it last told how far it is, ``time.monotonic``.
        pace: how fast its stage goes.
    """

    job: Job
    session: str
    plan: Plan
    held_at: float
    told_at: float
    pace: Pace = Pace("", 0.0)

    @property
    def left_s(self) -> float | None:
        """Seconds of its own work that are left: what it last told, less the time since."""
        if self.job.status == JobStatus.QUEUED:
            return self.plan.total_s
        return None if self.job.left_s is None else max(0.0, self.job.left_s - (time.monotonic() - self.told_at))

    def begun(self) -> "LiveJob":
        """The job as it starts."""
        job = replace(self.job, status=JobStatus.RUNNING, left_s=self.plan.total_s)
        return replace(self, job=job, told_at=time.monotonic())

    def told(self, step: Step, timings_s: Mapping[str, float]) -> "LiveJob":
        """The job once it has told of a step; progress never goes back."""
        now = time.monotonic()
        pace = self.pace.after(step, now)
        job = replace(
            self.job,
            stage=step.stage.value,
            step=step.done,
            steps=step.total,
            progress=max(self.job.progress, min(MOST_WHILE_LIVE, self.plan.progress(step))),
            left_s=self.plan.left_s(step, now - pace.begun_at, pace.step_s(step, now)),
            timings_s=dict(timings_s),
        )
        return replace(self, job=job, told_at=now, pace=pace)


class LiveJobs:
    """All of them. Not safe for threads: the caller holds its own lock."""

    def __init__(self) -> None:
        self._jobs: dict[str, LiveJob] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def __iter__(self) -> Iterator[LiveJob]:
        """A snapshot, so that jobs may end meanwhile."""
        return iter(list(self._jobs.values()))

    def get(self, job_id: str) -> LiveJob | None:
        """The job, if it is live."""
        return self._jobs.get(job_id)

    def put(self, live: LiveJob) -> None:
        """Add the job at the end, or replace it where it stands."""
        self._jobs[live.job.job_id] = live

    def pop(self, job_id: str) -> LiveJob | None:
        """Take the job out, if it is live."""
        return self._jobs.pop(job_id, None)

    def refuse(self, session: str, max_waiting: int) -> None:
        """Refuse a new job that would be one too many.

        Raises:
            DuplicateJob: the session has a live job; the message names it.
            ServerBusy: ``max_waiting`` or more wait; says how many, and when to come back.
        """
        live = self.of_session(session)
        if live is not None:
            what = live.job.kind.value.replace("_", " ")
            state = f"Your {what} job {live.job.job_id} is still {live.job.status.value}."
            raise DuplicateJob(f"{state} Wait for it, or stop it first.")
        waiting = self.count(JobStatus.QUEUED)
        if waiting >= max_waiting:
            left_s = total_left_s(self)
            when = f"in about {in_words(left_s)}" if left_s else "in a few minutes"
            raise ServerBusy(f"{waiting} jobs are waiting already. Try again {when}.")

    def of_session(self, session: str) -> LiveJob | None:
        """The session's job; the empty session has none."""
        return next((live for live in self if session and live.session == session), None)

    def count(self, status: JobStatus) -> int:
        """How many are queued, or running."""
        return sum(live.job.status == status for live in self)

    def before(self, job_id: str) -> tuple[LiveJob, ...]:
        """Those that come before ``job_id``: what runs, then what was claimed earlier; none where it runs itself."""
        own = self._jobs.get(job_id)
        if own is None or own.job.status == JobStatus.RUNNING:
            return ()
        order = list(self._jobs)
        earlier = set(order[: order.index(job_id)])
        return tuple(live for live in self if live.job.job_id in earlier or live.job.status == JobStatus.RUNNING)

    def left_s(self, job_id: str) -> float | None:
        """Seconds until the job will have ended, those before it included; None where a time is not known yet."""
        own = self._jobs.get(job_id)
        return None if own is None else total_left_s((*self.before(job_id), own))


def total_left_s(jobs: Iterable[LiveJob]) -> float | None:
    """Seconds that the jobs take one after another; None where one of them is not known yet."""
    total_s = 0.0
    for live in jobs:
        left_s = live.left_s
        if left_s is None:
            return None
        total_s += left_s
    return total_s
