"""The parent's side: children that are started when there is work, and kept for the next."""

import logging
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from orfeas.apart.child import NO_MEMORY
from orfeas.apart.frames import Order, Refused, Returned, Stepped, receive, send
from orfeas.errors import InternalError, InvalidMesh, OutOfMemory
from orfeas.progress import Progress

LOGGER = logging.getLogger(__name__)

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")

POLL_S = 0.1
# A child that nobody has had work for so long is ended, so that its memory goes back.
IDLE_S = 120.0
# Children kept for later; more run where more is asked for at a time.
KEPT = 2
# What a child ends with that the system killed for want of memory (SIGKILL, as Python tells it).
KILLED = -9
ROOT = Path(__file__).parents[2]


class Apart:
    """Runs functions in child processes: a crash is an error of that work alone, stopping it is killing the child.

    Starting a child takes about a second, so one that has done its work is kept for the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._is_closed = False

    def run(
        self,
        function: Callable[[Progress, *Arguments], R],
        progress: Progress,
        timeout_s: float,
        *arguments: *Arguments,
    ) -> R:
        """``function(progress, *arguments)``, done in a child.

        Args:
            function: at the top level of a module, so that it can be pickled.
            progress: in an open stage; the function's gets a stage of the same name, whose steps come out here.
            timeout_s: seconds after which the work is given up.
            arguments: what can be pickled.

        Raises:
            OrfeasError: as the function raises it.
            Cancelled: within a fifth of a second of the request.
            OutOfMemory: the machine's memory ran out.
            InvalidMesh: the work took longer than ``timeout_s``.
            InternalError: the child crashed, met a bug, or the studio was closed.
        """
        child = self._take()
        is_done = False
        try:
            child.begin(Order(function, arguments, progress.current, timeout_s))
            end = child.finish(progress, timeout_s)
            is_done = True
        finally:
            self._give_back(child, is_done)
        if isinstance(end, Refused):
            raise end.error
        value: R = end.value  # type: ignore[assignment]  # it went through a pipe, and is what the function returned
        return value

    def close(self) -> None:
        """End every child; the work of one that is at it fails."""
        with self._lock:
            self._is_closed = True
            children = [*self._idle, *self._busy]
            self._idle = []
        for child in children:
            child.kill()

    def _take(self) -> "_Child":
        with self._lock:
            child = None
            while child is None and self._idle:
                kept = self._idle.pop()
                child = kept if kept.is_alive() else None
            child = child or _Child()
            self._busy.add(child)
            return child

    def _give_back(self, child: "_Child", is_done: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            is_kept = is_done and len(self._idle) < KEPT and not self._is_closed
            if is_kept:
                self._idle.append(child)
                child.idle_since = time.monotonic()
        if not is_kept:
            child.kill()
            return
        timer = threading.Timer(IDLE_S, self._end_idle)
        timer.daemon = True
        timer.start()

    def _end_idle(self) -> None:
        """End the children that have waited long enough."""
        until = time.monotonic() - IDLE_S
        with self._lock:
            ended = [child for child in self._idle if child.idle_since <= until]
            self._idle = [child for child in self._idle if child.idle_since > until]
        for child in ended:
            child.kill()


class _Child:
    """One process, and what it has started itself; :meth:`kill` it after a method that raised."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        # -P keeps the working directory out of the child's path; the package need not be installed.
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from orfeas.apart.child import main; main()"
        # Of its own session, so that Ctrl-C is the parent's alone, and all that the child starts ends with it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def is_alive(self) -> bool:
        """Whether it waits for work."""
        return self._process.poll() is None

    def begin(self, order: Order) -> None:
        """Hand it the work.

        Raises:
            OutOfMemory: the system killed the child.
            InternalError: the child is gone.
        """
        assert self._process.stdin is not None, "it is a pipe"
        try:
            send(self._process.stdin, order)
        except (BrokenPipeError, ValueError):  # a pipe that is closed is a wrong value
            raise self._crash() from None

    def finish(self, progress: Progress, timeout_s: float) -> Returned | Refused:
        """Wait for the end of the work.

        Raises:
            Cancelled: ``progress`` says so.
            OutOfMemory: the system killed the child.
            InvalidMesh: it took too long.
            InternalError: the child crashed.
        """
        told: queue.SimpleQueue[object] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(told,), daemon=True).start()
        end = time.monotonic() + timeout_s
        while True:
            progress.check()
            if time.monotonic() > end:
                raise InvalidMesh(f"The model could not be worked on in {timeout_s:.0f} seconds; a smaller one may do.")
            try:
                frame = told.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if isinstance(frame, Stepped):
                progress.step(frame.done, frame.total)
            elif isinstance(frame, Returned | Refused):
                return frame
            else:
                raise self._crash()

    def _read(self, told: queue.SimpleQueue[object]) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        frame: object = Stepped(0, 0)
        while isinstance(frame, Stepped):
            try:
                frame = receive(self._process.stdout)
            except ValueError:  # the pipe was closed meanwhile
                frame = None
            told.put(frame)

    def kill(self) -> None:
        """End it and what it has started at once, whatever they do; once is enough, and more does no harm."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None, "both are pipes"
            with suppress(BrokenPipeError):  # what was still to be written has nobody to read it
                pipe.close()

    def _crash(self) -> InternalError | OutOfMemory:
        status = self._process.wait()
        reference = secrets.token_hex(4)
        LOGGER.error("a process that worked on a model ended with %d; reference %s", status, reference)
        if status == KILLED:
            return OutOfMemory(NO_MEMORY)
        return InternalError(
            f"The process that worked on the model crashed. The operator finds it in the log under {reference}."
        )
