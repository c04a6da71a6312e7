"""A child process: does the work it is told, one piece after the other, until its parent is gone."""

import faulthandler
import os
import sys
from typing import IO

from orfeas.apart.frames import Order, Refused, Returned, Stepped, Told, receive, send
from orfeas.errors import OrfeasError, OutOfMemory
from orfeas.progress import Progress

NO_MEMORY = "The machine's memory ran out. Try a smaller model, or close other programs."
# After its time the parent ends the child; one whose parent is gone ends itself a little later.
GRACE_S = 2.0


def main() -> None:
    """Work until nobody gives any more."""
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not come between the frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while isinstance(order := receive(orders), Order):
        # It needs no lock of the interpreter, which whatever hangs may hold.
        faulthandler.dump_traceback_later(order.timeout_s + GRACE_S, exit=True)
        end = _do(order, answers)
        faulthandler.cancel_dump_traceback_later()
        _tell(answers, end)


def _tell(answers: IO[bytes], told: Told) -> None:
    """Tell the parent; where that is gone, end, and let what the work has opened be closed on the way out."""
    try:
        send(answers, told)
    except BrokenPipeError:
        # What is still to be written goes nowhere, and says nothing about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())
        raise SystemExit from None


def _do(order: Order, answers: IO[bytes]) -> Told:
    """The work's end; a bug ends the process, with its traceback in the log."""
    progress = Progress(report=lambda step: _tell(answers, Stepped(step.done, step.total)))
    try:
        with progress.stage(order.stage):
            return Returned(order.function(progress, *order.arguments))
    except OrfeasError as error:
        return Refused(error)
    except MemoryError:
        return Refused(OutOfMemory(NO_MEMORY))
