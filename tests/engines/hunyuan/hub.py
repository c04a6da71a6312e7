"""A Hub on this machine: enough of its HTTP to fetch files from, with a connection that breaks once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PREFIX = "/tencent/Hunyuan3D-2.1/resolve/main/"


@dataclass
class Hub:
    """``endpoint`` is its address, ``ranges`` what was asked for of each file, ``breaks`` how often it breaks off."""

    folder: Path
    endpoint: str = ""
    breaks: int = 0
    ranges: list[str] = field(default_factory=list)


@contextmanager
def serve_hub(folder: Path, breaks: int = 0) -> Iterator[Hub]:
    hub = Hub(folder, breaks=breaks)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            data = self.answer()
            if self.path.endswith(".ckpt"):
                hub.ranges.append(self.headers.get("Range", ""))
                if hub.breaks:
                    hub.breaks -= 1
                    data = data[: len(data) // 2]
                    self.close_connection = True
            self.wfile.write(data)

        def answer(self) -> bytes:
            path = hub.folder / self.path.removeprefix(PREFIX).split("?")[0]
            if not self.path.startswith(PREFIX) or not path.is_file():
                self.send_error(404)
                return b""
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
