"""``python app.py``, the README's run command, as a real process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 60


@dataclass(frozen=True)
class App:
    process: subprocess.Popen[str]
    url: str
    log: Path


def start(tmp_path: Path, **environment: str) -> App:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log.txt"
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "ORFEAS_PORT": str(port), "ORFEAS_DATA_DIR": str(tmp_path / "data"), **environment},
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
            time.sleep(0.05)
    raise AssertionError("not ready in time")


def stop(app: App) -> int:
    app.process.send_signal(signal.SIGTERM)
    return app.process.wait(20)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = start(tmp_path_factory.mktemp("app"), ORFEAS_PROT="7860")
    yield app
    stop(app)


def test_a_script_makes_a_model(app: App, mug: Path) -> None:
    client = Client(app.url, verbose=False)
    path, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    assert Path(path).read_bytes()[:4] == b"glTF"
    assert job["status"] == "completed"


def test_a_misspelt_setting_is_reported_at_start(app: App) -> None:
    assert "ORFEAS_PROT is set, and means nothing to ORFEAS" in app.log.read_text()


def test_the_idle_server_is_small(tmp_path: Path) -> None:
    app = start(tmp_path)
    memory_mb = psutil.Process(app.process.pid).memory_info().rss / 1e6
    stop(app)
    assert memory_mb < 400


def test_sigterm_stops_it_cleanly_and_the_running_job_says_so(tmp_path: Path, photo: Path) -> None:
    app = start(tmp_path)
    client = Client(app.url, verbose=False)
    client.submit(handle_file(photo), quality="ultra", api_name="/generate_3d")
    while "orfeas_jobs_running 1.0" not in httpx.get(f"{app.url}metrics").text:
        time.sleep(0.02)
    job_id = client.predict(api_name="/history")[0]["job_id"]
    assert stop(app) == 0
    again = start(tmp_path)
    job = httpx.get(f"{again.url}jobs/{job_id}").json()
    stop(again)
    assert job["status"] in {"cancelled", "failed"}
    assert job["error"]["message"]
