"""``python app.py``, the README's run command, as a real process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file

from orfeas.options import OutputFormat
from orfeas.records import Failure, JobStatus
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import serve_hub
from tests.processes import ROOT, START_LIMIT_S, App, start, stop

IDLE_LIMIT_BYTES = 400_000_000
STOP_LIMIT_S = 8


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


def run_long_job(app: App, client: Client, photo: Path) -> str:
    """The id of a job that runs now, and would for a while."""
    client.submit(handle_file(photo), quality="ultra", api_name="/generate_3d")
    while "orfeas_jobs_running 1.0" not in httpx.get(f"{app.url}metrics").text:
        time.sleep(0.02)
    job_id: str = client.predict(api_name="/history")[0]["job_id"]
    return job_id


def test_it_idles_small_and_sigterm_ends_what_runs_and_what_waits(tmp_path: Path, photo: Path, mug: Path) -> None:
    app = start(tmp_path)
    assert psutil.Process(app.process.pid).memory_info().rss < IDLE_LIMIT_BYTES
    first, second = (Client(app.url, verbose=False) for _ in range(2))
    _, done = first.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    running = run_long_job(app, first, photo)
    second.submit(handle_file(mug), api_name="/generate_3d")
    while not (waiting := second.predict(api_name="/history")):
        time.sleep(0.02)
    assert waiting[0]["status"] == "queued"
    with httpx.stream("GET", f"{app.url}gradio_api/heartbeat/a-page-that-is-open") as page:
        assert page.status_code == 200
        asked = time.monotonic()
        assert stop(app) == 0
        assert time.monotonic() - asked < STOP_LIMIT_S
    with Studio(Settings(data_dir=tmp_path / "data")) as studio:
        for job_id in (running, waiting[0]["job_id"]):
            job = studio.job(job_id)
            assert job.status is JobStatus.CANCELLED
            assert job.error == Failure("cancelled", "The studio was stopped before this job was done; start it again.")
        assert studio.results.download(done["job_id"], OutputFormat.STL).stat().st_size > 0
    assert list((tmp_path / "data").rglob("*.part")) == []


DEAF = """
import time
from orfeas.engines.inflate import Inflate
from orfeas.progress import Stage
from orfeas.server import serve
from orfeas.settings import require_settings
def generate(self, request, progress):
    with progress.stage(Stage.SHAPE):
        progress.step(0, 1)
        time.sleep(60)
