"""``python app.py`` as a real process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 120


@dataclass(frozen=True)
class App:
    process: subprocess.Popen[str]
    url: str
    log: Path


def unmeasured() -> dict[str, str]:
    """This process's environment for a child whose coverage is not measured.

    Measuring takes half as long again as starting does; what the child does is measured in another test.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def children_of(script: str) -> list[psutil.Process]:
    """The processes that this one has started to run ``script``, by its name."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if any(Path(word).name == script for word in child.cmdline()):
                found.append(child)
    return found


def start(
    tmp_path: Path, inherited: Mapping[str, str] = os.environ, program: str = "app.py", /, **environment: str
) -> App:
    """``app.py`` once it is ready, or another program that serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log.txt"
    process = subprocess.Popen(
        [sys.executable, program],
        cwd=ROOT,
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "ORFEAS_PORT": str(port),
            "ORFEAS_DATA_DIR": str(tmp_path / "data"),
            **environment,
        },
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    )
    app = App(process, f"http://127.0.0.1:{port}/", log)
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{app.url}ready").status_code == 200:
                return app
        except httpx.ConnectError:
            pass
        time.sleep(0.05)
    raise AssertionError("not ready in time")


def stop(app: App) -> int:
    app.process.send_signal(signal.SIGTERM)
    return app.process.wait(20)
