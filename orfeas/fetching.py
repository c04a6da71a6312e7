"""Fetching an engine's published weights in the background: one at a time, begun by a person or by the operator."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orfeas import hub
from orfeas.errors import Cancelled, DuplicateJob, EngineUnavailable
from orfeas.hub import GB, FetchAccount, WeightSet
from orfeas.options import WeightsChoice
from orfeas.readiness import why_not
from orfeas.records import EngineInfo, FetchState, FetchStatus

LOGGER = logging.getLogger(__name__)

# The speed is that of the last seconds, from a few samples each.
PACE_WINDOW_S = 10.0
PACE_SAMPLE_S = 0.25
CLOSE_LIMIT_S = 2.0
BUG = "ORFEAS met a bug of its own; the operator finds it in the log."


@dataclass(frozen=True)
class Fetchable:
    """An engine whose weights can be fetched.

    Attributes:
        engine: the name its weights go by.
        title: as people read it.
        weights: what it needs, as far as can be told at once.
        check_weights: raises ``EngineUnavailable`` where they are not here whole.
        check_device: raises ``EngineUnavailable`` where this machine could not run it even so; may load torch.
        choose: what it needs, where that depends on the device; may load torch, and raises ``EngineUnavailable`` where
            nothing can be fetched.
    """

    engine: WeightsChoice
    title: str
    weights: tuple[WeightSet, ...]
    check_weights: Callable[[], None]
    check_device: Callable[[], None]
    choose: Callable[[], tuple[WeightSet, ...]] | None = None

    def needed(self) -> tuple[WeightSet, ...]:
        """What it needs on this machine.

        Raises:
            EngineUnavailable: nothing can be fetched for it.
        """
        return self.choose() if self.choose else self.weights

    @property
    def total_bytes(self) -> int:
        """Of all of its weights, about."""
        return sum(weights.size_bytes for weights in self.weights)

    @property
    def is_here(self) -> bool:
        """Whether its weights are on this machine."""
        return not why_not(self.check_weights)


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch would do, for a person to agree to.

    Attributes:
        accounts: one for each set of weights.
        free_bytes: on the disk they go to.
        fault: why the engine could not run on this machine even with them; empty where it could.
    """

    accounts: tuple[FetchAccount, ...]
    free_bytes: int
    fault: str

    @property
    def total_bytes(self) -> int:
        """Of everything it needs."""
        return sum(account.total_bytes for account in self.accounts)

    @property
    def missing_bytes(self) -> int:
        """Of what is not here yet."""
        return sum(account.missing_bytes for account in self.accounts)

    @property
    def no_room(self) -> str:
        """What to do where the disk is too small; empty where it is not."""
        if self.missing_bytes <= self.free_bytes:
            return ""
        return (
            f"{self.missing_bytes / GB:.1f} GB are missing and {self.free_bytes / GB:.1f} GB of disk are free; "
            "make room, or set HF_HOME to a folder on another disk."
        )

    @property
    def sentence(self) -> str:
        """The plan in words."""
        sentences = [account.sentence for account in self.accounts if account.missing]
        return " ".join([*sentences, self.no_room, self.fault]).strip() or "Everything is here already."


class Fetching:
    """Fetches weights in a thread of its own, one engine at a time; safe for threads.

    Args:
        fetchables: the engines it can fetch for.
        why_not: why nothing is fetched at all, as :attr:`Settings.why_no_fetch` tells; empty where it can be.
    """

    def __init__(self, fetchables: Sequence[Fetchable], why_not: str) -> None:
        self._fetchables = {fetchable.engine: fetchable for fetchable in fetchables}
        self.why_not = why_not
        self._lock = threading.Lock()
        self._runs: dict[WeightsChoice, _Run] = {}  # the last of each engine

    @property
    def engines(self) -> tuple[WeightsChoice, ...]:
        """The engines it can fetch for."""
        return tuple(self._fetchables)

    @property
    def live(self) -> WeightsChoice | None:
        """The engine whose weights are being fetched now."""
        with self._lock:
            return next((engine for engine, run in self._runs.items() if run.is_live), None)

    def title(self, engine: WeightsChoice) -> str:
        """The engine's name as people read it."""
        return self._fetchables[engine].title

    def state(self, engine: WeightsChoice) -> FetchState:
        """How the engine's weights stand. Quick: reads a few kilobytes of disk."""
        fetchable = self._fetchables[engine]
        run = self._run_of(engine)
        last = run.state() if run is not None else None
        if last is not None and last.status is FetchStatus.FETCHING:
            return last
        if fetchable.is_here:
            return FetchState(FetchStatus.COMPLETE, fetchable.total_bytes, fetchable.total_bytes)
        if last is None or last.status is FetchStatus.COMPLETE:
            return FetchState(FetchStatus.MISSING, fetchable.total_bytes)
        return last

    def plan(self, engine: WeightsChoice) -> FetchPlan:
        """Ask the Hub what there is to fetch; fetches nothing, and takes seconds.

        Raises:
            EngineUnavailable: nothing is fetched here, or the Hub cannot be reached.
        """
        self._refuse_where_not_allowed()
        fetchable = self._fetchables[engine]
        return FetchPlan(
            hub.account_for(fetchable.needed()), hub.free_bytes(), _sentence(why_not(fetchable.check_device))
        )

    def start(self, engine: WeightsChoice) -> FetchState:
        """Begin to fetch what is missing, in the background.

        Raises:
            EngineUnavailable: nothing is fetched here.
            DuplicateJob: a fetch runs already.
        """
        self._refuse_where_not_allowed()
        fetchable = self._fetchables[engine]
        with self._lock:
            live = next((run for run in self._runs.values() if run.is_live), None)
            if live is not None:
                raise DuplicateJob(
                    f"{live.fetchable.title} is being fetched already, {live.state().amount}; "
                    "wait until it is done, or stop it first."
                )
            run = _Run(fetchable, [before.thread for before in self._runs.values()])
            self._runs[engine] = run
            run.thread.start()
        return run.state()

    def start_missing(self, engine: WeightsChoice) -> None:
        """Begin to fetch what is missing, if anything is, unless a person was quicker.

        Raises:
            EngineUnavailable: nothing is fetched here.
        """
        if self.state(engine).status is FetchStatus.COMPLETE:
            LOGGER.info("the weights of %s are here already", engine)
            return
        try:
            self.start(engine)
        except DuplicateJob as error:
            LOGGER.warning("fetching %s was not begun: %s", engine, error)

    def tell(self, info: EngineInfo) -> EngineInfo:
        """An engine as it stands, with how fetching its weights goes."""
        if not info.weights:
            return info
        fetch = self.state(WeightsChoice(info.weights))
        if info.is_ready or fetch.status is not FetchStatus.FETCHING:
            return replace(info, fetch=fetch)
        return replace(info, fetch=fetch, why_not=f"The weights are being fetched, {fetch.amount}")

    def stop(self, engine: WeightsChoice) -> FetchState:
        """Stop fetching at once; what is here stays, and the next fetch goes on there."""
        run = self._run_of(engine)
        if run is not None:
            run.end(FetchStatus.STOPPED)
        return self.state(engine)

    def close(self) -> None:
        """Stop what runs, and wait a moment for it to end."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.end(FetchStatus.STOPPED)
            run.thread.join(CLOSE_LIMIT_S)

    def _run_of(self, engine: WeightsChoice) -> "_Run | None":
        """The run that brings the engine's weights now, perhaps with others; or else its own last one."""
        needed = set(self._fetchables[engine].weights)
        with self._lock:
            live = (run for run in self._runs.values() if run.is_live and needed <= set(run.fetchable.weights))
            return next(live, self._runs.get(engine))

    def _refuse_where_not_allowed(self) -> None:
        if self.why_not:
            raise EngineUnavailable(f"{self.why_not}.")


