"""The parent's side: children that are started when there is work, and kept for the next."""

import logging
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from orfeas.apart.child import NO_MEMORY
from orfeas.apart.frames import Order, Refused, Returned, Stepped, receive, send
from orfeas.errors import InternalError, OutOfMemory
from orfeas.progress import Progress

LOGGER = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

POLL_S = 0.1
# A child ends itself when nobody has had work for it so long, so that its memory goes back.
IDLE_S = 120.0
# Children kept for later; more run where more is asked for at a time.
KEPT = 2
# What a child ends with that the system killed for want of memory (SIGKILL, as Python tells it).
KILLED = -9
ROOT = Path(__file__).parents[2]
# The parent lets go of a child before the child itself goes, so that none is given work while it ends.
FORGOTTEN_S = IDLE_S - 20.0


class Apart:
    """Runs functions in child processes: a crash is an error of that work alone, stopping it is killing the child.

    Starting a child takes about a second, so one that has done its work is kept for the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._is_closed = False

    def run(
        self,
        function: Callable[Concatenate[Progress, P], R],
        progress: Progress,
        timeout_s: float,
        *arguments: P.args,
        **_: P.kwargs,
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
            InternalError: the child crashed, met a bug, or took longer than ``timeout_s``.
        """
        child = self._take()
        is_done = False
        try:
            child.begin(Order(function, arguments, progress.current))
            end = child.finish(progress, timeout_s)
            is_done = True
        finally:
            self._give_back(child) if is_done else child.kill()
        if isinstance(end, Refused):
            raise end.error
        value: R = end.value  # type: ignore[assignment]  # it went through a pipe, and is what the function returned
        return value

    def close(self) -> None:
        """End the children that wait for work; one that is at work ends when it is done."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()

    def _take(self) -> "_Child":
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.can_work():
                    return child
                child.kill()
        return _Child()

    def _give_back(self, child: "_Child") -> None:
        with self._lock:
            child.idle_since = time.monotonic()
            if len(self._idle) < KEPT and not self._is_closed:
                self._idle.append(child)
                return
        child.kill()


class _Child:
    """One process; :meth:`kill` it after a :meth:`run` that raised."""

    def __init__(self) -> None:
        self.idle_since = time.monotonic()
        # -P keeps the working directory out of the child's path; the package need not be installed.
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from orfeas.apart.child import main; main({IDLE_S})"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def can_work(self) -> bool:
        """Whether it waits for work, and will for a while."""
        return self._process.poll() is None and time.monotonic() < self.idle_since + FORGOTTEN_S

    def begin(self, order: Order) -> None:
        """Hand it the work."""
        assert self._process.stdin is not None, "it is a pipe"
        try:
            send(self._process.stdin, order)
        except BrokenPipeError:
            raise self._crash() from None

    def finish(self, progress: Progress, timeout_s: float) -> Returned | Refused:
        """Wait for the end of the work.

        Raises:
            Cancelled: ``progress`` says so.
            OutOfMemory: the system killed the child.
            InternalError: the child crashed, or was too slow.
        """
        told: queue.SimpleQueue[object] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(told,), daemon=True).start()
        end = time.monotonic() + timeout_s
        while True:
            progress.check()
            if time.monotonic() > end:
                raise InternalError(
                    f"The model could not be worked on in {timeout_s:.0f} seconds; a smaller one may do."
                )
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
            frame = receive(self._process.stdout)
            told.put(frame)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None, "both are pipes"
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # what was still to be written has nobody to read it

    def _crash(self) -> InternalError | OutOfMemory:
        status = self._process.wait()
        reference = secrets.token_hex(4)
        LOGGER.error("a process that worked on a model ended with %d; reference %s", status, reference)
        if status == KILLED:
            return OutOfMemory(NO_MEMORY)
        return InternalError(
            f"The process that worked on the model crashed. The operator finds it in the log under {reference}."
        )
