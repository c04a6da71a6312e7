"""From a cut-out to the picture the encoder sees: framed, on white, square (specification §2).

The last row and column of the subject are left out and colours under clear pixels bleed into its edge, as in the
pipeline the weights were trained with (specification §13.10).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from orfeas.engines.hunyuan.config import ProcessorConfig
from orfeas.errors import InvalidImage


@dataclass(frozen=True)
class Framed:
    """A square picture: ``colour`` ``[S, S, 3]`` uint8 sRGB on white, ``mask`` ``[S, S]`` uint8."""

    colour: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def to_tensor(self) -> Tensor:
        """The colours as ``[1, 3, S, S]`` float32 in -1..1."""
        return torch.from_numpy(self.colour).permute(2, 0, 1)[None].to(torch.float32) / 255 * 2 - 1


def frame(picture: Image.Image, config: ProcessorConfig) -> Framed:
    """The subject of a cut-out, in the middle of a white square of ``config.size`` pixels.

    Raises:
        InvalidImage: the subject is missing, or only a line.
    """
    centred = centre(np.asarray(picture.convert("RGBA")), config.border_ratio)
    size = (config.size, config.size)
    return Framed(
        colour=np.asarray(cv2.resize(centred.colour, size, interpolation=cv2.INTER_CUBIC), np.uint8),
        mask=np.asarray(cv2.resize(centred.mask, size, interpolation=cv2.INTER_NEAREST), np.uint8),
    )


def centre(rgba: NDArray[np.uint8], border_ratio: float) -> Framed:
    """The subject of ``[H, W, 4]`` in the middle of a square of side max(H, W), before it is brought to size.

    Raises:
        InvalidImage: the subject is missing, or only a line.
    """
    rows, columns = np.nonzero(rgba[:, :, 3].any(axis=1))[0], np.nonzero(rgba[:, :, 3].any(axis=0))[0]
    if not len(rows):
        raise InvalidImage("There is nothing in the foreground: every pixel is transparent.")
    top, left = rows[0], columns[0]
    height, width = int(rows[-1] - top), int(columns[-1] - left)
    side = max(rgba.shape[:2])
    scale = int(side * (1 - border_ratio)) / max(height, width, 1)
    new_height, new_width = int(height * scale), int(width * scale)
    if min(new_height, new_width) < 1:
        raise InvalidImage("The subject is only a line of pixels; it needs some height and some width.")
    crop = rgba[top : top + height, left : left + width]
    canvas = np.zeros((side, side, 4), np.uint8)
    y, x = (side - new_height) // 2, (side - new_width) // 2
    canvas[y : y + new_height, x : x + new_width] = cv2.resize(
        crop, (new_width, new_height), interpolation=cv2.INTER_AREA
    )
    # In float32 and this order, then truncated: white on white is 254 for some alphas, and the weights know it so.
    alpha = canvas[:, :, 3:].astype(np.float32) / 255
    colour = canvas[:, :, :3] * alpha + 255 * (1 - alpha)
    return Framed(colour=np.clip(colour, 0, 255).astype(np.uint8), mask=canvas[:, :, 3])
