"""Progress and cancellation of long work, as one small object that engines take."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.errors import Cancelled

if TYPE_CHECKING:
    from PIL.Image import Image

PREVIEW_EVERY_S = 1.0
LOCK_POLL_S = 0.2


class Stage(StrEnum):
    """The stages a job may pass, in the order they come; also the keys of ``timings_s``.

    ``render`` is a turntable's, which is made after its job when someone asks for it.
    """

    PICTURE = "picture"
    CUT_OUT = "cut_out"
    SHAPE = "shape"
    SURFACE = "surface"
    REPAIR = "repair"
    PREPARE = "prepare"
    UNWRAP = "unwrap"
    TEXTURE = "texture"
    ENLARGE = "enlarge"
    BAKE = "bake"
    SAVE = "save"
    RENDER = "render"


@dataclass(frozen=True)
class Step:
    """Where the work stands: ``done`` of ``total`` steps of ``stage`` (``total`` 0: not divided into steps)."""

    stage: Stage
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class CancelFlag:
    """A job's "please stop", as a file, so that it reaches a worker in another process; it can be pickled."""

    path: Path

    def set(self) -> None:
        """Ask the worker to stop; asking twice is the same as once."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)

    def is_set(self) -> bool:
        """Whether the worker was asked to stop; a few microseconds."""
        return self.path.exists()


class Progress:
    """What an engine tells while it works, and how it learns that it should stop.

    Args:
        report: called with every step; must be quick and must not raise.
        is_cancelled: asked at every step and by :meth:`check`.
        show: called with a small picture of what is being made, now and then; must be quick and must not raise.
    """

    def __init__(
        self,
        report: Callable[[Step], None] = lambda step: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        show: "Callable[[Image], None] | None" = None,
    ) -> None:
        self._report = report
        self._is_cancelled = is_cancelled
        self._show = show
        self._shown_at = -PREVIEW_EVERY_S
        self._stage: Stage | None = None
        self.timings_s: dict[Stage, float] = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time a stage; entering it is a step of its own. The same stage entered twice adds up.

        Raises:
            Cancelled: on entry, where the user has stopped the work.
        """
        self.check()
        self._stage = stage
        self._report(Step(stage))
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[stage] = self.timings_s.get(stage, 0.0) + time.perf_counter() - start
            self._stage = None

    @property
    def current(self) -> Stage:
        """The stage that is open."""
        assert self._stage is not None, "no stage is open"
        return self._stage

    def step(self, done: int, total: int) -> None:
        """Report ``done`` of ``total`` steps of the stage that is open.

        Raises:
            Cancelled: where the user has stopped the work.
        """
        self.check()
        self._report(Step(self.current, done, total))

    def relay(self, step: Step, timings_s: Mapping[Stage, float]) -> None:
        """Report what a worker in another process has told: its last step, and what its stages took so far."""
        self.timings_s = dict(timings_s)
        self._report(step)

    def preview(self, draw: "Callable[[], Image | None]") -> None:
        """Show what is being made, at most once a second, and only where somebody can look.

        Args:
            draw: makes the picture; called only where it will be shown; None is nothing to show.
        """
        now = time.monotonic()
        if self._show is None or now - self._shown_at < PREVIEW_EVERY_S:
            return
        image = draw()
        if image is not None:
            self._show(image)
            self._shown_at = time.monotonic()

    def check(self) -> None:
        """Stop here if asked to; call it between pieces of work of less than a second.

        Raises:
            Cancelled: where the user has stopped the work.
        """
        if self._is_cancelled():
            raise Cancelled("The job was stopped before it was done.")


def acquire(lock: threading.Lock, progress: Progress) -> None:
    """Wait for a lock, as long as the work is wanted.

    Raises:
        Cancelled: the user has stopped the work.
    """
    while not lock.acquire(timeout=LOCK_POLL_S):
        progress.check()
