"""Pictures and a studio that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from orfeas.settings import Settings
from orfeas.studio import Studio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    with Studio(settings) as studio:
        yield studio


def draw_mug(size_px: int = 256) -> Image.Image:
    """A red mug with a handle on a clear ground, RGBA: one part with one hole."""
    scale = size_px / 256
    image = Image.new("RGBA", (size_px, size_px))
    draw = ImageDraw.Draw(image)
    draw.ellipse([c * scale for c in (140, 90, 220, 180)], fill=(150, 30, 30, 255))
    draw.ellipse([c * scale for c in (158, 110, 200, 160)], fill=(0, 0, 0, 0))
    draw.rounded_rectangle([c * scale for c in (50, 60, 175, 220)], 18 * scale, fill=(200, 40, 40, 255))
    draw.ellipse([c * scale for c in (60, 62, 165, 90)], fill=(240, 220, 200, 255))
    return image


@pytest.fixture
def mug(tmp_path: Path) -> Path:
    """A PNG with a real alpha channel."""
    path = tmp_path / "My mug (1).png"
    draw_mug().save(path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """The mug before a light grey wall, a JPEG without alpha."""
    mug = draw_mug(512)
    wall = Image.new("RGB", mug.size, (205, 208, 212))
    wall.paste(mug, mask=mug)
    path = tmp_path / "photo.jpg"
    wall.save(path, quality=92)
    return path
