"""A model's surface as small pieces that know their neighbours, whatever its triangles and islands are like.

A piece is what of the surface lies in one cell of a grid and faces one of six ways, so that both sides of a thin wall
are pieces of their own, and the two sides of a UV seam are one. The number of pieces depends on the model's form alone:
about fifty thousand, for a texture of any size.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orfeas.textures.texels import Texels

# Cells along the longest side of the model.
CELLS = 96
WAYS = 6
# Points interpolated at once: few enough that a processor's cache holds them.
AT_ONCE = 100_000
# Pieces whose normals differ by more than this cosine do not touch, though their cells do: the sides of a sharp fin.
LEAST_AGREEMENT = -0.2


@dataclass(frozen=True)
class Cells:
    """The pieces of a surface, ``p`` of them.

    Attributes:
        size: of a cell, scene units.
        low: ``[3]`` the grid's corner.
        side: cells along each side of the grid, with an empty one at both ends.
        number: ``[side³ · 6]`` int64, the piece in each cell and way; −1 where there is none.
        key: ``[p]`` int64, the cell and way of each piece.
        of_texel: ``[k]`` int64, the piece that each texel lies in.
    """

    size: float
    low: Tensor
    side: int
    number: Tensor
    key: Tensor
    of_texel: Tensor


def make_cells(texels: Texels) -> Cells:
    """Sort texels into pieces; linear in texels."""
    low, high = texels.point.amin(dim=0), texels.point.amax(dim=0)
    size = max(float((high - low).max()) / CELLS, 1e-9)
    side = CELLS + 3
    low = low - size  # an empty cell at each end, so that neighbours of a cell are never beyond the grid
    parts = zip(torch.split(texels.point, AT_ONCE), torch.split(texels.normal, AT_ONCE), strict=True)
    key = torch.cat([_key((point - low).div_(size), normal, side) for point, normal in parts])
    is_there = torch.zeros(side**3 * WAYS, dtype=torch.bool, device=key.device)
    is_there.index_fill_(0, key.long(), True)
    keys = is_there.nonzero().squeeze(1)
    number = torch.full((len(is_there),), -1, device=key.device)
    number[keys] = torch.arange(len(keys), device=key.device)
    return Cells(size, low, side, number, keys, number.index_select(0, key))


def mean_over(cells: Cells, values: Tensor, texel: Tensor) -> tuple[Tensor, Tensor]:
    """The mean ``[p, C]`` of ``values`` ``[j, C]`` of the texels numbered ``texel`` ``[j]``, and how many there are."""
    piece = cells.of_texel.index_select(0, texel)
    count = torch.bincount(piece, minlength=len(cells.key))
    sums = torch.zeros((len(cells.key), values.shape[1]), device=values.device)
    sums.index_add_(0, piece, values)
    return sums / count.clamp(min=1)[:, None], count


@dataclass(frozen=True)
class Links:
    """Pieces that touch: ``pairs`` ``[l, 2]`` int64, each pair once, and the cosine between their normals ``[l]``."""

    pairs: NDArray[np.int64]
    agreement: NDArray[np.float32]


def find_links(cells: Cells, normal: Tensor) -> Links:
    """The pieces that touch; ``normal`` ``[p, 3]`` is their mean normal, of any length."""
    unit = torch.nn.functional.normalize(normal, dim=1)
    cell, way = cells.key // WAYS, cells.key % WAYS
    piece = torch.arange(len(cell), device=cell.device)
    pairs, agreements = [], []
    for step in _half_of_the_neighbours(cells.side):
        for other_way in range(WAYS):
            other = cells.number.index_select(0, (cell + step) * WAYS + other_way)
            is_linked = (other >= 0) & ((step != 0) | (other_way > way))
            one, two = piece[is_linked], other[is_linked]
            agreement = (unit[one] * unit[two]).sum(dim=1)
            agrees = agreement > LEAST_AGREEMENT
            pairs.append(torch.stack([one[agrees], two[agrees]], dim=1))
            agreements.append(agreement[agrees])
    return Links(torch.cat(pairs).cpu().numpy(), torch.cat(agreements).cpu().numpy())


def interpolate_cells(cells: Cells, values: Tensor, point: Tensor, normal: Tensor) -> Tensor:
    """``values`` ``[p, C]`` of the pieces, trilinear between those around each point that face its way, ``[j, C]``.

    Args:
        cells: the pieces.
        values: of the pieces.
        point: ``[j, 3]``, each in a piece.
        normal: ``[j, 3]``, the same texels'.
    """
    parts = zip(torch.split(point, AT_ONCE), torch.split(normal, AT_ONCE), strict=True)
    return torch.cat([_interpolate(cells, values, *part) for part in parts])


def _interpolate(cells: Cells, values: Tensor, point: Tensor, normal: Tensor) -> Tensor:
    place = (point - cells.low) / cells.size - 0.5
    corner = place.floor()
    key = _key(corner, normal, cells.side)
    x, y, z = (place - corner).unbind(1)
    sums = torch.zeros((len(point), values.shape[1]), device=values.device)
    total = torch.zeros((len(point), 1), device=values.device)
    for right in (0, 1):
        for above in (0, 1):
            across = (x if right else 1 - x) * (y if above else 1 - y)
            for before in (0, 1):
                step = ((right * cells.side + above) * cells.side + before) * WAYS
                piece = cells.number.index_select(0, key + step)
                weight = (across * (z if before else 1 - z) * (piece >= 0))[:, None]
                sums.addcmul_(values.index_select(0, piece.clamp(min=0)), weight)
                total += weight
    return sums / total.clamp(min=1e-12)


def way_of(normal: Tensor) -> Tensor:
    """``[n]`` int32, 0 to 5: the axis along which ``normal`` ``[n, 3]`` points most, and to which side of it."""
    x, y, z = normal.T.contiguous()
    across, up, along = x.abs(), y.abs(), z.abs()
    is_across = (across >= up) & (across >= along)
    by_y_or_z = torch.where(up >= along, 2 + (y < 0).int(), 4 + (z < 0).int())
    return torch.where(is_across, (x < 0).int(), by_y_or_z)


def _key(place: Tensor, normal: Tensor, side: int) -> Tensor:
    """``[n]`` int32, the number of the cell and way of ``place`` ``[n, 3]``, in cells, and ``normal`` ``[n, 3]``."""
    x, y, z = place.int().unbind(1)
    return (x * side).add_(y).mul_(side).add_(z).mul_(WAYS).add_(way_of(normal))


def _half_of_the_neighbours(side: int) -> list[int]:
    """By how much a cell's number differs from its neighbours', one of each two that lie opposite; 0 is itself."""
    steps = {(x * side + y) * side + z for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)}
    return sorted(step for step in steps if step >= 0)
