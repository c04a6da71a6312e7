"""Connects the page's components to its handlers; here and in the endpoints Gradio's requests are seen, nowhere else.

A press goes through a queue of its own kind, which does not wait for the device, and submits its job; a refusal is told
there. Its success sends a second event through the device's queue, which runs the job, and starts a clock, which asks
outside of every queue how the job stands until it has ended.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Literal

import gradio as gr
from gradio.components import Component

from orfeas.errors import InternalError, OrfeasError
from orfeas.jobs import Caller
from orfeas.records import EngineInfo
from orfeas.studio import Studio
from orfeas.ui import markup
from orfeas.ui.advanced import OptionInputs, engine_choices, has_learned, remover_choices, texture_engine_choices
from orfeas.ui.caller import address_of, caller_of
from orfeas.ui.cut_out.handlers import CutOutHandlers
from orfeas.ui.cut_out.wiring import connect_cut_out
from orfeas.ui.drawer.handlers import DrawerHandlers
from orfeas.ui.drawer.wiring import DrawerWiring
from orfeas.ui.endpoints import DEVICE
from orfeas.ui.follow import run_job
from orfeas.ui.followers import Followers
from orfeas.ui.handlers import Handlers, View
from orfeas.ui.layout import Page, quality_choices
from orfeas.ui.mesh_tab.layout import MeshInputs
from orfeas.ui.mesh_tab.wiring import connect_inspection, connect_print_check
from orfeas.ui.queue_probe import attach_job, attached_job
from orfeas.ui.serving import cached
from orfeas.ui.settings_wiring import connect_settings
from orfeas.ui.stage import Stage, Updates
from orfeas.ui.toast import bugs_explained, shown_as_toast
from orfeas.ui.visits import Visits
from orfeas.ui.words_tab import WordInputs

LOGGER = logging.getLogger(__name__)

Submit = Callable[[Sequence[object], Caller], View]

OPTION_NAMES = tuple(field.name for field in fields(OptionInputs))
MESH_NAMES = tuple(field.name for field in fields(MeshInputs))
CUT_OUT_NAMES = ("background", "mask")
WORD_NAMES = tuple(field.name for field in fields(WordInputs))
STUDIO_STOPPED = "What was not done is marked as stopped; start it again when the studio is back."
TOKEN_BYTES = 24
NOTHING = "() => null"
# How long a page that is being loaded again may take until it asks for its job.
FOLLOW_WITHIN_S = 10.0


class Wiring:
    """All events of one page; call :meth:`connect` once, while the page's ``gr.Blocks`` is open."""

    def __init__(self, studio: Studio, handlers: Handlers, page: Page, visits: Visits) -> None:
        self._studio = studio
        self._handlers = handlers
        self._page = page
        self._visits = visits
        self._stage = Stage(page, handlers)
        self._followers = Followers()

    def connect(self, blocks: gr.Blocks) -> None:
        """Wire everything."""
        self._connect_words()
        self._connect_pictures()
        cut_outs, options = CutOutHandlers(self._studio), self._page.options
        for panel, image in (
            (self._page.image_cut_out, self._page.image),
            (self._page.front_cut_out, self._page.mesh.front),
        ):
            connect_cut_out(cut_outs, panel, image, options.remover, self._page.header, self._page.announcer)
        self._connect_live()
        self._connect_stage()
        connect_inspection(self._page, self._handlers.mesh)
        connect_print_check(self._page, self._handlers.mesh)
        connect_settings(self._page, self._handlers)
        self._connect_sessions(blocks)
        has_login = bool(self._studio.settings.username)
        drawer = DrawerWiring(
            DrawerHandlers(self._studio),
            self._page.drawer,
            self._page.header,
            self._page.announcer,
            has_login,
            [
                self._page.header,
                options.engine,
                options.texture_engine,
                options.remover,
                self._page.learned,
                *self._page.words_tab.depends_on_engines(),
            ],
            self._with_engines,
        )
        drawer.connect(blocks)

    def _connect_words(self) -> None:
        page, handlers = self._page, self._handlers
        inputs = [*page.words.in_order(), *page.options.in_order()]
        names = (*WORD_NAMES, *OPTION_NAMES)
        for trigger in (page.make_picture.click, page.words.prompt.submit):
            self._submits(trigger, inputs, lambda values, caller: handlers.submit_words(_named(names, values), caller))
        self._submits(
            page.again.click,
            inputs,
            lambda values, caller: handlers.submit_words({**_named(names, values), "seed": -1}, caller),
        )
        self._submits(
            page.straight.click,
            inputs,
            lambda values, caller: handlers.submit_words_to_model(_named(names, values), caller),
        )

    def _connect_pictures(self) -> None:
        page, handlers = self._page, self._handlers
        options = page.options.in_order()
        self._submits(
            page.generate.click,
            [page.image, *page.image_cut_out.in_order(), *options],
            lambda values, caller: handlers.submit_image(
                _named(("image", *CUT_OUT_NAMES, *OPTION_NAMES), values), caller
            ),
        )
        self._submits(
            page.to_model.click,
            [page.shown_id, *options],
            lambda values, caller: handlers.submit_picture_of(str(values[0]), _named(OPTION_NAMES, values[1:]), caller),
        )

        self._submits(
            page.repair.click,
            [*page.mesh.in_order(), *options],
            lambda values, caller: handlers.submit_repair(_named((*MESH_NAMES, *OPTION_NAMES), values), caller),
        )
        self._submits(
            page.paint.click,
            [*page.mesh.in_order(), *page.front_cut_out.in_order(), *options],
            lambda values, caller: handlers.submit_mesh(
                _named((*MESH_NAMES, *CUT_OUT_NAMES, *OPTION_NAMES), values), caller
            ),
        )

        def on_adjust(shown_id: str) -> Updates:
            with shown_as_toast():
                picture = cached(self._studio.results.picture(shown_id))
                return {page.image: picture, page.tabs: gr.Tabs(selected="picture")}

        page.adjust.click(
            on_adjust, page.shown_id, [page.image, page.tabs], show_progress="hidden", api_visibility="private"
        )

        def on_example(request: gr.Request, event: gr.EventData, *values: object) -> Updates:
            with shown_as_toast():
                key = str(event.value)
                view = handlers.submit_example(key, _named(OPTION_NAMES, values), caller_of(request))
                self._follow(view.job.job_id, request)
                shown = cached(handlers.example(key).path)
                return {**self._stage.accepted(view), page.image: shown, page.image_cut_out.background: "auto"}

        self._then_run(
            page.examples.select(
                on_example,
                options,
                [*self._stage.live_outputs(), page.image, page.image_cut_out.background],
                preprocess=False,
                show_progress="hidden",
                api_visibility="private",
            )
        )

    def _submits(self, trigger: Callable[..., gr.events.Dependency], inputs: list[Component], submit: Submit) -> None:
        def on_press(request: gr.Request, *values: object) -> Updates:
            with shown_as_toast():
                view = submit(values, caller_of(request))
                self._follow(view.job.job_id, request)
                return self._stage.accepted(view)

        self._then_run(
            trigger(
                on_press,
                inputs,
                self._stage.live_outputs(),
                preprocess=False,
                show_progress="hidden",
                api_visibility="private",
            )
        )

    def _then_run(self, submitted: gr.events.Dependency) -> None:
        """Run the job on the device once the event before has accepted it."""

        def hold(request: gr.Request, job_id: str) -> list[dict[str, object]]:
            with shown_as_toast():
                attach_job(request, job_id)
            return [gr.validate(True, "")]

        async def run(request: gr.Request, _: str) -> None:
            # The page's job may be a later one by now, whose turn has not come.
            job_id = attached_job(request)
            with shown_as_toast():
                if job_id:
                    await run_job(self._studio, job_id)

        submitted.success(
            run,
            self._page.job_id,
            None,
            validator=hold,
            concurrency_id=DEVICE,
            concurrency_limit=1,
            # A job that was stopped while it waited leaves its event in the queue: the next one's must be sent still.
            trigger_mode="multiple",
            show_progress="hidden",
            api_visibility="private",
        )

    def _connect_live(self) -> None:
        page = self._page

        def tick(request: gr.Request, job_id: str) -> Updates:
            if not job_id:
                return {page.clock: gr.Timer(active=False)}
            try:
                with bugs_explained():
                    view = self._handlers.follow(job_id)
                    if view.is_live:
                        return {
                            page.status: view.status,
                            page.announcer: view.announcement,
                            page.cut_out: view.cut_out,
                            page.preview: view.preview,
                        }
                    return self._stage.ended(view, self._owner_of(request))
            except OrfeasError as error:
                # An event that fails changes nothing on the page: the clock would go on, a toast at every tick.
                status = markup.notice("failed", error.title, str(error))
                if self._studio.is_closed:
                    status = markup.notice("stopped", "The studio was stopped", STUDIO_STOPPED)
                return {
                    page.job_id: "",
                    page.clock: gr.Timer(active=False),
                    page.status: status,
                    page.announcer: error.sentence,
                    page.preview: "",
                }

        def on_stop(job_id: str) -> Updates:
            if job_id:
                with shown_as_toast():
                    self._handlers.stop(job_id)
            return {page.stop: gr.Button("Stopping", interactive=False)}

        page.clock.tick(
            tick,
            page.job_id,
            [*self._stage.live_outputs(), *self._stage.outputs()],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        page.stop.click(on_stop, page.job_id, page.stop, queue=False, show_progress="hidden", api_visibility="private")

    def _connect_stage(self) -> None:
        page = self._page

        def on_open(request: gr.Request, event: gr.EventData) -> Updates:
            with shown_as_toast():
                return self._stage.opened(self._handlers.follow(str(event.value)), self._owner_of(request))

        def on_mode(mode: Literal["solid", "wireframe"], model: str) -> object:
            with shown_as_toast():
                return gr.Model3D(cached(Path(model)) if model else None, display_mode=mode)

        page.history.select(
            on_open,
            None,
            [page.status, page.announcer, page.cut_out, *self._stage.outputs()],
            show_progress="hidden",
            api_visibility="private",
        )
        # A viewer never leaves the wireframe again. So it goes, and a new one comes, with the camera where it was left.
        page.view_mode.change(None, None, page.viewer, js=NOTHING, api_visibility="private").then(
            on_mode,
            [page.view_mode, page.model],
            page.viewer,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _connect_sessions(self, blocks: gr.Blocks) -> None:
        """The history follows the browser: a token kept there adopts each new session of its pages."""
        page = self._page

        def on_open_page(request: gr.Request, token: object) -> Updates:
            with shown_as_toast():
                kept = token if isinstance(token, str) and token else secrets.token_urlsafe(TOKEN_BYTES)
                self._studio.jobs.adopt(request.session_hash or "", kept)
                live = self._handlers.live_job(kept)
                if live is not None:
                    self._follow(live.job_id, request)
                shown = self._stage.accepted(self._handlers.follow(live.job_id)) if live is not None else {}
                return {
                    page.token: kept,
                    page.history: self._handlers.history(kept, ""),
                    page.options.quality: gr.Radio(choices=quality_choices(self._handlers.seconds_by_quality())),
                    **shown,
                }

        def on_close_page(request: gr.Request) -> None:
            session = request.session_hash or ""
            forsaken = set(self._followers.leave(session))
            # A script's session follows nothing; its job is its own.
            own = self._studio.jobs.live(session)
            if own is not None and not self._followers.has(own.job_id):
                forsaken.add(own.job_id)
            for job_id in forsaken:
                if not self._is_reloading(request, job_id):
                    self._cancel_forsaken(job_id)

        self._then_run(
            blocks.load(
                on_open_page,
                page.token,
                [page.token, page.history, page.options.quality, *self._stage.live_outputs()],
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )
        )
        blocks.unload(on_close_page)

    def _with_engines(self, engines: Sequence[EngineInfo]) -> Updates:
        """What the page shows of the engines outside of the drawer; they come and go while it is open."""
        page = self._page
        return {
            page.header: markup.header(engines),
            page.options.engine: gr.Dropdown(choices=engine_choices(engines)),
            page.options.texture_engine: gr.Dropdown(choices=texture_engine_choices(engines)),
            page.options.remover: gr.Dropdown(choices=remover_choices(engines)),
            page.learned: gr.Column(visible=has_learned(engines)),
            **page.words_tab.with_engines(engines),
        }

    def _cancel_forsaken(self, job_id: str) -> None:
        try:
            self._studio.cancel(job_id)
        except InternalError:
            LOGGER.info("job %s has ended with the studio, whose history is closed", job_id)

    def _follow(self, job_id: str, request: gr.Request) -> None:
        """Note that the page behind the request made the job or shows it."""
        self._followers.keep(self._studio.jobs.live_ids())
        self._followers.add(job_id, request.session_hash or "")

    def _is_reloading(self, request: gr.Request, job_id: str) -> bool:
        """Whether the page that went away comes back and follows its job; waits until that is clear."""
        if not self._visits.has_returned(address_of(request), str(request.headers.get("user-agent", ""))):
            return False
        end = time.monotonic() + FOLLOW_WITHIN_S
        while not self._followers.has(job_id):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def _owner_of(self, request: gr.Request) -> str:
        return self._studio.jobs.owner_of(request.session_hash or "")


def _named(names: Sequence[str], values: Sequence[object]) -> dict[str, object]:
    return dict(zip(names, values, strict=True))
