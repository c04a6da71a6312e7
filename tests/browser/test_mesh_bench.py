"""The mesh bench in a real browser: a mesh of one's own is looked at and repaired."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from orfeas.meshes.export import export
from orfeas.options import OutputFormat
from tests.browser.conftest import Opener
from tests.browser.test_page import DRAWN_MS, pixels
from tests.meshes.solids import blob, box, joined, scaled, without_faces

pytestmark = pytest.mark.browser


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.stl"
    crumb = box(0.001, at=(2.0, 0.0, 0.0))
    missing = np.flatnonzero(np.asarray(blob().triangles).mean(axis=1)[:, 2] > 1.0)
    path.write_bytes(export(scaled(joined(without_faces(blob(), *missing), crumb), 30.0), OutputFormat.STL, None))
    return path


def test_a_mesh_that_is_chosen_is_judged_and_its_holes_are_marked(visit: Opener, broken: Path) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", broken)
    status = page.locator(".status.inspected")
    expect(status).to_contain_text("The surface has holes", timeout=15_000)
    expect(status.locator("h2")).to_have_text("broken.stl")
    expect(status.locator("dt.bad")).to_have_text("Printing")
    expect(status.locator("dt.good")).to_have_text("Games")
    page.wait_for_timeout(DRAWN_MS)
    red, green, _ = np.moveaxis(pixels(page, "#viewer").astype(int), 2, 0)
    assert (red > green + 60).mean() > 0.001


def test_the_wireframe_is_drawn_differently_and_the_camera_stays_where_it_was_put(
    visit: Opener, tmp_path: Path
) -> None:
    page = visit().page
    (tmp_path / "box.stl").write_bytes(export(scaled(box(), 80.0), OutputFormat.STL, None))
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", tmp_path / "box.stl")
    expect(page.locator(".status.inspected")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(DRAWN_MS)
    before = pixels(page, "#viewer")
    area = page.locator("#viewer canvas").bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y - 60, steps=3)
    page.mouse.up()
    page.mouse.wheel(0, -150)
    page.wait_for_timeout(DRAWN_MS)
    solid = pixels(page, "#viewer")
    assert np.abs(solid - before).max(axis=2).mean() > 3
    page.locator("#view-mode label", has_text="Wireframe").click()
    page.wait_for_timeout(DRAWN_MS)
    assert np.abs(pixels(page, "#viewer") - solid).max(axis=2).mean() > 3
    page.locator("#view-mode label", has_text="Solid").click()
    page.wait_for_timeout(DRAWN_MS)
    assert np.abs(pixels(page, "#viewer") - solid).max(axis=2).mean() < 1


def test_a_repair_shows_what_it_was_and_what_it_is(visit: Opener, broken: Path) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", broken)
    expect(page.locator(".status.inspected")).to_be_visible(timeout=15_000)
    page.click("#repair")
    done = page.locator(".status.done")
    expect(done).to_contain_text("watertight", timeout=30_000)
    expect(done.locator(".before")).to_contain_text("open edges")
    assert done.locator("dt.bad").count() == 0
    expect(done.locator(".badge")).to_have_count(0)
    page.wait_for_timeout(DRAWN_MS)
    assert pixels(page, "#viewer").std() > 5


def test_the_print_is_checked(visit: Opener, broken: Path) -> None:
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", broken)
    expect(page.locator(".status.inspected")).to_be_visible(timeout=15_000)
    page.click("#print-options > button")
    page.click("#check-print")
    status = page.locator(".status.inspected")
    expect(status).to_contain_text("Not measured, for it is not closed.", timeout=20_000)
    expect(status).to_contain_text("Stands on")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_print_of_a_repaired_model_is_checked_under_its_downloads(visit: Opener, broken: Path, width: int) -> None:
    page = visit(width=width).page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", broken)
    page.click("#repair")
    expect(page.locator(".status.done")).to_be_visible(timeout=30_000)
    page.click("#print-options > button")
    page.click("#check-print")
    check = page.locator(".status.print-check")
    expect(check).to_contain_text("g filled through, in PLA", timeout=20_000)
    expect(check.locator("h2")).to_have_text("Print check: Repaired model")
    expect(check).to_be_in_viewport(ratio=1)
    actions = page.locator("#actions").bounding_box()
    seen = check.bounding_box()
    assert actions and seen
    assert width > 1023 or seen["y"] + seen["height"] <= actions["y"]
    expect(page.locator(".status.done .downloads")).to_be_visible()


def test_what_a_chosen_mesh_comes_to_is_in_view_on_a_phone(visit: Opener, broken: Path, tmp_path: Path) -> None:
    path = tmp_path / "noise.stl"
    path.write_bytes(b"noise")
    page = visit(width=390, height=844).page
    page.click("#tab-mesh-button")
    for chosen, kind in ((path, "failed"), (broken, "inspected")):
        page.set_input_files("#mesh input[type=file]", chosen)
        expect(page.locator(f".status.{kind} h2")).to_be_in_viewport(ratio=1, timeout=15_000)
        page.locator("#mesh button[aria-label='Clear'], #mesh [title='Clear']").first.click()
        expect(page.locator(".status.empty")).to_be_attached(timeout=15_000)
        page.evaluate("scrollTo(0, 0)")


def test_a_file_that_is_no_mesh_takes_the_place_of_the_one_before(visit: Opener, broken: Path, tmp_path: Path) -> None:
    path = tmp_path / "noise.stl"
    path.write_bytes(b"noise")
    page = visit().page
    page.click("#tab-mesh-button")
    page.set_input_files("#mesh input[type=file]", broken)
    expect(page.locator(".status.inspected")).to_be_visible(timeout=15_000)
    page.locator("#mesh button[aria-label='Clear'], #mesh [title='Clear']").first.click()
    expect(page.locator(".status h2")).to_have_text("No mesh", timeout=15_000)
    page.set_input_files("#mesh input[type=file]", path)
    expect(page.locator(".status.failed h2")).to_have_text("This mesh cannot be used", timeout=15_000)
    expect(page.locator(".status.inspected")).to_have_count(0)
