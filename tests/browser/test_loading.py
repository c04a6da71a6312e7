"""What the page does while it is being loaded."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Opener
from tests.running import Running

pytestmark = pytest.mark.browser

# Of the score that browsers call cumulative layout shift; up to 0.1 is good by their own measure.
MOST_SHIFT = 0.05
LOADED_MS = 3000
NOTE_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


def shift_of(page: Page, url: str) -> float:
    """The score of a page that is opened anew."""
    page.add_init_script(NOTE_SHIFTS)
    page.goto(url)
    page.wait_for_selector("#history p.quiet", timeout=30_000)
    page.wait_for_selector("#view-mode", timeout=30_000)
    page.wait_for_timeout(LOADED_MS)
    shift: float = page.evaluate("window.shift")
    return shift


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_jumps_while_the_page_is_loaded(visit: Opener, server: Running, width: int) -> None:
    page = visit(width=width, height=844).page
    assert shift_of(page, server.url) < MOST_SHIFT


def test_the_page_shows_itself_once_its_parts_are_there(visit: Opener) -> None:
    page = visit().page
    assert page.locator("#generate").is_visible()
    assert page.locator("#history").is_visible()
