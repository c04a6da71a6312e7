"""Connects the drawer's components to its handlers."""

import json
from collections.abc import Callable, Sequence

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from orfeas.records import EngineInfo
from orfeas.ui.caller import is_operator
from orfeas.ui.drawer import markup
from orfeas.ui.drawer.handlers import DrawerHandlers, EngineView, Offer
from orfeas.ui.drawer.layout import Drawer
from orfeas.ui.toast import shown_as_toast

Updates = dict[Block, object]
Act = Callable[[str, bool], EngineView]


class DrawerWiring:
    """All events of the drawer; call :meth:`connect` once, while the page's ``gr.Blocks`` is open.

    Args:
        handlers: what it does.
        drawer: its components.
        opener: pressed to open it.
        announcer: tells screen readers.
        has_login: whether everyone who gets here has logged in.
        rest: what else of the page depends on the engines.
        refresh: what it then holds.
    """

    def __init__(
        self,
        handlers: DrawerHandlers,
        drawer: Drawer,
        opener: gr.HTML,
        announcer: gr.HTML,
        has_login: bool,
        rest: Sequence[Block],
        refresh: Callable[[tuple[EngineInfo, ...]], Updates],
    ) -> None:
        self._handlers = handlers
        self._drawer = drawer
        self._opener = opener
        self._announcer = announcer
        self._has_login = has_login
        self._rest = list(rest)
        self._refresh = refresh

    def connect(self, blocks: gr.Blocks) -> None:
        """Wire everything."""
        self._connect_looks(blocks)
        for name in self._drawer.panels:
            self._connect_panel(name)

    def _connect_looks(self, blocks: gr.Blocks) -> None:
        drawer, rest = self._drawer, self._rest

        def on_look(request: gr.Request) -> Updates:
            with shown_as_toast():
                return self._looked(request)

        def on_load(request: gr.Request) -> Updates:
            with shown_as_toast():
                return {**self._looked(request), **self._refresh(self._handlers.engines())}

        def on_tick(request: gr.Request) -> Updates:
            with shown_as_toast():
                fetching = [view for view in self._handlers.look(self._is_operator(request)) if view.is_fetching]
                if fetching:
                    # The other rows stay as they are: somebody may be reading a plan there.
                    return {drawer.clock: gr.Timer(active=True), **self._all_shown(fetching)}
                engines = self._handlers.engines()
                ready = ", ".join(info.title for info in engines if info.is_ready)
                ended: Updates = {self._announcer: f"The fetch has ended. Ready are: {ready}."}
                return {**self._looked(request), **self._refresh(engines), **ended}

        every = [*self._row_outputs(), drawer.clock]
        for trigger, function, outputs in (
            (self._opener.click, on_look, every),
            (blocks.load, on_load, [*every, *rest]),
            (drawer.clock.tick, on_tick, [*every, *rest, self._announcer]),
        ):
            trigger(function, None, outputs, queue=False, show_progress="hidden", api_visibility="private")

    def _connect_panel(self, name: str) -> None:
        panel, handlers = self._drawer.panels[name], self._handlers
        # The Hub may take seconds to answer; the first event shows that at once, without the server.
        asked = panel.ask.click(
            None,
            None,
            panel.outcome,
            js=f"() => {json.dumps(markup.ASKING)}",
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        for trigger, act in (
            (asked.then, handlers.ask),
            (panel.confirm.click, handlers.start),
            (panel.dismiss.click, handlers.look_at),
            (panel.stop.click, handlers.stop),
        ):
            self._connect_press(trigger, name, act)

    def _connect_press(self, trigger: Callable[..., object], name: str, act: Act) -> None:
        drawer = self._drawer

        def on_press(request: gr.Request) -> Updates:
            with shown_as_toast():
                view = act(name, self._is_operator(request))
                clock = gr.Timer(active=self._handlers.is_live)
                return {**self._shown(view), drawer.clock: clock, self._announcer: view.announcement}

        trigger(
            on_press,
            None,
            [drawer.rows[name], *drawer.panels[name].in_order(), drawer.clock, self._announcer],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _looked(self, request: gr.Request) -> Updates:
        clock: Updates = {self._drawer.clock: gr.Timer(active=self._handlers.is_live)}
        return clock | self._all_shown(self._handlers.look(self._is_operator(request)))

    def _all_shown(self, views: Sequence[EngineView]) -> Updates:
        shown: Updates = {}
        for view in views:
            shown |= self._shown(view)
        return shown

    def _is_operator(self, request: gr.Request) -> bool:
        return is_operator(request, self._has_login)

    def _row_outputs(self) -> list[Component]:
        panels = [component for panel in self._drawer.panels.values() for component in panel.in_order()]
        return [*self._drawer.rows.values(), *panels]

    def _shown(self, view: EngineView) -> Updates:
        shown: Updates = {self._drawer.rows[view.name]: view.row}
        panel = self._drawer.panels.get(view.name)
        if panel is None:
            return shown
        return {
            **shown,
            panel.outcome: view.fetch,
            panel.ask: gr.Button(view.label, visible=view.offer is Offer.ASK),
            panel.confirm: gr.Button(view.label, visible=view.offer is Offer.CONFIRM),
            panel.dismiss: gr.Button(visible=view.offer in (Offer.CONFIRM, Offer.DISMISS)),
            panel.stop: gr.Button(visible=view.offer is Offer.STOP),
        }
