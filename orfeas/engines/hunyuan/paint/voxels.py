"""Where each token of a view lies in space, as a cell of a grid, from pictures of positions (specification §4.1)."""

from enum import StrEnum

import torch
from torch import Tensor

# A cell that the subject covers to less than this share stands at the origin.
LEAST_SHARE = 16
BACKGROUND = 1.0


class Voxels(StrEnum):
    """What the background is to the coarser grids.

    ``clean`` leaves it out at every level, as in training. ``compat`` does what the published pipeline does, for
    results that are compared with its own: control pictures are rounded to 16 bits, and from the second level on the
    background counts as positions of zero.
    """

    CLEAN = "clean"
    COMPAT = "compat"


def find_voxels(maps: Tensor, latent_size: int, levels: int, voxels: Voxels = Voxels.CLEAN) -> tuple[Tensor, ...]:
    """Cells of the tokens at each level.

    Sums are rounded to 16 bits, and divided and scaled in them, as the weights know it.

    Args:
        maps: ``[B, N, 3, S, S]`` in 0..1, the background exactly 1.
        latent_size: H, a side of the finest level's grid; S is a multiple of it.
        levels: each halves the grid.
        voxels: what the background is to all but the first.

    Returns:
        For level j ``[B, N · g · g, 3]`` int64 with g = H / 2^j, each in 0 .. S / 2^j - 1; views, then rows, then
        columns.
    """
    half = maps.to(torch.float16)
    is_solid = (half != BACKGROUND).all(dim=2, keepdim=True)
    half = half * is_solid
    found = []
    for level in range(levels):
        if level == 1 and voxels is Voxels.COMPAT:
            is_solid = torch.ones_like(is_solid)
        found.append(_cells(half, is_solid, latent_size >> level, maps.shape[-1] >> level))
    return tuple(found)


def _cells(half: Tensor, is_solid: Tensor, grid: int, resolution: int) -> Tensor:
    cell = half.shape[-1] // grid
    count = _sum_cells(is_solid, cell)
    mean = _sum_cells(half, cell).to(torch.float16) / count.clamp(min=1).to(torch.float16)
    mean = mean.masked_fill(count < (cell * cell) // LEAST_SHARE, 0)
    index = (mean.clamp(0, 1) * (resolution - 1)).round().long()
    return index.permute(0, 1, 3, 4, 2).flatten(1, 3)


def _sum_cells(x: Tensor, cell: int) -> Tensor:
    """Sums ``[B, N, C, g, g]`` float32 over squares of ``cell`` pixels."""
    B, N, C, size, _ = x.shape
    return x.to(torch.float32).view(B, N, C, size // cell, cell, size // cell, cell).sum(dim=(4, 6))
