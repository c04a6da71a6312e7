"""From a coarse mask to a soft alpha channel and colours without a halo, at the picture's own size."""

import numpy as np

from orfeas.images.filters import Floats, Mask, Pixels, box_blur, grow, resize, shrink, unit

GUIDE_SIDE_PX, GUIDE_RADIUS_PX = 512, 4
# Regularisation in squared colour units of [0, 1]: edges fainter than about its root are smoothed over.
GUIDE_EPSILON = 1e-4
# The guided filter leaves a veil; this part of the ramp is stretched to the whole.
VEIL_LOW, VEIL_HIGH = 0.1, 0.9
# Half the width of the band in which a coarse mask may be wrong, and how far around it colours are gathered.
BAND_PX, GATHER_PX = 2, 8
# Below this distance in [0, 1] the two sides of an edge cannot be told apart by colour.
LEAST_CONTRAST = 0.06
FUSION_SIDE_PX = 512
# From where nothing pure is near, such as the middle of a glass, to the very rim.
FUSION_RADII_PX = (128, 32, 3)
# A pixel counts for a side by its share to this power: one that is wholly of it, far more than a mixed one.
PURITY = 4
# Weighs the picture's own colour where no pixel of a side is around.
FAINT = np.float32(1e-4)


def refine_alpha(rgb: Pixels, mask: Mask) -> Floats:
    """Alpha ``[H, W]`` in [0, 1] that follows the picture's own edges near those of ``mask`` ``[h, w]``.

    Fast guided filter with a colour guide (He, Sun, Tang 2013; He, Sun 2015): the linear model is fitted at up to 512
    pixels and applied at full size. On purpose different: the target is not the mask itself but the mix of the colours
    on its two sides, for a coarse mask takes in the whole of an edge's blur.

    Args:
        rgb: ``[H, W, 3]`` uint8, sRGB.
        mask: the subject, at most the picture's size.
    """
    height, width = rgb.shape[:2]
    guide = unit(shrink(rgb, GUIDE_SIDE_PX))
    slope, offset = _linear_model(guide, resize(_mix(rgb, mask), guide.shape[1], guide.shape[0]))
    alpha, slope = resize(offset, width, height), resize(slope, width, height)
    at = np.flatnonzero(slope.any(axis=2))
    alpha.ravel()[at] += np.einsum("nc,nc->n", slope.reshape(-1, 3)[at], rgb.reshape(-1, 3)[at]) / 255
    refined: Floats = np.clip((alpha - VEIL_LOW) / (VEIL_HIGH - VEIL_LOW), 0, 1)
    return refined


def _mix(rgb: Pixels, mask: Mask) -> Floats:
    """``mask`` ``[h, w]`` softened: near its edge, the share of the subject's colour in each pixel's own."""
    small = unit(resize(rgb, mask.shape[1], mask.shape[0]))
    # Pixels that are surely on one side, and how many of them are around.
    inside, outside = ((~grow(~side, BAND_PX)).astype(np.float32) for side in (mask, ~mask))
    near_inside, near_outside = box_blur(inside, GATHER_PX), box_blur(outside, GATHER_PX)
    inner = box_blur(small * inside[..., None], GATHER_PX) / np.maximum(near_inside, 1e-6)[..., None]
    outer = box_blur(small * outside[..., None], GATHER_PX) / np.maximum(near_outside, 1e-6)[..., None]
    contrast = inner - outer
    squared = (contrast**2).sum(axis=2)
    mix = ((small - outer) * contrast).sum(axis=2) / np.maximum(squared, 1e-6)
    is_band = (inside + outside == 0) & (near_inside > 0) & (near_outside > 0) & (squared > LEAST_CONTRAST**2)
    return np.where(is_band, np.clip(mix, 0, 1), mask).astype(np.float32)


def _linear_model(guide: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Slope ``[h, w, 3]`` and offset ``[h, w]`` of the smoothest local fit of ``target`` by ``guide``."""
    middle, level = box_blur(guide, GUIDE_RADIUS_PX), box_blur(target, GUIDE_RADIUS_PX)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = [
        box_blur(guide[..., i] * guide[..., j], GUIDE_RADIUS_PX) - middle[..., i] * middle[..., j] for i, j in pairs
    ]
    cross = box_blur(guide * target[..., None], GUIDE_RADIUS_PX) - middle * level[..., None]
    # Away from the edge the target is flat, and so is the model.
    at = (level > 0) & (level < 1)
    covariance = np.stack([products[k][at] for k in (0, 1, 2, 1, 3, 4, 2, 4, 5)], axis=-1).reshape(-1, 3, 3)
    slope = np.zeros_like(guide)
    slope[at] = np.linalg.solve(covariance + GUIDE_EPSILON * np.eye(3, dtype=np.float32), cross[at][..., None])[..., 0]
    offset = level - (slope * middle).sum(axis=2)
    return box_blur(slope, GUIDE_RADIUS_PX), box_blur(offset, GUIDE_RADIUS_PX)


def subject_colours(rgb: Pixels, alpha: Floats) -> Pixels:
    """The subject's own colours ``[H, W, 3]`` where the background shines through.

    Blur-fusion foreground estimation (Forte 2021), from wide to narrow. On purpose different: there are three rounds
    and not two, pure pixels count for more than mixed ones, and both sides' averages are taken at up to 512 pixels and
    only the last step at full size. Pixels that are wholly the subject's, or wholly not, stay as they are.
    """
    height, width = alpha.shape
    picture = shrink(rgb, FUSION_SIDE_PX).astype(np.float32)
    weight = resize(alpha, picture.shape[1], picture.shape[0])[..., None]
    subject, background = picture, picture
    for radius_px in FUSION_RADII_PX:
        near = _fused(subject, weight**PURITY, picture, radius_px)
        background = _fused(background, (1 - weight) ** PURITY, picture, radius_px)
        subject = np.clip(_solve(picture, weight, near, background), 0, 255)
    at = np.flatnonzero((alpha > 0) & (alpha < 1))
    near, background = (resize(side, width, height).reshape(-1, 3)[at] for side in (near, background))
    mixed = _solve(rgb.reshape(-1, 3)[at].astype(np.float32), alpha.ravel()[at][:, None], near, background)
    colours = rgb.copy()
    colours.reshape(-1, 3)[at] = np.clip(mixed + 0.5, 0, 255)
    return colours


def _fused(side: Floats, purity: Floats, picture: Floats, radius_px: int) -> Floats:
    """The mean colour of one side around each pixel."""
    around = box_blur(purity[..., 0], radius_px)[..., None]
    fused: Floats = (box_blur(side * purity, radius_px) + FAINT * picture) / (around + FAINT)
    return fused


def _solve(picture: Floats, weight: Floats, subject: Floats, background: Floats) -> Floats:
    """The subject's colour that mixes with the background's to the picture's, starting from a guess of both."""
    solved: Floats = subject + weight * (picture - weight * subject - (1 - weight) * background)
    return solved
