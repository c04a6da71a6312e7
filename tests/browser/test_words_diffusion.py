"""Words to a picture to a model with a diffusion model ready, in a real browser; its networks are tiny."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.running import Running, running
from tests.text_to_image.diffusion.tiny import write_tiny_unet

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model = write_tiny_unet(tmp_path_factory.mktemp("model"))
    with running(tmp_path_factory.mktemp("server"), text_model=str(model), device="cpu") as server:
        yield server


def set_number(page: Page, name: str, value: float) -> None:
    page.fill(f"#{name} input", str(value))
    page.press(f"#{name} input", "Tab")


def open_words(visit: Opener, steps: int) -> Page:
    page = visit().page
    page.click("#tab-words-button")
    page.fill("#prompt textarea", "a red apple")
    page.click("#picture-options > button")
    set_number(page, "picture-steps", steps)
    return page


def test_a_picture_is_made_seen_redone_and_becomes_a_model(visit: Opener) -> None:
    page = open_words(visit, 200)
    page.click("#make-picture")
    making = page.locator("#preview img")
    expect(making).to_be_visible(timeout=20_000)
    assert making.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    picture = page.locator("#picture img")
    expect(picture).to_be_visible(timeout=30_000)
    expect(page.locator(".final-prompt")).to_contain_text("One single object, whole, centred")
    expect(making).to_have_count(0)
    first = picture.get_attribute("src")
    set_number(page, "picture-steps", 3)
    page.click("#again")
    expect(page.locator(".status.done")).to_be_visible(timeout=20_000)
    expect(picture).not_to_have_attribute("src", first or "")
    page.click("#adjust")
    expect(page.locator("#image img")).to_be_visible(timeout=10_000)
    page.locator("#image-background label", has_text="Keep").click()
    page.click("#generate")
    expect(page.locator(".status.done")).to_contain_text("watertight", timeout=30_000)
    expect(picture).to_have_count(0)


def test_stop_takes_the_picture_in_the_making_away(visit: Opener, server: Running) -> None:
    page = open_words(visit, 200)
    page.click("#make-picture")
    expect(page.locator("#preview img")).to_be_visible(timeout=20_000)
    page.click("#stop")
    page.wait_for_selector(".status.stopped", timeout=3_000)
    expect(page.locator("#preview img")).to_have_count(0)
    assert server.server.studio.jobs.running() == 0
