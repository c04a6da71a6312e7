"""The page's events over a real server: what each sends and what it changes."""

import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import trimesh

from orfeas.ui.layout import CAMERA
from tests.running import Running
from tests.ui.page_session import PageSession


def make_from_example(page: PageSession) -> dict[str, object]:
    page.send("examples", "select", {"index": "0", "value": "0"})
    return page.send("timer", "tick")


def test_opening_the_page_gives_a_new_browser_a_token_and_an_empty_history(page: PageSession) -> None:
    changed = page.open()
    assert len(changed["browserstate"]) >= 32
    assert "What you make is kept here" in changed["history"]


def test_a_browser_keeps_its_token(page: PageSession) -> None:
    assert page.open("the token it had")["browserstate"] == "the token it had"


def test_pressing_an_example_makes_its_model(page: PageSession) -> None:
    started = page.send("examples", "select", {"index": "0", "value": "0"})
    finished = page.send("timer", "tick")
    assert "working" in started["status"]
    assert started["image"]["path"].endswith(".jpg")
    assert "watertight" in finished["status"]
    assert finished["viewer"]["path"].endswith(".glb")
    assert "jobs/" in finished["history"]
    assert finished["announcer"].startswith("The model is ready")


def test_a_tick_without_a_job_stops_the_clock(page: PageSession) -> None:
    assert set(page.send("timer", "tick")) == {"timer"}


def test_an_uploaded_picture_becomes_a_model(page: PageSession, mug: Path) -> None:
    page.values["image"] = page.upload(mug)
    page.send("generate", "click")
    assert "watertight" in page.send("timer", "tick")["status"]


def test_without_a_picture_the_toast_says_what_to_do(page: PageSession) -> None:
    with pytest.raises(RuntimeError, match=r"^<strong>Invalid image</strong><br>There is no picture"):
        page.send("generate", "click")


def test_a_server_path_is_not_taken_for_an_upload(page: PageSession) -> None:
    page.values["image"] = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(RuntimeError, match=r"^Invalid image: This is no uploaded picture"):
        page.send("generate", "click")


def test_an_option_out_of_range_is_refused_by_name(page: PageSession, mug: Path) -> None:
    page.values |= {"image": page.upload(mug), "size-mm": -1}
    with pytest.raises(RuntimeError, match=r"^<strong>Invalid option</strong><br>“Size, mm” cannot be -1"):
        page.send("generate", "click")


def test_an_example_that_is_not_there_is_not_found(page: PageSession) -> None:
    with pytest.raises(RuntimeError, match="Not found"):
        page.send("examples", "select", {"index": "99", "value": "99"})


@pytest.mark.parametrize(("button", "event"), [("make-picture", "click"), ("prompt", "submit"), ("again", "click")])
def test_words_become_a_picture_on_the_stage(page: PageSession, button: str, event: str) -> None:
    page.values["prompt"] = "a red apple"
    page.send(button, event)
    finished = page.send("timer", "tick")
    assert "/picture" in finished["picture"]
    assert "viewer" not in finished


def test_the_picture_on_the_stage_becomes_a_model(page: PageSession) -> None:
    page.values["prompt"] = "a red apple"
    page.send("make-picture", "click")
    page.send("timer", "tick")
    page.send("to-model", "click")
    finished = page.send("timer", "tick")
    assert "watertight" in finished["status"]
    assert finished["picture"] == ""


def test_words_go_straight_to_a_model(page: PageSession) -> None:
    page.values["prompt"] = "a red apple"
    page.send("straight", "click")
    assert "a red apple" in page.send("timer", "tick")["status"]


def test_words_that_mean_nothing_here_fail_with_the_reason(page: PageSession) -> None:
    page.values["prompt"] = "zzqx vlorp"
    page.send("make-picture", "click")
    assert "That did not work" in page.send("timer", "tick")["status"]


def test_a_tile_of_the_history_opens_its_model(page: PageSession, server: Running) -> None:
    make_from_example(page)
    job = server.server.studio.history(server.server.studio.jobs.owner_of(page.session))[0]
    opened = page.send("history", "select", {"index": job.job_id, "value": job.job_id})
    assert "watertight" in opened["status"]
    assert opened["viewer"]["path"].endswith(".glb")


def test_a_tile_of_a_job_that_is_gone_says_so(page: PageSession) -> None:
    with pytest.raises(RuntimeError, match="Not found"):
        page.send("history", "select", {"index": "gone", "value": "gone"})


def test_the_model_comes_back_in_the_other_mode_and_its_camera_is_left_alone(page: PageSession) -> None:
    solid = make_from_example(page)["viewer"]
    assert page.props["viewer"]["camera_position"] == list(CAMERA)
    page.values["view-mode"] = "wireframe"
    assert page.send("view-mode", "change")["viewer"]["path"] == solid["path"]  # type: ignore[index]  # Gradio's record
    assert page.props["viewer"]["display_mode"] == "wireframe"
    assert "camera_position" not in page.props["viewer"]


def test_a_new_page_of_the_same_browser_finds_its_history(page: PageSession, server: Running) -> None:
    token = page.open("a browser's token")["browserstate"]
    make_from_example(page)
    reloaded = PageSession(server.url)
    changed = reloaded.open(token)
    reloaded.close()
    assert 'class="tile"' in changed["history"]


def test_stop_with_no_job_does_nothing_but_say_so(page: PageSession) -> None:
    assert page.send("stop", "click")["stop"] == "Stopping"


