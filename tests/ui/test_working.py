"""Work in a thread, for as long as its event is wanted."""

import asyncio
import threading
import time
from contextlib import aclosing

import pytest

from orfeas.errors import Cancelled, InvalidMesh
from orfeas.progress import Progress, Stage, Step
from orfeas.ui.working import Done, Places, Working, at_work, finished


class Slow:
    """Work that goes on until it is stopped, and takes a while to end then."""

    def __init__(self, ends_in_s: float = 0.0) -> None:
        self.ends_in_s = ends_in_s
        self.has_begun = threading.Event()
        self.has_ended = threading.Event()

    def __call__(self, progress: Progress) -> str:
        self.has_begun.set()
        try:
            with progress.stage(Stage.REPAIR):
                while True:
                    progress.step(1, 3)
                    time.sleep(0.01)
        finally:
            time.sleep(self.ends_in_s)
            self.has_ended.set()


async def until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.01)


def test_work_that_is_done_at_once_tells_only_its_end() -> None:
    async def states() -> list[object]:
        return [state async for state in at_work(lambda _: "made", threading.Event())]

    assert asyncio.run(states()) == [Done("made")]


def test_work_that_takes_long_tells_its_last_step_and_the_seconds() -> None:
    async def first() -> Working | Done[str]:
        async with aclosing(at_work(Slow(), threading.Event(), every_s=0.2)) as states:
            return await anext(states)

    state = asyncio.run(first())
    assert isinstance(state, Working)
    assert state.step == Step(Stage.REPAIR, 1, 3)
    assert 0.2 <= state.seconds < 2


def test_how_the_work_failed_is_raised() -> None:
    def fail(_: Progress) -> None:
        raise InvalidMesh("It is none.")

    with pytest.raises(InvalidMesh, match="It is none"):
        asyncio.run(finished(fail, threading.Event()))


def test_work_that_is_stopped_elsewhere_says_so() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Cancelled):
        asyncio.run(finished(Slow(), stop))


@pytest.mark.parametrize("cancellations", [1, 3])
def test_an_event_that_is_cancelled_however_often_waits_for_the_end_of_its_work(cancellations: int) -> None:
    work = Slow(ends_in_s=0.3)
    unread: list[dict[str, object]] = []

    async def cancel() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unread.append(context))
        event = asyncio.ensure_future(finished(work, threading.Event()))
        await until(work.has_begun)
        for _ in range(cancellations):
            event.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await event
        assert work.has_ended.is_set()

    asyncio.run(cancel())
    assert unread == []


def test_nobody_who_listens_any_more_stops_it() -> None:
    work = Slow()

    async def leave() -> None:
        async with aclosing(at_work(work, threading.Event())) as states:
            await anext(states)
        assert work.has_ended.is_set()

    asyncio.run(leave())


def test_who_takes_a_place_stops_who_was_there_and_nobody_elsewhere() -> None:
    places = Places()
    with places.taken("mine") as first, places.taken("another") as other:
        with places.taken("mine") as second:
            assert (first.is_set(), second.is_set(), other.is_set()) == (True, False, False)
        with places.taken("mine") as third:
            assert not second.is_set()
        assert not third.is_set()
