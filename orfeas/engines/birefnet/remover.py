"""The remover itself: a picture's alpha by the published BiRefNet."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from numpy.typing import NDArray

from orfeas.engines.birefnet.files import LICENCE, WEIGHTS, find_model
from orfeas.errors import EngineUnavailable
from orfeas.options import RemoverChoice, WeightsChoice
from orfeas.progress import Progress, acquire
from orfeas.readiness import why_not
from orfeas.records import EngineInfo

if TYPE_CHECKING:
    from orfeas.engines.birefnet.network import Network

# A run of the published file, 224 MB, was seen to take 9.5 GB of memory at its peak (the card of another export).
MEMORY_PER_BYTE = 42
# The page shows a cut-out before the job that needs the same one; a matte is 4 MB.
MATTES_KEPT = 4


class BiRefNet:
    """BiRefNet lite on the processor; one picture at a time, since a run takes gigabytes.

    Args:
        weights: the operator's folder of weights; the Hugging Face cache where ``None``.
    """

    name = RemoverChoice.BIREFNET
    title = "BiRefNet"

    def __init__(self, weights: Path | None) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._network: tuple[tuple[Path, int], Network] | None = None
        self._mattes: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    def check_weights(self) -> None:
        """Look for the weights; loads none.

        Raises:
            EngineUnavailable: what is missing or damaged.
        """
        find_model(self._weights)

    def check_device(self) -> None:
        """See that this machine has the memory that the weights here need, or else the published ones.

        Raises:
            EngineUnavailable: it has too little.
        """
        is_here = not why_not(self.check_weights)
        needed = MEMORY_PER_BYTE * (find_model(self._weights).stat().st_size if is_here else WEIGHTS[0].size_bytes)
        if needed > (here := psutil.virtual_memory().total):
            raise EngineUnavailable(
                f"It takes {needed / 1e9:.0f} GB of memory, and this machine has {here / 1e9:.0f} GB.", "remover"
            )

    def info(self) -> EngineInfo:
        """Ready where the weights are whole and the memory suffices; loads no weights."""
        missing = why_not(self.check_weights, self.check_device)
        return EngineInfo(
            name=self.name,
            kind="background",
            title=self.title,
            is_ready=not missing,
            why_not=missing,
            needs="The published weights (0.2 GB) and 10 GB of memory; it runs on any processor, in some seconds.",
            licence=LICENCE,
            good_for="Any subject before any background, hair and thin parts included.",
            is_preview=False,
            weights=WeightsChoice.BIREFNET,
        )

    def find_alpha(self, rgb: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
        """Alpha ``[H, W]`` in [0, 1] of a picture ``[H, W, 3]``; the same picture gives the same.

        Raises:
            Cancelled: within a second of the request.
            EngineUnavailable: the weights are not there, or are not BiRefNet's.
            OutOfMemory: the memory ran out.
        """
        from orfeas.images.filters import resize

        model = find_model(self._weights)
        version = (model, model.stat().st_mtime_ns)
        key = sha256(repr((version, rgb.shape)).encode() + rgb.tobytes()).digest()
        acquire(self._lock, progress)
        try:
            if key not in self._mattes:
                self._mattes[key] = self._load(version).find_matte(rgb, progress)
            self._mattes.move_to_end(key)
            while len(self._mattes) > MATTES_KEPT:
                self._mattes.popitem(last=False)
            matte = self._mattes[key]
        finally:
            self._lock.release()
        return resize(matte, rgb.shape[1], rgb.shape[0])

    def _load(self, version: tuple[Path, int]) -> Network:
        from orfeas.engines.birefnet.network import Network

        if self._network is None or self._network[0] != version:
            self._network = None
            self._network = version, Network(version[0])
        return self._network[1]
