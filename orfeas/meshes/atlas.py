"""Several base colours in one texture: a square grid of tiles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SIDE_PX = 4096
MIN_TILE_PX = 16
# Around a tile lies a copy of its own rim, so that filtering does not fetch its neighbour's colours.
MARGIN_PX = 4
# A picture that repeats over a part is drawn so often; UVs further out start over.
MAX_REPEATS = 8
# So far may UVs stray over the border of a picture without meaning that it repeats.
STRAY = 0.01


@dataclass(frozen=True)
class Use:
    """A part's UVs ``[n, 2]``, origin lower left (conventions §5), in the picture of that number."""

    picture: int
    uv: NDArray[np.float64]


def pack(pictures: Sequence[Image.Image], uses: Sequence[Use]) -> tuple[Image.Image, list[NDArray[np.float64]]]:
    """One RGBA texture of all pictures, and each use's UVs in it."""
    columns = math.ceil(math.sqrt(len(pictures)))
    repeats = np.ones((len(pictures), 2), dtype=np.int64)
    shifted = [use.uv - np.floor(use.uv.min(axis=0) + STRAY) for use in uses]
    for use, uv in zip(uses, shifted, strict=True):
        span = np.clip(np.ceil(uv.max(axis=0) - STRAY), 1, MAX_REPEATS).astype(np.int64)
        repeats[use.picture] = np.maximum(repeats[use.picture], span)
    wanted = max(max(picture.size) for picture in pictures) * int(repeats.max()) + 2 * MARGIN_PX
    tile = max(MIN_TILE_PX, min(wanted, MAX_SIDE_PX // columns))
    margin = min(MARGIN_PX, tile // 8)
    inner = tile - 2 * margin
    side = tile * columns
    texture = np.zeros((side, side, 4), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        drawn = np.asarray(_repeat(picture, repeats[number], inner))
        framed = np.pad(drawn, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        texture[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile] = framed
    placed = []
    for use, uv in zip(uses, shifted, strict=True):
        row, column = divmod(use.picture, columns)
        within = np.clip(_start_over(uv, repeats[use.picture]), 0.0, 1.0) * inner + margin
        # Rows count from the top, v from below: conventions §5.
        corner = np.array([column * tile, side - (row + 1) * tile])
        placed.append((within + corner) / side)
    return Image.fromarray(texture), placed


def _start_over(uv: NDArray[np.float64], repeats: NDArray[np.int64]) -> NDArray[np.float64]:
    """``[n, 2]`` as fractions of the repeated picture."""
    return np.where(uv > repeats + STRAY, uv % repeats, uv) / repeats


def _repeat(picture: Image.Image, repeats: NDArray[np.int64], side: int) -> Image.Image:
    columns, rows = int(repeats[0]), int(repeats[1])
    once = picture.convert("RGBA").resize((math.ceil(side / columns), math.ceil(side / rows)), Image.Resampling.BOX)
    tiled = Image.fromarray(np.tile(np.asarray(once), (rows, columns, 1)))
    return tiled.resize((side, side), Image.Resampling.BILINEAR)
