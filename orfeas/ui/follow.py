"""Runs a submitted job for an event of the page or the API and tells how it goes."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import anyio.to_thread

from orfeas.errors import InternalError, NotFound
from orfeas.records import Job
from orfeas.studio import Studio

LOGGER = logging.getLogger(__name__)

POLL_S = 0.1

Ended = TypeVar("Ended")


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
    worker = asyncio.ensure_future(anyio.to_thread.run_sync(_run, studio, job_id))
    told: Job | None = None
    try:
        while not worker.done():
            await asyncio.wait([worker], timeout=POLL_S)
            job = await anyio.to_thread.run_sync(studio.job, job_id)
            if job != told and not job.status.is_final:
                told = job
                yield job
    except (asyncio.CancelledError, GeneratorExit):
        if is_owner:
            try:
                studio.cancel(job_id)
            except InternalError:
                LOGGER.info("job %s ends with the studio, whose history is closed", job_id)
        await settle(worker)
        raise
    worker.result()
    yield await anyio.to_thread.run_sync(studio.job, job_id)


def _run(studio: Studio, job_id: str) -> None:
    try:
        studio.run(job_id)
    except NotFound:
        # Stopped before its turn came, or already running for an earlier page of the same browser.
        return


async def settle(worker: asyncio.Future[Ended]) -> None:
    """Wait until the worker has ended, through any number of cancellations; how, ``worker`` says."""
    while not worker.done():
        try:
            await asyncio.wait([worker])
        except asyncio.CancelledError:
            continue
