"""Pieces of work that children of the tests do."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from orfeas.errors import InvalidMesh
from orfeas.progress import Progress


def double(progress: Progress, number: float) -> float:
    progress.step(1, 2)
    progress.step(2, 2)
    return 2 * number


def tell_process(progress: Progress) -> int:
    return os.getpid()


def print_much(progress: Progress) -> str:
    sys.stdout.write("noise " * 100_000)
    sys.stdout.flush()
    return "done"


def refuse(progress: Progress) -> None:
    raise InvalidMesh("There is nothing in it.")


def fail(progress: Progress) -> None:
    raise KeyError("a bug")


def run_out_of_memory(progress: Progress) -> None:
    raise MemoryError


def crash(progress: Progress) -> None:
    os._exit(7)


def be_killed(progress: Progress) -> None:
    os.kill(os.getpid(), 9)


def hang(progress: Progress, started: Path) -> None:
    started.touch()
    time.sleep(60)


def give_back(progress: Progress, data: bytes) -> bytes:
    return data


def start_another(progress: Progress, started: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        started.write_text(str(other.pid))
        other.wait()


def hold_the_lock(progress: Progress, started: Path) -> None:
    """Hang as a hostile pattern does: no other thread of the process gets a turn."""
    started.write_text(str(os.getpid()))
    re.match("(a|a)*b", "a" * 60)


def step_on(progress: Progress, started: Path) -> None:
    for done in range(1000):
        progress.step(done, 1000)
        started.touch()
        time.sleep(0.02)
