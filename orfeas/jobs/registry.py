"""The jobs of this process: who may start one, how far each is, and how it ended.

claim → queued → begin → running → complete | fail | cancelled
↘ request_cancel, or nobody waits for it any more → cancelled
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orfeas.errors import Cancelled, InternalError, NotFound, OrfeasError, ServerBusy
from orfeas.jobs.callers import Caller, Owners
from orfeas.jobs.history import History, Recipe
from orfeas.jobs.live import LiveJob, LiveJobs
from orfeas.jobs.plan import make_plan
from orfeas.jobs.rates import Rates
from orfeas.progress import CancelFlag, Stage, Step
from orfeas.records import Failure, ImageInfo, Job, JobKind, JobStatus, MeshReport, Scalar, is_job_id, new_job_id

LOGGER = logging.getLogger(__name__)

# A page claims with one request and queues with the next; on a slow line, or after a reload, that takes a while.
GRACE_S = 5.0
CLOSE_TIMEOUT_S = 3.0

LEFT = Failure(Cancelled.code, "The page went away before this job started.")
STOPPED_EARLY = Failure(Cancelled.code, "Stopped before it started.")
CLOSED = Failure(Cancelled.code, "The studio was stopped before this job was done; start it again.")
INTERRUPTED = Failure(InternalError.code, "The studio was restarted before this job was done; start it again.")
UNKNOWN = "There is no such job, or its files have expired."


class Jobs:
    """All jobs, safe for threads.

    Args:
        database: SQLite file with the history; jobs that a process left unfinished there become failed.
        flag_of: where a job's cancel flag lies.
        max_waiting: queued jobs beyond which new ones are refused.
        session_limit: jobs a session may start, such as ``20/hour``; empty is no limit.
        address_limit: jobs a network address may start; empty is no limit.
        is_waiting: whether somebody still waits for that queued job; asked often, must be quick.
        grace_s: how long nobody may wait for a queued job before it is cancelled.

    Raises:
        InternalError: the database cannot be used.
    """

    def __init__(
        self,
        database: Path,
        *,
        flag_of: Callable[[str], CancelFlag],
        max_waiting: int,
        session_limit: str = "",
        address_limit: str = "",
        is_waiting: Callable[[str], bool] = lambda job_id: True,
        grace_s: float = GRACE_S,
    ) -> None:
        self._history = History(database)
        self._flag_of = flag_of
        self._max_waiting = max_waiting
        self._rates = Rates(session_limit, address_limit)
        self._is_waiting = is_waiting
        self._grace_s = grace_s
        # Reentrant; notified whenever a job has ended.
        self._lock = threading.Condition()
        self._is_closed = False
        self._owners = Owners()
        self._live = LiveJobs()
        # Final records that the history does not hold yet.
        self._unsaved: dict[str, Job] = {}
        self._fail_abandoned()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Stop what waits and what runs, give workers so long to notice, and let go of the history."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            for live in self._live:
                if live.job.status == JobStatus.QUEUED:
                    self._cancel(live.job.job_id, CLOSED)
                else:
                    self._flag_of(live.job.job_id).set()
            self._lock.wait_for(lambda: not list(self._live), timeout_s)
            late = [self._cancel(live.job.job_id, CLOSED) for live in self._live]
            # A worker that is late finds its job ended.
            self._unsaved.update({job.job_id: job for job in late})
            self._history.close()

    def claim(
        self,
        kind: JobKind,
        caller: Caller,
        *,
        engine: str = "",
        engine_reason: str = "",
        is_preview: bool = False,
        name: str = "",
        prompt: str = "",
        final_prompt: str = "",
        options: Mapping[str, Scalar] | None = None,
        image: ImageInfo | None = None,
    ) -> Job:
        """Accept a job, or refuse it; an accepted one is recorded, as queued, before this returns.

        Raises:
            DuplicateJob: the session has a live job; the message names it.
            ServerBusy: too many wait; says how many.
            RateLimited: over the operator's limit; says when to come back.
            InternalError: the history cannot be written.
        """
        job = Job(
            job_id=new_job_id(),
            kind=kind,
            status=JobStatus.QUEUED,
            created=_now(),
            engine=engine,
            engine_reason=engine_reason,
            is_preview=is_preview,
            name=name,
            prompt=prompt,
            final_prompt=final_prompt,
            options=dict(options or {}),
            image=image,
        )
        with self._lock:
            self._drop_forsaken()
            if self._is_closed:
                raise ServerBusy("The studio is being stopped. Try again in a minute.")
            self._live.refuse(caller.session, self._max_waiting)
            self._rates.check(caller.session, caller.address)
            has_texture = bool(job.options.get("texture", True))
            plan = make_plan(kind, self._history.stage_times(Recipe.of(job)), has_texture=has_texture)
            self._history.add(job, caller.owner or self._owners.owner_of(caller.session))
            self._rates.spend(caller.session, caller.address)
            now = time.monotonic()
            self._live.put(LiveJob(job, caller.session, plan, held_at=now, told_at=now))
        return job

    def begin(self, job_id: str) -> Job:
        """The job has the device and starts now.

        Raises:
            Cancelled: it was stopped before.
            NotFound: no such job waits here.
        """
        with self._lock:
            live = self._live.get(job_id)
            if live is None:
                job = self.get(job_id)
                if job.status == JobStatus.CANCELLED and job.error is not None:
                    raise Cancelled(job.error.message)
                raise NotFound("This job has ended.")
            if self._flag_of(job_id).is_set():
                raise Cancelled(STOPPED_EARLY.message)
            begun = live.begun()
            self._history.update(begun.job)
            self._live.put(begun)
        return begun.job

    def report(self, job_id: str, step: Step, timings_s: Mapping[str, float]) -> None:
        """Note how far a running job is, and what its stages took. In memory only."""
        with self._lock:
            live = self._live.get(job_id)
            if live is not None and live.job.status == JobStatus.RUNNING:
                self._live.put(live.told(step, timings_s))

    def complete(
        self,
        job_id: str,
        *,
        timings_s: Mapping[str, float],
        files: Mapping[str, int],
        mesh: MeshReport | None = None,
        mesh_before: MeshReport | None = None,
        notes: Collection[str] = (),
        options: Mapping[str, Scalar] | None = None,
    ) -> Job:
        """The job is done; its times enter the means. A job that has ended stays as it is, here and below.

        ``options`` are those it came to, where they differ from those it was claimed with.

        Raises:
            NotFound: no such job.
        """

        def end(job: Job) -> Job:
            done = replace(job, status=JobStatus.COMPLETED, progress=1.0, notes=tuple(notes))
            done = replace(done, mesh=mesh, mesh_before=mesh_before, options=dict(options or job.options))
            return replace(done, files=dict(files), timings_s=dict(timings_s))

        with self._lock:
            was_live = job_id in self._live
            job = self._end(job_id, end)
            if was_live:
                self._learn(job)
        return job

    def fail(self, job_id: str, error: OrfeasError, timings_s: Mapping[str, float]) -> Job:
        """The job failed.

        Raises:
            NotFound: no such job.
        """
        failure = Failure(error.code, str(error))
        return self._end(
            job_id, lambda job: replace(job, status=JobStatus.FAILED, error=failure, timings_s=dict(timings_s))
        )

    def cancelled(self, job_id: str, error: Cancelled, timings_s: Mapping[str, float]) -> Job:
        """The job's worker has stopped, as it was asked to: by the user, or because the studio is being stopped.

        Raises:
            NotFound: no such job.
        """
        why = CLOSED if self._is_closed else Failure(error.code, str(error))
        return self._cancel(job_id, why, timings_s)

    def request_cancel(self, job_id: str) -> Job:
        """Ask a job to stop: one that waits has ended at once, one that runs ends when its worker notices.

        Raises:
            NotFound: no such job.
        """
        with self._lock:
            job = self.get(job_id)
            if job.status == JobStatus.QUEUED and job_id in self._live:
                return self._cancel(job_id, STOPPED_EARLY)
            if not job.status.is_final:
                self._flag_of(job_id).set()
            return job

    def is_cancelled(self, job_id: str) -> bool:
        """Whether the job's worker should stop: it was asked to, or the job has ended without it."""
        return job_id not in self._live or self._flag_of(job_id).is_set()

    def get(self, job_id: str) -> Job:
        """The job as it stands.

        Raises:
            NotFound: no such job, or it was forgotten.
        """
        if not is_job_id(job_id):
            raise NotFound(UNKNOWN)
        with self._lock:
            self._drop_if_forsaken(job_id)
            job = self._in_memory(job_id) or self._history.get(job_id)
        if job is None:
            raise NotFound(UNKNOWN)
        return job

    def history(self, owner: str, limit: int = 50) -> tuple[Job, ...]:
        """The owner's jobs, newest first; nobody's jobs (``owner`` empty) are in no history."""
        with self._lock:
            self._drop_forsaken()
            jobs = self._history.of_owner(owner, limit) if owner else ()
            return tuple(self._in_memory(job.job_id) or job for job in jobs)

    def adopt(self, session: str, owner: str) -> None:
        """The session's jobs are the owner's, those it has made so far too."""
        if session and owner:
            with self._lock:
                self._history.give(session, owner)
                self._owners.adopt(session, owner)

    def owner_of(self, session: str) -> str:
        """Who adopted the session, or the session itself."""
        with self._lock:
            return self._owners.owner_of(session)

    def live(self, session: str) -> Job | None:
        """The session's job that is queued or running."""
        with self._lock:
            self._drop_forsaken()
            live = self._live.of_session(session)
            return live.job if live else None

    def is_live(self, job_id: str) -> bool:
        """Whether the job is queued or running, in this process or another."""
        return job_id in self.live_ids()

    def live_ids(self) -> frozenset[str]:
        """The jobs that are queued or running, other processes' too."""
        with self._lock:
            return self._history.unfinished_ids() | {live.job.job_id for live in self._live}

    def waiting(self) -> int:
        """How many jobs are queued."""
        with self._lock:
            self._drop_forsaken()
            return self._live.count(JobStatus.QUEUED)

    def running(self) -> int:
        """How many jobs run."""
        with self._lock:
            return self._live.count(JobStatus.RUNNING)

    def ahead(self, job_id: str) -> int:
        """How many jobs come before this one; 0 where it runs or has ended."""
        with self._lock:
            self._drop_forsaken()
            return len(self._live.before(job_id))

    def expected_s(self, kind: JobKind, engine: str, quality: str) -> float | None:
        """Seconds such a job takes on this machine, by the mean of those before it; None before the first.

        ``engine`` is the shape's, or ``shape+texture`` where another paints.
        """
        return make_plan(kind, self._history.stage_times(Recipe(kind, engine, quality))).total_s

    def left_s(self, job_id: str) -> float | None:
        """Seconds until the job will have ended, those before it included; None where nothing is known yet."""
        with self._lock:
            return self._live.left_s(job_id)

    def add_file(self, job_id: str, file_format: str, size_bytes: int) -> Job:
        """Note a file that was made after the job had ended.

        Raises:
            NotFound: no such job.
        """
        with self._lock:
            job = self.get(job_id)
            if job.files.get(file_format) != size_bytes:
                job = replace(job, files={**job.files, file_format: size_bytes})
                self._history.update(job)
            return job

    def forget(self, job_ids: Collection[str]) -> None:
        """Take jobs whose files have expired out of the history; a live one stays."""
        with self._lock:
            self._history.delete([job_id for job_id in job_ids if job_id not in self._live])

    def _in_memory(self, job_id: str) -> Job | None:
        live = self._live.get(job_id)
        return live.job if live else self._unsaved.get(job_id)

    def _drop_forsaken(self) -> None:
        for live in self._live:
            self._drop_if_forsaken(live.job.job_id)

    def _drop_if_forsaken(self, job_id: str) -> None:
        """Cancel a queued job that nobody has waited for for a while, so that its session is free again."""
        live = self._live.get(job_id)
        if live is None or live.job.status != JobStatus.QUEUED:
            return
        now = time.monotonic()
        if self._is_waiting(job_id):
            self._live.put(replace(live, held_at=now))
        elif now - live.held_at > self._grace_s:
            self._cancel(job_id, LEFT)

    def _cancel(self, job_id: str, why: Failure, timings_s: Mapping[str, float] | None = None) -> Job:
        times = dict(timings_s or {})
        return self._end(job_id, lambda job: replace(job, status=JobStatus.CANCELLED, error=why, timings_s=times))

    def _end(self, job_id: str, end: Callable[[Job], Job]) -> Job:
        """Free the session, then record the end; a history that cannot be written holds nobody up."""
        with self._lock:
            live = self._live.pop(job_id)
            if live is None:
                return self.get(job_id)
            job = self._unsaved[job_id] = replace(end(live.job), left_s=None, finished=_now())
            self._save_ended()
            self._lock.notify_all()
        return job

    def _save_ended(self) -> None:
        for job in list(self._unsaved.values()):
            try:
                self._history.update(job)
            except InternalError:
                LOGGER.error("job %s has ended, and cannot be recorded yet", job.job_id)
                return
            del self._unsaved[job.job_id]

    def _learn(self, job: Job) -> None:
        times = {stage: job.timings_s[stage.value] for stage in Stage if stage.value in job.timings_s}
        try:
            self._history.learn(Recipe.of(job), times)
        except InternalError:
            LOGGER.error("the times of job %s cannot be recorded", job.job_id)

    def _fail_abandoned(self) -> None:
        abandoned = self._history.abandoned()
        for job in abandoned:
            self._history.update(replace(job, status=JobStatus.FAILED, finished=_now(), error=INTERRUPTED))
        if abandoned:
            LOGGER.warning("%d jobs were interrupted when the studio last stopped", len(abandoned))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
