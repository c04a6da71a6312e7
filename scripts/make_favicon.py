"""Make the favicon from ``assets/logo.svg``, drawn by headless Chromium.

python -m scripts.make_favicon [path to Chromium]
"""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ASSETS = Path(__file__).parents[1] / "assets"
DRAWN_PX = 256
ICON_SIZES_PX = (16, 32, 48, 64)


def draw_logo(chromium: str) -> Image.Image:
    """The logo on a transparent ground, 256 pixels square."""
    logo = (ASSETS / "logo.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": DRAWN_PX, "height": DRAWN_PX})
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: {DRAWN_PX}px }}</style>{logo}")
        picture = page.screenshot(omit_background=True)
        browser.close()
    return Image.open(io.BytesIO(picture)).convert("RGBA")


def main() -> None:
    """Write ``favicon.png`` and ``favicon.ico``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chromium", nargs="?", default="/usr/bin/chromium")
    logo = draw_logo(parser.parse_args().chromium)
    logo.save(ASSETS / "favicon.png", optimize=True)
    logo.save(ASSETS / "favicon.ico", sizes=[(size, size) for size in ICON_SIZES_PX])


if __name__ == "__main__":
    main()
