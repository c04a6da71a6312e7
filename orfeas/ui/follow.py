"""Runs a submitted job for an event of the page or the API and tells how it goes."""

import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import anyio.to_thread

from orfeas.errors import InternalError, NotFound
from orfeas.records import Job
from orfeas.studio import Studio
from orfeas.ui.working import Stop, at_work

LOGGER = logging.getLogger(__name__)


async def run_job(studio: Studio, job_id: str) -> Job:
    """Run the job in a worker thread, to its end, whatever happens to the event that asked for it.

    A job that was stopped while it waited is not run; its record says so.
    """
    async with aclosing(follow_job(studio, job_id, is_owner=False)) as records:
        async for job in records:
            last = job
    return last


async def follow_job(studio: Studio, job_id: str, is_owner: bool = True) -> AsyncGenerator[Job, None]:
    """Run the job in a worker thread and yield its record whenever it has changed, the final one last.

    The event's slot in the queue must stay taken for as long as the device works, so when the event is cancelled this
    waits for the worker all the same.

    Args:
        studio: the studio.
        job_id: a submitted job.
        is_owner: whether the job is stopped when the event is cancelled or nobody listens any more.
    """
    stop: Stop = _JobStop(studio, job_id) if is_owner else threading.Event()
    told: Job | None = None
    async with aclosing(at_work(lambda _: _run(studio, job_id), stop)) as states:
        async for _ in states:
            job = await anyio.to_thread.run_sync(studio.job, job_id)
            if job != told and not job.status.is_final:
                told = job
                yield job
    yield await anyio.to_thread.run_sync(studio.job, job_id)


@dataclass(frozen=True)
class _JobStop:
    """Stops a job through the studio, which tells the work itself."""

    studio: Studio
    job_id: str

    def set(self) -> None:
        try:
            self.studio.cancel(self.job_id)
        except InternalError:
            LOGGER.info("job %s ends with the studio, whose history is closed", self.job_id)

    def is_set(self) -> bool:
        return False


def _run(studio: Studio, job_id: str) -> None:
    try:
        studio.run(job_id)
    except NotFound:
        # Stopped before its turn came, or already running for an earlier page of the same browser.
        return
