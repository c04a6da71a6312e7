"""Colours for the gaps between UV islands, so that filtering fetches no background."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orfeas.textures.texels import Texels


def to_texture(texels: Texels, values: Tensor) -> NDArray[np.uint8]:
    """``[T, T, C]`` uint8 of ``values`` ``[k, C]`` in [0, 1]; each texel between islands repeats the nearest on one."""
    side = texels.side_px
    number = torch.full((side * side,), -1, dtype=torch.int32, device=values.device)
    number[texels.index] = torch.arange(len(texels.index), dtype=torch.int32, device=values.device)
    nearest = torch.from_numpy(_nearest(number.view(side, side).cpu().numpy()))
    levels = values.clamp(0, 1).mul_(255).add_(0.5).to(torch.uint8).cpu()
    return levels.index_select(0, nearest.flatten()).view(side, side, -1).numpy()


def _nearest(number: NDArray[np.int32]) -> NDArray[np.int32]:
    """``[T, T]`` each texel's own number, or that of the nearest texel that has one."""
    is_gap = number < 0
    _, labels = cv2.distanceTransformWithLabels(is_gap.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    # OpenCV numbers the texels that are no gap in an order of its own.
    of_label = np.zeros(int(labels.max()) + 1, dtype=np.int32)
    of_label[labels[~is_gap]] = number[~is_gap]
    return np.asarray(of_label[labels], dtype=np.int32)
