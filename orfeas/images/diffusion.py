"""Colours carried on into what has none."""

import numpy as np

from orfeas.images.filters import Floats, box_blur, resize

ROUNDS, LEAST_SIDE_PX = 16, 4


def diffuse(sums: Floats, weights: Floats) -> Floats:
    """Colours ``sums / weights`` where there are any, and elsewhere the solution of Laplace's equation between them.

    From coarse to fine, each level relaxed from the one before.

    Args:
        sums: ``[H, W, C]``, colours times their weights; two channels or more.
        weights: ``[H, W]``, none negative.
    """
    height, width = weights.shape
    known = weights > 0
    colours = sums / np.maximum(weights, 1e-12)[..., None]
    if min(height, width) <= LEAST_SIDE_PX:
        mean = sums.sum(axis=(0, 1)) / max(float(weights.sum()), 1e-12)
        return np.where(known[..., None], colours, mean).astype(np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    coarse = diffuse(_fitted(sums, *half), _fitted(weights, *half))
    solution = np.where(known[..., None], colours, _fitted(coarse, width, height)).astype(np.float32)
    for _ in range(ROUNDS):
        solution = np.where(known[..., None], colours, box_blur(solution, 1)).astype(np.float32)
    return solution


def _fitted(image: Floats, width: int, height: int) -> Floats:
    return resize(image, width, height, enlarge_by="cubic")
