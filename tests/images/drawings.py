"""Pictures for the tests, drawn in code: the same on every machine, with no file and no font."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Draw = Callable[[ImageDraw.ImageDraw, float], None]

SUPERSAMPLING = 4
RED, GREEN, BLUE, BROWN, DARK, CREAM = "#c8372d", "#4d8a3a", "#3566a8", "#8a5a33", "#33302e", "#efe3c8"


def drawn(draw: Draw, size_px: int = 512) -> Image.Image:
    """RGBA with smooth edges; ``draw`` gets a unit of length in which the picture is 100 wide."""
    side = SUPERSAMPLING * size_px
    large = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw(ImageDraw.Draw(large), side / 100)
    return large.convert("RGBa").resize((size_px, size_px), Image.Resampling.BOX).convert("RGBA")


def on_background(picture: Image.Image, colour: str = "#f4f2ee") -> Image.Image:
    """The picture as a photo would show it: opaque, on a plain background."""
    return Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture)


def box(u: float, *corners: float) -> tuple[float, ...]:
    return tuple(u * corner for corner in corners)


def polygon(draw: ImageDraw.ImageDraw, u: float, fill: str, *points: tuple[float, float]) -> None:
    draw.polygon([(u * x, u * y) for x, y in points], fill=fill)


def stroke(draw: ImageDraw.ImageDraw, u: float, fill: str, width: float, *points: tuple[float, float]) -> None:
    """A line with round ends and corners."""
    draw.line([(u * x, u * y) for x, y in points], fill=fill, width=round(u * width))
    for x, y in points:
        draw.ellipse(box(u, x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=fill)


def disc(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 15, 15, 85, 85), fill=RED)


def square(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle(box(u, 20, 20, 80, 80), fill=BLUE)


def star(draw: ImageDraw.ImageDraw, u: float) -> None:
    angles = np.pi / 2 + np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2, 17, 42)
    polygon(draw, u, "#e0a526", *zip(50 + radii * np.cos(angles), 52 - radii * np.sin(angles), strict=True))


def doughnut(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 12, 12, 88, 88), fill="#d79b56")
    draw.ellipse(box(u, 18, 18, 82, 82), fill="#d86f9c")
    for angle in np.arange(0, 2 * np.pi, 0.45):
        x, y = 50 + 23 * np.cos(angle), 50 + 23 * np.sin(angle)
        stroke(draw, u, CREAM, 2, (x - 2, y), (x + 2, y + 1))
    draw.ellipse(box(u, 36, 36, 64, 64), fill="#d79b56")
    draw.ellipse(box(u, 39, 39, 61, 61), fill=(0, 0, 0, 0))


def mug(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 52, 32, 88, 72), fill=BLUE)
    draw.ellipse(box(u, 60, 40, 80, 64), fill=(0, 0, 0, 0))
    draw.rounded_rectangle(box(u, 18, 20, 66, 84), radius=6 * u, fill=BLUE)
    draw.ellipse(box(u, 18, 15, 66, 27), fill="#27507f")
    draw.ellipse(box(u, 22, 17, 62, 25), fill=BROWN)
    draw.rectangle(box(u, 26, 34, 32, 74), fill="#5f8cc4")


def chair(draw: ImageDraw.ImageDraw, u: float) -> None:
    for x, top in ((26, 10), (42, 8), (58, 10)):
        stroke(draw, u, BROWN, 3.2, (x, top), (x, 52))
    stroke(draw, u, BROWN, 4, (26, 12), (42, 9), (58, 12))
    stroke(draw, u, "#7a4e2b", 3.5, (26, 50), (22, 92))
    stroke(draw, u, "#7a4e2b", 3.5, (74, 56), (78, 90))
    stroke(draw, u, "#6b4425", 3.2, (40, 60), (40, 94))
    stroke(draw, u, "#6b4425", 3.2, (60, 52), (62, 82))
    polygon(draw, u, "#a36d40", (22, 50), (60, 47), (80, 56), (40, 61))
    polygon(draw, u, "#7a4e2b", (22, 50), (40, 61), (40, 65), (22, 54))
    polygon(draw, u, "#8a5a33", (40, 61), (80, 56), (80, 60), (40, 65))


def stick_figure(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 40, 6, 60, 26), fill=DARK)
    stroke(draw, u, DARK, 2, (50, 26), (50, 60))
    stroke(draw, u, DARK, 2, (26, 44), (50, 36), (74, 30))
    stroke(draw, u, DARK, 2, (32, 94), (50, 60), (70, 92))


def apple(draw: ImageDraw.ImageDraw, u: float) -> None:
    stroke(draw, u, BROWN, 3, (50, 30), (53, 14))
    draw.ellipse(box(u, 54, 10, 76, 22), fill=GREEN)
    draw.ellipse(box(u, 16, 26, 62, 88), fill=RED)
    draw.ellipse(box(u, 38, 26, 84, 88), fill=RED)
    draw.ellipse(box(u, 26, 36, 36, 54), fill="#e68a7c")


def cat(draw: ImageDraw.ImageDraw, u: float) -> None:
    fur = "#d18c47"
    stroke(draw, u, fur, 6, (66, 84), (84, 76), (86, 54), (80, 46))
    draw.ellipse(box(u, 28, 46, 72, 94), fill=fur)
    draw.ellipse(box(u, 24, 18, 70, 58), fill=fur)
    polygon(draw, u, fur, (26, 34), (27, 8), (44, 20))
    polygon(draw, u, fur, (68, 34), (67, 8), (50, 20))
    for x in (38, 56):
        draw.ellipse(box(u, x - 4, 30, x + 4, 40), fill=CREAM)
        draw.ellipse(box(u, x - 2, 31, x + 2, 40), fill=DARK)
    polygon(draw, u, "#b5485a", (44, 44), (50, 44), (47, 48))
    draw.ellipse(box(u, 38, 62, 60, 90), fill=CREAM)


def three_parts(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 8, 30, 34, 56), fill=RED)
    draw.rectangle(box(u, 40, 28, 60, 60), fill=GREEN)
    polygon(draw, u, BLUE, (66, 62), (92, 62), (79, 34))


def two_holes(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rounded_rectangle(box(u, 25, 10, 75, 90), radius=20 * u, fill=GREEN)
    draw.ellipse(box(u, 38, 22, 62, 44), fill=(0, 0, 0, 0))
    draw.ellipse(box(u, 38, 54, 62, 78), fill=(0, 0, 0, 0))


def target(draw: ImageDraw.ImageDraw, u: float) -> None:
    """A part within the hole of another."""
    for radius, fill in ((42, RED), (30, (0, 0, 0, 0)), (18, BLUE)):
        draw.ellipse(box(u, 50 - radius, 50 - radius, 50 + radius, 50 + radius), fill=fill)


def spiral(draw: ImageDraw.ImageDraw, u: float) -> None:
    angles = np.linspace(0, 6 * np.pi, 240)
    radii = 4 + 38 * angles / angles[-1]
    stroke(draw, u, BLUE, 3, *zip(50 + radii * np.cos(angles), 50 + radii * np.sin(angles), strict=True))


def comb(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle(box(u, 10, 20, 90, 34), fill=BROWN)
    for x in range(10, 90, 4):
        draw.rectangle(box(u, x, 34, x + 2, 80), fill=BROWN)


def key(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 10, 34, 42, 66), fill="#c2a14a")
    draw.ellipse(box(u, 17, 42, 33, 58), fill=(0, 0, 0, 0))
    draw.rectangle(box(u, 40, 47, 90, 53), fill="#c2a14a")
    draw.rectangle(box(u, 76, 53, 80, 64), fill="#c2a14a")
    draw.rectangle(box(u, 84, 53, 88, 61), fill="#c2a14a")


def wheel(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.ellipse(box(u, 10, 10, 90, 90), fill=DARK)
    draw.ellipse(box(u, 17, 17, 83, 83), fill=(0, 0, 0, 0))
    for angle in np.arange(8) * np.pi / 8:
        x, y = 36 * np.cos(angle), 36 * np.sin(angle)
        stroke(draw, u, "#8f8f8f", 1.4, (50 - x, 50 - y), (50 + x, 50 + y))
    draw.ellipse(box(u, 44, 44, 56, 56), fill=DARK)


def tree(draw: ImageDraw.ImageDraw, u: float) -> None:
    def branch(x: float, y: float, angle: float, length: float) -> None:
        end = (x + length * np.cos(angle), y - length * np.sin(angle))
        stroke(draw, u, BROWN, max(1.0, length / 5), (x, y), end)
        if length > 6:
            branch(*end, angle + 0.5, 0.72 * length)
            branch(*end, angle - 0.42, 0.75 * length)

    branch(50, 94, np.pi / 2, 24)


def house(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle(box(u, 64, 14, 72, 34), fill=DARK)
    polygon(draw, u, RED, (10, 46), (50, 12), (90, 46))
    draw.rectangle(box(u, 18, 46, 82, 90), fill=CREAM)
    draw.rectangle(box(u, 44, 62, 58, 90), fill=BROWN)
    draw.rectangle(box(u, 26, 56, 38, 70), fill=BLUE)


def bar(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle(box(u, 5, 49, 95, 51), fill=GREEN)


def touching_corners(draw: ImageDraw.ImageDraw, u: float) -> None:
    draw.rectangle((20 * u, 20 * u, 50 * u - 1, 50 * u - 1), fill=RED)
    draw.rectangle((50 * u, 50 * u, 80 * u - 1, 80 * u - 1), fill=BLUE)


def hand(draw: ImageDraw.ImageDraw, u: float) -> None:
    skin = "#e0b08a"
    draw.rounded_rectangle(box(u, 32, 48, 70, 92), radius=12 * u, fill=skin)
    for x, top in ((36, 22), (46, 12), (56, 14), (66, 24)):
        stroke(draw, u, skin, 8, (x, 60), (x + (x - 50) / 6, top))
    stroke(draw, u, skin, 9, (36, 76), (18, 54))


def blots(size_px: int = 512) -> Image.Image:
    """Islands and lakes of smoothed noise."""
    spectrum = np.fft.fft2(np.random.default_rng(5).standard_normal((size_px, size_px)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size_px), np.fft.fftfreq(size_px)))
    field = np.fft.ifft2(spectrum * np.exp(-((frequency * size_px / 7) ** 2))).real
    alpha = 255 / (1 + np.exp(-60 * field / field.std() + 6))
    shade = 140 + 60 * field / np.abs(field).max()
    return _assembled(np.dstack([shade, 0.8 * shade, 0.5 * shade, alpha]))


def soft(size_px: int = 512) -> Image.Image:
    """A ball whose alpha fades over a tenth of its radius."""
    y, x = np.mgrid[-1 : 1 : size_px * 1j, -1 : 1 : size_px * 1j]
    alpha = 255 * np.clip((0.75 - np.hypot(x, y)) / 0.07 + 0.5, 0, 1)
    return _assembled(np.dstack([200 + 40 * x, 120 + 60 * y, np.full_like(x, 90), alpha]))


def sprite() -> Image.Image:
    """32 pixels a side, each of them hard."""
    small = drawn(mug, 32)
    pixels = np.asarray(small).copy()
    pixels[..., 3] = np.where(pixels[..., 3] >= 128, 255, 0)
    return Image.fromarray(pixels)


def touching_the_border(size_px: int = 512) -> Image.Image:
    """A bust that the lower border cuts off."""
    picture = drawn(cat, size_px)
    return picture.crop((0, 0, size_px, round(0.8 * size_px)))


def _assembled(channels: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(channels + 0.5, 0, 255).astype(np.uint8))


DRAWINGS: dict[str, Draw] = {
    function.__name__: function
    for function in (
        disc,
        square,
        star,
        doughnut,
        mug,
        chair,
        stick_figure,
        apple,
        cat,
        three_parts,
        two_holes,
        target,
        spiral,
        comb,
        key,
        wheel,
        tree,
        house,
        bar,
        touching_corners,
        hand,
    )
}
SPECIAL: dict[str, Callable[[], Image.Image]] = {
    function.__name__: function for function in (blots, soft, sprite, touching_the_border)
}


def picture(name: str) -> Image.Image:
    """A cut-out picture by its name in :data:`DRAWINGS` or :data:`SPECIAL`."""
    return drawn(DRAWINGS[name]) if name in DRAWINGS else SPECIAL[name]()
