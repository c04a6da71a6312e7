"""The whole app with a learned engine ready: a real server, a release small enough for any machine, every door."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
import trimesh
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError

from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.running import Running, running, wait_for_end, wait_for_job, wait_for_step
from tests.ui.page_session import PageSession

QUICK = {"octree_resolution": 24, "num_inference_steps": 3, "target_faces": 600, "seed": 7, "texture": False}
# What lasts long enough to be seen at work, and yet is waited for.
SLOW = {**QUICK, "num_inference_steps": 60, "octree_resolution": 128}
# What lasts long enough to be stopped in the middle of a stage.
LONG_IN = {
    "shape": {**QUICK, "num_inference_steps": 200},
    "surface": {**QUICK, "num_inference_steps": 2, "octree_resolution": 512},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    weights = tmp_path_factory.mktemp("weights")
    write_tiny_release(weights, ".safetensors")
    with running(tmp_path_factory.mktemp("server"), weights=str(weights), device="cpu") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    """A session for calls that have ended before the next."""
    return server.client()


@pytest.fixture
def alone(server: Running) -> Client:
    """A session of the test's own, for jobs that are refused or stopped."""
    return server.client()


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    page = PageSession(server.url)
    page.values |= {"steps": 3, "octree": 24, "target-faces": 600, "texture-size": 256}
    page.open()
    yield page
    page.close()


def assert_next_job_works(client: Client, picture: Path) -> None:
    _, job = client.predict(handle_file(picture), **QUICK, api_name="/generate_3d")
    assert (job["status"], job["engine"]) == ("completed", "hunyuan3d-2.1")


def test_a_script_gets_a_closed_model_by_the_learned_engine(client: Client, mug: Path) -> None:
    model, job = client.predict(handle_file(mug), **QUICK, api_name="/generate_3d")
    assert (job["engine"], job["is_preview"], job["left_s"]) == ("hunyuan3d-2.1", False, None)
    assert trimesh.load_mesh(model).is_watertight


def test_the_engine_is_listed_as_ready(client: Client) -> None:
    engine = next(e for e in client.predict(api_name="/engines") if e["name"] == "hunyuan3d-2.1")
    assert (engine["is_ready"], engine["why_not"]) == (True, "")


def test_words_become_a_model_by_the_learned_engine(client: Client) -> None:
    _, _, job = client.predict("a red apple", **QUICK, api_name="/text_to_3d")
    assert (job["status"], job["engine"]) == ("completed", "hunyuan3d-2.1")


def test_a_script_is_told_every_step_and_the_time_left(client: Client, mug: Path) -> None:
    job = client.submit(handle_file(mug), **SLOW, api_name="/generate_3d")
    told = []
    while not job.done():
        data = job.status().progress_data
        told += [unit.desc for unit in data or [] if unit.desc and unit.desc not in told]
        time.sleep(0.02)
    assert job.result()[1]["status"] == "completed"
    assert any(text.startswith("Shape, ") and text.endswith(" s left") for text in told)
    assert any(text.startswith("Surface, ") for text in told)


def test_shortcuts_are_options_of_a_call_and_the_job_says_what_they_did(client: Client, mug: Path) -> None:
    options = {**QUICK, "num_inference_steps": 20, "guidance_end": 0.5, "cache_threshold": 0.3}
    _, job = client.predict(handle_file(mug), **options, api_name="/generate_3d")
    assert (job["options"]["guidance_end"], job["options"]["cache_threshold"]) == (0.5, 0.3)
    assert any(note.startswith("Step caching left out") for note in job["notes"])


@pytest.mark.parametrize("stage", ["shape", "surface"])
def test_a_script_stops_its_job_in_the_middle_of_a_stage(server: Running, alone: Client, mug: Path, stage: str) -> None:
    running = alone.submit(handle_file(mug), **LONG_IN[stage], api_name="/generate_3d")
    job_id = wait_for_job(server, alone)
    wait_for_step(alone, job_id, stage)
    running.cancel()
    ended = wait_for_end(alone, job_id)
    assert (ended["status"], ended["stage"]) == ("cancelled", stage)
    assert_next_job_works(alone, mug)


