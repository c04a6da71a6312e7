"""Take the pictures that README.md shows, from the real page: ``python -m scripts.make_screenshots``.

Writes ``docs/images/*.png`` and ``docs/images/page.webp``, a short animation from the example to the model.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from orfeas.server import build
from orfeas.settings import Settings

OUT = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# The renderer draws on the processor here: give the canvas time.
DRAWN_MS = 5000
FRAME_MS = 120
FRAME_WIDTH_PX = 960


def main() -> None:
    """Serve the studio from an empty folder, and photograph it."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = build(Settings(data_dir=Path(folder)).model_copy(update={"port": 0}))
        url = server.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        still(browser, url, "page-light.png", 1440, 900, "light", example="mug")
        still(browser, url, "page-dark.png", 1440, 900, "dark", example="chair")
        still(browser, url, "page-narrow.png", 390, 844, "light", example="apple")
        words(browser, url)
        animation(browser, url)
        browser.close()
        server.stop()


def still(browser: Browser, url: str, name: str, width: int, height: int, scheme: str, example: str) -> None:
    """A finished model of an example."""
    page = open_page(browser, url, width, height, scheme)
    page.click(f"#examples .tile[aria-label$='{example}']")
    page.wait_for_selector(".status.done", timeout=60_000)
    page.wait_for_timeout(DRAWN_MS)
    page.screenshot(path=OUT / name)
    page.close()


def words(browser: Browser, url: str) -> None:
    """The picture that words became, before it becomes a model."""
    page = open_page(browser, url, 1440, 900, "light")
    page.click("#tab-words-button")
    page.fill("#prompt textarea", "a red apple")
    page.click("#make-picture")
    page.wait_for_selector("#picture img", timeout=60_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=OUT / "words.png")
    page.close()


def animation(browser: Browser, url: str) -> None:
    """From the press on an example to the model, turned a little."""
    page = open_page(browser, url, 1440, 900, "light")
    page.click("#quality label:has-text('High')")
    frames = [frame(page)] * 4
    page.click("#examples .tile[aria-label$='mug']")
    while page.locator(".status.done").count() == 0:
        frames.append(frame(page))
    page.wait_for_timeout(DRAWN_MS)
    box = page.locator("#viewer canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(24):
        page.mouse.move(x + 16 * (step + 1), y)
        page.wait_for_timeout(FRAME_MS)
        frames.append(frame(page))
    page.mouse.up()
    frames += [frames[-1]] * 6
    frames[0].save(
        OUT / "page.webp", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=70, method=4
    )
    page.close()


def open_page(browser: Browser, url: str, width: int, height: int, scheme: str) -> Page:
    """The page as a new visitor finds it, its example model drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(url)
    page.wait_for_selector("#generate", state="attached", timeout=30_000)
    page.wait_for_timeout(DRAWN_MS)
    return page


def frame(page: Page) -> Image.Image:
    """What the page shows now, small."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return image.resize((FRAME_WIDTH_PX, round(image.height * FRAME_WIDTH_PX / image.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
