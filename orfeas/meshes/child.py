"""Work on arrays in a process of its own: what may crash, print, or keep the interpreter's lock for long."""

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import OutOfMemory

# Of any type of number.
Arrays = Mapping[str, NDArray[Any]]

CHECK_EVERY_S = 0.1
# What a child ends with that the system killed for want of memory (SIGKILL, as Python tells it).
KILLED = -9
# What the last words of a child have in them for which the memory ran out: Python's, C++'s, and a thread's.
NO_MEMORY = (b"MemoryError", b"bad_alloc", b"pthread_create")


class ChildFailed(RuntimeError):
    """The process crashed, ended with an error, or took too long; the message says how."""


class ChildTooSlow(ChildFailed):
    """The process took too long, and was killed."""


class Child:
    """The process of a script, which starts at once, so that it is ready when its work is known; close it after.

    The script reads an NPZ from its input and writes one to its output. It imports nothing of ORFEAS, so that it starts
    quickly.
    """

    def __init__(self, script: Path) -> None:
        self._script = script
        # -P keeps the script's folder out of the child's path, where its modules would hide others of the same names.
        command = [sys.executable, "-P", str(script)]
        with ExitStack() as files:
            self._stdout, self._stderr = files.enter_context(TemporaryFile()), files.enter_context(TemporaryFile())
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._stdout, stderr=self._stderr)
            self._files = files.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, whatever it does; once is enough, and more does no harm."""
        self._process.kill()  # does nothing to one that has ended
        self._process.wait()
        assert self._process.stdin is not None, "it is a pipe"
        with suppress(OSError):  # what was still to be written has nobody to read it
            self._process.stdin.close()
        self._files.close()

    def work(self, arrays: Arrays, timeout_s: float, check: Callable[[], None]) -> Arrays:
        """What the script makes of ``arrays``; it can be asked once.

        Args:
            arrays: by the names the script knows.
            timeout_s: how long it may take.
            check: called every tenth of a second; what it raises stops the waiting.

        Raises:
            ChildFailed: it ended with anything but success, or ran out of time.
            OutOfMemory: the machine's memory ran out.
        """
        # Whole first: NumPy goes back in what it writes, and some pipes say that they could.
        given = io.BytesIO()
        np.savez(given, allow_pickle=False, **arrays)
        # A pipe holds little, and a child that hangs reads nothing. To wait for a process with a limit is to look every
        # 50 ms whether it has ended; for an event it is not.
        ended = threading.Event()
        threading.Thread(target=self._attend, args=(given, ended), daemon=True).start()
        until = time.monotonic() + timeout_s
        check()
        while not ended.wait(CHECK_EVERY_S):
            check()
            if time.monotonic() > until:
                raise ChildTooSlow("it took too long")
        status = self._process.wait()
        self._stdout.seek(0)
        self._stderr.seek(0)
        if status == 0:
            with np.load(io.BytesIO(self._stdout.read()), allow_pickle=False) as made:
                return {name: made[name] for name in made.files}
        errors = self._stderr.read()
        if status == KILLED or any(word in errors for word in NO_MEMORY):
            raise OutOfMemory("The machine's memory ran out; a model of fewer faces needs less.")
        last_line = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ChildFailed(f"{self._script.stem} ended with {status}: {last_line}")

    def _attend(self, given: io.BytesIO, ended: threading.Event) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        with suppress(OSError, ValueError), self._process.stdin as stdin:  # it has ended, or was closed meanwhile
            stdin.write(given.getbuffer())
        self._process.wait()
        ended.set()


def run_child(script: Path, arrays: Arrays, timeout_s: float, check: Callable[[], None]) -> Arrays:
    """As :meth:`Child.work`, by a process that starts now and ends with it."""
    with Child(script) as child:
        return child.work(arrays, timeout_s, check)
