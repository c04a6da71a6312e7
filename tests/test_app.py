"""``python app.py``, the README's run command, as a real process."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from orfeas.options import OutputFormat
from orfeas.records import Failure, JobStatus
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.conftest import draw_mug
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import Hub, serve_hub
from tests.processes import ROOT, START_LIMIT_S, App, start, stop, unmeasured

# A record as the app tells it.
Json = dict[str, Any]

IDLE_LIMIT_BYTES = 400_000_000
STOP_LIMIT_S = 8


@dataclass(frozen=True)
class Life:
    """What was seen of one app from its start to its end.

    Attributes:
        data_dir: its data.
        idle_bytes: memory it held before it had done anything.
        fetch: what it said of a fetch from a Hub that is not there.
        model: what a job that ended well made.
        done: the record of that job.
        running: id of the job that ran when it was told to stop.
        waiting: the record of the job that waited then.
        page_status: what a page that was open then had been answered.
        status: what it ended with.
        stop_s: seconds from then to its end.
        log: all that it wrote.
    """

    data_dir: Path
    idle_bytes: int
    fetch: str
    model: bytes
    done: Json
    running: str
    waiting: Json
    page_status: int
    status: int
    stop_s: float
    log: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("app")
    photo, mug = draw_pictures(folder)
    nowhere = {"ORFEAS_FETCH": "hunyuan3d-2.1", "HF_HOME": str(folder), "HF_ENDPOINT": "http://127.0.0.1:9"}
    app = start(folder, ORFEAS_PROT="7860", **nowhere)
    idle_bytes = psutil.Process(app.process.pid).memory_info().rss
    while "fetch" not in (told := httpx.get(f"{app.url}ready").json()) or "failed" not in str(told):
        time.sleep(0.1)
    first, second = (Client(app.url, verbose=False) for _ in range(2))
    model, done = first.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    running = run_long_job(app, first, photo)
    second.submit(handle_file(mug), api_name="/generate_3d")
    while not (waiting := second.predict(api_name="/history")):
        time.sleep(0.02)
    with httpx.stream("GET", f"{app.url}gradio_api/heartbeat/a-page-that-is-open") as page:
        asked = time.monotonic()
        status = stop(app)
        stop_s = time.monotonic() - asked
    return Life(
        data_dir=folder / "data",
        idle_bytes=idle_bytes,
        fetch=told["fetch"]["hunyuan3d-2.1"],
        model=Path(model).read_bytes(),
        done=done,
        running=running,
        waiting=waiting[0],
        page_status=page.status_code,
        status=status,
        stop_s=stop_s,
        log=app.log.read_text(),
    )


def draw_pictures(folder: Path) -> tuple[Path, Path]:
    """A photo that takes long, and a mug that does not."""
    photo, mug = folder / "photo.png", folder / "mug.png"
    wall = Image.new("RGB", (512, 512), (205, 208, 212))
    drawn = draw_mug(512)
    wall.paste(drawn, mask=drawn)
    wall.save(photo)
    draw_mug().save(mug)
    return photo, mug


def run_long_job(app: App, client: Client, photo: Path) -> str:
    """The id of a job that runs now, and would for a while."""
    client.submit(handle_file(photo), quality="ultra", engine="inflate", api_name="/generate_3d")
    while "orfeas_jobs_running 1.0" not in httpx.get(f"{app.url}metrics").text:
        time.sleep(0.02)
    job_id: str = client.predict(api_name="/history")[0]["job_id"]
    return job_id


def test_a_script_makes_a_model(life: Life) -> None:
    assert life.model[:4] == b"glTF"
    assert life.done["status"] == "completed"


def test_a_misspelt_setting_is_reported_at_start(life: Life) -> None:
    assert "ORFEAS_PROT is set, and means nothing to ORFEAS" in life.log


def test_it_idles_small(life: Life) -> None:
    assert life.idle_bytes < IDLE_LIMIT_BYTES


def test_a_fetch_at_start_that_fails_is_said_and_the_studio_works(life: Life) -> None:
    assert life.fetch.startswith("failed: 127.0.0.1:9 could not be reached")
    assert "ERROR orfeas.fetching: fetching hunyuan3d-2.1: failed, 127.0.0.1:9 could not" in life.log
    assert life.done["status"] == "completed"


def test_sigterm_ends_what_runs_and_what_waits(life: Life) -> None:
    assert (life.waiting["status"], life.page_status, life.status) == ("queued", 200, 0)
    assert life.stop_s < STOP_LIMIT_S
    with Studio(Settings(data_dir=life.data_dir)) as studio:
        for job_id in (life.running, life.waiting["job_id"]):
            job = studio.job(job_id)
            assert job.status is JobStatus.CANCELLED
            assert job.error == Failure("cancelled", "The studio was stopped before this job was done; start it again.")
        assert studio.results.download(life.done["job_id"], OutputFormat.STL).stat().st_size > 0
    assert list(life.data_dir.rglob("*.part")) == []


@dataclass(frozen=True)
class Killed:
    """What was seen of one app that fetched weights at its start, until it was killed in the middle of a job.

    Attributes:
        folder: holds its data, and the Hub's files.
        done: the record of a job that was done while weights were fetched.
        at_work: what it answered as to its readiness then.
        engines: the learned engine's record, again and again until its weights were there.
        ready: what it answered as to its readiness then.
        running: id of the job that ran when it was killed.
        source: the Hub's address.
        log: all that it wrote.
    """

    folder: Path
    done: Json
    at_work: Json
    engines: list[Json]
    ready: Json
    running: str
    source: str
    log: str


def fetching_from(hub: Hub, home: Path) -> dict[str, str]:
    return {
        "ORFEAS_FETCH": "hunyuan3d-2.1",
        "ORFEAS_DEVICE": "cpu",
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
    }


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    photo, mug = draw_pictures(folder)
    write_tiny_release(folder / "hub")
    with serve_hub(folder / "hub") as hub:
        hub.pause_s = 0.1
        app = start(folder, unmeasured(), **fetching_from(hub, folder / "home"))
        client = Client(app.url, verbose=False)
        _, done = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
        at_work = httpx.get(f"{app.url}ready").json()
        hub.pause_s = 0
        engines = [client.predict(api_name="/engines")[0]]
        while engines[-1]["fetch"]["status"] == "fetching":
            time.sleep(0.05)
            engines.append(client.predict(api_name="/engines")[0])
        ready = httpx.get(f"{app.url}ready").json()
        running = run_long_job(app, client, photo)
        app.process.kill()
        app.process.wait()
        source = hub.endpoint.removeprefix("http://")
    return Killed(folder, done, at_work, engines, ready, running, source, app.log.read_text())


def test_the_weights_that_the_operator_names_are_fetched_while_jobs_run(killed: Killed) -> None:
    assert (killed.done["engine"], killed.at_work["engines"]) == ("inflate", ["inflate"])
    assert killed.at_work["fetch"]["hunyuan3d-2.1"].startswith("fetching 0.0 of 0.0 GB")
    *meanwhile, fetched = killed.engines
    assert {engine["why_not"] for engine in meanwhile} <= {"The weights are being fetched, 0.0 of 0.0 GB"}
    assert (fetched["name"], fetched["fetch"]["status"], fetched["is_ready"]) == ("hunyuan3d-2.1", "complete", True)
    assert killed.ready == {"status": "ready", "engines": ["hunyuan3d-2.1", "inflate"]}
    account = f"fetching hunyuan3d-2.1: 0.0 GB of 0.0 GB are to be fetched from {killed.source}/"
    assert killed.log.index(account) < killed.log.index("fetching hunyuan3d-2.1: complete")


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
    app = start(tmp_path, unmeasured(), str(tmp_path / "deaf.py"))
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


# What the server is to put back into the environment cannot be.
BROKEN = """
from dataclasses import replace
from orfeas.server import _leave, build
from orfeas.settings import require_settings
_leave(replace(build(require_settings()), environment={"no=name": "value"}))
"""


def test_a_failure_to_stop_is_told_and_the_process_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "ORFEAS_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", BROKEN]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=START_LIMIT_S)
    assert result.returncode == 1
    assert "ValueError: illegal environment variable name" in result.stderr
    assert result.stderr.endswith("stopping failed, as told above\n")


def test_after_a_kill_it_comes_up_with_its_history_and_stops_in_the_middle_of_a_fetch(
    killed: Killed, mug: Path
) -> None:
    with serve_hub(killed.folder / "hub") as hub:
        hub.pause_s = 0.5
        again = start(killed.folder, unmeasured(), **fetching_from(hub, killed.folder / "another-home"))
        job = httpx.get(f"{again.url}jobs/{killed.running}").json()
        assert job["error"]["message"] == "The studio was restarted before this job was done; start it again."
        assert (job["status"], job["finished"] is not None) == ("failed", True)
        assert httpx.get(f"{again.url}jobs/{killed.done['job_id']}").json() == killed.done
        assert httpx.get(f"{again.url}jobs/{killed.done['job_id']}/model.ply").status_code == 200
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
        command, cwd=ROOT, env={**unmeasured(), **environment}, capture_output=True, text=True, timeout=START_LIMIT_S
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


def test_a_data_folder_that_a_running_studio_has_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Studio(Settings(data_dir=tmp_path)):
        told = refused(ORFEAS_DATA_DIR=str(tmp_path))
    assert told == (
        f"ORFEAS cannot start: {tmp_path} is in use by another ORFEAS (process {os.getpid()}); stop that one, or set"
        " ORFEAS_DATA_DIR to another folder.\n"
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="this machine may have the device")
def test_a_device_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    told = refused(ORFEAS_DEVICE="mps", ORFEAS_DATA_DIR=str(tmp_path))
    assert told.startswith("ORFEAS cannot start: ORFEAS_DEVICE is mps, and torch finds none here;")
    assert told.count("\n") == 1


def test_fetching_offline_is_refused_at_start() -> None:
    told = refused(ORFEAS_FETCH="hunyuan3d-2.1", ORFEAS_OFFLINE="1")
    assert told.endswith("ORFEAS_FETCH is set, but ORFEAS_OFFLINE is set, so nothing is fetched.\n")
    assert told.count("\n") == 1
