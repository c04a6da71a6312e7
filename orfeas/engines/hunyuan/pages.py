"""Values at some samples of a cubic grid, kept in small pages where there are any: memory follows the surface."""

import torch
from torch import Tensor


class SamplePages:
    """A sparse ``[R + 1, R + 1, R + 1]`` of float32 for each of some rows, in pages of ``page³`` samples.

    A sample is ``(row, x, y, z)`` with ``0 ≤ x, y, z ≤ R``; n of them are ``[4, n]`` int64 (the long axis last: it is
    several times faster). Where its page stands a sample has a *slot*, an index into the flat arrays below, which
    never changes. A page table of ``(R // page + 1)³`` entries per row finds it without a search.

    Attributes:
        values: ``[slots]`` float32; means nothing until written.
        is_known: ``[slots]`` bool, whether the value is what the field gave.
        is_cell: ``[slots]`` bool, whether the cell above this sample is one that the surface passes.

    Args:
        rows: grids kept side by side.
        resolution: R.
        page: samples along a page's side, a power of two.
        device: where the arrays live.
    """

    def __init__(self, rows: int, resolution: int, page: int, device: torch.device) -> None:
        self.resolution = resolution
        self._shift = page.bit_length() - 1
        self._side = resolution // page + 1
        self._page_of = torch.full((rows * self._side**3,), -1, dtype=torch.int64, device=device)
        self._brick_of = torch.empty(0, dtype=torch.int64, device=device)
        self.values = torch.empty(0, dtype=torch.float32, device=device)
        self.is_known = torch.empty(0, dtype=torch.bool, device=device)
        self.is_cell = torch.empty(0, dtype=torch.bool, device=device)
        self._is_marked = torch.empty(0, dtype=torch.bool, device=device)

    def reserve(self, lower: Tensor, offsets: tuple[int, ...]) -> Tensor:
        """Slots of a block of samples at each place, with new pages where there were none.

        Args:
            lower: ``[4, n]`` int64 samples.
            offsets: m numbers, added to x, y and z in every combination; what falls outside the grid is put on its
                border.

        Returns:
            ``[m, m, m, n]`` int64, by the offset along x, y and z.
        """
        shift, mask = self._shift, (1 << self._shift) - 1
        step = torch.tensor(offsets, device=lower.device)[:, None]
        x, y, z = ((axis + step).clamp_(max=self.resolution) for axis in lower[1:])
        rows = lower[0] * self._side
        brick = ((rows + (x >> shift)) * self._side)[:, None] + (y >> shift)
        bricks = (brick * self._side)[:, :, None] + (z >> shift)
        inner = ((x & mask) << 2 * shift)[:, None] + ((y & mask) << shift)
        pages = self._page_of[bricks]
        if bool((pages < 0).any()):
            self._add_pages(bricks[pages < 0])
            pages = self._page_of[bricks]
        slots: Tensor = (pages << 3 * shift) + (inner[:, :, None] + (z & mask))
        return slots

    def positions(self, slots: Tensor) -> Tensor:
        """The samples ``[4, n]`` of slots ``[n]``."""
        shift, side, mask = self._shift, self._side, (1 << self._shift) - 1
        brick = self._brick_of[slots >> 3 * shift]
        axes = [((brick // side ** (2 - n) % side) << shift) + ((slots >> shift * (2 - n)) & mask) for n in range(3)]
        return torch.stack([brick // side**3, *axes])

    def mark(self, slots: Tensor) -> None:
        """Put slots of any shape, repeated or not, on the list that :meth:`take_marked` gives."""
        self._is_marked[slots.flatten()] = True

    def take_marked(self) -> Tensor:
        """The marked slots ``[n]``, each once and in order; afterwards none is marked."""
        slots = torch.nonzero(self._is_marked)[:, 0]
        self._is_marked[slots] = False
        return slots

    def _add_pages(self, bricks: Tensor) -> None:
        new = torch.unique(bricks)
        self._page_of[new] = len(self._brick_of) + torch.arange(len(new), device=new.device)
        self._brick_of = torch.cat([self._brick_of, new])
        slots = len(new) << 3 * self._shift
        self.values = torch.cat([self.values, self.values.new_zeros(slots)])
        self.is_known = torch.cat([self.is_known, self.is_known.new_zeros(slots)])
        self.is_cell = torch.cat([self.is_cell, self.is_cell.new_zeros(slots)])
        self._is_marked = torch.cat([self._is_marked, self._is_marked.new_zeros(slots)])