@pytest.fixture
def full_page(page: PageSession, mug: Path, tmp_path: Path) -> PageSession:
    """A page with something in each of its tabs."""
    ball = tmp_path / "ball.stl"
    trimesh.creation.icosphere(2, 20.0).export(ball)
    page.values |= {"image": page.upload(mug), "prompt": "a red apple", "mesh": page.upload(ball)}
    return page


def queued_by_a_script(server: Running) -> str:
    """The id of a job that a script has in the queue."""
    jobs, client = server.server.studio.jobs, server.client()
    client.submit("a red apple", api_name="/text_to_image")
    end = time.monotonic() + 10
    while (job := jobs.live(client.session_hash)) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return job.job_id


def statuses_until_the_end(page: PageSession) -> list[str]:
    """What the page says of its job from now on, its end last."""
    said = [str(page.send("timer", "tick")["status"])]
    while "working" in said[-1]:
        time.sleep(0.05)
        said.append(str(page.send("timer", "tick")["status"]))
    return said


@pytest.mark.parametrize("button", ["generate", "make-picture", "repair"])
def test_a_job_after_one_that_was_stopped_in_the_queue_waits_its_turn_and_shows_its_result(
    server: Running, full_page: PageSession, button: str
) -> None:
    studio, page = server.server.studio, full_page
    with ExitStack() as ends:
        with studio._device:
            first = queued_by_a_script(server)
            ends.enter_context(page.follow(button, "click"))
            page.send("stop", "click")
            assert "Nothing was lost" in page.send("timer", "tick")["status"]
            between = queued_by_a_script(server)
            ends.enter_context(page.follow(button, "click"))
            own = studio.jobs.live(page.session)
            assert own is not None
            assert "2 ahead" in page.send("timer", "tick")["status"]
        said = statuses_until_the_end(page)
    assert "Stopped" not in "".join(said)
    assert f"jobs/{own.job_id}/" in said[-1]
    jobs = [studio.job(job_id) for job_id in (first, between, own.job_id)]
    assert [job.status for job in jobs] == ["completed"] * 3
    assert jobs == sorted(jobs, key=lambda job: str(job.finished))


def status_after(server: Running, job_id: str, wait_s: float) -> str:
    time.sleep(wait_s)
    return server.server.studio.job(job_id).status.value


def test_a_second_tab_that_closes_leaves_the_job_of_the_first(
    server: Running, mug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Gradio notices at its next beat that a tab has gone.
    monkeypatch.setenv("GRADIO_HEARTBEAT_INTERVAL", "0.2")
    first, second = PageSession(server.url), PageSession(server.url)
    token = first.load("a browser with two tabs")["browserstate"]
    with first.heart():
        first.values |= {"quality": "draft", "image": first.upload(mug)}
        first.press("generate", "click")
        job = server.server.studio.jobs.live(first.session)
        assert job is not None
        job_id = job.job_id
        with second.heart():
            assert "working" in second.load(token)["status"]
        assert status_after(server, job_id, 1.5) == "queued"
    assert status_after(server, job_id, 1.5) == "cancelled"
    first.close()
    second.close()


def test_a_clock_whose_job_is_gone_stops_and_says_why(page: PageSession, server: Running, mug: Path) -> None:
    page.values["image"] = page.upload(mug)
    page.press("generate", "click")
    studio = server.server.studio
    job = studio.jobs.live(page.session)
    assert job is not None
    studio.cancel(job.job_id)
    studio.jobs.forget([job.job_id])
    assert "Not found" in page.press("timer", "tick")["status"]
    assert set(page.press("timer", "tick")) == {"timer"}


def test_no_kind_of_queued_event_is_without_a_limit(server: Running) -> None:
    events = [event for event in server.server.page.blocks.fns.values() if event.queue]
    assert [event.name for event in events if event.concurrency_limit is None] == []
    lanes = {event.api_name: event.concurrency_id for event in events}
    assert lanes["check_image"] == lanes["inspect_mesh"] == lanes["download"] == "files"


def test_a_mesh_is_painted_and_its_settings_come_back_from_its_file(
    page: PageSession, mug: Path, tmp_path: Path
) -> None:
    ball = tmp_path / "ball.stl"
    trimesh.creation.icosphere(2, 20.0).export(ball)
    page.values |= {"mesh": page.upload(ball), "front": page.upload(mug), "texture-size": 256, "mesh-size-mm": 42}
    page.send("paint", "click")
    finished = page.send("timer", "tick")
    assert "textured" in finished["status"]
    page.values["load-settings"] = page.upload(Path(finished["viewer"]["path"]))
    loaded = page.send("load-settings", "upload")
    assert (loaded["mesh-size-mm"], loaded["texture-engine"]) == (42, "projection")
    assert "size-mm" not in loaded
    assert "engine" not in loaded


def test_what_a_form_says_of_a_texture_that_is_not_wanted_waits(page: PageSession, mug: Path) -> None:
    page.values |= {"image": page.upload(mug), "texture": False, "texture-size": 512, "texture-engine": "projection"}
    page.send("generate", "click")
    assert "watertight" in page.send("timer", "tick")["status"]


def test_there_is_one_viewer_and_no_button_without_a_name(server: Running) -> None:
    found = httpx.get(f"{server.url}config").raise_for_status().json()["components"]
    names = {each["id"]: (each["type"], each["props"].get("elem_id")) for each in found}
    assert [name for kind, name in names.values() if kind == "model3d"] == ["viewer"]
    assert [name for kind, name in names.values() if kind == "button" and not name] == []
