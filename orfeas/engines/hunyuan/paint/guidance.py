"""Guidance: how far to go from the prediction without the reference towards the one with it (specification §5.4)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def guide(without: Tensor, whole: Tensor, scale: float, factors: Tensor | None = None) -> Tensor:
    """The two predictions ``[M, N, ...]`` combined.

    The published pipeline has a third between them, with the reference and without DINOv2's states, which cancels.

    Args:
        without: sees neither the reference nor DINOv2's states.
        whole: sees both.
        scale: at 0 ``without``, at 1 ``whole``.
        factors: of each view, ``[N]``; the published pipeline has them at 1.
    """
    step = scale * (whole - without)
    return without + (step if factors is None else step * factors.view(1, -1, *(1,) * (step.ndim - 2)))


def view_factors(azimuths_deg: Sequence[float]) -> Tensor:
    """How much more guidance views from behind take, by their azimuths in [0, 360): 1 in front to 2; ``[N]``."""
    azimuth = torch.tensor(azimuths_deg, dtype=torch.float32)
    return torch.minimum(torch.where(azimuth < 330, 1 + azimuth / 90, 5 - azimuth / 90), torch.tensor(2.0))
