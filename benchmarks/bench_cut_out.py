"""Cut-outs of pictures whose alpha is known, by every remover that is ready here, against two plain ways.

    python -m benchmarks.bench_cut_out

Eight drawn things, among them hair, spokes and a thing half transparent, stand before a plain, a smooth, a noisy and a
cluttered background, 640 pixels a side. Told are, as means: the intersection over union at half alpha, the error of
alpha in a band around the true edge, the error there of the subject put on a new background, with the colours that
were estimated at the rim and with those of the picture, and the seconds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.report import Figure, report
from orfeas.apart import Apart
from orfeas.engines.base import Remover
from orfeas.images.filters import gaussian_blur, grow
from orfeas.images.matting import subject_colours
from orfeas.progress import Progress
from orfeas.roster import Roster
from orfeas.settings import read_settings
from tests.images import drawings

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
FindAlpha = Callable[[Pixels], Floats]

SIDE_PX = 640
THINGS = ("apple", "mug", "chair", "cat", "doughnut", "wheel")
BACKGROUNDS = ("plain", "smooth", "noisy", "clutter")
NOISE = 18.0
# The band around the true edge, where a cut-out is good or bad.
RIM_PX = 6
NEW_BACKGROUND = np.array([60.0, 160.0, 70.0], dtype=np.float32)
FLOOD_TOLERANCE = 12


@dataclass(frozen=True)
class Thing:
    """A subject: colours ``[H, W, 3]`` and alpha ``[H, W]``, both known."""

    colours: Floats
    alpha: Floats

    def before(self, background: Floats) -> Pixels:
        """The thing as a photo would show it."""
        mixed = self.colours * self.alpha[..., None] + background * (1 - self.alpha[..., None])
        return np.asarray(np.clip(mixed + 0.5, 0, 255), dtype=np.uint8)


def fur(draw: ImageDraw.ImageDraw, u: float) -> None:
    """A ball with two thousand hairs, the thinnest of them a fifth of a pixel."""
    random = np.random.default_rng(3)
    draw.ellipse(drawings.box(u, 26, 26, 74, 74), fill="#7a5230")
    for angle, length, bend in random.uniform((0, 2, -0.3), (2 * np.pi, 9, 0.3), (2000, 3)):
        inner, outer = 23, 24 + length
        points = [(50 + r * np.cos(a), 50 + r * np.sin(a)) for r, a in ((inner, angle), (outer, angle + bend / 3))]
        draw.line(
            [(u * x, u * y) for x, y in points], fill="#6b4526", width=max(1, round(u * random.uniform(0.02, 0.2)))
        )


def make_things() -> dict[str, Thing]:
    """Every thing by its name, its surface a little mottled, as real ones are."""
    pictures = {name: drawings.drawn(drawings.DRAWINGS[name], SIDE_PX) for name in THINGS}
    pictures["fur"] = drawings.drawn(fur, SIDE_PX)
    glass = drawings.drawn(drawings.DRAWINGS["mug"], SIDE_PX)
    glass.putalpha(glass.getchannel("A").point(lambda level: level * 6 // 10))
    pictures["glass"] = glass
    mottle = 10 * blobs(7, 40.0)[..., :1] - 5
    return {name: _thing(picture, mottle) for name, picture in pictures.items()}


def _thing(picture: Image.Image, mottle: Floats) -> Thing:
    pixels = np.asarray(picture, dtype=np.float32)
    return Thing(np.clip(pixels[..., :3] + mottle, 0, 255), pixels[..., 3] / np.float32(255))


def blobs(seed: int, sigma_px: float) -> Floats:
    """Smooth random colours ``[H, W, 3]`` in [0, 1]."""
    noise = gaussian_blur(
        np.random.default_rng(seed).standard_normal((SIDE_PX, SIDE_PX, 3)).astype(np.float32), sigma_px
    )
    low, high = noise.min(), noise.max()
    return np.asarray((noise - low) / (high - low), dtype=np.float32)


def make_background(kind: str, seed: int) -> Floats:
    """A background ``[H, W, 3]``, 0 to 255."""
    random = np.random.default_rng(seed)
    light = random.uniform(170, 235, 3)
    if kind == "clutter":
        return 255 * blobs(seed, 24.0)
    plain = np.full((SIDE_PX, SIDE_PX, 3), light, dtype=np.float32)
    if kind == "plain":
        return plain
    ramp = np.linspace(0, 1, SIDE_PX, dtype=np.float32)[:, None, None]
    smooth = plain * (1 - 0.35 * ramp) * (1 - 0.15 * ramp.transpose(1, 0, 2))
    smooth = np.asarray(smooth, dtype=np.float32)
    return smooth if kind == "smooth" else smooth + random.normal(0, NOISE, smooth.shape).astype(np.float32)


def plain_grab_cut(rgb: Pixels) -> Floats:
    """OpenCV's GrabCut as its own tutorial calls it: a rectangle, five rounds, a hard edge."""
    margin = round(0.02 * SIDE_PX)
    box = (margin, margin, SIDE_PX - 2 * margin, SIDE_PX - 2 * margin)
    labels = np.zeros(rgb.shape[:2], np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(rgb, labels, box, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def flood_fill(rgb: Pixels) -> Floats:
    """What hangs together with a corner by nearly the same colour is the background, as a magic wand takes it."""
    seen = np.zeros((SIDE_PX + 2, SIDE_PX + 2), np.uint8)
    for corner in ((0, 0), (SIDE_PX - 1, 0), (0, SIDE_PX - 1), (SIDE_PX - 1, SIDE_PX - 1)):
        if not seen[corner[1] + 1, corner[0] + 1]:
            cv2.floodFill(
                rgb.copy(),
                seen,
                corner,
                (0, 0, 0),
                (FLOOD_TOLERANCE,) * 3,
                (FLOOD_TOLERANCE,) * 3,
                4 | cv2.FLOODFILL_MASK_ONLY,
            )
    return 1 - seen[1:-1, 1:-1].astype(np.float32)


@dataclass(frozen=True)
class Score:
    """How good one cut-out is; errors are of levels from 0 to 1, at the rim."""

    iou: float
    alpha_error: float
    composite_error: float
    unmended_error: float
    seconds: float


def score(find_alpha: FindAlpha, thing: Thing, background: Floats) -> Score:
    """Cut the thing out and hold it against the truth."""
    rgb = thing.before(background)
    start = time.perf_counter()
    alpha = find_alpha(rgb)
    colours = subject_colours(rgb, alpha)
    seconds = time.perf_counter() - start
    found, wanted = alpha >= 0.5, thing.alpha >= 0.5
    edge = (thing.alpha > 0.02) & (thing.alpha < 0.98)
    rim = grow(edge | (grow(wanted, 1) & ~wanted), RIM_PX)
    truth = thing.before(np.broadcast_to(NEW_BACKGROUND, thing.colours.shape)).astype(np.float32)

    def error_of(seen: Pixels) -> float:
        mixed = seen * alpha[..., None] + NEW_BACKGROUND * (1 - alpha[..., None])
        return float(np.abs(mixed - truth)[rim].mean() / 255)

    return Score(
        iou=float((found & wanted).sum() / max((found | wanted).sum(), 1)),
        alpha_error=float(np.abs(alpha - thing.alpha)[rim].mean()),
        composite_error=error_of(colours),
        unmended_error=error_of(rgb),
        seconds=seconds,
    )


def _asked(remover: Remover) -> FindAlpha:
    return lambda rgb: remover.find_alpha(rgb, Progress())


def figures_of(name: str, background: str, scores: Sequence[Score]) -> list[Figure]:
    """The means of one way before one kind of background."""
    label, runs = f"{name}, {background}", len(scores)
    ious = sorted(each.iou for each in scores)
    return [
        Figure(f"{label}: IoU", float(np.mean(ious)), "", runs=runs),
        Figure(f"{label}: least IoU", ious[0], "", runs=runs),
        Figure(f"{label}: alpha at the rim", float(np.mean([each.alpha_error for each in scores])), "error", runs=runs),
        Figure(
            f"{label}: rim on a new ground",
            float(np.mean([each.composite_error for each in scores])),
            "error",
            runs=runs,
        ),
        Figure(
            f"{label}: rim, colours as seen",
            float(np.mean([each.unmended_error for each in scores])),
            "error",
            runs=runs,
        ),
        Figure(f"{label}: time", float(np.median([each.seconds for each in scores])), "s", runs=runs),
    ]


def main() -> None:
    ways: dict[str, FindAlpha] = {
        remover.name.value: _asked(remover)
        for remover in Roster(read_settings(), Apart()).removers
        if remover.info().is_ready
    }
    ways |= {"plain GrabCut": plain_grab_cut, "flood fill": flood_fill}
    things, figures = make_things(), list[Figure]()
    for background in BACKGROUNDS:
        for name, find_alpha in ways.items():
            scores = [
                score(find_alpha, thing, make_background(background, seed))
                for seed, thing in enumerate(things.values())
            ]
            figures += figures_of(name, background, scores)
    report("cut_out", figures)


if __name__ == "__main__":
    main()