class _Run:
    """One fetch, from its start to its end.

    To the world it has ended as soon as it is stopped; its thread follows with the next bytes, or when a connection
    that says nothing times out, and the next fetch waits for it.
    """

    def __init__(self, fetchable: Fetchable, before: Sequence[threading.Thread]) -> None:
        self.fetchable = fetchable
        self._before = before
        self._lock = threading.Lock()
        self._state = FetchState(FetchStatus.FETCHING, fetchable.total_bytes)
        self._samples: deque[tuple[float, int]] = deque()
        self.thread = threading.Thread(target=self._work, name=f"fetch {fetchable.engine}", daemon=True)

    @property
    def is_live(self) -> bool:
        return self._state.status is FetchStatus.FETCHING

    def state(self) -> FetchState:
        with self._lock:
            return self._state

    def end(self, status: FetchStatus, message: str = "") -> None:
        """End it, unless it has ended already."""
        with self._lock:
            if self._state.status is not FetchStatus.FETCHING:
                return
            self._state = replace(self._state, status=status, message=message, bytes_per_s=0.0, left_s=None)
        level = logging.ERROR if status is FetchStatus.FAILED else logging.INFO
        LOGGER.log(level, "fetching %s: %s, %s", self.fetchable.engine, status.value, message or self._state.amount)

    def _work(self) -> None:
        status, message = FetchStatus.FAILED, BUG  # unless it ends in a way that is known
        try:
            for thread in self._before:
                thread.join()
            self._fetch()
            status, message = FetchStatus.COMPLETE, ""
        except Cancelled:
            status, message = FetchStatus.STOPPED, ""
        except EngineUnavailable as error:
            message = str(error)
        finally:
            self.end(status, message)

    def _fetch(self) -> None:
        needed = self.fetchable.needed()
        accounts = hub.account_for(needed)
        self._check()
        plan = FetchPlan(accounts, hub.free_bytes(), "")
        LOGGER.info("fetching %s: %s", self.fetchable.engine, plan.sentence)
        if plan.no_room:
            raise EngineUnavailable(plan.no_room)
        with self._lock:
            self._state = replace(
                self._state, total_bytes=plan.total_bytes, done_bytes=plan.total_bytes - plan.missing_bytes
            )
        hub.fetch(needed, self._report, self._check)
        self.fetchable.check_weights()

    def _report(self, done_bytes: int) -> None:
        now = time.monotonic()
        with self._lock:
            samples = self._samples
            if not samples or now - samples[-1][0] >= PACE_SAMPLE_S:
                samples.append((now, done_bytes))
            while now - samples[0][0] > PACE_WINDOW_S:
                samples.popleft()
            spent, gained = now - samples[0][0], done_bytes - samples[0][1]
            pace = gained / spent if spent >= PACE_SAMPLE_S else 0.0
            left = (self._state.total_bytes - done_bytes) / pace if pace > 0 else None
            self._state = replace(self._state, done_bytes=done_bytes, bytes_per_s=pace, left_s=left)

    def _check(self) -> None:
        if not self.is_live:
            raise Cancelled("The fetch was stopped.")


def _sentence(reason: str) -> str:
    return f"{reason}." if reason else ""
