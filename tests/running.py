"""A real server in this process, for every test that needs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradio_client import Client

from orfeas.server import Server, build
from orfeas.settings import Settings


@dataclass(frozen=True)
class Running:
    """A server that answers at ``url`` (it ends with a slash)."""

    url: str
    server: Server

    def client(self) -> Client:
        """A new session, as a script has one."""
        return Client(self.url, verbose=False, ssl_verify=False)


@contextmanager
def running(data_dir: Path, **settings: str | int) -> Iterator[Running]:
    server = build(Settings.model_validate({"data_dir": data_dir, "port": 0, **settings}))
    url = server.start()
    try:
        yield Running(url, server)
    finally:
        server.stop()
