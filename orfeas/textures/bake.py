"""Pictures from several cameras onto the texels of one texture.

After the texturing part of Hunyuan3D-2.1 (its back-projection and merge), with these differences: pictures are sampled
where they were drawn, not up to a pixel beside it; all channels are baked at once; views are added up as they come
instead of being kept; and a texel that faces away is never painted through a thin wall.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orfeas.images.filters import grow
from orfeas.progress import Progress
from orfeas.textures.cameras import Camera, View, axes, project
from orfeas.textures.rasterize import NO_FACE, rasterize
from orfeas.textures.subject import Subject
from orfeas.textures.texels import Texels

STEEPEST_DEG = 75.0
# Scene units within which a texel and what the camera sees are the same place.
DEPTH_TOLERANCE = 3e-3
# What is seen askew counts less, by this power of the cosine.
SHARPNESS = 4
# A view that would add less than this to what it sees is left out.
LEAST_NEW_SHARE = 0.01
# Thresholds of Canny's edges in the 8-bit picture of distances.
EDGE_LOW, EDGE_HIGH = 30, 80
# Texels looked at at once: few enough that a processor's cache holds them.
AT_ONCE = 100_000
# One pixel of rim, which is not trusted, to so many of the picture's side.
SIDE_PER_RIM = 512


@dataclass(frozen=True)
class Shot:
    """What a camera shows: ``image`` ``[S, S, C]`` uint8, any channels, drawn align-corners (conventions §8)."""

    view: View
    image: Tensor


@dataclass(frozen=True)
class Paint:
    """What the texels were painted with.

    Attributes:
        values: ``[k, C]`` float32 in [0, 1]; zero where nothing was painted.
        is_painted: ``[k]`` bool.
    """

    values: Tensor
    is_painted: Tensor


@dataclass(frozen=True)
class Sample:
    """What one camera gives.

    Attributes:
        texel: ``[j]`` int64 the numbers of the texels that it sees well enough.
        values: ``[j, C]`` float32 in [0, 1].
        cosine: ``[j]`` float32 between the face's normal and the line of sight.
    """

    texel: Tensor
    values: Tensor
    cosine: Tensor


def bake(
    subject: Subject,
    texels: Texels,
    shots: Iterable[Shot],
    progress: Progress,
    steepest_deg: float = STEEPEST_DEG,
    rim: int | None = None,
) -> Paint:
    """Paint what the cameras see: the mean of their pictures by view weight and angle.

    Args:
        subject: the model.
        texels: its texture.
        shots: one by one, the most important first; all with the same channels, at least one.
        progress: asked before each shot whether to stop.
        steepest_deg: what is seen at a greater angle to its normal is not painted.
        rim: how many pixels within outlines pictures are not trusted; None for :func:`rim_px` of their size.

    Raises:
        Cancelled: the user has stopped the work.
    """
    count, device = len(texels.index), texels.index.device
    sums: Tensor | None = None
    total = torch.zeros(count, device=device)
    for shot in shots:
        progress.check()
        untrusted = rim_px(shot.image.shape[0]) if rim is None else rim
        sample = back_project(subject, texels, shot, untrusted, steepest_deg)
        if sums is None:
            sums = torch.zeros((count, shot.image.shape[2]), device=device)
        is_new = total.index_select(0, sample.texel) == 0
        if is_new.sum() < LEAST_NEW_SHARE * len(is_new):
            continue
        weight = shot.view.weight * sample.cosine**SHARPNESS
        sums.index_add_(0, sample.texel, sample.values * weight[:, None])
        total.index_add_(0, sample.texel, weight)
    assert sums is not None, "nothing to bake"
    return Paint(sums.div_(total.clamp(min=1e-8)[:, None]), total > 1e-8)


def back_project(subject: Subject, texels: Texels, shot: Shot, rim: int, steepest_deg: float = STEEPEST_DEG) -> Sample:
    """The texels a camera sees, with what its picture shows there.

    Not painted are what is hidden, what is seen too steeply, and what lies within ``rim`` pixels of the background or
    of a jump in distance, where a picture that is not exact to the pixel shows something else.
    """
    side, camera = shot.image.shape[0], shot.view.camera
    raster = rasterize(project(subject.points, camera), subject.faces, side, side, "corners")
    cosines = subject.normals @ axes(camera)[2].to(subject.normals)
    face = raster.face.flatten().long()
    is_usable = find_usable(raster.face, raster.depth, rim).flatten()
    fair = torch.where(is_usable, cosines.index_select(0, face.clamp(min=0)), 0.0)
    fair[fair < math.cos(math.radians(steepest_deg))] = 0.0
    facing = (cosines.index_select(0, texels.face) > 0).nonzero().squeeze(1)
    sight = _Sight(camera, shot.image, raster.depth.flatten(), fair)
    parts = [_look(texels, part, sight) for part in torch.split(facing, AT_ONCE)]
    return Sample(
        texel=torch.cat([part.texel for part in parts]),
        values=torch.cat([part.values for part in parts]),
        cosine=torch.cat([part.cosine for part in parts]),
    )


@dataclass(frozen=True)
class _Sight:
    """A camera's picture, and ``[S · S]`` its distances and its cosines, which are zero where it is not trusted."""

    camera: Camera
    image: Tensor
    depth: Tensor
    fair: Tensor


