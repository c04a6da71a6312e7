"""Work that is begun again with less when a device's memory runs out."""

import logging
from collections.abc import Callable
from typing import TypeVar

from orfeas.devices import is_out_of_memory
from orfeas.errors import OutOfMemory

LOGGER = logging.getLogger(__name__)

Networks = TypeVar("Networks")
Result = TypeVar("Result")

NO_MEMORY = (
    "The device's memory ran out even after stepping down. Choose a lower quality or close other programs; "
    "the next job works."
)


def run_within_memory(
    networks: Networks, work: Callable[[Networks], Result], step_down: Callable[[Networks], Networks | None]
) -> tuple[Result, Networks]:
    """What ``work`` gives, and the networks it was done with in the end.

    Args:
        networks: to begin with.
        work: done whole, again each time memory runs out.
        step_down: takes networks off the device and gives them laid out with less, or ``None`` where there is no less.

    Raises:
        OutOfMemory: there is nothing less.
    """
    while True:
        try:
            return work(networks), networks
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # As text: a log that keeps the error would keep what it holds on to.
            LOGGER.warning("out of memory: %s", str(error))
        # Outside the handler: until here the error's traceback held on to what did not fit.
        smaller = step_down(networks)
        if smaller is None:
            raise OutOfMemory(NO_MEMORY)
        networks = smaller
