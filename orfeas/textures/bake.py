"""Pictures from several cameras onto the texels of one texture.

After the texturing part of Hunyuan3D-2.1 (its back-projection and merge), with these differences: pictures are sampled
where they were drawn, not up to a pixel beside it; all channels are baked at once; views are added up as they come
instead of being kept; and a texel that faces away is never painted through a thin wall.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orfeas.images.filters import grow
from orfeas.progress import Progress
from orfeas.textures.cameras import Camera, View, axes, project
from orfeas.textures.rasterize import NO_FACE, is_hidden, rasterize, to_pixels
from orfeas.textures.subject import Subject
from orfeas.textures.texels import Texels

STEEPEST_DEG = 75.0
# Scene units within which a texel and what the camera sees are the same place.
DEPTH_TOLERANCE = 3e-3
# What is seen askew counts less, by this power of the cosine.
SHARPNESS = 4
# A view that would add less than this to what it sees is left out.
LEAST_NEW_SHARE = 0.01
# On a processor most of the work for a camera keeps one core busy: more of them are looked through side by side.
CAMERAS_AT_ONCE = 2
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

    def look(shot: Shot) -> Sample:
        untrusted = rim_px(shot.image.shape[0]) if rim is None else rim
        return back_project(subject, texels, shot, untrusted, steepest_deg, progress.check)

    for shot, sample in _ahead(_checked(shots, progress), look, CAMERAS_AT_ONCE if device.type == "cpu" else 1):
        if sums is None:
            sums = torch.zeros((shot.image.shape[2], count), device=device)
        is_new = total.index_select(0, sample.texel) == 0
        if is_new.sum() < LEAST_NEW_SHARE * len(is_new):
            continue
        weight = shot.view.weight * sample.cosine**SHARPNESS
        for sum_, values in zip(sums, sample.values.unbind(1), strict=True):
            sum_.index_add_(0, sample.texel, values * weight)
        total.index_add_(0, sample.texel, weight)
    assert sums is not None, "nothing to bake"
    return Paint(sums.div_(total.clamp(min=1e-8)).T.contiguous(), total > 1e-8)


def _checked(shots: Iterable[Shot], progress: Progress) -> Iterator[Shot]:
    for shot in shots:
        progress.check()
        yield shot


def _ahead(shots: Iterable[Shot], look: Callable[[Shot], Sample], at_once: int) -> Iterator[tuple[Shot, Sample]]:
    """Each shot with what ``look`` makes of it, in order; so many are looked at side by side."""
    with ThreadPoolExecutor(at_once) as pool:
        pending: deque[tuple[Shot, Future[Sample]]] = deque()
        for shot in shots:
            pending.append((shot, pool.submit(look, shot)))
            if len(pending) == at_once:
                first, found = pending.popleft()
                yield first, found.result()
        for rest, found in pending:
            yield rest, found.result()


def back_project(
    subject: Subject,
    texels: Texels,
    shot: Shot,
    rim: int,
    steepest_deg: float = STEEPEST_DEG,
    check: Callable[[], None] = lambda: None,
) -> Sample:
    """The texels a camera sees, with what its picture shows there; ``check`` is called on the way and may stop it.

    Not painted are what is hidden, what is seen too steeply, and what lies within ``rim`` pixels of the background or
    of a jump in distance, where a picture that is not exact to the pixel shows something else.
    """
    side, camera = shot.image.shape[0], shot.view.camera
    points = project(subject.points, camera)
    raster = rasterize(points, subject.faces, side, side, "corners")
    check()
    cosines = subject.normals @ axes(camera)[2].to(subject.normals)
    fair = cosines.masked_fill(cosines < math.cos(math.radians(steepest_deg)), 0.0)
    usable = find_usable(raster.face, raster.depth, rim)
    sight = _Sight(
        camera=camera,
        image=shot.image,
        depth=raster.depth.flatten(),
        face=torch.where(usable, raster.face, len(fair)).flatten(),
        fair=torch.nn.functional.pad(fair, (0, 1)),
    )
    corners = to_pixels(points, side, side, "corners")[subject.faces]
    corners[..., 2] -= DEPTH_TOLERANCE
    is_open = (cosines > 0) & ~is_hidden(corners, raster.depth)
    chosen = is_open.index_select(0, texels.face).nonzero().squeeze(1)
    parts = []
    for part in torch.split(chosen, AT_ONCE):
        check()
        parts.append(_look(texels, part, sight))
    return Sample(
        texel=torch.cat([part.texel for part in parts]),
        values=torch.cat([part.values.T for part in parts], dim=1).T,
        cosine=torch.cat([part.cosine for part in parts]),
    )


@dataclass(frozen=True)
class _Sight:
    """What a camera sees.

    Attributes:
        camera: that sees it.
        image: ``[S, S, C]`` uint8, its picture.
        depth: ``[S · S]``.
        face: ``[S · S]`` int32, the number of faces where it is not trusted.
        fair: ``[m + 1]`` cosines of faces, zero for those too steep, and for the one that is none.
    """

    camera: Camera
    image: Tensor
    depth: Tensor
    face: Tensor
    fair: Tensor


def _look(texels: Texels, chosen: Tensor, sight: _Sight) -> Sample:
    """What of the texels numbered ``chosen`` is in sight."""
    side = sight.image.shape[0]
    across, down, distance = project(texels.point.index_select(0, chosen), sight.camera).unbind(1)
    x, y = ((place / 2).add_(0.5).mul_(side - 1) for place in (across, down))
    column, row = (place.round().int().clamp_(0, side - 1) for place in (x, y))
    pixel = row.mul_(side).add_(column)
    cosine = sight.fair.index_select(0, sight.face.index_select(0, pixel))
    is_near = sight.depth.index_select(0, pixel).sub_(distance).abs_() < DEPTH_TOLERANCE
    is_within = torch.maximum(across.abs(), down.abs()) <= 1
    kept = (is_near & is_within & (cosine > 0)).nonzero().squeeze(1)
    x, y, cosine, texel = (values.index_select(0, kept) for values in (x, y, cosine, chosen))
    return Sample(texel, _bilinear(sight.image, x, y).T, cosine)


def rim_px(side_px: int) -> int:
    """How far from an outline a picture of ``side_px`` a side is not trusted; four pixels at 2048."""
    return max(1, side_px // SIDE_PER_RIM)


def find_usable(face: Tensor, depth: Tensor, rim: int) -> Tensor:
    """``[S, S]`` bool: pixels of the model farther than ``rim`` from the background and from jumps in distance."""
    is_shown = face != NO_FACE
    if not rim or int(face.max()) == NO_FACE:
        return is_shown
    # Beyond the model there is nothing to find; two pixels around it are all that edges are told by.
    rows, columns = (_reach(face.amax(dim=axis) != NO_FACE, rim + 2) for axis in (1, 0))
    is_gone = ~is_shown[rows, columns].cpu().numpy() | find_edges(depth[rows, columns])
    is_usable = torch.zeros_like(is_shown)
    is_usable[rows, columns] = torch.from_numpy(~grow(is_gone, rim)).to(face.device)
    return is_usable


def _reach(is_there: Tensor, margin: int) -> slice:
    """From the first that is there to the last, and ``margin`` more on both sides."""
    places = is_there.nonzero()
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def find_edges(depth: Tensor) -> NDArray[np.bool_]:
    """``[H, W]`` where the distance jumps: Canny's edges of it as 8 bits, the nearest brightest, no face black."""
    farthest = depth.nan_to_num(posinf=-torch.inf).max()
    if farthest == -torch.inf:
        return np.zeros(depth.shape, dtype=np.bool_)
    span = (farthest - depth.min()).clamp(min=1e-12)
    levels = (farthest - depth).div_(span).mul_(255).clamp_(min=0).to(torch.uint8)
    return cv2.Canny(levels.cpu().numpy(), EDGE_LOW, EDGE_HIGH).view(np.bool_)


def _bilinear(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """``[C, j]`` in [0, 1] of ``image`` ``[S, S, C]`` uint8 at pixels ``x``, ``y``, whole at pixel centres."""
    side, channels = image.shape[1:]
    levels = image.flatten()
    column, row = (place.int().clamp_(0, side - 2) for place in (x, y))
    right, below = x - column, y - row
    corner = row.mul_(side).add_(column).mul_(channels)
    values = torch.empty((channels, len(x)), device=x.device)
    for channel, value in enumerate(values):
        steps = (channel + channels * step for step in (0, 1, side, side + 1))
        a, b, c, d = (levels.index_select(0, corner + step).float() for step in steps)
        torch.lerp(a.lerp_(b, right), c.lerp_(d, right), below, out=value)
    return values.div_(255)
