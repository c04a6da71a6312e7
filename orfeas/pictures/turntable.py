"""A model that turns once around, as an animated picture; and its portrait, the first frame of it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import trimesh
from PIL import Image

from orfeas.errors import InvalidOption
from orfeas.meshes.load import load_mesh
from orfeas.options import parse_choice, parse_integer, parse_number, quote
from orfeas.pictures.render import Colour, Renderer
from orfeas.pictures.scene import set_scene
from orfeas.pictures.webp import animate, encode
from orfeas.progress import Progress, Stage

# From the front, a little from the right and from above: what shows most of most things.
AZIMUTH_DEG, ELEVATION_DEG = 30.0, 18.0
LEAST_FRAMES, MOST_FRAMES = 4, 90
LEAST_PX, MOST_PX = 64, 1024
LEAST_S, MOST_S = 1.0, 60.0
CLEAR = "transparent"
# Drawing leaves a processor's core idle now and then, and takes a hundred megabytes at the largest size.
FRAMES_AT_ONCE = 2


class TurntableFormat(StrEnum):
    """The file formats a turntable can be written in."""

    WEBP = "webp"


@dataclass(frozen=True)
class TurntableOptions:
    """Options of ``/turntable``, made by :func:`parse_turntable_options`.

    ``size_px`` is the side of the picture, ``seconds`` the time of one turn; ``background`` is ``transparent`` or a
    colour such as ``#ffffff``.
    """

    output_format: TurntableFormat = TurntableFormat.WEBP
    frames: int = 24
    size_px: int = 512
    seconds: float = 3.0
    background: str = CLEAR

    @property
    def colour(self) -> Colour | None:
        """The background, sRGB; None where it is clear."""
        if self.background == CLEAR:
            return None
        red, green, blue = bytes.fromhex(self.background.removeprefix("#"))
        return red, green, blue


def parse_turntable_options(
    *,
    output_format: object = TurntableFormat.WEBP,
    frames: object = 24,
    size_px: object = 512,
    seconds: object = 3,
    background: object = CLEAR,
) -> TurntableOptions:
    """Check what a caller sent to ``/turntable``.

    Raises:
        InvalidOption: the first value that is not allowed, with what is.
    """
    return TurntableOptions(
        output_format=parse_choice("output_format", output_format, TurntableFormat),
        frames=parse_integer("frames", frames, LEAST_FRAMES, MOST_FRAMES),
        size_px=parse_integer("size_px", size_px, LEAST_PX, MOST_PX),
        seconds=parse_number("seconds", seconds, LEAST_S, MOST_S),
        background=_parse_background(background),
    )


def make_portrait(mesh: trimesh.Trimesh, size_px: int, check: Callable[[], None] = lambda: None) -> Image.Image:
    """The model from the front, a little from +X and from above, RGBA with straight alpha.

    Args:
        mesh: the model, in any unit, its front to +Z.
        size_px: side of the picture.
        check: called between pieces of work, may stop it.

    Raises:
        InvalidMesh: it has no faces, or numbers that are not finite.
    """
    return Renderer(set_scene(mesh, check), ELEVATION_DEG, size_px).draw(AZIMUTH_DEG, check)


def make_turntable(model: Path, options: TurntableOptions, progress: Progress) -> bytes:
    """An animated WebP of a model file that begins with its portrait; after the last frame comes the first.

    Args:
        model: a mesh file of any format that can be read, its front to +Z.
        options: of the picture.
        progress: told of every frame; a stop takes effect within a frame.

    Raises:
        InvalidMesh: it cannot be read.
        Cancelled: the user has stopped the work.
    """
    with progress.stage(Stage.RENDER):
        progress.step(0, options.frames)
        scene = set_scene(load_mesh(model), progress.check)
        renderer = Renderer(scene, ELEVATION_DEG, options.size_px, options.colour)

        def draw(frame: int) -> bytes:
            image = renderer.draw(AZIMUTH_DEG + 360.0 * frame / options.frames, progress.check)
            return encode(image)

        files = []
        with ThreadPoolExecutor(FRAMES_AT_ONCE) as pool:
            for file in pool.map(draw, range(options.frames)):
                files.append(file)
                progress.step(len(files), options.frames)
        return animate(files, _durations_ms(options), options.size_px)


def _durations_ms(options: TurntableOptions) -> list[int]:
    """Of every frame; whole milliseconds that add up to the turn's time."""
    ends = [round(1000 * options.seconds * frame / options.frames) for frame in range(options.frames + 1)]
    return [end - begin for begin, end in pairwise(ends)]


def _parse_background(value: object) -> str:
    text = str(value).strip().lower()
    if text != CLEAR and not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise InvalidOption(
            f"background cannot be {quote(value)}; it takes {CLEAR} or a colour such as #ffffff.", "background"
        )
    return text
