"""A z-buffer in plain torch operations: which face each pixel shows.

Row by row: along a row of pixel centres a triangle covers one span, both ends included. Where an edge crosses a row is
computed from the edge alone, so that two faces that share it agree to the last bit: no pixel between them is lost, and
on the edge itself both have the same distance. Time grows with the pixels covered and the rows crossed, not with
bounding boxes, so that long slivers cost little. Both sides of faces are drawn; at equal distance the first face wins.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

# Whether picture coordinates −1 and 1 are the centres of the outermost pixels, or their outer borders (conventions §8).
Grid = Literal["corners", "centres"]

# Pixels of triangles drawn at once: few enough that a processor's cache holds most of them.
CHUNK = 1_000_000
NO_FACE = -1
# Faces no larger than a tile of the picture are left out where all of it was drawn nearer.
TILE_PX = 32


@dataclass(frozen=True)
class Raster:
    """What every pixel shows.

    Attributes:
        face: ``[H, W]`` int32, −1 where there is none.
        depth: ``[H, W]`` float32, of the pixel's centre; infinite where there is no face.
    """

    face: Tensor
    depth: Tensor


@dataclass(frozen=True)
class Hits:
    """The covered pixels alone, row by row.

    Attributes:
        pixel: ``[k]`` int64, ``row · W + column``.
        face: ``[k]`` int64.
        weights: ``[k, 3]`` float32 barycentrics in [0, 1] that add up to one.
    """

    pixel: Tensor
    face: Tensor
    weights: Tensor


def rasterize(points: Tensor, faces: Tensor, height: int, width: int, grid: Grid, depth_steps: int = 0) -> Raster:
    """Draw triangles.

    Args:
        points: ``[n, 3]`` float32: x to the right and y down, in [−1, 1] within the picture; then the distance, the
            smallest of which is seen.
        faces: ``[m, 3]`` int64, fewer than 2²⁴.
        height: in pixels.
        width: in pixels.
        grid: ``corners`` for pictures from a camera, ``centres`` for textures.
        depth_steps: how many steps of distance there are from 0 to 1, within which the first face wins; 0 for no steps.
    """
    corners = to_pixels(points, height, width, grid)[faces]
    depth = torch.full((height * width,), torch.inf, device=points.device)
    # Floats, for not every device compares and stores integers in one step; exact below 2²⁴.
    owner = torch.full_like(depth, torch.inf)
    area = _cross(corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2])
    is_drawn = _is_within(corners, height, width) & area.isfinite()
    # First those wound as a closed model's near sides are, which hide most of the others.
    for number, side in enumerate((area < 0, area > 0)):
        chosen = (is_drawn & side).nonzero().squeeze(1)
        if number > 0 and not depth_steps:
            chosen = chosen[~is_hidden(corners.index_select(0, chosen), depth.view(height, width))]
        for turn in _plan(corners.index_select(0, chosen), area.index_select(0, chosen), height * width):
            faces_now = chosen.index_select(0, turn)
            _draw(corners.index_select(0, faces_now), faces_now, depth, owner, width, depth_steps)
    face = owner.nan_to_num_(posinf=NO_FACE).int()
    return Raster(face.view(height, width), depth.view(height, width))


def find_hits(raster: Raster, points: Tensor, faces: Tensor, grid: Grid) -> Hits:
    """The covered pixels with their barycentrics; arguments as they were drawn with."""
    height, width = raster.face.shape
    is_covered = raster.face != NO_FACE
    pixel = is_covered.flatten().nonzero().squeeze(1)
    face = raster.face.flatten().index_select(0, pixel).long()
    corners = to_pixels(points, height, width, grid)[:, :2][faces]
    a = corners[:, 0]
    one, other = corners[:, 1] - a, corners[:, 2] - a
    scale = _cross(one, other).reciprocal()[:, None]
    columns = torch.cat([a, one * scale, other * scale], dim=1).T.contiguous()
    x, y, one_x, one_y, other_x, other_y = (column.index_select(0, face) for column in columns)
    # Counted, for dividing every pixel by the width takes longer.
    row = torch.repeat_interleave(is_covered.sum(dim=1))
    right, down = (pixel - row * width + 0.5).sub_(x), (row + 0.5).sub_(y)
    # A pixel at the very border of a sliver may lie outside by rounding.
    of_b = (right * other_y - down * other_x).clamp(0, 1)
    of_c = torch.minimum((one_x * down - one_y * right).clamp(0, 1), 1 - of_b)
    return Hits(pixel, face, torch.stack([1 - of_b - of_c, of_b, of_c]).T)


def interpolate(hits: Hits, values: Tensor, faces: Tensor) -> Tensor:
    """``[k, C]`` of ``values`` ``[n, C]`` on the vertices."""
    a, b, c = hits.weights.unbind(1)
    result = torch.empty((len(hits.face), values.shape[1]), dtype=values.dtype, device=values.device)
    for channel in range(values.shape[1]):
        # One channel of the faces' corners at a time: many pixels show few faces.
        of_a, of_b, of_c = (
            corner.index_select(0, hits.face) for corner in values[:, channel].contiguous()[faces.T].unbind(0)
        )
        result[:, channel] = of_a.mul_(a).addcmul_(of_b, b).addcmul_(of_c, c)
    return result


def to_pixels(points: Tensor, height: int, width: int, grid: Grid) -> Tensor:
    """``[n, 3]`` with x and y in pixels from the upper left corner, where pixel (0, 0) has its centre at 0.5."""
    size = torch.tensor((width, height), dtype=points.dtype, device=points.device)
    share = points[:, :2] / 2 + 0.5
    place = share * size if grid == "centres" else share * (size - 1) + 0.5
    return torch.cat([place, points[:, 2:]], dim=1)


def is_hidden(corners: Tensor, depth: Tensor) -> Tensor:
    """Which faces are small, and lie behind all that was drawn in the tiles of the picture that they touch.

    Args:
        corners: ``[f, 3, 3]`` in pixels, as :func:`to_pixels` gives them.
        depth: ``[H, W]`` as drawn.

    Returns:
        ``[f]`` bool; false where it is not sure.
    """
    height, width = depth.shape
    farthest = _farthest_of_tiles(depth)
    low, high = corners[..., :2].amin(dim=1), corners[..., :2].amax(dim=1)
    is_behind = (high - low <= TILE_PX).all(dim=1)
    nearest = corners[..., 2].amin(dim=1)
    for x in (low[:, 0], high[:, 0]):
        for y in (low[:, 1], high[:, 1]):
            column, row = (place.clamp(0, end - 1).long() // TILE_PX for place, end in ((x, width), (y, height)))
            is_behind &= nearest > farthest[row, column]
    return is_behind


def _farthest_of_tiles(depth: Tensor) -> Tensor:
    """``[⌈H / 32⌉, ⌈W / 32⌉]``; pooling gives the same in ten times the time."""
    height, width = depth.shape
    beyond = (0, -width % TILE_PX, 0, -height % TILE_PX)
    whole = torch.nn.functional.pad(depth, beyond, value=-torch.inf) if any(beyond) else depth
    of_rows = whole.view(-1, TILE_PX, whole.shape[1]).amax(dim=1)
    return of_rows.view(len(of_rows), -1, TILE_PX).amax(dim=2)


def _cross(one: Tensor, other: Tensor) -> Tensor:
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def _is_within(corners: Tensor, height: int, width: int) -> Tensor:
    """``[m]`` whether a face's box has a pixel's centre of the picture in it, as far as rows go."""
    low, high = corners[..., :2].amin(dim=1), corners[..., :2].amax(dim=1)
    rows = (high[:, 1] - 0.5).floor() - (low[:, 1] - 0.5).ceil() + 1
    return (rows > 0) & (high > 0).all(dim=1) & (low[:, 0] < width) & (low[:, 1] < height)


def _plan(corners: Tensor, area: Tensor, pixels: int) -> list[Tensor]:
    """The places in the list of the faces to draw at a time, of not much more than ``CHUNK`` pixels together."""
    if not len(corners):
        return []
    size = corners[..., :2].amax(dim=1) - corners[..., :2].amin(dim=1)
    cost = (area.abs() / 2 + size.sum(dim=1) + 2).clamp(max=2.0 * pixels)
    turn = (cost.cpu().double().cumsum(0) / CHUNK).long()
    turns = torch.split(torch.arange(len(corners), device=corners.device), torch.bincount(turn).tolist())
    return list(turns)


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels in rows, ``[s]`` each.

    Attributes:
        face: counted within the turn, int64.
        row: in pixels, int64.
        start: the first pixel's column, int64.
        count: pixels, int64.
        distance: at the first pixel's centre, float32.
        slope: how much the distance grows from pixel to pixel, float32.
    """

    face: Tensor
    row: Tensor
    start: Tensor
    count: Tensor
    distance: Tensor
    slope: Tensor


