"""A Space on ZeroGPU: ``python app.py`` with a stand-in for the platform's package, which forks as that does."""

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from orfeas.apart import Apart
from orfeas.errors import InternalError
from orfeas.options import (
    EngineChoice,
    PictureOptions,
    Quality,
    ShapeOptions,
    TextEngineChoice,
    TextureEngineChoice,
    TextureOptions,
    parse_shape_options,
)
from orfeas.progress import Stage, Step
from orfeas.records import JobKind
from orfeas.roster import Roster
from orfeas.settings import Settings
from orfeas.tasks import Task
from orfeas.zero_gpu import LONGEST_S, Outcome, Told, Work, ZeroGpu, duration_s, read_told, tell, work_on_gpu
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.processes import App, start, stop
from tests.running import wait_for_end, wait_for_step

# A second is meant; the rest is for a machine that has other things to do.
STOP_LIMIT_S = 3
STAND_IN = Path(__file__).parent / "zero_gpu"
QUICK: dict[str, Any] = {"octree_resolution": 24, "num_inference_steps": 3, "target_faces": 600, "texture": False}
LONG: dict[str, Any] = {**QUICK, "num_inference_steps": 200, "octree_resolution": 300}


@dataclass(frozen=True)
class Space:
    """A Space that runs: its process, what the stand-in logged, and the file that holds its GPU queue up."""

    app: App
    log: Path
    queue: Path
    checkpoint: Path

    def client(self) -> Client:
        return Client(self.app.url, verbose=False, ssl_verify=False)

    def events(self, since: int = 0) -> list[str]:
        return self.log.read_text().splitlines()[since:]

    def generate(self, picture: Path, **options: object) -> dict[str, Any]:
        job: dict[str, Any] = self.client().predict(
            handle_file(picture), **{**QUICK, **options}, api_name="/generate_3d"
        )[1]
        return job

    def begin(self, picture: Path, **options: object) -> tuple[Client, str]:
        """A learned job that runs, and the client that asked for it."""
        client = self.client()
        client.submit(handle_file(picture), **{**LONG, **options}, api_name="/generate_3d")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            history = client.predict(api_name="/history")
            if history and history[0]["status"] == "running":
                return client, history[0]["job_id"]
            time.sleep(0.02)
        raise AssertionError("no job ran")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    folder = tmp_path_factory.mktemp("space")
    checkpoint = write_tiny_release(folder / "weights")
    log, queue = folder / "stand_in.txt", folder / "queue"
    environment = {
        "SPACES_ZERO_GPU": "true",
        "SPACE_ID": "you/orfeas",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "PYTHONPATH": str(STAND_IN),
        "STAND_IN_LOG": str(log),
        "STAND_IN_QUEUE": str(queue),
        "ORFEAS_WEIGHTS": str(folder / "weights"),
        "ORFEAS_DEVICE": "cpu",
    }
    app = start(folder, **environment)
    yield Space(app, log, queue, checkpoint)
    children = psutil.Process(app.process.pid).children(recursive=True)
    assert stop(app) == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert not any("CUDA was touched" in event for event in log.read_text().splitlines())


def test_the_platform_finds_the_function_before_the_launch(space: Space) -> None:
    assert space.events()[0] == "launched with 1 functions"
    ready = httpx.get(f"{space.app.url}ready")
    assert (ready.status_code, ready.json()["engines"]) == (200, ["hunyuan3d-2.1", "inflate"])


