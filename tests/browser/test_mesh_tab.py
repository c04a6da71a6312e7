"""The Mesh tab in a real browser: a mesh of one's own is painted from a picture."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.test_page import DRAWN_MS, pixels, scroll_width

pytestmark = pytest.mark.browser


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    path = tmp_path / "ball.stl"
    trimesh.creation.icosphere(3, 30.0).export(path)
    return path


def test_a_mesh_is_painted_and_drawn_in_the_pictures_colours(visit: Opener, ball: Path, mug: Path) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", ball)
    page.set_input_files("#front input[type=file]", mug)
    page.wait_for_selector("#front img")
    page.locator("#quality label", has_text="Draft").click()
    page.click("#paint")
    expect(page.locator(".status.done")).to_contain_text("textured", timeout=60_000)
    expect(page.locator(".status.done .badge")).to_have_text("Preview engine")
    page.wait_for_timeout(DRAWN_MS)
    red, green, _ = np.moveaxis(pixels(page, "#viewer"), 2, 0)
    assert (red > green + 60).mean() > 0.3


def test_each_tab_has_its_own_button(visit: Opener) -> None:
    page = visit().page
    shown_in = {"mesh": {"#repair", "#paint"}, "words": {"#make-picture", "#straight"}, "picture": {"#generate"}}
    for tab, shown in shown_in.items():
        page.click(f"#tab-{tab}-button")
        for button in set().union(*shown_in.values()):
            assert page.locator(button).is_visible() is (button in shown)


def test_painting_without_a_mesh_says_what_to_do(visit: Opener) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.click("#paint")
    expect(page.locator(".toast-body")).to_contain_text("Choose one first", timeout=5_000)


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_stands_below_the_bench_but_the_footer_or_scrolls_sideways(visit: Opener, width: int) -> None:
    page = visit(width=width).page
    page.click("#tab-mesh-button")
    assert scroll_width(page) == width
    stray = page.evaluate(
        """() => [...document.querySelectorAll('.gradio-container input, .gradio-container button')]
        .filter(e => e.checkVisibility() && !e.closest('#bench, #header, #engines, footer'))
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert stray == []
