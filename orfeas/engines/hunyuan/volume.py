"""Coarse to fine: ask the field only where the surface may be, and get the surface of the dense grid.

Specification §8, with its rule of refinement replaced by a tighter one. All levels live on the final grid of R + 1
samples an axis: a level of stride t has the samples 0, t, 2t, … and R, so coarse and fine samples coincide for every R,
and every sample is asked for at the very coordinates the dense decode uses.

1. The coarsest level, the largest power-of-two stride that leaves at least ``COARSE_CELLS`` cells an axis, is dense.
2. From stride 2t to t, a new sample lies amid 2, 4 or 8 old ones. It is asked for where these disagree in sign, and
   where they do not rule out the other sign: a field that changes by at most ``slope`` per cell cannot change sign
   between an old sample of value v and a point at distance d cells where ``|v| > slope · d``. ``slope`` is measured:
   ``SLOPE_MARGIN`` times the steepest step between neighbours seen so far. A sample amid values all saturated alike is
   not asked for either: a truncated distance (specification §7.3) says no more there. What is not asked for keeps the
   bound as a stand-in for the next level's test.
3. The surface is followed: each cell whose known corners disagree gets all eight, and each cell around a new sample is
   looked at again, until nothing new comes up.

What this assumes, and what it does not. Step 3 assumes nothing: every piece of the dense surface that passes one known
disagreement comes out whole, whatever the field does, so the mesh has no edge the dense mesh does not have. A piece
can only be missed whole, and only where no level sees it: it is a closed bubble or sheet between the samples of the
coarsest level, thinner than a cell there (``2 · bounds / COARSE_CELLS`` or less), and the field around it is saturated,
or steeper than ``SLOPE_MARGIN`` times everything measured. Specification §8.2's own rule misses those too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import sqrt

import torch
from torch import Tensor

from orfeas.engines.hunyuan.pages import SamplePages
from orfeas.progress import Progress

# ``field(points)``: ``[B, P, 3]`` float32 in the box to ``[B, P]`` logits, positive inside.
Field = Callable[[Tensor], Tensor]

# Specification §8.2: levels are halved while at least this many cells remain.
COARSE_CELLS = 63
# The trained field saturates near ±1; specification §8.2 takes 0.95 for saturated. Saturated values that differ by no
# more than the flatness are the same plateau.
SATURATION = 0.95
FLATNESS = 0.1
# How much steeper than the steepest step between neighbours the field is taken to be between them.
SLOPE_MARGIN = 1.25
# Samples along a side of a page: small enough to follow the surface, large enough for a small page table.
PAGE = 4
# Cells or samples handled at once: bounds the memory of index arithmetic.
BLOCK = 1 << 18


@dataclass(frozen=True)
class SparseVolume:
    """What a field is along its surface.

    Attributes:
        pages: field minus level at samples; known at every corner of ``cells``.
        cells: ``[4, n]`` int64, row and lower corner of every cell with corners on both sides of the level.
        rows: fields decoded side by side.
        resolution: cells an axis.
        bounds: the box is ``[-bounds, bounds]³``.
        points: how many points the field was asked for, all rows together.
    """

    pages: SamplePages
    cells: Tensor
    rows: int
    resolution: int
    bounds: float
    points: int


def coarse_stride(resolution: int, coarse_cells: int = COARSE_CELLS) -> int:
    """Cells of the final grid to a side of a cell of the coarsest level, a power of two."""
    stride = 1
    while resolution // (2 * stride) >= coarse_cells:
        stride *= 2
    return stride


def decode_volume(
    field: Field,
    resolution: int,
    progress: Progress,
    *,
    rows: int = 1,
    level: float = 0.0,
    bounds: float = 1.01,
    coarse_cells: int = COARSE_CELLS,
    chunk: int = 65_536,
    device: torch.device | None = None,
) -> SparseVolume:
    """Decode ``rows`` fields where their surfaces are.

    Args:
        field: takes ``[rows, P, 3]`` points with P up to ``chunk``; a row that runs out first is asked its last point
            again.
        resolution: cells an axis of the final grid, any number from 1.
        progress: gets a step per chunk, in hundredths; a stage must be open.
        rows: how many fields there are.
        level: the surface is where the field crosses it; above is inside.
        bounds: half the side of the box.
        coarse_cells: fewest cells an axis at the coarsest level, which sets what can be seen; ``resolution`` makes the
            decode dense.
        chunk: points per row and call.
        device: where points are made and indices kept (it needs 64-bit integers and floats; default CPU).

    Raises:
        Cancelled: between two chunks.
        ArithmeticError: the field gave NaN or infinity.
    """
    axis = torch.linspace(-bounds, bounds, resolution + 1, dtype=torch.float32).to(device or torch.device("cpu"))
    decoder = _Decoder(field, axis, progress, rows, level, chunk, coarse_stride(resolution, coarse_cells))
    decoder.start()
    while decoder.stride > 1:
        decoder.refine()
    progress.step(_Decoder.STEPS, _Decoder.STEPS)
    pages = decoder.pages
    return SparseVolume(pages, pages.positions(pages.is_cell.nonzero()[:, 0]), rows, resolution, bounds, decoder.points)


class _Decoder:
    """One decode under way.

    ``stride`` is that of the finest level done, ``pages`` its samples, counted in strides (the last one is R, and may
    be nearer), and ``slope`` the largest change of the field from one to the next. ``open_cells`` are the lower
    corners ``[4, n]`` of the cells that the next level must look into.
    """

    STEPS = 100

    def __init__(
        self,
        field: Field,
        axis: Tensor,
        progress: Progress,
        rows: int,
        level: float,
        chunk: int,
        stride: int,
    ) -> None:
        self._field = field
        self._axis = axis
        self._progress = progress
        self._rows = rows
        self._level = level
        self._chunk = chunk
        self._device = axis.device
        self.stride = stride
        self.pages = self._new_pages()
        self.points = 0
        self.slope = 0.0
        self.open_cells = torch.empty(4, 0, dtype=torch.int64, device=axis.device)
        side = self.pages.resolution + 1
        # Until the coarsest level is known, a surface of twice the box's side squared is expected.
        self._expected = rows * (side**3 + 2 * side**2 * stride**2)
        self._shown = 0

    def start(self) -> None:
        """The coarsest level, dense."""
        axis = torch.arange(self.pages.resolution + 1, device=self._device)
        rows = torch.arange(self._rows, device=self._device)
        samples = torch.cartesian_prod(axis, axis, axis, rows).T.roll(1, 0)
        coarse = self._ask(samples).view(len(axis), len(axis), len(axis), self._rows)
        self.slope = SLOPE_MARGIN * _steepest(coarse)
        top, bottom = _pairwise(coarse, torch.maximum), _pairwise(coarse, torch.minimum)
        is_crossed = (top > 0) != (bottom > 0)
        is_open = is_crossed if self.stride == 1 else ~self._is_settled(top, bottom)
        self._expected = self.points + 3 * int(is_crossed.sum()) * (self.stride**2 - 1)
        self.open_cells = is_open.nonzero().T.roll(1, 0)
        for part in torch.split(self.open_cells, BLOCK, dim=1):
            slots = self.pages.reserve(part, (0, 1))
            row, x, y, z = part
            for dx, dy, dz in product((0, 1), repeat=3):
                self.pages.values[slots[dx, dy, dz]] = coarse[x + dx, y + dy, z + dz, row]
            self.pages.is_known[slots] = True
            self.pages.is_cell[slots[0, 0, 0]] = True

    def refine(self) -> None:
        """From the level of ``stride`` to the next finer one."""
        coarse, parents, slope = self.pages, self.open_cells, self.slope
        self.stride //= 2
        self.pages = self._new_pages()
        to_child = torch.tensor([1, 2, 2, 2], device=self._device)[:, None]
        parts = torch.split(parents, BLOCK, dim=1)
        for part in parts:
            old, new = coarse.reserve(part, (0, 1)), self.pages.reserve(part * to_child, (0, 2))
            self.pages.values[new] = coarse.values[old]
            self.pages.is_known[new] = coarse.is_known[old]
        for part in parts:
            self._look_into(part * to_child, slope)
        self._follow(self._learn(self.pages.take_marked()))
        self.slope = slope / 2
        for part in torch.split(self.pages.is_cell.nonzero()[:, 0], BLOCK):
            self.slope = max(self.slope, SLOPE_MARGIN * _steepest(self._corners(self.pages.positions(part))))
        if self.stride > 1:
            self.open_cells = self._cells_left_open(parents * to_child)

    def _new_pages(self) -> SamplePages:
        return SamplePages(self._rows, -(-(len(self._axis) - 1) // self.stride), PAGE, self._device)

    def _look_into(self, cells: Tensor, slope: float) -> None:
        """Mark the new samples that these cells, two samples wide, need; give the others a stand-in."""
        pages = self.pages
        slots = pages.reserve(cells, (0, 1, 2))
        corners = pages.values[slots[::2, ::2, ::2]]
        top, bottom = _spread(corners, torch.maximum), _spread(corners, torch.minimum)
        reach = slope * _distances(self._device)
        farthest, nearest = torch.maximum(top, -bottom), torch.maximum(bottom, -top)
        is_flat = self._is_flat(top, bottom)
        is_skipped = (nearest > 0) & (is_flat | (farthest > reach))
        is_new = ~pages.is_known[slots]
        pages.mark(slots[is_new & ~is_skipped])
        bound = torch.where(is_flat, torch.maximum(farthest - reach, nearest), farthest - reach)
        is_skipped &= is_new
        pages.values[slots[is_skipped]] = torch.where(top > 0, bound, -bound)[is_skipped]

    def _follow(self, new: Tensor) -> None:
        """Complete every cell whose known corners disagree, starting around the new slots, until none is left."""
        pages = self.pages
        while len(new):
            for part in torch.split(new, BLOCK):
                pages.mark(pages.reserve(self._cells_around(pages.positions(part)), (0,)))
            cells = pages.take_marked()
            for part in torch.split(cells[~pages.is_cell[cells]], BLOCK):
                slots = pages.reserve(pages.positions(part), (0, 1)).view(8, -1)
                is_known, is_inside = pages.is_known[slots], pages.values[slots] > 0
                is_crossed = (is_known & is_inside).any(0) & (is_known & ~is_inside).any(0)
                pages.is_cell[part[is_crossed]] = True
                pages.mark(slots[is_crossed & ~is_known])
            new = self._learn(pages.take_marked())

    def _cells_around(self, samples: Tensor) -> Tensor:
        """Lower corners ``[4, m]`` of the up to eight cells at each sample."""
        found = []
        for offset in product((0, 1), repeat=3):
            lower = samples - torch.tensor([0, *offset], device=self._device)[:, None]
            found.append(lower[:, self._is_cell(lower)])
        return torch.cat(found, dim=1)

    def _is_cell(self, lower: Tensor) -> Tensor:
        return ((lower[1:] >= 0) & (lower[1:] < self.pages.resolution)).all(0)

    def _cells_left_open(self, parents: Tensor) -> Tensor:
        """Cells that may hold more of the surface, of those in the parents and those it is known to pass."""
        pages = self.pages
        for part in torch.split(parents, BLOCK, dim=1):
            pages.mark(pages.reserve(part, (0, 1)))
        pages.mark(pages.is_cell.nonzero())
        left = [parents[:, :0]]
        for part in torch.split(pages.take_marked(), BLOCK):
            cells = pages.positions(part)
            cells = cells[:, self._is_cell(cells)]
            corners = self._corners(cells)
            top, bottom = _pairwise(corners, torch.maximum).flatten(), _pairwise(corners, torch.minimum).flatten()
            left.append(cells[:, ~self._is_settled(top, bottom)])
        return torch.cat(left, dim=1)

    def _corners(self, cells: Tensor) -> Tensor:
        return self.pages.values[self.pages.reserve(cells, (0, 1))]

    def _learn(self, slots: Tensor) -> Tensor:
        """Ask for the samples of slots ``[n]`` and keep the answers; returns the slots."""
        if len(slots):
            self.pages.values[slots] = self._ask(self.pages.positions(slots))
            self.pages.is_known[slots] = True
        return slots

    def _ask(self, samples: Tensor) -> Tensor:
        """Field minus level at samples ``[4, n]`` of the level, ``[n]`` float32."""
        count = samples.shape[1]
        order = torch.argsort(samples[0], stable=True)
        counts = torch.bincount(samples[0], minlength=self._rows)[:, None]
        first = counts.cumsum(0) - counts
        places = (samples[1:] * self.stride).clamp_(max=len(self._axis) - 1)
        answers = torch.empty(count, dtype=torch.float32, device=self._device)
        longest = int(counts.max())
        for start in range(0, longest, self._chunk):
            self._tell_progress()
            column = torch.arange(start, min(start + self._chunk, longest), device=self._device)
            is_own = column < counts
            index = order[(first + torch.minimum(column, (counts - 1).clamp(min=0))).clamp(max=count - 1)]
            logits = self._field(self._axis[places[:, index].movedim(0, -1)])
            answers[index[is_own]] = logits.to(torch.float32)[is_own]
            self.points += index.numel()
        if not bool(answers.isfinite().all()):
            raise ArithmeticError(f"the field is not finite at {int((~answers.isfinite()).sum())} points")
        return answers - self._level

    def _tell_progress(self) -> None:
        share = min(self.points / self._expected, 0.999)
        self._shown = max(self._shown, int(share * self.STEPS))
        self._progress.step(self._shown, self.STEPS)

    def _is_settled(self, top: Tensor, bottom: Tensor) -> Tensor:
        """Whether a cell whose corners go from ``bottom`` to ``top`` has every point of it on one side.

        A point is at most √3 cells from the farthest corner and √3/2 from the nearest.
        """
        farthest, nearest = torch.maximum(top, -bottom), torch.maximum(bottom, -top)
        is_out_of_reach = (farthest > self.slope * sqrt(3)) | (nearest > self.slope * sqrt(3) / 2)
        return (nearest > 0) & (is_out_of_reach | self._is_flat(top, bottom))

    def _is_flat(self, top: Tensor, bottom: Tensor) -> Tensor:
        is_saturated = (bottom + self._level >= SATURATION) | (top + self._level <= -SATURATION)
        return is_saturated & (top - bottom <= FLATNESS)


def _steepest(values: Tensor) -> float:
    """Largest difference between neighbours along the first three axes of ``[a, b, c, n]``; 0 where n is."""
    return max(float(values.diff(dim=dim).abs().max()) for dim in range(3)) if values.numel() else 0.0


def _pairwise(values: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The largest or smallest of the eight corners of each cell: ``[a, b, c, n]`` to ``[a - 1, b - 1, c - 1, n]``."""
    for dim in range(3):
        size = values.shape[dim] - 1
        values = choose(values.narrow(dim, 0, size), values.narrow(dim, 1, size))
    return values


def _spread(corners: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The largest or smallest of the corners each sample lies amid: ``[2, 2, 2, n]`` to ``[3, 3, 3, n]``."""
    for dim in range(3):
        low, high = corners.narrow(dim, 0, 1), corners.narrow(dim, 1, 1)
        corners = torch.cat([low, choose(low, high), high], dim=dim)
    return corners


def _distances(device: torch.device) -> Tensor:
    """From each of the 27 samples of a cell to the corners it lies amid, in cells, ``[3, 3, 3, 1]``."""
    middles = torch.tensor([0.0, 1.0, 0.0], device=device)
    return (middles[:, None, None, None] + middles[:, None, None] + middles[:, None]).sqrt() / 2