def test_the_page_works_under_the_spaces_own_name(space: Space) -> None:
    public = {"host": "you-orfeas.hf.space", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.1"}
    page = httpx.get(space.app.url, headers=public)
    assert (page.status_code, '"root":"https://you-orfeas.hf.space"' in page.text) == (200, True)
    assert "https://huggingface.co" in page.headers["content-security-policy"].partition("frame-ancestors")[2]
    call = f"{space.app.url}gradio_api/call/v2/health"
    own = {**public, "origin": "https://you-orfeas.hf.space"}
    assert httpx.post(call, json={}, headers=own).status_code == 200
    assert httpx.post(call, json={}, headers={**public, "origin": "https://elsewhere.hf.space"}).status_code == 403


def test_a_job_that_needs_no_gpu_asks_for_none(space: Space, mug: Path) -> None:
    before = len(space.events())
    job = space.generate(
        mug, engine="inflate", quality="draft", octree_resolution=0, num_inference_steps=0, texture=True
    )
    assert (job["status"], job["engine"]) == ("completed", "inflate")
    assert space.events(before) == []


def test_a_learned_job_is_done_by_a_worker_that_stays_for_the_next(space: Space, mug: Path) -> None:
    before = len(space.events())
    job = space.generate(mug)
    assert (job["status"], job["engine"], job["mesh"]["is_watertight"]) == ("completed", "hunyuan3d-2.1", True)
    assert set(job["timings_s"]) == {"cut_out", "shape", "surface", "save", "total"}
    assert httpx.get(f"{space.app.url}jobs/{job['job_id']}/model.stl").status_code == 200
    assert space.events(before)[:3] == ["asked 37", "lent", "forked"]
    before = len(space.events())
    again = space.generate(mug, texture=True, texture_size=256)
    assert (again["status"], again["options"]["texture_engine"]) == ("completed", "projection")
    assert space.events(before) == ["asked 37", "lent"]


def test_a_learned_job_tells_its_steps_and_stops_within_a_second(space: Space, mug: Path) -> None:
    client, job_id = space.begin(mug)
    wait_for_step(client, job_id, "shape")
    asked = time.monotonic()
    httpx.post(f"{space.app.url}jobs/{job_id}/cancel")
    job = wait_for_end(client, job_id)
    assert time.monotonic() - asked < STOP_LIMIT_S
    assert (job["status"], job["error"]) == (
        "cancelled",
        {"code": "cancelled", "message": "The job was stopped before it was done."},
    )
    assert space.generate(mug)["status"] == "completed"


def test_a_job_that_waits_for_a_gpu_stops_within_a_second(space: Space, mug: Path) -> None:
    space.queue.write_text("full")
    client, job_id = space.begin(mug)
    asked = time.monotonic()
    httpx.post(f"{space.app.url}jobs/{job_id}/cancel")
    assert wait_for_end(client, job_id)["status"] == "cancelled"
    assert time.monotonic() - asked < STOP_LIMIT_S
    space.queue.unlink()
    assert space.generate(mug)["status"] == "completed"


def test_how_the_work_failed_comes_back_as_it_was(space: Space, mug: Path) -> None:
    space.queue.write_text("full")
    client, job_id = space.begin(mug)
    elsewhere = space.checkpoint.rename(space.checkpoint.with_suffix(".away"))
    space.queue.unlink()
    job = wait_for_end(client, job_id)
    elsewhere.rename(space.checkpoint)
    assert job["status"] == "failed"
    assert isinstance(job["error"], dict)
    assert job["error"]["code"] == "engine_unavailable"
    assert "Hunyuan3D-2.1 cannot run here" in job["error"]["message"]
    assert space.generate(mug)["status"] == "completed"


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("quota", r"Too many requests: You have exceeded your free ZeroGPU quota \(37s requested vs\. 0s left\)\."),
        ("timeout", r"Server busy: No GPU was free \(No GPU was available after 60s\)\. Try again in a minute\."),
        ("broken", r"Internal error: The GPU worker could not start or answer \(RuntimeError\)\. Try again\."),
        ("expired", r"Server busy: No GPU was free \(Expired ZeroGPU proxy token\)\. Try again in a minute\."),
        (
            "credits",
            r"Server busy: You have too many ZeroGPU credits allocated to running tasks\. Try again once some of those "
            r"tasks have completed\.",
        ),
        (
            "schedule",
            r"Server busy: The platform that lends GPUs does not answer as it should\. Try again in a minute\.",
        ),
    ],
)
def test_what_the_platform_refuses_is_an_error_of_ours(space: Space, mug: Path, refusal: str, sentence: str) -> None:
    space.queue.write_text(refusal)
    client = space.client()
    with pytest.raises(AppError, match=sentence):
        client.predict(handle_file(mug), **QUICK, api_name="/generate_3d")
    space.queue.unlink()


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("duration", "ZeroGPU illegal duration: The requested GPU duration (37s) is larger than the maximum allowed"),
        ("new", "ZeroGPU of another day: What no release has said yet."),
        ("stream", "Unexpected end of stream"),
    ],
)
def test_what_nobody_expects_of_the_platform_is_found_in_the_log_by_its_reference(
    space: Space, mug: Path, refusal: str, said: str
) -> None:
    space.queue.write_text(refusal)
    client = space.client()
    with pytest.raises(AppError, match=r"^Internal error: .* The operator finds it in the log under") as caught:
        client.predict(handle_file(mug), **QUICK, api_name="/generate_3d")
    space.queue.unlink()
    reference = str(caught.value).rstrip(".").rpartition(" ")[2]
    told = space.app.log.read_text().partition(f"reference {reference}")
    assert told[1]
    assert said in told[2]


