"""A child process: does the work it is told, one piece after the other, until nobody has any."""

import os
import signal
import sys
import threading
from typing import IO

from orfeas.apart.frames import Order, Refused, Returned, Stepped, Told, receive, send
from orfeas.errors import OrfeasError, OutOfMemory
from orfeas.progress import Progress

NO_MEMORY = "The machine's memory ran out. Try a smaller model, or close other programs."


def main(idle_s: float) -> None:
    """Work until the parent is gone, or has had no work for ``idle_s`` seconds."""
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Ctrl-C reaches the whole group of processes; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What libraries print must not come between the frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        ending = threading.Timer(idle_s, os._exit, (0,))
        ending.daemon = True
        ending.start()
        order = receive(orders)
        ending.cancel()
        if not isinstance(order, Order):
            return
        send(answers, _do(order, answers))


def _do(order: Order, answers: IO[bytes]) -> Told:
    """The work's end; a bug ends the process, with its traceback in the log."""
    progress = Progress(report=lambda step: send(answers, Stepped(step.done, step.total)))
    try:
        with progress.stage(order.stage):
            return Returned(order.function(progress, *order.arguments))
    except OrfeasError as error:
        return Refused(error)
    except MemoryError:
        return Refused(OutOfMemory(NO_MEMORY))
