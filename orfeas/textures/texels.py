"""Where on the model each texel of its texture lies."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from orfeas.textures.rasterize import Grid, find_hits, interpolate, rasterize
from orfeas.textures.subject import Subject


@dataclass(frozen=True)
class Texels:
    """The texels whose centres lie on the model, row by row; the others are gaps between the islands.

    Attributes:
        side_px: of the square texture.
        index: ``[k]`` int64, ``row · side_px + column``, rows counted from the top.
        face: ``[k]`` int64.
        point: ``[k, 3]`` float32, scene units.
        normal: ``[k, 3]`` float32, the face's own, so that the sides of a hard edge are told apart.
    """

    side_px: int
    index: Tensor
    face: Tensor
    point: Tensor
    normal: Tensor


def make_texels(
    subject: Subject, uv: Tensor, side_px: int, grid: Grid = "centres", check: Callable[[], None] = lambda: None
) -> Texels:
    """Lay the model out in its texture; where islands overlap, the first face has the texel.

    Args:
        subject: the model.
        uv: ``[n, 2]`` in [0, 1], origin lower left (conventions §5).
        side_px: of the texture.
        grid: ``centres``, as viewers sample textures; ``corners`` is what the recorded reference has.
        check: called between the steps, each a good second at 4096; what it raises stops the work.
    """
    # Picture coordinates run down, v runs up: conventions §5.
    place = torch.stack([2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1], torch.zeros_like(uv[:, 0])], dim=1).float()
    raster = rasterize(place, subject.faces, side_px, side_px, grid)
    check()
    hits = find_hits(raster, place, subject.faces, grid)
    check()
    point = interpolate(hits, subject.points, subject.faces)
    return Texels(side_px, hits.pixel, hits.face, point, subject.normals.index_select(0, hits.face))