def test_a_gpu_that_is_taken_back_ends_the_job_alone(space: Space, mug: Path) -> None:
    space.queue.write_text("brief")
    client, job_id = space.begin(mug)
    job = wait_for_end(client, job_id)
    space.queue.unlink()
    assert job["error"] == {
        "code": "engine_unavailable",
        "message": "The GPU was lent for 115 seconds and was taken away before the job was done. "
        "Choose a lower quality and try again.",
    }
    before = len(space.events())
    assert space.generate(mug)["status"] == "completed"
    assert "forked" in space.events(before)


def test_without_the_platforms_package_it_says_so() -> None:
    with pytest.raises(InternalError, match=r"this is ZeroGPU, and its package `spaces` is not installed"):
        ZeroGpu(Settings())


SHAPE = ShapeOptions(engine=EngineChoice.HUNYUAN, num_inference_steps=30, texture=False)
PAINT = TextureEngineChoice.HUNYUAN


@pytest.mark.parametrize(
    ("options", "picture", "asked_s"),
    [
        (SHAPE, None, 20 + 12 + 15),
        (replace(SHAPE, quality=Quality.ULTRA, num_inference_steps=50), None, 20 + 20 + 40),
        (replace(SHAPE, texture=True, texture_engine=PAINT), None, 47 + 20 + 40),
        (replace(SHAPE, quality=Quality.ULTRA, texture=True, texture_engine=PAINT), None, LONGEST_S),
        (TextureOptions(engine=PAINT, quality=Quality.DRAFT), None, 20 + 25),
        (SHAPE, PictureOptions(engine=TextEngineChoice.DIFFUSION), 45 + 47),
        (SHAPE, PictureOptions(engine=TextEngineChoice.PICTOGRAM), 47),
        (PictureOptions(engine=TextEngineChoice.DIFFUSION), None, 45),
    ],
)
def test_the_gpu_is_asked_for_as_long_as_the_options_take(
    options: ShapeOptions | TextureOptions | PictureOptions, picture: PictureOptions | None, asked_s: int
) -> None:
    assert duration_s(Work(Settings(), JobKind.IMAGE_TO_3D, options, picture, "", "mug", Path())) == asked_s


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    write_tiny_release(tmp_path / "weights")
    return Roster(Settings(weights=tmp_path / "weights", device="cpu"), Apart())


def tasks(roster: Roster) -> list[tuple[JobKind, Task]]:
    picture = roster.picture_task("a red apple", PictureOptions(), 5, "a-red-apple")[0]
    shapes = [
        ShapeOptions(),
        ShapeOptions(texture=False),
        ShapeOptions(engine=EngineChoice.INFLATE),
        ShapeOptions(engine=EngineChoice.INFLATE, texture_engine=TextureEngineChoice.PROJECTION),
        parse_shape_options(quality="ultra", num_inference_steps=7, guidance_scale=2, texture_size=512, size_mm=40),
    ]
    models = [roster.model_task(shape, 5, "mug")[0] for shape in shapes]
    return [
        (JobKind.TEXT_TO_IMAGE, picture),
        (JobKind.TEXTURE, roster.texture_task(TextureOptions(keep_uv=True), 5, "mug")[0]),
        *((JobKind.IMAGE_TO_3D, model) for model in models),
        (JobKind.TEXT_TO_3D, replace(roster.model_task(shapes[0], 5, picture.stem)[0], picture=picture)),
    ]


def test_every_task_is_the_same_on_the_other_side(roster: Roster, tmp_path: Path) -> None:
    for kind, task in tasks(roster):
        work = pickle.loads(pickle.dumps(Work.of(task, kind, tmp_path, Settings())))
        assert work.task(roster) == task, task


def test_what_a_worker_tells_is_read_as_it_was(tmp_path: Path) -> None:
    assert read_told(tmp_path) is None
    told = Told(Step(Stage.SHAPE, 3, 30), {Stage.CUT_OUT: 0.25})
    tell(tmp_path, told)
    assert read_told(tmp_path) == told


def test_a_worker_hands_back_a_bug_of_ours_by_its_reference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = ShapeOptions(engine=EngineChoice.INFLATE, seed=5)
    (tmp_path / "file").touch()
    work = Work(Settings(device="cpu"), JobKind.IMAGE_TO_3D, options, None, "", "mug", tmp_path / "file")
    outcome = pickle.loads(pickle.dumps(work_on_gpu(work)))
    assert isinstance(outcome, Outcome)
    assert getattr(outcome.made, "code", "") == "internal"
    assert str(outcome.made).rpartition(" ")[2].rstrip(".") in caplog.text
