"""Tells a tab that was closed from one that was reloaded, so that a reload does not stop the job."""

import threading
import time
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

# A reload asks for the page within milliseconds of the old one's end; slow networks need longer.
RETURN_WITHIN_S = 0.8
REMEMBERED = 1000


class Visits:
    """Remembers when each browser last asked for the page; a browser is its address and what it calls itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, address: str, agent: str) -> None:
        """The browser asked for the page just now."""
        with self._lock:
            self._seen[address, agent] = time.monotonic()
            self._seen.move_to_end((address, agent))
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)

    def has_returned(self, address: str, agent: str) -> bool:
        """Wait a moment and tell whether the browser asked for the page again around now."""
        end = time.monotonic() + RETURN_WITHIN_S
        while True:
            with self._lock:
                seen = self._seen.get((address, agent))
            if seen is not None and seen > end - 2 * RETURN_WITHIN_S:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)


class VisitNotes:
    """Wraps an ASGI application and notes every request for its page."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self._app = app
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request, and let it through."""
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].rstrip("/") == scope.get("root_path", "").rstrip("/")
        ):
            client = scope.get("client")
            self._visits.note(client[0] if client else "", Headers(scope=scope).get("user-agent", ""))
        await self._app(scope, receive, send)
