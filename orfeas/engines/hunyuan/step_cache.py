"""Leaving out most of an evaluation that would change little: first-block caching.

After the first-block cache of ParaAttention (``FirstBlockCacheConfig`` in diffusers): the first block is always
computed. Where what it adds to the stream is nearly what it added when all blocks were last computed, all the
others together are taken to add what they added then. An approximation: off where the threshold is 0.
"""

from torch import Tensor


class StepCache:
    """What the blocks of one row, or of rows that are always computed together, added when they were last computed.

    Attributes:
        threshold: largest mean change of the first block's addition, relative to its mean size, that counts as none.
        reused: evaluations that were left out.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.reused = 0
        self._first: Tensor | None = None
        self._rest: Tensor | None = None

    def recall(self, first: Tensor) -> Tensor | None:
        """What the other blocks add, if the first one adds what it did, ``[R, n, C]`` both; None where it does not."""
        if self._first is None or self._rest is None:
            return None
        change = (first - self._first).float().abs().mean() / self._first.float().abs().mean()
        if not float(change) < self.threshold:
            return None
        self.reused += 1
        return self._rest

    def keep(self, first: Tensor, rest: Tensor) -> None:
        """Note what was computed: the first block's addition and that of all others, ``[R, n, C]`` each."""
        self._first, self._rest = first, rest
