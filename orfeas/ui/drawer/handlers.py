"""What the drawer does, as plain methods; they know nothing of Gradio."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from orfeas.errors import EngineUnavailable, OrfeasError
from orfeas.options import WeightsChoice
from orfeas.records import EngineInfo, FetchState, FetchStatus
from orfeas.studio import Studio
from orfeas.ui.drawer import markup
from orfeas.ui.words import bytes_text

WHO_MAY = (
    "Who runs this studio can fetch them: in a browser on its own machine, after a login, "
    "with python -m orfeas fetch, or with ORFEAS_FETCH."
)


class Offer(StrEnum):
    """What an engine's row offers to press."""

    NOTHING = "nothing"
    ASK = "ask"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    STOP = "stop"


@dataclass(frozen=True)
class EngineView:
    """One engine's row.

    Attributes:
        name: the engine's key.
        row: HTML of how it stands.
        fetch: HTML under it, of fetching its weights.
        offer: what can be pressed; ``CONFIRM`` and ``DISMISS`` come with the plan, the latter where it cannot be done.
        label: of the button that asks for the plan, or agrees to it.
        announcement: what a screen reader is told; empty where nothing has happened.
        is_fetching: whether its weights are being fetched now.
    """

    name: str
    row: str
    fetch: str = ""
    offer: Offer = Offer.NOTHING
    label: str = ""
    announcement: str = ""
    is_fetching: bool = False


class DrawerHandlers:
    """The drawer's actions over a studio. ``is_operator`` says whether who asks may decide over the machine."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @property
    def is_live(self) -> bool:
        """Whether a fetch runs, so that the page should ask again."""
        return self._studio.fetching.live is not None

    def engines(self) -> tuple[EngineInfo, ...]:
        """Every engine as it stands."""
        return self._studio.engines()

    def look(self, is_operator: bool) -> tuple[EngineView, ...]:
        """Every row as it stands."""
        return tuple(self._view(info, is_operator) for info in self.engines())

    def look_at(self, name: str, is_operator: bool) -> EngineView:
        """One row as it stands."""
        return self._view(self._info(name), is_operator)

    def ask(self, name: str, is_operator: bool) -> EngineView:
        """The row with what a fetch would do; nothing is fetched."""

        def act(engine: WeightsChoice) -> EngineView:
            plan = self._studio.fetching.plan(engine)
            return EngineView(
                name=name,
                row=markup.row(self._info(name)),
                fetch=markup.plan(plan),
                offer=Offer.DISMISS if plan.no_room else Offer.CONFIRM,
                label=f"Fetch {bytes_text(plan.missing_bytes)}",
                announcement=plan.sentence,
            )

        return self._act(name, is_operator, act)

    def start(self, name: str, is_operator: bool) -> EngineView:
        """Begin to fetch, or say why not."""

        def act(engine: WeightsChoice) -> EngineView:
            self._studio.fetching.start(engine)
            return self._view(self._info(name), is_operator, announcement="The weights are being fetched.")

        return self._act(name, is_operator, act)

    def stop(self, name: str, is_operator: bool) -> EngineView:
        """Stop fetching; what is here stays."""

        def act(engine: WeightsChoice) -> EngineView:
            self._studio.fetching.stop(engine)
            return self._view(self._info(name), is_operator, announcement="The fetch was stopped.")

        return self._act(name, is_operator, act)

    def _act(self, name: str, is_operator: bool, act: Callable[[WeightsChoice], EngineView]) -> EngineView:
        """Do it, or show in the row why not: a toast would lie behind the drawer."""
        try:
            if not is_operator:
                raise EngineUnavailable(WHO_MAY)
            return act(WeightsChoice(self._info(name).weights))
        except OrfeasError as error:
            return self._view(self._info(name), is_operator, notice=str(error), announcement=error.sentence)

    def _info(self, name: str) -> EngineInfo:
        return next(info for info in self.engines() if info.key == name)

    def _view(self, info: EngineInfo, is_operator: bool, notice: str = "", announcement: str = "") -> EngineView:
        row = markup.row(info)
        told = markup.notice(notice, "failed")
        if info.fetch is None or info.fetch.status is FetchStatus.COMPLETE:
            return EngineView(info.key, row, told, announcement=announcement)
        if info.fetch.status is FetchStatus.FETCHING:
            offer = Offer.STOP if is_operator else Offer.NOTHING
            return EngineView(info.key, row, markup.progress(info.fetch) + told, offer, "", announcement, True)
        why_not = self._studio.fetching.why_not
        if why_not or not is_operator:
            reason = f"{why_not}." if why_not else WHO_MAY
            return EngineView(info.key, row, markup.notice(reason), announcement=announcement)
        ended = told or _ended(info.fetch)
        return EngineView(info.key, row, ended, Offer.ASK, _ask_label(info.fetch), announcement)


def _ended(fetch: FetchState) -> str:
    if fetch.status is FetchStatus.STOPPED:
        here = f"{bytes_text(fetch.done_bytes)} are here, and the next fetch goes on there."
        return markup.notice(f"Stopped. {here}" if fetch.done_bytes else "Stopped.")
    return markup.notice(fetch.message, "failed")


def _ask_label(fetch: FetchState) -> str:
    if fetch.done_bytes:
        return f"Fetch the rest, {bytes_text(max(0, fetch.total_bytes - fetch.done_bytes))}…"
    return f"Fetch {bytes_text(fetch.total_bytes)} of weights…"