def _look(texels: Texels, chosen: Tensor, sight: _Sight) -> Sample:
    """What of the texels numbered ``chosen`` is in sight."""
    side = sight.image.shape[0]
    place = project(texels.point.index_select(0, chosen), sight.camera)
    x, y = ((place[:, :2] / 2 + 0.5) * (side - 1)).unbind(1)
    pixel = y.round().long().clamp(0, side - 1) * side + x.round().long().clamp(0, side - 1)
    cosine = sight.fair.index_select(0, pixel)
    is_near = (sight.depth.index_select(0, pixel) - place[:, 2]).abs() < DEPTH_TOLERANCE
    is_within = (place[:, :2].abs() <= 1).all(dim=1)
    kept = ((cosine > 0) & is_near & is_within).nonzero().squeeze(1)
    x, y, cosine, texel = (values.index_select(0, kept) for values in (x, y, cosine, chosen))
    return Sample(texel, _bilinear(sight.image, x, y), cosine)


def rim_px(side_px: int) -> int:
    """How far from an outline a picture of ``side_px`` a side is not trusted; four pixels at 2048."""
    return max(1, side_px // SIDE_PER_RIM)


def find_usable(face: Tensor, depth: Tensor, rim: int) -> Tensor:
    """``[S, S]`` bool: pixels of the model farther than ``rim`` from the background and from jumps in distance."""
    if not rim:
        return face != NO_FACE
    is_gone = (face == NO_FACE).cpu().numpy() | find_edges(depth)
    return torch.from_numpy(~grow(is_gone, rim)).to(face.device)


def find_edges(depth: Tensor) -> NDArray[np.bool_]:
    """``[S, S]`` where the distance jumps: Canny's edges of it as 8 bits, the nearest brightest, no face black."""
    is_shown = depth.isfinite()
    if not is_shown.any():
        return np.zeros(depth.shape, dtype=np.bool_)
    farthest = torch.where(is_shown, depth, -torch.inf).max()
    span = (farthest - depth.min()).clamp(min=1e-12)
    levels = ((farthest - depth) / span * 255).clamp(min=0).to(torch.uint8)
    return np.asarray(cv2.Canny(levels.cpu().numpy(), EDGE_LOW, EDGE_HIGH), dtype=np.bool_)


def _bilinear(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """``[j, C]`` in [0, 1] of ``image`` ``[S, S, C]`` at pixels ``x``, ``y``, whole at pixel centres."""
    side = image.shape[0]
    flat = image.reshape(side * side, -1)
    column, row = x.long().clamp(0, side - 2), y.long().clamp(0, side - 2)
    right, below = (x - column)[:, None], (y - row)[:, None]
    corner = row * side + column
    values = torch.zeros((len(x), flat.shape[1]), device=x.device)
    for step, weight in (
        (0, (1 - right) * (1 - below)),
        (1, right * (1 - below)),
        (side, (1 - right) * below),
        (side + 1, right * below),
    ):
        values.addcmul_(flat.index_select(0, corner + step).float(), weight / 255)
    return values
