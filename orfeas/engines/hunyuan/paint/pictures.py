"""Pictures as the texture's networks take them: the reference on white, and the views' normals and positions."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from orfeas.engines.hunyuan.conditioner import DEVIATION, MEAN

# A picture, or ``[H, W, 3]`` or ``[H, W, 4]`` uint8.
Picture = Image.Image | NDArray[np.uint8]

# Specification §5.3: how the published encoder's own preparation cuts a picture, in pixels a side.
DINO_RESIZED_PX, DINO_CROPPED_PX = 256, 224


def prepare_reference(picture: Image.Image, size_px: int) -> Image.Image:
    """A cut-out in the middle of a white square of ``size_px``, RGB.

    The published pipeline squashes it into a square of 512 pixels, mixes the colours of clear pixels into its edge, and
    then brings that to size; here it keeps its proportions, white stands beneath it first, and it is resized once.
    """
    side = max(picture.size)
    square = Image.new("RGBA", (side, side), "white")
    corner = ((side - picture.width) // 2, (side - picture.height) // 2)
    square.alpha_composite(picture.convert("RGBA"), corner)
    return square.convert("RGB").resize((size_px, size_px), Image.Resampling.BICUBIC)


def to_unit(pictures: Sequence[Picture], size_px: int) -> Tensor:
    """Pictures as ``[N, 3, size_px, size_px]`` float32 in 0..1, on white where they are clear."""
    return torch.stack([_to_unit(picture, size_px) for picture in pictures])


def _to_unit(picture: Picture, size_px: int) -> Tensor:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if image.size != (size_px, size_px):
        image = image.resize((size_px, size_px), Image.Resampling.BICUBIC)
    return to_values(image)


def to_values(picture: Image.Image) -> Tensor:
    """An RGB picture as ``[3, H, W]`` float32 in 0..1."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).to(torch.float32) / 255


def prepare_dino(picture: Image.Image) -> Tensor:
    """A square RGB picture as DINOv2 takes it here, ``[1, 3, 224, 224]`` float32, normalised."""
    resized = picture.resize((DINO_RESIZED_PX, DINO_RESIZED_PX), Image.Resampling.BICUBIC)
    border = (DINO_RESIZED_PX - DINO_CROPPED_PX) // 2
    end = border + DINO_CROPPED_PX
    x = to_unit([resized.crop((border, border, end, end))], DINO_CROPPED_PX)
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def to_pictures(values: Tensor) -> list[Image.Image]:
    """``[N, 3, H, W]`` in 0..1 as RGB pictures."""
    levels = (values.to(torch.float32).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(level) for level in levels]
