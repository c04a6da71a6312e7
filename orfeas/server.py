"""Builds the objects once, joins page and plain routes, and serves them until it is told to stop."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import gradio as gr
from starlette.applications import Starlette

from orfeas.api import Guard, Phase, Routes, unexpected
from orfeas.devices import require_device
from orfeas.errors import EngineUnavailable, InternalError
from orfeas.settings import Settings, read_settings, unknown_names, write_environment
from orfeas.studio import Studio
from orfeas.ui import theme
from orfeas.ui.examples import find_examples
from orfeas.ui.page import BuiltPage, build_page
from orfeas.ui.queue_probe import is_waiting
from orfeas.ui.visits import VisitNotes, Visits
from orfeas.version import VERSION

LOGGER = logging.getLogger(__name__)

# Larger than the largest picture accepted, so that a larger one is refused in our words; room for meshes.
MAX_UPLOAD = "256mb"
TIDY_EVERY_S = 3600.0
# Longer than the studio gives its jobs and fetches to notice.
STOP_LIMIT_S = 6.0
# Gradio and uvicorn take these from the environment alone; nothing here reads them back but to restore them.
CACHE_VARIABLE = "GRADIO_TEMP_DIR"
PROXIES_VARIABLE = "FORWARDED_ALLOW_IPS"


@dataclass(frozen=True)
class Server:
    """What :func:`build` made: the studio, its page, and the settings they were made with.

    Attributes:
        environment: what the variables that :func:`build` wrote held before.
    """

    settings: Settings
    studio: Studio
    page: BuiltPage
    visits: Visits
    environment: Mapping[str, str | None]
    is_up: threading.Event = field(default_factory=threading.Event)
    is_stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> str:
        """Serve in the background; returns the local address."""
        settings = self.settings
        login = (settings.username, settings.password) if settings.username and settings.password else None
        _, url, _ = self.page.blocks.launch(
            server_name=settings.host,
            server_port=settings.port or _free_port(settings.host),
            root_path=settings.root_path or None,
            auth=login,
            theme=theme.create_theme(),
            css=theme.STYLE_SHEET.read_text(encoding="utf-8"),
            head=theme.head(),
            app_kwargs={
                "routes": self._routes().routes(),
                "lifespan": self._lifespan,
                "exception_handlers": {Exception: unexpected},
                "openapi_url": None,
            },
            max_file_size=MAX_UPLOAD,
            footer_links=["api"],
            show_error=False,
            run_history=False,
            enable_monitoring=False,
            share=False,
            ssr_mode=False,
            pwa=False,
            quiet=True,
            prevent_thread_lock=True,
            mcp_server=settings.mcp,
        )
        self.is_up.set()
        self.studio.start_fetch()
        threading.Thread(target=self.studio.warm_up, daemon=True).start()
        return str(url)

    def stop(self) -> None:
        """Stop serving; a job that runs is stopped and its record says so."""
        self.is_stopping.set()
        self.studio.close()
        self.page.blocks.close(verbose=False)
        write_environment(self.environment)

    def _routes(self) -> Routes:
        return Routes(self.studio, [example.path for example in find_examples()], self._phase)

    def _phase(self) -> Phase:
        if self.is_stopping.is_set():
            return Phase.STOPPING
        return Phase.UP if self.is_up.is_set() else Phase.LOADING

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Put the guard before everything, once Gradio has put up its own layers.

        Gradio adds its CORS layer outside of every middleware it can be given, and that layer lets any origin in with
        credentials; only here, before the first request, can something stand before it.
        """
        assert app.middleware_stack is not None, "the server builds it before it starts"
        guarded = Guard(app.middleware_stack, self.settings, self.page.endpoints)
        app.middleware_stack = VisitNotes(guarded, self.visits)
        yield


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def build(settings: Settings | None = None) -> Server:
    """Make everything a server needs; nothing is served yet.

    Raises:
        pydantic.ValidationError: a setting in the environment that is not allowed.
        InternalError: the data folder cannot be used, or a package that a setting needs is missing.
        EngineUnavailable: the device that a setting names is missing.
    """
    settings = settings or read_settings()
    require_device(settings)
    if settings.mcp:
        _require_mcp()
    visits = Visits()
    pages: list[gr.Blocks] = []
    studio = Studio(settings, is_waiting=lambda job_id: any(is_waiting(page, job_id) for page in pages))
    environment = write_environment(
        {CACHE_VARIABLE: str(studio.workspace.served), PROXIES_VARIABLE: settings.trusted_proxies}
    )
    page = build_page(studio, visits)
    pages.append(page.blocks)
    return Server(settings, studio, page, visits, environment)


def _require_mcp() -> None:
    try:
        import mcp  # noqa: F401 (Gradio's own import; without it Gradio tells of a package we do not use)
    except ImportError as error:
        raise InternalError(
            "ORFEAS_MCP is set and the mcp package is missing; run pip install -r requirements-mcp.txt."
        ) from error


def serve(settings: Settings) -> None:
    """Serve until interrupted or terminated; what ``python app.py`` does.

    Raises:
        SystemExit: it cannot start; one sentence on standard error says why.
    """
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for name in unknown_names():
        LOGGER.warning("%s is set, and means nothing to ORFEAS: is it misspelt?", name)
    stopping = threading.Event()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    try:
        server = build(settings)
    except (EngineUnavailable, InternalError) as error:
        sys.exit(f"ORFEAS cannot start: {error}")
    try:
        url = server.start()
    except OSError:
        server.stop()
        sys.exit(f"ORFEAS cannot listen on {settings.host}:{settings.port}; set ORFEAS_HOST and ORFEAS_PORT to others.")
    LOGGER.info("ORFEAS %s is ready at %s", VERSION, url)
    while not stopping.wait(TIDY_EVERY_S):
        server.studio.tidy()
    LOGGER.info("stopping")
    _leave(server)


def _leave(server: Server) -> None:
    """Stop the server, and then the process, which does not wait for a step that nothing can interrupt.

    By then its job is recorded as stopped; what it was writing is found as such at the next start.

    Raises:
        SystemExit: stopping failed; standard error has the traceback.
    """
    end = time.monotonic() + STOP_LIMIT_S
    is_stopped = threading.Event()

    def stop() -> None:
        server.stop()
        is_stopped.set()

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    stopping.join(STOP_LIMIT_S)
    # What the interpreter would wait for before it ends.
    others = [thread for thread in threading.enumerate() if not (thread.daemon or thread is threading.current_thread())]
    for thread in others:
        thread.join(max(0.0, end - time.monotonic()))
    has_failed = not (stopping.is_alive() or is_stopped.is_set())
    if has_failed:
        LOGGER.error("stopping failed, as told above")
    if stopping.is_alive() or any(thread.is_alive() for thread in others):
        LOGGER.warning("what runs did not stop within %.0f s, and is ended with the process", STOP_LIMIT_S)
        logging.shutdown()
        os._exit(int(has_failed))
    if has_failed:
        sys.exit(1)
