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

from orfeas.records import JobStatus
from orfeas.settings import Settings
from orfeas.studio import Studio

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 60
IDLE_LIMIT_BYTES = 400_000_000


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
            pass
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


def test_it_idles_small_and_sigterm_stops_it_cleanly_and_the_running_job_says_so(tmp_path: Path, photo: Path) -> None:
    app = start(tmp_path)
    assert psutil.Process(app.process.pid).memory_info().rss < IDLE_LIMIT_BYTES
    client = Client(app.url, verbose=False)
    client.submit(handle_file(photo), quality="ultra", api_name="/generate_3d")
    while "orfeas_jobs_running 1.0" not in httpx.get(f"{app.url}metrics").text:
        time.sleep(0.02)
    job_id = client.predict(api_name="/history")[0]["job_id"]
    assert stop(app) == 0
    with Studio(Settings(data_dir=tmp_path / "data")) as studio:
        job = studio.job(job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.error is not None and job.error.code == "cancelled"


def refused(**environment: str) -> str:
    """What ``python app.py`` says on standard error when it cannot start; it says nothing else and fails."""
    command = [sys.executable, "app.py"]
    result = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=START_LIMIT_S
    )
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


def test_a_setting_that_is_not_allowed_is_told_in_one_sentence() -> None:
    assert refused(ORFEAS_PORT="many") == (
        "ORFEAS cannot start with these settings: ORFEAS_PORT: Input should be a valid integer, "
        "unable to parse string as an integer.\n"
    )


def test_a_data_folder_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refused(ORFEAS_DATA_DIR=str(tmp_path / "file" / "data"))
    assert told.startswith(f"ORFEAS cannot start: {tmp_path}")
    assert told.count("\n") == 1
