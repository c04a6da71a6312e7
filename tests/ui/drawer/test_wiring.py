"""The drawer's events over a real server, with a Hub on this machine to fetch from."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import Hub, point_at, serve_hub, wait_for_a_tenth
from tests.running import Running, running
from tests.ui.page_session import Json, PageSession

ROW, FETCH, ASK, CONFIRM, DISMISS, STOP = (
    f"shape-hunyuan3d-2-1-{name}" for name in ("row", "fetch", "ask", "confirm", "dismiss", "stop")
)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served


@pytest.fixture
def server(tmp_path: Path, remote: Hub) -> Iterator[Running]:
    with running(tmp_path / "data", device="cpu") as server:
        yield server


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that lets a page of another name in."""
    folder = tmp_path_factory.mktemp("public")
    with running(folder, device="cpu", allowed_origins="http://studio.example") as public:
        yield public


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    page = PageSession(server.url)
    yield page
    page.close()


def shown(page: PageSession) -> list[str]:
    """The buttons that the page shows now."""
    return [name for name in (ASK, CONFIRM, DISMISS, STOP) if page.props[name]["visible"]]


def follow_to_the_end(page: PageSession) -> dict[str, Json]:
    end = time.monotonic() + 20
    while "progressbar" in (changed := page.tick_drawer())[FETCH]:
        assert time.monotonic() < end
        time.sleep(0.05)
    return changed


def test_from_the_button_over_the_plan_to_an_engine_that_auto_takes(
    page: PageSession, server: Running, remote: Hub
) -> None:
    page.send("header", "click")
    assert shown(page) == [ASK]
    asked = page.send(ASK, "click")
    assert shown(page) == [CONFIRM, DISMISS]
    assert "not for use in the EU" in asked[FETCH]
    assert remote.ranges == []
    page.send(CONFIRM, "click")
    assert shown(page) == [STOP]
    ended = follow_to_the_end(page)
    assert shown(page) == []
    assert "Ready" in ended[ROW]
    assert "Hunyuan3D-2.1, ready" in ended["header"]
    assert ["Hunyuan3D-2.1", "hunyuan3d-2.1"] in [list(choice) for choice in page.props["engine"]["choices"]]
    assert ended["announcer"].startswith("The fetch has ended. Ready are: Hunyuan3D-2.1")
    chosen = server.server.studio.engines()[0]
    assert (chosen.name, chosen.is_ready) == ("hunyuan3d-2.1", True)


def test_not_now_goes_back_to_the_button(page: PageSession) -> None:
    page.send(ASK, "click")
    page.send(DISMISS, "click")
    assert shown(page) == [ASK]


def test_a_fetch_is_stopped_within_a_second_and_goes_on(page: PageSession, server: Running, remote: Hub) -> None:
    remote.pause_s = 0.05
    page.send(CONFIRM, "click")
    wait_for_a_tenth(server.server.studio.fetching)
    start = time.monotonic()
    stopped = page.send(STOP, "click")
    assert time.monotonic() - start < 1
    assert shown(page) == [ASK]
    assert "Stopped. " in stopped[FETCH]
    remote.pause_s = 0
    page.send(CONFIRM, "click")
    assert "Ready" in follow_to_the_end(page)[ROW]
    assert remote.ranges[1].startswith("bytes=")


def test_every_page_sees_the_fetch_and_a_second_press_is_told(page: PageSession, server: Running, remote: Hub) -> None:
    remote.pause_s = 0.05
    other = PageSession(server.url)
    page.send(CONFIRM, "click")
    looked = other.send("header", "click")
    assert shown(other) == [STOP]
    assert "progressbar" in looked[FETCH]
    assert "is being fetched already" in other.send(CONFIRM, "click")[FETCH]
    other.send(STOP, "click")
    assert shown(other) == [ASK]
    assert "Stopped." in page.tick_drawer()[FETCH]
    other.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "203.0.113.1"},
        {"x-forwarded-host": "studio.example"},
        {"host": "studio.example"},
        {"origin": "http://studio.example"},
        {"forwarded": "for=203.0.113.1"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_who_comes_through_a_proxy_can_look_and_not_press(
    public: Running, remote: Hub, headers: dict[str, str]
) -> None:
    visitor = PageSession(public.url, headers=headers)
    visitor.send("header", "click")
    assert shown(visitor) == []
    assert "Who runs this studio can fetch them" in visitor.send(CONFIRM, "click")[FETCH]
    assert public.server.studio.fetching.live is None
    visitor.close()


def test_who_has_logged_in_may_press_from_anywhere(tmp_path: Path, remote: Hub) -> None:
    with running(tmp_path / "data", device="cpu", username="ann", password="open sesame") as locked:
        client = PageSession(locked.url, login=("ann", "open sesame"), headers={"x-forwarded-for": "203.0.113.1"})
        client.send("header", "click")
        assert shown(client) == [ASK]
        client.close()


def test_offline_the_button_is_not_there_and_the_row_says_why(tmp_path: Path, remote: Hub) -> None:
    with running(tmp_path / "data", device="cpu", offline=1) as offline:
        page = PageSession(offline.url)
        looked = page.send("header", "click")
        assert shown(page) == []
        assert "ORFEAS_OFFLINE is set, so nothing is fetched." in looked[FETCH]
        page.close()
