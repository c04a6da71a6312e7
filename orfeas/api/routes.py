"""The plain routes: health, readiness, metrics, jobs and their files."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from orfeas.api.answers import error_response
from orfeas.errors import (
    Cancelled,
    EngineUnavailable,
    NotFound,
    OrfeasError,
    ServerBusy,
)
from orfeas.options import OutputFormat, Packing, parse_choice, parse_packing
from orfeas.pictures.turntable import TurntableOptions
from orfeas.progress import Progress, Step
from orfeas.records import FetchState, FetchStatus, to_json
from orfeas.studio import Studio
from orfeas.version import VERSION

# How long a GET waits for the turntables of others.
EASEL_S = 10.0
SIZE = re.compile(r"[0-9]{1,6}")
Endpoint = Callable[[Request], Awaitable[Response]]


class Phase(StrEnum):
    """Where a server is; ``/ready`` answers with it as long as it is not up."""

    LOADING = "loading"
    UP = "up"
    STOPPING = "stopping"


NOT_UP: Mapping[Phase, str] = {
    Phase.LOADING: "The studio is starting. Ask again in a few seconds.",
    Phase.STOPPING: "The studio is being stopped.",
}


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
            path = self._studio.results.download(
                request.path_params["job_id"], output_format, _packing(output_format, request.query_params)
            )
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


def _packing(output_format: OutputFormat, asked: Mapping[str, str]) -> Packing:
    """What an address asks for, in which everything is text."""
    size = asked.get("texture_size", "0")
    return parse_packing(
        output_format,
        compression=asked.get("compression", "none"),
        texture_size=int(size) if SIZE.fullmatch(size) else size,
        texture_format=asked.get("texture_format", "keep"),
    )


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
