"""The whole app with a diffusion model ready: a real server, a tiny pipeline of random weights, every door."""

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import ValidationError
from PIL import Image

from tests.running import Running, running, wait_for_end, wait_for_job, wait_for_step
from tests.text_to_image.diffusion.tiny import SIDE_PX, write_tiny_unet
from tests.ui.page_session import PageSession

QUICK = {"num_inference_steps": 3, "seed": 7}
FRAMED = "One single object, whole, centred, on a plain light grey background: a red apple"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model = write_tiny_unet(tmp_path_factory.mktemp("model"))
    with running(tmp_path_factory.mktemp("server"), text_model=str(model), device="cpu") as server:
        yield server


@pytest.fixture
def client(server: Running) -> Client:
    return server.client()


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    page = PageSession(server.url)
    page.values |= {"prompt": "a red apple", "picture-steps": 3}
    page.open()
    yield page
    page.close()


def test_a_script_gets_a_picture_and_the_job_says_by_whom_from_what_and_why(client: Client) -> None:
    path, job = client.predict("a red apple", style="anime", **QUICK, api_name="/text_to_image")
    with Image.open(path) as picture:
        assert picture.size == (SIDE_PX, SIDE_PX)
    assert (job["status"], job["engine"], job["is_preview"]) == ("completed", "diffusion", False)
    assert job["engine_reason"] == "Diffusion, because it is the best engine here."
    assert (job["prompt"], job["final_prompt"].startswith(f"{FRAMED}, anime style")) == ("a red apple", True)
    assert (job["options"]["num_inference_steps"], job["options"]["guidance_scale"]) == (3, 7.5)


def test_the_reported_options_make_the_same_picture_again(client: Client) -> None:
    path, job = client.predict("a red apple", num_inference_steps=3, api_name="/text_to_image")
    again, _ = client.predict(job["prompt"], **job["options"], api_name="/text_to_image")
    assert Path(again).read_bytes() == Path(path).read_bytes()


def test_the_words_can_be_drawn_as_they_are_and_in_another_size(client: Client) -> None:
    path, job = client.predict("a lake", **QUICK, size_px=96, for_3d=False, api_name="/text_to_image")
    with Image.open(path) as picture:
        assert picture.size == (96, 96)
    assert job["final_prompt"] == job["prompt"] == "a lake"


def test_words_become_a_model_and_both_results_are_kept(server: Running, client: Client) -> None:
    model, picture, job = client.predict(
        "a red apple", quality="draft", seed=7, picture_steps=3, remove_background="never", api_name="/text_to_3d"
    )
    assert Path(model).read_bytes()[:4] == b"glTF"
    assert job["mesh"]["is_watertight"]
    with Image.open(picture) as image:
        assert image.size == (SIDE_PX, SIDE_PX)
    assert (job["options"]["text_engine"], job["options"]["picture_steps"]) == ("diffusion", 3)
    assert job["final_prompt"] == FRAMED
    assert {"png", "glb"} <= set(job["files"])
    assert httpx.get(f"{server.url}jobs/{job['job_id']}/picture").status_code == 200
    alone, _ = client.predict("a red apple", **QUICK, api_name="/text_to_image")
    assert Path(alone).read_bytes() == Path(picture).read_bytes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size_px": 100}, "size_px cannot be 100; it takes a multiple of 16"),
        ({"size_px": 4096}, "size_px cannot be 4096"),
        ({"negative_prompt": "leaves", "guidance_scale": 1}, "negative_prompt acts with guidance only"),
        ({"engine": "pictogram", "size_px": 512}, "The pictogram engine has no size_px; leave it at 0"),
        ({"engine": "pictogram", "for_3d": False}, "draws one object and nothing else"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_before_it_queues(
    client: Client, options: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=f"Invalid option: .*{told}"):
        client.predict("a red apple", **options, api_name="/text_to_image")


def test_options_of_the_picture_are_refused_under_the_names_they_have_in_words_to_3d(client: Client) -> None:
    with pytest.raises(ValidationError, match="Invalid option: picture_steps cannot be 500"):
        client.predict("a red apple", picture_steps=500, api_name="/text_to_3d")
    with pytest.raises(ValidationError, match="The pictogram engine has no picture_guidance_scale"):
        client.predict("a red apple", text_engine="pictogram", picture_guidance_scale=3, api_name="/text_to_3d")


def test_a_picture_is_seen_while_it_is_made_and_stopped_within_a_step(server: Running, client: Client) -> None:
    client.submit("a red apple", num_inference_steps=200, api_name="/text_to_image")
    job_id = wait_for_job(server, client)
    wait_for_step(client, job_id, "picture")
    seen = httpx.get(f"{server.url}jobs/{job_id}/preview")
    assert (seen.status_code, seen.headers["cache-control"]) == (200, "no-store")
    with Image.open(BytesIO(seen.content)) as preview:
        assert (preview.format, preview.size) == ("WEBP", (SIDE_PX, SIDE_PX))
    assert httpx.post(f"{server.url}jobs/{job_id}/cancel", json={}).status_code == 200
    ended = wait_for_end(client, job_id)
    assert (ended["status"], ended["stage"]) == ("cancelled", "picture")
    time.sleep(0.2)
    assert httpx.get(f"{server.url}jobs/{job_id}/preview").status_code == 404
    assert client.predict("a red apple", **QUICK, api_name="/text_to_image")[1]["status"] == "completed"


def test_the_page_makes_a_picture_shows_the_final_prompt_redoes_it_and_goes_on_to_3d(page: PageSession) -> None:
    page.send("make-picture", "click")
    first = page.send("timer", "tick")
    assert FRAMED in first["status"]
    assert "jobs/" in first["picture"]
    assert page.props["to-model"]["visible"] is True
    page.send("again", "click")
    second = page.send("timer", "tick")
    assert second["picture"] != first["picture"]
    page.values["image"] = page.send("adjust", "click")["image"]
    page.values["image-background"] = "never"
    page.send("generate", "click")
    model = page.send("timer", "tick")
    assert "watertight" in model["status"]
    assert model["picture"] == ""


def test_the_page_shows_the_picture_in_the_making_and_takes_it_away_with_stop(page: PageSession) -> None:
    page.values["picture-steps"] = 200
    with page.follow("make-picture", "click"):
        end = time.monotonic() + 30
        while "/preview?step=" not in str(page.send("timer", "tick").get("preview")):
            assert time.monotonic() < end
            time.sleep(0.05)
        page.send("stop", "click")
    stopped = page.send("timer", "tick")
    assert "Nothing was lost" in stopped["status"]
    assert stopped["preview"] == ""
