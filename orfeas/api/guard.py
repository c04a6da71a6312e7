"""What stands before every route: origins, sizes, and headers that harden the answers."""

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orfeas.api.answers import error_response
from orfeas.errors import (
    InvalidImage,
    InvalidOption,
    NotFound,
)
from orfeas.options import quote
from orfeas.settings import Settings

# Our longest request but for uploads is a prompt; the largest prompt worth refusing politely is a few megabytes.
MAX_BODY_BYTES = 4_000_000
# Where Gradio takes files; the same path with the public prefix in front, where a proxy leaves it there.
UPLOAD = "/gradio_api/upload"
WEB_ADDRESS = re.compile(r"\s*https?:", re.IGNORECASE)
# Gradio's file route fetches a web address, too.
FETCHED = re.compile(r"/file[=/]\s*https?:", re.IGNORECASE)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
# Parameters without a default, whatever the endpoint.
REQUIRED = frozenset({"image", "mesh", "prompt", "job_id"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HARDENING: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
    # Gradio's page needs inline scripts and evaluates its templates; nothing may come from, or go to, elsewhere.
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:;"
        " connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self';"
        " form-action 'self'; frame-ancestors 'self' https://huggingface.co https://*.hf.space"
    ),
}


class Guard:
    """Stands before every route, Gradio's too: origins, sizes, and headers that harden the answers.

    Where the server listens to this machine only, it answers to this machine's names only: another site's name that was
    made to point here (DNS rebinding) would make that site's page one of ours.

    Args:
        app: what it guards.
        settings: ``host``, ``root_path``, ``offline`` and ``allowed_origins`` decide what is let through.
        endpoints: parameters of the page's endpoints by their names, so that a call to any other is answered 404, and
            one with a misspelt or missing parameter by its name.
    """

    def __init__(self, app: ASGIApp, settings: Settings, endpoints: Mapping[str, Sequence[str]]) -> None:
        self._app = app
        origins = settings.allowed_origins.split(",")
        self._allowed = frozenset(origin.strip().rstrip("/").lower() for origin in origins if origin.strip())
        self._names = frozenset(urlsplit(origin).hostname or "" for origin in self._allowed) | LOOPBACK
        self._is_local = settings.host.lower() in LOOPBACK
        self._is_offline = settings.offline
        self._uploads = frozenset({UPLOAD, f"/{settings.root_path.strip('/')}{UPLOAD}"})
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_foreign = self._is_foreign(headers)
        guarded = _hardened(send, is_foreign)
        refusal = self._refusal(scope, headers, is_foreign)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        if scope["method"] not in SAFE_METHODS and scope["path"] not in self._uploads:
            try:
                body = await _read_body(receive)
            except ClientDisconnect:
                return
            if body is None:
                await _too_large()(scope, receive, guarded)
                return
            if self._is_offline and _names_web_address(body):
                await _offline()(scope, receive, guarded)
                return
            misnamed = self._misnamed(scope["path"], body)
            if misnamed is not None:
                await misnamed(scope, receive, guarded)
                return
            receive = _replay(body, receive)
        await self._app(scope, receive, guarded)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._allowed:
            return False
        hosts = {headers.get("host", ""), headers.get("x-forwarded-host", "")}
        try:
            name = urlsplit(origin).netloc.lower()
        except ValueError:
            return True
        return name not in {host.lower() for host in hosts if host}

    def _refusal(self, scope: Scope, headers: Headers, is_foreign: bool) -> Response | None:
        if self._is_local and _host_name(headers) not in self._names:
            message = "Forbidden: this studio answers to localhost; its operator may allow this address as an origin."
            return JSONResponse({"error": "foreign_host", "message": message}, status_code=403)
        if self._is_offline and FETCHED.search(scope["path"]):
            return _offline()
        if scope["method"] in SAFE_METHODS:
            return None
        if is_foreign:
            message = "Forbidden: requests from other web sites are not accepted here."
            return JSONResponse({"error": "foreign_origin", "message": message}, status_code=403)
        length = headers.get("content-length", "0")
        if scope["path"] not in self._uploads and length.isdigit() and int(length) > MAX_BODY_BYTES:
            return _too_large()
        name = _called(scope["path"])
        if name is not None and name not in self._endpoints:
            return error_response(NotFound("There is no such endpoint."))
        return None

    def _misnamed(self, path: str, body: bytes) -> Response | None:
        """What Gradio's calls by parameter name would answer with a failure of its own."""
        if "/gradio_api/call/v2/" not in path:
            return None
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            return None  # Gradio says so itself
        name = path.rstrip("/").rpartition("/")[2]
        known = self._endpoints[name]
        takes = f"/{name} takes {', '.join(known) or 'no parameters'}."
        if not isinstance(sent, dict):
            return error_response(InvalidOption(f"The body must be a JSON object with parameters by name. {takes}"))
        unknown = next((parameter for parameter in sent if parameter not in known), None)
        if unknown is not None:
            return error_response(InvalidOption(f"{quote(unknown)} is no parameter here. {takes}"))
        missing = next((parameter for parameter in known if parameter in REQUIRED and parameter not in sent), None)
        return error_response(InvalidOption(f"{missing} is missing. {takes}")) if missing else None


def _called(path: str) -> str | None:
    """The name of the endpoint that a path under ``/gradio_api/call`` or ``/gradio_api/run`` calls, else None."""
    parts = [part for part in path.split("/") if part]
    for place, part in enumerate(parts[:-1]):
        # The page's own unqueued events all go to run/predict; Gradio refuses there what has to queue.
        if part == "gradio_api" and parts[place + 1] in ("call", "run") and parts[place + 1 :] != ["run", "predict"]:
            rest = parts[place + 2 :]
            return rest[-1] if rest else ""
    return None


def _host_name(headers: Headers) -> str:
    """The name in ``Host`` without its port; brackets around an IPv6 address stay away."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _names_web_address(body: bytes) -> bool:
    """Whether a JSON body holds a file that Gradio would fetch from the network."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return False  # Gradio refuses it as well
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and WEB_ADDRESS.match(path):
                return True
            waiting += value.values()
    return False


def _offline() -> Response:
    """Shaped like a validator's refusal besides, which is what ``gradio_client`` shows the sentence of."""
    error = InvalidImage("this studio is offline and fetches nothing; upload the file instead.")
    detail = {"__type__": "validate", "is_valid": False, "parameter_name": "image", "message": error.sentence}
    body = {"error": error.code, "message": error.sentence, "detail": [detail]}
    return JSONResponse(body, status_code=error.http_status)


def _too_large() -> Response:
    message = f"Too large: a request may have {MAX_BODY_BYTES // 1_000_000} MB; send files through the upload."
    return JSONResponse({"error": "too_large", "message": message}, status_code=413)


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None where it is larger than allowed.

    Raises:
        starlette.requests.ClientDisconnect: the client left in the middle.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands out ``body`` once, then whatever the client does next."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _hardened(send: Send, is_foreign: bool) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HARDENING.items():
                headers.setdefault(name, value)
            if is_foreign:
                for name in [name for name in headers if name.startswith("access-control-allow-")]:
                    del headers[name]
        await send(message)

    return hardened
