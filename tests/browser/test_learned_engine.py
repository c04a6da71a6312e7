"""The page with a learned engine ready, in a real browser; its networks are small enough for any machine."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.running import Running, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    weights = tmp_path_factory.mktemp("weights")
    write_tiny_release(weights)
    with running(tmp_path_factory.mktemp("server"), weights=str(weights), device="cpu") as server:
        yield server


def set_number(page: Page, name: str, value: float) -> None:
    page.fill(f"#{name} input", str(value))
    page.press(f"#{name} input", "Tab")


def test_the_learned_engine_is_chosen_and_its_options_are_there(visit: Opener) -> None:
    page = visit().page
    expect(page.locator("header")).to_contain_text("Hunyuan3D-2.1, ready")
    page.click("#advanced > button")
    for name in ("steps", "guidance", "guidance-start", "guidance-end", "octree", "cache-threshold"):
        expect(page.locator(f"#{name} input")).to_be_visible()


def test_steps_and_the_time_left_are_shown_until_the_model_stands(visit: Opener) -> None:
    page = visit().page
    page.click("#advanced > button")
    set_number(page, "steps", 200)
    set_number(page, "octree", 48)
    page.locator("#texture input").uncheck()
    page.locator("#examples .tile").first.click()
    now = page.locator(".stages [aria-current=step]")
    expect(now).to_contain_text("of 199", timeout=20_000)
    expect(page.locator(".status.working .time")).to_contain_text("left", timeout=20_000)
    expect(page.locator(".status.done")).to_contain_text("watertight", timeout=30_000)
    expect(page.locator(".status.done .badge")).to_have_count(0)


@pytest.mark.parametrize(("name", "steps", "octree"), [("Shape", 200, 48), ("Surface", 2, 512)])
def test_stop_works_in_the_middle_of_a_stage(
    visit: Opener, name: str, steps: int, octree: int, server: Running
) -> None:
    page = visit().page
    page.click("#advanced > button")
    set_number(page, "steps", steps)
    set_number(page, "octree", octree)
    page.locator("#examples .tile").first.click()
    expect(page.locator(".stages [aria-current=step]")).to_contain_text(f"{name} ", timeout=30_000)
    page.click("#stop")
    page.wait_for_selector(".status.stopped", timeout=3_000)
    assert server.server.studio.jobs.running() == 0
