"""The cut-out before a job in a real browser."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from orfeas.engines.birefnet.files import MODEL
from tests.browser.conftest import Opener
from tests.browser.test_page import scroll_width
from tests.engines.birefnet.tiny import write_tiny_model
from tests.hub import point_at, serve_hub

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parents[2] / "assets" / "examples" / "duck.jpg"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    kept = np.zeros((50, 50), np.uint8)
    kept[10:40, 10:40] = 255
    Image.fromarray(kept).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def top_of(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"]


def choose(page: Page, name: str) -> None:
    page.locator("#image-background label", has_text=name).click()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_cut_out_follows_the_choice_and_is_what_generate_uses(
    visit: Opener, mask: Path, width: int, scheme: str
) -> None:
    visited = visit(width=width, scheme=scheme)
    page = visited.page
    panel = page.locator("#image-cut-out")
    expect(page.locator("#image-mask")).to_be_hidden()
    page.set_input_files("#image input[type=file]", EXAMPLE)
    expect(panel).to_contain_text("GrabCut removed the background.")
    expect(panel.get_by_role("img")).to_have_accessible_name("The subject as it is cut out, 27% of the picture")
    # What stands below stays where it is while the choice changes.
    below = top_of(page, "#image-background")
    choose(page, "Keep")
    expect(panel).to_contain_text("100% of the picture is kept")
    assert top_of(page, "#image-background") == below

    choose(page, "Own mask")
    expect(page.locator("#image-mask")).to_be_visible()
    expect(panel).to_contain_text("There is no mask yet.")
    page.set_input_files("#image-mask input[type=file]", mask)
    expect(panel).to_contain_text("36% of the picture is kept")
    assert top_of(page, "#image-background") == below
    assert scroll_width(page) == width

    page.locator("#quality label", has_text="Draft").click()
    page.click("#generate")
    expect(page.locator(".status.done")).to_be_visible(timeout=60_000)
    expect(page.locator(".status.done")).to_contain_text("Cut out with the mask that was given.")
    assert visited.errors == []
    assert not [url for url in visited.requests if not url.startswith(("http://127.0.0.1", "data:", "blob:"))]


def test_nothing_in_the_foreground_is_a_sentence_in_the_panel_and_no_toast(visit: Opener, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    Image.effect_noise((200, 200), 4).save(wall)
    page = visit().page
    page.set_input_files("#image input[type=file]", wall)
    expect(page.locator("#image-cut-out")).to_contain_text("There is nothing in the foreground")
    expect(page.locator("#announcer")).to_contain_text("Invalid image")
    expect(page.locator(".toast-body")).to_have_count(0)


def test_each_choice_is_reached_by_the_keyboard_and_large_enough_for_a_finger(visit: Opener) -> None:
    page = visit(width=390).page
    radios = page.locator("#image-background").get_by_role("radio")
    assert [radios.nth(i).get_attribute("value") for i in range(4)] == ["auto", "always", "never", "mask"]
    radios.nth(1).focus()
    page.keyboard.press("Space")
    expect(radios.nth(1)).to_be_checked()
    for label in page.locator("#image-background label").all():
        box = label.bounding_box()
        assert box is None or box["height"] >= 44


def test_a_remover_that_has_become_ready_takes_the_cut_out_that_is_shown(
    visit: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit().page
    page.set_input_files("#image input[type=file]", EXAMPLE)
    expect(page.locator("#image-cut-out")).to_contain_text("GrabCut removed the background.")
    write_tiny_model(tmp_path / "hub" / MODEL)
    with serve_hub(tmp_path / "hub") as hub:
        point_at(hub, tmp_path / "home", monkeypatch)
        page.locator("[popovertarget=engines]").first.click()
        page.click("#background-birefnet-ask")
        page.click("#background-birefnet-confirm")
        expect(page.locator("#background-birefnet-row .state.ready")).to_be_visible(timeout=20_000)
        page.keyboard.press("Escape")
        expect(page.locator("#image-cut-out")).to_contain_text("BiRefNet removed the background.", timeout=20_000)


def test_the_mesh_tab_shows_its_picture_s_cut_out(visit: Opener) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#front input[type=file]", EXAMPLE)
    expect(page.locator("#front-cut-out")).to_contain_text("GrabCut removed the background.")
