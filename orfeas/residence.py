"""Networks that stay on a device from job to job, laid out by the memory that is free; engines share it as tenants."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from orfeas.devices import free_bytes, is_out_of_memory
from orfeas.errors import OutOfMemory

if TYPE_CHECKING:
    import torch

LOGGER = logging.getLogger(__name__)

GB = 1e9
NO_MEMORY = (
    "The device's memory ran out even after stepping down. Choose a lower quality or close other programs; "
    "the next job works."
)


class Plan(Protocol):
    """How networks are laid out in memory."""

    @property
    def needed_bytes(self) -> int:
        """About what it takes on the device."""
        ...

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        ...


class Networks(Protocol):
    """Networks laid out by a plan; they load themselves when they are first asked for."""

    def release(self) -> None:
        """Take everything off the device."""
        ...


RETRIED = "Device memory ran out, so it was made again after other engines' networks were let go."
STEPPED_DOWN = "Device memory ran out, so it was made again with less:"

P = TypeVar("P", bound=Plan)
N = TypeVar("N", bound=Networks)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Wanted(Generic[P, N]):
    """What a job needs.

    Attributes:
        key: networks made for another key are let go.
        device: where they run.
        plans: the fastest first, at least one.
        make: lays them out by a plan.
    """

    key: Hashable
    device: torch.device
    plans: tuple[P, ...]
    make: Callable[[P], N]


class Tenants:
    """Those who keep networks on the machine's devices."""

    def __init__(self) -> None:
        self._releases: dict[int, Callable[[], bool]] = {}

    def add(self, tenant: object, release: Callable[[], bool]) -> None:
        """Let ``release`` be called when another tenant needs the room; it says whether there was anything."""
        self._releases[id(tenant)] = release

    def evict_others(self, tenant: object) -> bool:
        """Take everybody else's networks off the devices; whether there were any."""
        released = [release() for other, release in self._releases.items() if other != id(tenant)]
        return any(released)


class Residence(Generic[P, N]):
    """One engine's networks on a device.

    Where they do not fit beside other engines' networks, those go; where they do not fit all at once, they are laid out
    by a smaller plan.

    Args:
        title: the engine's name, for people.
        tenants: who shares the devices.
    """

    def __init__(self, title: str, tenants: Tenants) -> None:
        self._title = title
        self._tenants = tenants
        # What the networks were made from, and by which of its plans.
        self._wanted: Wanted[P, N] | None = None
        self._held: N | None = None
        self.plan: P | None = None
        tenants.add(self, self.release)

    def run(self, wanted: Wanted[P, N], work: Callable[[P, N], Result]) -> tuple[Result, tuple[str, ...]]:
        """What ``work`` makes with the networks, and a note for the user where it took two tries.

        Where memory runs out the work is tried once more: by the same plan where other engines' networks could be let
        go, else by the next one. After a second try nothing is kept, so that the next job asks anew what is free.

        Raises:
            OutOfMemory: it ran out twice, or not even the smallest plan fits; nothing is left on the device.
        """
        plan, networks = self._prepare(wanted)
        try:
            return work(plan, networks), ()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # As text: a log that keeps the error keeps what did not fit.
            LOGGER.warning("%s: out of memory on %s: %s", self._title, wanted.device, str(error))
        # Outside the handler: until here the error's traceback held on to what did not fit.
        del networks
        try:
            plan, networks, note = self._make_room()
            return work(plan, networks), (note,)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            LOGGER.warning("%s: out of memory on %s, twice: %s", self._title, wanted.device, str(error))
        finally:
            self.release()
        raise OutOfMemory(NO_MEMORY)

    def release(self) -> bool:
        """Take the networks off the device; whether there were any. The next job brings them back."""
        held, self._held, self._wanted, self.plan = self._held, None, None, None
        if held is None:
            return False
        held.release()
        return True

    def _prepare(self, wanted: Wanted[P, N]) -> tuple[P, N]:
        """The networks of the last job, or new ones laid out by the memory that is free now."""
        if self._held is not None and self.plan is not None and self._wanted and self._wanted.key == wanted.key:
            return self.plan, self._held
        self.release()
        plan = _first_that_fits(wanted)
        if plan is not wanted.plans[0] and self._tenants.evict_others(self):
            plan = _first_that_fits(wanted)
        if plan is None:
            raise OutOfMemory(
                f"{self._title} needs about {wanted.plans[-1].needed_bytes / GB:.1f} GB of memory on "
                f"{wanted.device.type}, and {free_bytes(wanted.device) / GB:.1f} GB are free. Close other programs, or "
                "choose another engine."
            )
        return plan, self._hold(wanted, plan)

    def _make_room(self) -> tuple[P, N, str]:
        """The networks laid out for a second try, and what changed, for the user."""
        wanted, plan = self._wanted, self.plan
        assert wanted is not None and plan is not None, "only what was held can be laid out anew"
        self.release()
        if self._tenants.evict_others(self):
            return plan, self._hold(wanted, plan), RETRIED
        number = wanted.plans.index(plan) + 1
        if number == len(wanted.plans):
            raise OutOfMemory(NO_MEMORY)
        plan = wanted.plans[number]
        return plan, self._hold(wanted, plan), f"{STEPPED_DOWN} {plan.sentence}."

    def _hold(self, wanted: Wanted[P, N], plan: P) -> N:
        LOGGER.info("%s on %s: %s", self._title, wanted.device, plan.sentence)
        self._wanted, self.plan = wanted, plan
        self._held = wanted.make(plan)
        return self._held


def _first_that_fits(wanted: Wanted[P, N]) -> P | None:
    free = free_bytes(wanted.device)
    return next((plan for plan in wanted.plans if plan.needed_bytes <= free), None)
