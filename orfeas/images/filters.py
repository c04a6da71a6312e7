"""OpenCV's filters on arrays ``[H, W]`` and ``[H, W, C]``, typed; inputs stay as they are."""

from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Level = TypeVar("Level", np.uint8, np.float32)

ENLARGEMENTS = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def resize(
    image: NDArray[Level], width: int, height: int, enlarge_by: Literal["linear", "cubic"] = "linear"
) -> NDArray[Level]:
    """Resample; the mean over each new pixel's area where that is larger than an old pixel."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else ENLARGEMENTS[enlarge_by]
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=image.dtype)


def unit(levels: Pixels) -> Floats:
    """8-bit levels as numbers in [0, 1]."""
    return np.asarray(levels / np.float32(255), dtype=np.float32)


def shrink(rgb: Pixels, side_px: int) -> Pixels:
    """The picture at most ``side_px`` a side; never enlarged."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    return resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))


def box_blur(image: Floats, radius_px: int) -> Floats:
    """The mean over squares of ``2 · radius_px + 1`` a side."""
    window = (2 * radius_px + 1,) * 2
    return np.asarray(cv2.blur(image, window, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def gaussian_blur(image: Floats, sigma_px: float) -> Floats:
    """The mean weighted by a Gaussian of that standard deviation."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), dtype=np.float32)


def sample(image: NDArray[Level], x: Floats, y: Floats) -> NDArray[Level]:
    """Bilinear samples at columns ``x`` and rows ``y``, whole at pixel centres; beyond the border it goes on."""
    sampled = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=image.dtype)


def depth_within(mask: Mask) -> Floats:
    """For each pixel of the mask its distance to the nearest one outside, in pixels; 0 outside."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)


def grow(mask: Mask, pixels: int) -> Mask:
    """The mask and all within a square of ``pixels`` around it."""
    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), dtype=np.bool_)