Inflate.generate = generate
serve(require_settings())
"""


def test_a_step_that_nothing_can_interrupt_is_not_waited_for(tmp_path: Path, mug: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF)
    app = start(tmp_path, str(tmp_path / "deaf.py"))
    running = run_long_job(app, Client(app.url, verbose=False), mug)
    while httpx.get(f"{app.url}jobs/{running}").json()["stage"] != "shape":
        time.sleep(0.02)
    asked = time.monotonic()
    assert stop(app) == 0
    assert time.monotonic() - asked < STOP_LIMIT_S
    assert "what runs did not stop within 6 s, and is ended with the process" in app.log.read_text()
    with Studio(Settings(data_dir=tmp_path / "data")) as studio:
        assert studio.job(running).error == Failure(
            "cancelled", "The studio was stopped before this job was done; start it again."
        )


def test_after_a_kill_it_comes_up_with_its_history_and_stops_in_the_middle_of_a_fetch(
    tmp_path: Path, photo: Path, mug: Path
) -> None:
    app = start(tmp_path)
    client = Client(app.url, verbose=False)
    _, done = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    killed = run_long_job(app, client, photo)
    app.process.kill()
    app.process.wait()
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as hub:
        hub.pause_s = 0.5
        names = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.endpoint, "ORFEAS_DEVICE": "cpu"}
        again = start(tmp_path, ORFEAS_FETCH="hunyuan3d-2.1", **names)
        job = httpx.get(f"{again.url}jobs/{killed}").json()
        assert job["error"]["message"] == "The studio was restarted before this job was done; start it again."
        assert (job["status"], job["finished"] is not None) == ("failed", True)
        assert httpx.get(f"{again.url}jobs/{done['job_id']}").json() == done
        assert httpx.get(f"{again.url}jobs/{done['job_id']}/model.ply").status_code == 200
        _, fresh = Client(again.url, verbose=False).predict(handle_file(mug), quality="draft", api_name="/generate_3d")
        assert fresh["status"] == "completed"
        assert "fetching" in str(httpx.get(f"{again.url}ready").json())
        asked = time.monotonic()
        assert stop(again) == 0
        assert time.monotonic() - asked < STOP_LIMIT_S


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


def test_a_name_of_gradios_that_is_not_allowed_is_told_in_one_sentence() -> None:
    assert refused(GRADIO_SERVER_PORT="many") == (
        "ORFEAS cannot start with these settings: GRADIO_SERVER_PORT: Input should be a valid integer, "
        "unable to parse string as an integer.\n"
    )


def test_a_name_of_gradios_is_told_even_where_ours_wins_over_it() -> None:
    assert refused(ORFEAS_PORT="7860", GRADIO_SERVER_PORT="many") == (
        "ORFEAS cannot start with these settings: GRADIO_SERVER_PORT is “many”, which is no whole number; unset it.\n"
    )


def test_a_data_folder_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refused(ORFEAS_DATA_DIR=str(tmp_path / "file" / "data"))
    assert told.startswith(f"ORFEAS cannot start: {tmp_path}")
    assert told.count("\n") == 1


def test_a_data_folder_that_a_running_studio_has_is_refused_in_one_sentence(app: App) -> None:
    folder = app.log.parent / "data"
    assert refused(ORFEAS_DATA_DIR=str(folder)) == (
        f"ORFEAS cannot start: {folder} is in use by another ORFEAS (process {app.process.pid}); stop that one, or set"
        " ORFEAS_DATA_DIR to another folder.\n"
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="this machine may have the device")
def test_a_device_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    told = refused(ORFEAS_DEVICE="mps", ORFEAS_DATA_DIR=str(tmp_path))
    assert told.startswith("ORFEAS cannot start: ORFEAS_DEVICE is mps, and torch finds none here;")
    assert told.count("\n") == 1


def test_the_weights_that_the_operator_names_are_fetched_while_jobs_run(tmp_path: Path, mug: Path) -> None:
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as hub:
        hub.pause_s = 0.1
        names = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.endpoint, "ORFEAS_DEVICE": "cpu"}
        app = start(tmp_path, ORFEAS_FETCH="hunyuan3d-2.1", **names)
        try:
            client = Client(app.url, verbose=False)
            _, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
            told = httpx.get(f"{app.url}ready").json()
            assert (job["engine"], told["engines"]) == ("inflate", ["inflate"])
            assert told["fetch"]["hunyuan3d-2.1"].startswith("fetching 0.0 of 0.0 GB")
            hub.pause_s = 0
            while (engine := client.predict(api_name="/engines")[0])["fetch"]["status"] == "fetching":
                assert engine["why_not"] == "The weights are being fetched, 0.0 of 0.0 GB"
                time.sleep(0.05)
            assert (engine["name"], engine["fetch"]["status"], engine["is_ready"]) == (
                "hunyuan3d-2.1",
                "complete",
                True,
            )
            ready = {"status": "ready", "engines": ["hunyuan3d-2.1", "inflate"]}
            assert httpx.get(f"{app.url}ready").json() == ready
        finally:
            assert stop(app) == 0
    log = app.log.read_text()
    account = f"fetching hunyuan3d-2.1: 0.0 GB of 0.0 GB are to be fetched from {hub.endpoint.removeprefix('http://')}/"
    assert log.index(account) < log.index("fetching hunyuan3d-2.1: complete")


def test_a_fetch_at_start_that_fails_is_said_and_the_studio_works(tmp_path: Path) -> None:
    app = start(tmp_path, ORFEAS_FETCH="hunyuan3d-2.1", HF_HOME=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9")
    try:
        while "fetch" not in (told := httpx.get(f"{app.url}ready").json()) or "failed" not in str(told):
            time.sleep(0.1)
        assert told["fetch"]["hunyuan3d-2.1"].startswith("failed: 127.0.0.1:9 could not be reached")
    finally:
        assert stop(app) == 0
    assert "ERROR orfeas.fetching: fetching hunyuan3d-2.1: failed, 127.0.0.1:9 could not" in app.log.read_text()


def test_fetching_offline_is_refused_at_start() -> None:
    told = refused(ORFEAS_FETCH="hunyuan3d-2.1", ORFEAS_OFFLINE="1")
    assert told.endswith("ORFEAS_FETCH is set, but ORFEAS_OFFLINE is set, so nothing is fetched.\n")
    assert told.count("\n") == 1
