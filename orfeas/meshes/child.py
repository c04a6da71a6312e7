"""Work on arrays in a process of its own: what may crash, print, or keep the interpreter's lock for long."""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import OutOfMemory

# Of any type of number.
Arrays = Mapping[str, NDArray[Any]]

CHECK_EVERY_S = 0.1
# What a child ends with that the system killed for want of memory (SIGKILL, as Python tells it).
KILLED = -9


class ChildFailed(RuntimeError):
    """The process crashed, ended with an error, or took too long; the message says how."""


class ChildTooSlow(ChildFailed):
    """The process took too long, and was killed."""


def run_child(script: Path, arrays: Arrays, timeout_s: float, check: Callable[[], None]) -> Arrays:
    """What ``script`` makes of ``arrays``, as a process that reads an NPZ from its input and writes one to its output.

    Args:
        script: a file that imports nothing of ORFEAS, so that it starts quickly.
        arrays: by the names the script knows.
        timeout_s: how long it may take; then it is killed.
        check: called every tenth of a second; what it raises kills the process at once.

    Raises:
        ChildFailed: it ended with anything but success, or ran out of time.
        OutOfMemory: the machine's memory ran out.
    """
    # -P keeps the script's folder out of the child's path, where its modules would hide others of the same names.
    command = [sys.executable, "-P", str(script)]
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        np.savez(stdin, allow_pickle=False, **arrays)
        stdin.seek(0)
        with subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr) as child:
            try:
                status = _wait(child, time.monotonic() + timeout_s, check)
            finally:
                child.kill()  # does nothing to one that has ended
        stdout.seek(0)
        stderr.seek(0)
        if status == 0:
            with np.load(io.BytesIO(stdout.read()), allow_pickle=False) as made:
                return {name: made[name] for name in made.files}
        errors = stderr.read()
    if status == KILLED or b"MemoryError" in errors or b"bad_alloc" in errors:
        raise OutOfMemory("The machine's memory ran out; a model of fewer faces needs less.")
    last_line = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
    raise ChildFailed(f"{script.stem} ended with {status}: {last_line}")


def _wait(child: subprocess.Popen[bytes], until: float, check: Callable[[], None]) -> int:
    while True:
        check()
        try:
            return child.wait(CHECK_EVERY_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise ChildTooSlow("it took too long") from None