def _spans(corners: Tensor, height: int, width: int) -> _Spans:
    top = (corners[..., 1].amin(dim=1) - 0.5).ceil().clamp(min=0).long()
    bottom = (corners[..., 1].amax(dim=1) - 0.5).floor().clamp(max=height - 1).long()
    face, place = _unroll((bottom - top + 1).clamp(min=0))
    row = top.index_select(0, face) + place
    low, high = _crossings(corners[..., :2], face, row)
    start, last = (low - 0.5).ceil().clamp(0, width), (high - 0.5).floor().clamp(-1, width - 1)
    some = (last >= start).nonzero().squeeze(1)
    face, row, start, last = (values.index_select(0, some) for values in (face, row, start, last))
    ends = torch.stack([start, last], dim=1) + 0.5
    first, slope = _distances(corners, face, row, ends)
    return _Spans(face, row, start.long(), (last - start).long() + 1, first, slope)


def _crossings(corners: Tensor, face: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row's centre line enters and leaves its face, in pixels, ``[r]`` each."""
    # Each edge from its upper end to its lower one, whichever face it is seen from.
    begin, end = corners, corners.roll(-1, dims=1)
    is_upward = (begin[..., 1] > end[..., 1])[..., None]
    edges = torch.cat([torch.where(is_upward, end, begin), torch.where(is_upward, begin, end)], dim=2)
    low = torch.full((len(row),), torch.inf, device=corners.device)
    high = -low
    for edge in edges.unbind(1):
        x, y, x_below, y_below = edge.index_select(0, face).unbind(1)
        down, length = row + 0.5 - y, y_below - y
        is_crossed = (down >= 0) & (down <= length) & (length > 0)
        crossing = torch.lerp(x, x_below, down / length)  # exact at both ends
        low = torch.where(is_crossed & (crossing < low), crossing, low)
        high = torch.where(is_crossed & (crossing > high), crossing, high)
    return low, high


def _distances(corners: Tensor, face: Tensor, row: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """The distance at the first of ``ends`` ``[s, 2]``, columns, and its growth per pixel from there to the second."""
    origin, one, other = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = _cross(one, other)
    across = (one[:, 2] * other[:, 1] - other[:, 2] * one[:, 1]) / area
    down = (one[:, 0] * other[:, 2] - other[:, 0] * one[:, 2]) / area
    nearest, farthest = corners[..., 2].amin(dim=1), corners[..., 2].amax(dim=1)
    plane = torch.stack([origin[:, 0], origin[:, 1], origin[:, 2], across, down, nearest, farthest], dim=1)
    x, y, distance, across, down, nearest, farthest = plane.index_select(0, face).unbind(1)
    at_row = distance + down * (row + 0.5 - y)
    at_ends = at_row[:, None] + across[:, None] * (ends - x[:, None])
    # A sliver's plane may be steep without measure, and its distances are not.
    first, last = torch.minimum(torch.maximum(at_ends, nearest[:, None]), farthest[:, None]).unbind(1)
    return first, (last - first) / (ends[:, 1] - ends[:, 0]).clamp(min=1)


def _unroll(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For ``counts`` ``[n]`` of things: whose each one is, and which of its own it is, ``[sum]`` int64."""
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    before = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - before.index_select(0, owner)


def _draw(corners: Tensor, numbers: Tensor, depth: Tensor, owner: Tensor, width: int, depth_steps: int) -> None:
    """Draw faces ``[f, 3, 3]`` with these ``numbers`` ``[f]`` into ``depth`` and ``owner`` ``[H · W]``."""
    spans = _spans(corners, len(depth) // width, width)
    span, place = _unroll(spans.count)
    pixel = (spans.row * width + spans.start).index_select(0, span).add_(place)
    if depth_steps:
        distance = (_weighted_distance(corners, spans.face.index_select(0, span), pixel, width) * depth_steps).floor()
    else:
        distance = spans.slope.index_select(0, span).mul_(place).add_(spans.distance.index_select(0, span))
    before = depth.index_select(0, pixel)
    depth.scatter_reduce_(0, pixel, distance, "amin")
    # Where something nearer has come, who was there before is forgotten.
    taken = ((distance < before) & (before < torch.inf)).nonzero().squeeze(1)
    owner.index_fill_(0, pixel.index_select(0, taken), torch.inf)
    own = numbers.float().index_select(0, spans.face).index_select(0, span)
    is_seen = distance == depth.index_select(0, pixel)
    owner.scatter_reduce_(0, pixel, torch.where(is_seen, own, torch.inf), "amin")


def _weighted_distance(corners: Tensor, face: Tensor, pixel: Tensor, width: int) -> Tensor:
    """``[k]`` by barycentrics in single precision, rounded as the reference does: on the edge of a step it matters."""
    a, b, c = (corner.index_select(0, face) for corner in corners.unbind(1))
    centre = torch.stack([pixel % width, pixel // width], dim=1) + 0.5
    area = _cross(b[:, :2] - a[:, :2], c[:, :2] - a[:, :2]).reciprocal()
    of_b = _cross(centre - a[:, :2], c[:, :2] - a[:, :2]) * area
    of_c = _cross(b[:, :2] - a[:, :2], centre - a[:, :2]) * area
    return (1 - of_b - of_c) * a[:, 2] + of_b * b[:, 2] + of_c * c[:, 2]
