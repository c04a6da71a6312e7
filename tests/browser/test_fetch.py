"""Fetching weights in a real browser, from a Hub on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import Hub, point_at, serve_hub
from tests.running import Running, running

pytestmark = pytest.mark.browser


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


@pytest.mark.parametrize("width", [390, 1440])
def test_the_weights_are_fetched_stopped_taken_up_again_and_the_engine_turns_ready(
    visit: Opener, remote: Hub, width: int
) -> None:
    visited = visit(width=width)
    page = visited.page
    page.locator("[popovertarget=engines]").first.click()
    drawer, row = page.locator("#engines"), page.locator("#shape-hunyuan3d-2-1-row")
    expect(row).to_contain_text("Not ready: The weights are not on this machine")

    drawer.get_by_role("button", name="Fetch 7.4 GB of weights…").click()
    expect(drawer).to_contain_text("tencent/Hunyuan3D-2.1")
    expect(drawer.get_by_role("button", name="Not now")).to_be_visible()
    assert remote.ranges == []

    remote.pause_s = 0.1
    page.locator("#shape-hunyuan3d-2-1-confirm").click()
    expect(drawer.get_by_role("progressbar")).to_be_visible()
    page.wait_for_timeout(1500)
    drawer.get_by_role("button", name="Stop fetching").click()
    expect(drawer).to_contain_text("Stopped.", timeout=1000)

    remote.pause_s = 0.02
    drawer.get_by_role("button", name="Fetch the rest").click()
    page.locator("#shape-hunyuan3d-2-1-confirm").click()
    expect(row.locator(".state.ready")).to_be_visible(timeout=20_000)
    expect(drawer).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width

    page.keyboard.press("Escape")
    expect(page.locator("#header")).to_contain_text("Hunyuan3D-2.1, ready")
    assert visited.errors == []
    assert remote.ranges[1].startswith("bytes=")


def test_every_button_of_the_drawer_is_large_enough_for_a_finger(visit: Opener) -> None:
    page = visit(width=390).page
    page.locator("[popovertarget=engines]").first.click()
    page.locator("#shape-hunyuan3d-2-1-ask").click()
    page.wait_for_selector("#shape-hunyuan3d-2-1-confirm")
    small = page.evaluate(
        """() => [...document.querySelectorAll('#engines button')].filter(e => e.checkVisibility())
        .map(e => [e.innerText, e.getBoundingClientRect()]).filter(([, b]) => b.height < 44 || b.width < 44)
        .map(([name]) => name)"""
    )
    assert small == []
