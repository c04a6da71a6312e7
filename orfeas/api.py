"""Plain HTTP: health, readiness, metrics, jobs and their files, and the guard that stands before every route."""

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orfeas.errors import (
    Cancelled,
    EngineUnavailable,
    InternalError,
    InvalidImage,
    InvalidOption,
    NotFound,
    OrfeasError,
    ServerBusy,
)
from orfeas.options import Compression, OutputFormat, parse_choice, quote
from orfeas.pictures.turntable import TurntableOptions
from orfeas.progress import Progress, Step
from orfeas.records import FetchState, FetchStatus, to_json
from orfeas.settings import Settings
from orfeas.studio import Studio
from orfeas.version import VERSION

LOGGER = logging.getLogger(__name__)

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
# How long a GET waits for the turntables of others.
EASEL_S = 10.0
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


class Phase(StrEnum):
    """Where a server is; ``/ready`` answers with it as long as it is not up."""

    LOADING = "loading"
    UP = "up"
    STOPPING = "stopping"


NOT_UP: Mapping[Phase, str] = {
    Phase.LOADING: "The studio is starting. Ask again in a few seconds.",
    Phase.STOPPING: "The studio is being stopped.",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Routes:
    """The plain routes over a studio; a job's id is unguessable and is the right to see and stop it.

    Args:
        studio: the studio.
        examples: the pictures the page offers to start from, in its order.
        phase: where the server is between its start and its stop.
    """

    def __init__(self, studio: Studio, examples: Sequence[Path], phase: Callable[[], Phase]) -> None:
        self._studio = studio
        self._phase = phase
        self._examples = tuple(examples)

    def routes(self) -> list[Route]:
        """All of them, to go before the page's own."""
        return [
            Route("/health", self.health),
            Route("/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/jobs/{job_id}", self.job),
            Route("/jobs/{job_id}/cancel", self.cancel, methods=["POST"]),
            Route("/jobs/{job_id}/thumbnail", self.thumbnail),
            Route("/jobs/{job_id}/picture", self.picture),
            Route("/jobs/{job_id}/cut_out", self.cut_out),
            Route("/jobs/{job_id}/preview", self.preview),
            Route("/jobs/{job_id}/model.{output_format}", self.model),
            Route("/jobs/{job_id}/turntable.webp", self.turntable),
            Route("/examples/{index:int}", self.example),
        ]

    async def health(self, _: Request) -> Response:
        """Alive; touches nothing."""
        return JSONResponse({"status": "ok", "version": VERSION})

    def ready(self, _: Request) -> Response:
        """200 once a job can run, else 503 with the reason; a fetch that runs or failed is told beside."""
        phase = self._phase()
        if phase is not Phase.UP:
            return _not_ready(phase.value, NOT_UP[phase])
        if not self._studio.workspace.is_writable():
            return _not_ready("unavailable", "The studio's data folder cannot be written.")
        engines = self._studio.engines()
        shapes = [info for info in engines if info.kind == "shape"]
        ready = [info.name for info in shapes if info.is_ready]
        if not ready:
            reason = "; ".join(f"{info.title}: {info.why_not}" for info in shapes)
            return _not_ready(EngineUnavailable.code, f"No engine is ready. {reason}")
        fetches = {info.weights: _fetch_text(info.fetch) for info in engines if info.fetch and _fetch_text(info.fetch)}
        return JSONResponse({"status": "ready", "engines": ready, **({"fetch": fetches} if fetches else {})})

    def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        return PlainTextResponse(self._studio.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def job(self, request: Request) -> Response:
        """One job's record."""
        return _answer(lambda: JSONResponse(to_json(self._studio.job(request.path_params["job_id"]))))

    def cancel(self, request: Request) -> Response:
        """Stop a job; one that has ended stays as it is."""
        return _answer(lambda: JSONResponse(to_json(self._studio.cancel(request.path_params["job_id"]))))

    def thumbnail(self, request: Request) -> Response:
        """A small picture of what the job made; while it works, of its subject."""

        def answer() -> Response:
            job_id = request.path_params["job_id"]
            is_final = self._studio.job(job_id).status.is_final
            thumbnail = self._studio.results.thumbnail(job_id)
            return _kept(thumbnail, "image/webp") if is_final else _passing(thumbnail, "image/webp")

        return _answer(answer)

    def picture(self, request: Request) -> Response:
        """The picture a job made from words."""
        return _answer(lambda: _kept(self._made_picture(request.path_params["job_id"]), "image/png"))

    def cut_out(self, request: Request) -> Response:
        """The subject as the job cut it out of its picture."""
        return _answer(lambda: _kept(self._studio.results.cut_out(request.path_params["job_id"]), "image/png"))

    def preview(self, request: Request) -> Response:
        """What the picture looks like that a job is making; it changes under its name, and goes when the job ends."""

        def answer() -> Response:
            data = self._studio.results.preview(request.path_params["job_id"])
            return Response(data, media_type="image/webp", headers={"cache-control": "no-store"})

        return _answer(answer)

    def model(self, request: Request) -> Response:
        """The job's model in a file format, converted once and then kept."""

        def answer() -> Response:
            output_format = parse_choice("output_format", request.path_params["output_format"], OutputFormat)
            packed = parse_choice("compression", request.query_params.get("compression", "none"), Compression)
            path = self._studio.results.download(request.path_params["job_id"], output_format, packed)
            return FileResponse(path, media_type="application/octet-stream", filename=path.name)

        return _answer(answer)

    def turntable(self, request: Request) -> Response:
        """The job's model turning, as the endpoint of that name draws it unless told otherwise.

        Busy where others' are drawn for longer than a few seconds: whoever waits here takes a thread of the server's.
        """

        def answer() -> Response:
            patience = _Patience()
            progress = Progress(patience.draws, patience.is_over)
            try:
                path = self._studio.results.turntable(request.path_params["job_id"], TurntableOptions(), progress)
            except Cancelled as error:
                raise ServerBusy("Other turntables are being drawn. Try again in a minute.") from error
            return FileResponse(path, media_type="image/webp", filename=path.name)

        return _answer(answer)

    def example(self, request: Request) -> Response:
        """One of the pictures that anyone can start from."""
        index = request.path_params["index"]
        if index >= len(self._examples):
            return error_response(NotFound("There is no such example."))
        return FileResponse(self._examples[index], headers={"cache-control": "public, max-age=3600"})

    def _made_picture(self, job_id: str) -> Path:
        if not self._studio.job(job_id).prompt:
            raise NotFound("This job made no picture.")
        return self._studio.results.picture(job_id)


class _Patience:
    """How long a request waits for its turn; once it is at work, it is done."""

    def __init__(self) -> None:
        self._end = time.monotonic() + EASEL_S
        self._is_at_work = False

    def draws(self, _: Step) -> None:
        self._is_at_work = True

    def is_over(self) -> bool:
        return not self._is_at_work and time.monotonic() > self._end


def _fetch_text(fetch: FetchState) -> str:
    """How a fetch goes, in words; empty where there is nothing to tell."""
    if fetch.status is FetchStatus.FETCHING:
        return f"fetching {fetch.amount}"
    return f"failed: {fetch.message}" if fetch.status is FetchStatus.FAILED else ""


def _answer(work: Callable[[], Response]) -> Response:
    try:
        return work()
    except OrfeasError as error:
        return error_response(error)


def _not_ready(code: str, message: str) -> Response:
    return JSONResponse({"error": code, "message": message}, status_code=503)


def _kept(path: Path, media_type: str) -> Response:
    """A file that never changes under its name, for this browser only."""
    return FileResponse(path, media_type=media_type, headers={"cache-control": "private, max-age=3600"})


def _passing(path: Path, media_type: str) -> Response:
    """A file that will be another one soon."""
    return FileResponse(path, media_type=media_type, headers={"cache-control": "no-store"})


def error_response(error: OrfeasError) -> Response:
    """An error as plain HTTP tells it."""
    return JSONResponse({"error": error.code, "message": error.sentence}, status_code=error.http_status)


async def unexpected(_: Request, error: Exception) -> Response:
    """What anyone sees of a bug: an id to find it in the log by, and nothing else."""
    reference = secrets.token_hex(4)
    LOGGER.error("request failed inside ORFEAS; reference %s", reference, exc_info=error)
    return error_response(InternalError(f"ORFEAS met a bug of its own. The operator finds it under {reference}."))


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
