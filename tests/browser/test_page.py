"""The page in a real browser: what a person does, and what they see."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.running import Running

pytestmark = pytest.mark.browser

# The renderer draws on the processor here: the canvas needs a moment.
DRAWN_MS = 4000


def pixels(page: Page, selector: str) -> NDArray[np.int16]:
    """What is drawn at the middle half of an element, ``[H, W, 3]``."""
    image = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    width, height = image.size
    middle = image.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    return np.asarray(middle).astype(np.int16)


def generate_from_example(page: Page, number: int = 0) -> None:
    page.locator("#examples .tile").nth(number).click()
    page.wait_for_selector(".status.done", timeout=20_000)


def choose_slow(page: Page) -> None:
    """Ultra takes long enough to be seen at work."""
    page.locator("#quality label", has_text="Ultra").click()


def scroll_width(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def test_an_example_becomes_a_model_that_is_drawn(visit: Opener) -> None:
    page = visit().page
    page.wait_for_timeout(DRAWN_MS)
    before = pixels(page, "#viewer")
    generate_from_example(page)
    page.wait_for_timeout(DRAWN_MS)
    after = pixels(page, "#viewer")
    assert np.abs(after - before).max(axis=2).mean() > 5
    assert after.std() > 10


def test_the_measures_and_the_preview_label_stand_under_the_model(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    expect(page.locator(".status.done")).to_contain_text("faces")
    expect(page.locator(".status.done")).to_contain_text("watertight")
    expect(page.locator(".status.done .badge")).to_have_text("Preview engine")


def test_an_uploaded_picture_becomes_a_model(visit: Opener, photo: Path) -> None:
    page = visit().page
    page.set_input_files("#image input[type=file]", photo)
    page.wait_for_selector("#image img", timeout=10_000)
    page.click("#generate")
    page.wait_for_selector(".status.done", timeout=20_000)
    expect(page.locator("#cut-out img")).to_be_visible()


def test_words_become_a_picture_and_the_picture_a_model(visit: Opener) -> None:
    page = visit().page
    page.click("#tab-words-button")
    page.fill("#prompt textarea", "a red apple")
    page.click("#make-picture")
    picture = page.locator("#picture img")
    expect(picture).to_be_visible(timeout=30_000)
    assert picture.evaluate("image => image.naturalWidth") >= 512
    stage, drawn = page.locator("#view").bounding_box(), picture.bounding_box()
    assert stage is not None
    assert drawn is not None
    assert drawn["y"] + drawn["height"] <= stage["y"] + stage["height"]
    page.click("#to-model")
    expect(page.locator(".status.done")).to_contain_text("faces", timeout=20_000)
    expect(picture).to_have_count(0)


def test_words_go_straight_to_a_model(visit: Opener) -> None:
    page = visit().page
    page.click("#tab-words-button")
    page.fill("#prompt textarea", "a red apple")
    page.click("#straight")
    expect(page.locator(".status.done")).to_contain_text("faces", timeout=20_000)
    expect(page.locator(".status.done h2")).to_have_text("a red apple")


def test_markup_in_a_prompt_is_shown_as_text(visit: Opener) -> None:
    visited = visit()
    page = visited.page
    page.click("#tab-words-button")
    page.fill("#prompt textarea", "apple <img src=x onerror=\"document.title='broken'\">")
    page.click("#make-picture")
    expect(page.locator("#picture img")).to_be_visible(timeout=30_000)
    expect(page.locator(".status.done h2")).to_contain_text("<img src=x")
    assert page.title() == "ORFEAS"


def test_stop_brings_the_page_back_within_two_seconds(visit: Opener, server: Running) -> None:
    page = visit().page
    choose_slow(page)
    page.locator("#examples .tile").first.click()
    page.wait_for_selector(".status.working", timeout=10_000)
    page.click("#stop")
    page.wait_for_selector(".status.stopped", timeout=2_000)
    expect(page.locator("#generate")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()
    assert server.server.studio.jobs.running() == 0


def test_a_second_press_while_a_job_runs_is_refused_in_plain_words(visit: Opener) -> None:
    page = visit().page
    choose_slow(page)
    page.locator("#examples .tile").nth(0).click()
    page.wait_for_selector(".status.working", timeout=10_000)
    page.locator("#examples .tile").nth(1).click()
    toast = page.locator(".toast-body")
    expect(toast).to_contain_text("Duplicate job", timeout=5_000)
    expect(toast).to_contain_text("stop it first")
    page.wait_for_selector(".status.done", timeout=20_000)


def test_generating_without_a_picture_says_what_to_do(visit: Opener) -> None:
    page = visit().page
    page.click("#generate")
    toast = page.locator(".toast-body")
    expect(toast).to_contain_text("Invalid image", timeout=5_000)
    expect(toast).to_contain_text("Choose one first")


def test_a_file_that_is_no_picture_is_refused_without_a_path(visit: Opener, tmp_path: Path) -> None:
    page = visit().page
    path = tmp_path / "cat.png"
    path.write_text("<html>")
    page.set_input_files("#image input[type=file]", path)
    page.wait_for_timeout(1000)
    page.click("#generate")
    toast = page.locator(".toast-body")
    expect(toast).to_contain_text("Invalid image", timeout=5_000)
    assert "/tmp" not in toast.inner_text()


def test_a_reload_finds_the_history_and_reopens_a_model(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    page.reload()
    tile = page.locator("#history .tile")
    expect(tile).to_have_count(1, timeout=20_000)
    tile.click()
    expect(page.locator(".status.done")).to_contain_text("faces", timeout=10_000)


def test_a_reload_finds_the_job_that_runs(visit: Opener) -> None:
    page = visit().page
    choose_slow(page)
    page.locator("#examples .tile").first.click()
    page.wait_for_selector(".status.working", timeout=10_000)
    page.reload()
    page.wait_for_selector(".status.working, .status.done", timeout=20_000)
    page.wait_for_selector("#history .tile", timeout=20_000)


def test_a_closed_tab_stops_its_job(visit: Opener, server: Running) -> None:
    page = visit().page
    other = visit().page
    choose_slow(page)
    page.locator("#examples .tile").first.click()
    page.wait_for_selector(".status.working", timeout=10_000)
    page.close()
    other.wait_for_timeout(2000)
    assert server.server.studio.jobs.running() == 0


@pytest.mark.parametrize("output_format", ["glb", "stl", "ply"])
def test_a_download_is_a_model(visit: Opener, tmp_path: Path, output_format: str) -> None:
    page = visit().page
    generate_from_example(page)
    with page.expect_download() as download:
        page.click(f"a[href$='model.{output_format}']")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    mesh = trimesh.load_mesh(path)
    assert isinstance(mesh, trimesh.Trimesh)
    assert len(mesh.faces) > 100


def test_a_smaller_texture_makes_a_smaller_download(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    sizes = []
    for choice in ("", "256"):
        page.select_option("[data-texture-size]", choice)
        with page.expect_download() as download:
            page.click("a.download.main")
        sizes.append(Path(download.value.path()).stat().st_size)
    assert sizes[1] < sizes[0]
    expect(page.locator("a.download.main .amount")).to_be_hidden()
    expect(page.locator("a[aria-label='Download as STL']")).to_have_attribute("href", re.compile(r"model\.stl$"))
    page.select_option("[data-texture-size]", "")
    expect(page.locator("a.download.main .amount")).to_be_visible()
    expect(page.locator("a.download.main")).to_have_attribute("href", re.compile(r"model\.glb$"))


def test_a_turntable_is_drawn_on_request_and_says_so_meanwhile(visit: Opener, tmp_path: Path) -> None:
    page = visit().page
    generate_from_example(page)
    link = page.locator("a[data-turntable]")
    with page.expect_download(timeout=30_000) as download:
        link.click()
        expect(link).to_have_text("Drawing…")
    path = tmp_path / download.value.suggested_filename
    assert path.suffix == ".webp"
    download.value.save_as(path)
    with Image.open(path) as film:
        assert getattr(film, "n_frames", 1) == 24
    expect(link).to_have_text("Turntable")


def test_the_seed_of_a_result_can_be_used_again(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    page.click("#reuse-seed")
    page.click("#advanced > button")
    seed = page.locator("#seed input")
    expect(seed).not_to_have_value("-1")


def test_settings_come_back_from_a_model_file(visit: Opener, tmp_path: Path) -> None:
    page = visit().page
    page.locator("#quality label", has_text="Draft").click()
    generate_from_example(page)
    with page.expect_download() as download:
        page.click("a[href$='model.glb']")
    path = tmp_path / "kept.glb"
    download.value.save_as(path)
    other = visit().page
    other.click("#advanced > button")
    with other.expect_file_chooser() as chooser:
        other.click("#load-settings")
    chooser.value.set_files(path)
    expect(other.locator("#quality label", has_text="Draft").locator("input")).to_be_checked(timeout=10_000)


@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_nothing_scrolls_sideways(visit: Opener, width: int) -> None:
    page = visit(width=width).page
    assert scroll_width(page) == width
    page.click("#advanced > button")
    generate_from_example(page)
    assert scroll_width(page) == width


def test_on_a_narrow_screen_generate_is_within_reach_of_the_thumb(visit: Opener) -> None:
    page = visit(width=390, height=844).page
    box = page.locator("#generate").bounding_box()
    assert box is not None
    assert 844 - 120 < box["y"] + box["height"] <= 844


def test_targets_are_large_enough_for_a_finger(visit: Opener) -> None:
    page = visit(width=390).page
    generate_from_example(page)
    small = page.evaluate(
        """() => [...document.querySelectorAll('button.plain, .tile, .download, #actions button, #next button,'
        + ' [role=tab], .segments label, .chips label')]
        .filter(e => e.checkVisibility()).map(e => [e.innerText || e.ariaLabel, e.getBoundingClientRect()])
        .filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"""
    )
    assert small == []


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_systems_colour_scheme(visit: Opener, scheme: str, is_dark: bool) -> None:
    page = visit(scheme=scheme).page
    assert bool(pixels(page, "#make").mean() < 100) is is_dark


def test_the_colour_scheme_can_be_switched_and_is_remembered(visit: Opener) -> None:
    page = visit(scheme="light").page
    page.click("[data-scheme]")
    assert pixels(page, "#make").mean() < 100
    page.reload()
    page.wait_for_selector("#generate", state="attached")
    page.wait_for_timeout(1000)
    assert pixels(page, "#make").mean() < 100


def test_a_model_can_be_made_and_reached_with_the_keyboard_alone(visit: Opener) -> None:
    page = visit().page
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#examples .tile')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_selector(".status.done", timeout=20_000)
    assert outline == "solid"


def test_the_engines_drawer_opens_and_closes_with_the_keyboard(visit: Opener) -> None:
    page = visit().page
    page.locator("[popovertarget=engines]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#engines")).to_be_visible()
    expect(page.locator("#engines")).to_contain_text("Hunyuan3D-2.1")
    page.keyboard.press("Escape")
    expect(page.locator("#engines")).to_be_hidden()


def test_everything_that_can_be_pressed_has_a_name(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('#header button, #bench button, #bench a')]
        .filter(e => e.checkVisibility() && !(e.innerText.trim() || e.ariaLabel || e.title))
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_a_screen_reader_hears_when_the_model_is_ready(visit: Opener) -> None:
    page = visit().page
    generate_from_example(page)
    announcer = page.locator("#announcer")
    expect(announcer).to_have_attribute("aria-live", "polite")
    expect(announcer).to_contain_text("The model is ready")


def test_nothing_is_asked_of_any_other_machine_and_nothing_goes_wrong(visit: Opener, server: Running) -> None:
    visited = visit()
    generate_from_example(visited.page)
    visited.page.wait_for_timeout(DRAWN_MS)
    foreign = [url for url in visited.requests if not url.startswith((server.url, "data:", "blob:"))]
    assert foreign == []
    assert visited.errors == []


def test_nothing_jumps_while_a_job_runs(visit: Opener) -> None:
    page = visit().page
    before = page.locator("#history").bounding_box()
    choose_slow(page)
    page.locator("#examples .tile").first.click()
    page.wait_for_selector(".status.working", timeout=10_000)
    page.wait_for_timeout(300)
    assert page.locator("#history").bounding_box() == before
    page.wait_for_selector(".status.done", timeout=20_000)
