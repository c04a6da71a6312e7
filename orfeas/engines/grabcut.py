"""The ``grabcut`` remover, which has no learned weights."""

import numpy as np
from numpy.typing import NDArray

from orfeas.options import RemoverChoice
from orfeas.progress import Progress
from orfeas.records import EngineInfo


class GrabCut:
    """Finds the subject by the colours of the picture's border and its middle, and softens its edge."""

    name = RemoverChoice.GRABCUT
    title = "GrabCut"

    def info(self) -> EngineInfo:
        """Ready on every machine."""
        return EngineInfo(
            name=self.name,
            kind="background",
            title=self.title,
            is_ready=True,
            why_not="",
            needs="Nothing besides ORFEAS; it runs on any processor.",
            licence="Apache-2.0, as ORFEAS itself",
            good_for="One thing before a plain or quiet background, in less than a second.",
            is_preview=False,
        )

    def find_alpha(self, rgb: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
        """Alpha ``[H, W]`` in [0, 1] of a picture ``[H, W, 3]``; the same picture gives the same.

        Raises:
            Cancelled: within a second of the request.
        """
        # OpenCV is large and the first page does not need it.
        from orfeas.images.matting import refine_alpha
        from orfeas.images.segmentation import find_subject

        mask = find_subject(rgb)
        progress.check()
        return refine_alpha(rgb, mask)