@pytest.mark.parametrize("stage", ["shape", "surface"])
def test_plain_http_stops_a_job_in_the_middle_of_a_stage(server: Running, alone: Client, mug: Path, stage: str) -> None:
    alone.submit(handle_file(mug), **LONG_IN[stage], api_name="/generate_3d")
    job_id = wait_for_job(server, alone)
    wait_for_step(alone, job_id, stage)
    assert httpx.post(f"{server.url}jobs/{job_id}/cancel", json={}).status_code == 200
    ended = wait_for_end(alone, job_id)
    assert (ended["status"], ended["stage"]) == ("cancelled", stage)
    assert_next_job_works(alone, mug)


def test_a_second_submission_is_refused_while_the_learned_engine_works(
    server: Running, alone: Client, mug: Path
) -> None:
    first = alone.submit(handle_file(mug), **SLOW, api_name="/generate_3d")
    job_id = wait_for_job(server, alone)
    with pytest.raises(ValidationError, match=f"Duplicate job: .*{job_id}"):
        alone.predict(handle_file(mug), **QUICK, api_name="/generate_3d")
    assert first.result()[1]["status"] == "completed"


BUG = (ValueError("a bug"), r"^Internal error: .* bug of its own")
GONE = (EngineUnavailable("The weights are gone; fetch them again."), r"^Engine unavailable: The weights are gone")
MEMORY = (MemoryError(), r"^Out of memory: ")


# Every step, and every kind in a step before, within and after the networks.
@pytest.mark.parametrize(
    ("step", "error", "told"),
    [
        ("orfeas.pipelines.cut_subject", *BUG),
        ("orfeas.engines.hunyuan.framing.frame", *MEMORY),
        ("orfeas.engines.hunyuan.pipeline.sample", *MEMORY),
        ("orfeas.engines.hunyuan.pipeline.sample", *GONE),
        ("orfeas.engines.hunyuan.volume.decode_volume", *BUG),
        ("orfeas.engines.hunyuan.volume.decode_volume", *MEMORY),
        ("orfeas.engines.hunyuan.surface.extract_surface", *BUG),
        ("orfeas.engines.hunyuan.finish.finish_mesh", *BUG),
        ("orfeas.saving.export", *MEMORY),
    ],
)
def test_a_failure_in_any_step_is_told_by_its_kind_and_the_next_job_works(
    client: Client, mug: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception, told: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(AppError, match=told):
            client.predict(handle_file(mug), **QUICK, api_name="/generate_3d")
    assert_next_job_works(client, mug)


def test_the_page_makes_a_model_by_the_learned_engine(page: PageSession, mug: Path) -> None:
    page.values["image"] = page.upload(mug)
    started = page.send("generate", "click")
    finished = page.send("timer", "tick")
    assert "working" in started["status"]
    assert "watertight" in finished["status"]
    assert "projected from the picture" in finished["status"]


def until(look: Callable[[], str], text: str) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = look()
        if text in found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{text} never came")


@pytest.mark.parametrize(("stage", "name"), [("shape", "Shape"), ("surface", "Surface")])
def test_the_page_shows_the_steps_and_stops_the_job(page: PageSession, mug: Path, stage: str, name: str) -> None:
    long = LONG_IN[stage]
    page.values |= {"image": page.upload(mug), "steps": long["num_inference_steps"]}
    page.values["octree"] = long["octree_resolution"]
    with page.follow("generate", "click"):
        until(lambda: str(page.send("timer", "tick")["status"]), f'aria-current="step">{name}<span class="detail"> ')
        page.send("stop", "click")
        stopped = until(lambda: str(page.send("timer", "tick").get("status")), "Stopped")
    assert "Nothing was lost" in stopped
