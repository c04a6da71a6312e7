"""One headless Chromium for all browser tests, a fresh profile for each, and a record of what each page asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.running import Running, running

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Without a GPU Babylon tries WebGPU, says so in the console, and falls back to WebGL.
    "--disable-features=WebGPU",
    "--disable-blink-features=WebGPU",
]


@dataclass
class Visit:
    """A page that was opened, and what it said and asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "BJS" not in message.text:
            self.errors.append(message.text)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


Opener = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser, server: Running) -> Iterator[Opener]:
    """Opens the page in a profile of its own: ``visit(width=390, scheme="dark")``."""
    contexts: list[BrowserContext] = []

    def open_page(width: int = 1440, height: int = 900, scheme: str = "light", motion: str = "reduce") -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of Playwright's words
            reduced_motion=motion,  # type: ignore[arg-type]
            accept_downloads=True,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        found = Visit(context.new_page())
        found.page.on("console", found.note_console)
        found.page.on("pageerror", lambda error: found.errors.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.goto(server.url)
        found.page.wait_for_selector("#generate", state="attached", timeout=30_000)
        found.page.wait_for_selector("#history p.quiet, #history .tile", timeout=30_000)
        found.page.wait_for_timeout(500)
        return found

    yield open_page
    for context in contexts:
        context.close()
