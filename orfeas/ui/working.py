"""Does work for an event in a thread: it tells how it goes, and stops with its event."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import anyio.to_thread

from orfeas.progress import Progress, Step

POLL_S = 0.1

R = TypeVar("R")


class Stop(Protocol):
    """A "please stop", such as a ``threading.Event``."""

    def set(self) -> None:
        """Ask the work to stop; called once at most, and must not raise."""
        ...

    def is_set(self) -> bool:
        """Whether it was asked to."""
        ...


@dataclass(frozen=True)
class Working:
    """Work that goes on: its last step, if it told any, and the seconds so far."""

    step: Step | None
    seconds: float


@dataclass(frozen=True)
class Done(Generic[R]):
    """What came of the work."""

    value: R


async def at_work(
    work: Callable[[Progress], R], stop: Stop, every_s: float = POLL_S
) -> AsyncGenerator[Working | Done[R], None]:
    """Do ``work`` in a worker thread; yields how it goes every ``every_s`` seconds, and what came of it last.

    An event that is cancelled, however often, asks the work to stop and waits for its end, so that the queue's slot
    stays taken until then.

    Raises:
        OrfeasError: as the work says; ``Cancelled`` where ``stop`` was set elsewhere.
    """
    told: deque[Step] = deque(maxlen=1)
    progress = Progress(told.append, stop.is_set)
    start = time.perf_counter()
    worker = asyncio.ensure_future(anyio.to_thread.run_sync(work, progress))
    try:
        while not worker.done():
            await asyncio.wait([worker], timeout=every_s)
            if not worker.done():
                yield Working(told[-1] if told else None, time.perf_counter() - start)
    except (asyncio.CancelledError, GeneratorExit):
        stop.set()
        await _settle(worker)
        worker.exception()  # nobody is left to hear it
        raise
    yield Done(worker.result())


async def finished(work: Callable[[Progress], R], stop: Stop) -> R:
    """What came of the work, as :func:`at_work` does it, for an event that tells nothing meanwhile.

    Raises:
        OrfeasError: as the work says; ``Cancelled`` where ``stop`` was set elsewhere.
    """
    async with aclosing(at_work(work, stop)) as states:
        async for state in states:
            if isinstance(state, Done):
                return state.value
    raise AssertionError("the last state is that the work is done")


class Places:
    """Where one thing is worked on at a time, such as a panel of someone's page: who comes later stops the earlier."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, threading.Event] = {}

    @contextmanager
    def taken(self, place: str) -> Iterator[threading.Event]:
        """Take the place, for as long as this is open; yields what is set when the next one takes it."""
        stop = threading.Event()
        with self._lock:
            before, self._taken[place] = self._taken.get(place), stop
        if before is not None:
            before.set()
        try:
            yield stop
        finally:
            with self._lock:
                if self._taken.get(place) is stop:
                    del self._taken[place]


async def _settle(worker: asyncio.Future[R]) -> None:
    """Wait until the worker has ended, through any number of cancellations; how, ``worker`` says."""
    while not worker.done():
        try:
            await asyncio.wait([worker])
        except asyncio.CancelledError:
            continue
