"""Cuts a subject out for an event: in a thread, with the time told while it takes long, and stopped with the event."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio.to_thread
from PIL import Image

from orfeas.options import CutOutOptions
from orfeas.progress import Progress
from orfeas.records import CutOutReport
from orfeas.studio import Studio

# Whoever waits is told something this often.
TOLD_EVERY_S = 0.5

Made = tuple[Image.Image, CutOutReport]


async def cut(
    studio: Studio, image: Path, options: CutOutOptions, mask: Path | None, stop: threading.Event
) -> AsyncGenerator[float | Made, None]:
    """Cut out in a worker thread; yields the seconds so far twice a second, and what was made last.

    An event that is cancelled stops the work and waits for its end, so that the queue's slot stays taken until then.

    Raises:
        Cancelled: ``stop`` was set.
        OrfeasError: as :meth:`Studio.remove_background` says.
    """
    progress = Progress(is_cancelled=stop.is_set)
    start = time.perf_counter()
    worker = asyncio.ensure_future(anyio.to_thread.run_sync(studio.remove_background, image, options, mask, progress))
    try:
        while not worker.done():
            await asyncio.wait([worker], timeout=TOLD_EVERY_S)
            if not worker.done():
                yield time.perf_counter() - start
    except (asyncio.CancelledError, GeneratorExit):
        stop.set()
        await asyncio.wait([worker])
        worker.exception()  # nobody is left to hear it
        raise
    yield worker.result()
