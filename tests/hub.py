"""A Hub on this machine: enough of its HTTP to fetch files from, with a connection that is slow, or breaks."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from orfeas.fetching import Fetching
from orfeas.options import WeightsChoice

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PREFIX = re.compile(rf"/[\w.-]+/[\w.-]+/resolve/(main|{COMMIT})/")
ABOUT = re.compile(r"/api/models/([\w.-]+/[\w.-]+)")
PIECES = 40


@dataclass
class Hub:
    """One Hub.

    Attributes:
        folder: holds the files of every repository that is asked for.
        endpoint: its address.
        breaks: how many more times it breaks off in the middle of a checkpoint.
        pause_s: how long it waits after each fortieth of a checkpoint.
        is_silent: whether it says nothing more from the middle of a checkpoint on, for as long as this is set.
        damage: what it puts in the place of a checkpoint's last bytes.
        ranges: what was asked for of each checkpoint.
        tokens: what callers proved themselves with.
    """

    folder: Path
    endpoint: str = ""
    breaks: int = 0
    pause_s: float = 0.0
    is_silent: bool = False
    damage: bytes = b""
    ranges: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        about = ABOUT.fullmatch(self.path.split("?")[0])
        if about is not None:
            self.describe(about[1])
            return
        data = self.answer()
        if self.path.endswith(".ckpt"):
            self.tell(data)
        else:
            self.wfile.write(data)

    def describe(self, repo_id: str) -> None:
        names = [
            path.relative_to(self.server.hub.folder).as_posix()
            for path in self.server.hub.folder.rglob("*")
            if path.is_file()
        ]
        about = {
            "id": repo_id,
            "sha": COMMIT,
            "siblings": [{"rfilename": name} for name in names],
            "cardData": {"license": "mit"},
        }
        data = json.dumps(about).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def tell(self, data: bytes) -> None:
        self.server.hub.ranges.append(self.headers.get("Range", ""))
        data = data[: len(data) - len(self.server.hub.damage)] + self.server.hub.damage
        if self.server.hub.breaks:
            self.server.hub.breaks -= 1
            data = data[: len(data) // 2]
            self.close_connection = True
        size = -(-len(data) // PIECES)
        for place in range(0, len(data), max(size, 1)):
            while self.server.hub.is_silent and (place > len(data) // 2 or self.server.hub.ranges[-1]):
                time.sleep(0.05)
            try:
                self.wfile.write(data[place : place + size])
            except OSError:
                self.close_connection = True
                return  # the caller has gone
            time.sleep(self.server.hub.pause_s)

    def answer(self) -> bytes:
        path = self.server.hub.folder / PREFIX.sub("", self.path).split("?")[0]
        if not PREFIX.match(self.path) or not path.is_file():
            self.send_error(404)
            return b""
        self.server.hub.tokens.add(self.headers.get("Authorization", ""))
        data = path.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        return data[start:]

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_hub(folder: Path, breaks: int = 0) -> Iterator[Hub]:
    hub = Hub(folder, breaks=breaks)
    server = _Server(hub)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.is_silent = False
        server.shutdown()
        server.server_close()
        thread.join()


def point_at(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Hub's client of this process, which read its settings long ago, fetch from ``hub`` into ``home``."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))


def wait_for_a_tenth(fetching: Fetching) -> None:
    """Return once a fetch of the shape engine's weights has a tenth of them."""
    end = time.monotonic() + 20
    while (state := fetching.state(WeightsChoice.HUNYUAN_SHAPE)).done_bytes < state.total_bytes // 10:
        assert time.monotonic() < end
        time.sleep(0.01)
