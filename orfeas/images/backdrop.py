"""A plain backdrop, such as paper or a wall: its colours, and what of a picture surely is or is not of it."""

from dataclasses import dataclass

import cv2
import numpy as np

from orfeas.images.filters import Floats, Mask, Pixels, grow, unit

# Everything below is in CIE Lab units, where 2.3 is a just noticeable difference.
# A border pixel further than this from the surface is not explained by it; a plain backdrop explains so much of it.
PLAIN_RESIDUAL, PLAIN_FRACTION = 14.0, 0.6
# A residual below the first is the backdrop, above the second the subject; also in multiples of the backdrop's noise.
SURE_BACKDROP, SURE_SUBJECT = 2.5, 14.0
NOISES_BACKDROP, NOISES_SUBJECT = 1.6, 3.5
# The mean of an enclosed region is no further than this from the backdrop where it is a hole.
SAME, NOISES_SAME = 0.8, 0.5
# A shadow is darker by so much at most, of the backdrop's hue, and its edge is softer than this slope per pixel.
SHADOW_DEPTH, SHADOW_CHROMA = 60.0, 7.0
SOFT_SLOPE, NOISES_SLOPE = 2.0, 1.0
# Between once and twice this depth the slope that is soft doubles.
STEEP_DEPTH = 6.0
ROBUST_ROUNDS = 8


@dataclass(frozen=True)
class Backdrop:
    """What the border of a picture ``[h, w]`` says of its background.

    Attributes:
        difference: ``[h, w, 3]`` float32, the picture less the backdrop's colour there, in Lab units.
        noise: the usual length of the difference where it is the backdrop.
        is_plain: whether one smooth colour surface explains most of the border.
    """

    difference: Floats
    noise: float
    is_plain: bool


def fit_backdrop(small: Pixels, ring: Mask) -> Backdrop:
    """Fit a quadratic colour surface to the ``ring``, so that a subject that reaches it does not pull it along.

    Args:
        small: ``[h, w, 3]`` uint8, sRGB.
        ring: ``[h, w]``, the picture's border.
    """
    lab = np.asarray(cv2.cvtColor(unit(small), cv2.COLOR_RGB2Lab), dtype=np.float32)
    height, width = ring.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    design, colours = terms[ring], lab[ring]
    # Start from the border's median colour; then Cauchy weights.
    residual = np.linalg.norm(colours - np.median(colours, axis=0), axis=1)
    # A little damping keeps the curvature down where the border has few clean pixels.
    damping = np.diag([0.0, 1, 1, 2, 2, 2]).astype(np.float32)
    surface = np.zeros((6, 3), dtype=np.float32)
    for _ in range(ROBUST_ROUNDS):
        scale = 1.5 * float(np.median(residual)) + 0.5
        weight = (1 / (1 + (residual / scale) ** 2))[:, None]
        surface = np.linalg.solve(design.T @ (weight * design) + damping, design.T @ (weight * colours))
        residual = np.linalg.norm(colours - design @ surface, axis=1)
    is_clean = residual < PLAIN_RESIDUAL
    noise = float(np.median(residual[is_clean])) if is_clean.any() else PLAIN_RESIDUAL
    difference = (lab - terms @ surface).astype(np.float32)
    return Backdrop(difference, noise, float(is_clean.mean()) >= PLAIN_FRACTION)


def seed_by(backdrop: Backdrop, ring: Mask) -> Pixels:
    """GrabCut's seeds ``[h, w]``: surely or probably the backdrop (holes in the subject too), or the subject."""
    low = max(SURE_BACKDROP, NOISES_BACKDROP * backdrop.noise)
    high = max(SURE_SUBJECT, NOISES_SUBJECT * backdrop.noise)
    difference = np.asarray(cv2.GaussianBlur(backdrop.difference, (3, 3), 0), dtype=np.float32)
    residual = np.linalg.norm(difference, axis=2)
    outside = _reached_from_border(difference, max(SOFT_SLOPE, NOISES_SLOPE * backdrop.noise), low, ring)
    near_outside = grow(outside, 2)
    is_hole = _holes(difference, (residual < low) & ~near_outside, max(SAME, NOISES_SAME * backdrop.noise))
    seeds = np.full(ring.shape, cv2.GC_PR_FGD, dtype=np.uint8)
    seeds[near_outside & (residual < high)] = cv2.GC_PR_BGD
    seeds[~near_outside & (residual > (low + high) / 2)] = cv2.GC_FGD
    seeds[residual > high] = cv2.GC_FGD
    seeds[grow(is_hole, 1)] = cv2.GC_PR_BGD
    seeds[outside | is_hole | (near_outside & (residual < low))] = cv2.GC_BGD
    return seeds


def _reached_from_border(difference: Floats, slope: float, low: float, ring: Mask) -> Mask:
    """What can be reached from the border over the backdrop and soft shadows on it, without crossing an edge."""
    lightness, chroma = difference[..., 0], np.hypot(difference[..., 1], difference[..., 2])
    is_shadow = (lightness < 0) & (lightness > -SHADOW_DEPTH) & (chroma < max(SHADOW_CHROMA, low))
    is_backdrop = np.linalg.norm(difference, axis=2) < low
    # Scharr's kernel weighs 32 in all for a slope of one per pixel.
    across, down = (np.asarray(cv2.Scharr(difference, -1, dx, 1 - dx, scale=1 / 32)) for dx in (1, 0))
    # Close to what casts it a shadow is dark and its slopes are steep; a light thing's edge is no steeper than those.
    is_soft = np.sqrt((across**2 + down**2).sum(axis=2)) < slope * (1 + np.clip(-lightness / STEEP_DEPTH - 1, 0, 1))
    passable = ((is_backdrop | is_shadow) & is_soft).astype(np.uint8)
    # Opened, so that a gap of a pixel in an edge is no way through.
    opened = np.asarray(cv2.morphologyEx(passable, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    labels = np.asarray(cv2.connectedComponents(opened, connectivity=4)[1])
    is_reached = np.zeros(labels.max() + 1, dtype=np.bool_)
    is_reached[labels[ring]] = True
    is_reached[0] = False
    return _without_leaks(is_reached[labels], is_backdrop)


def _without_leaks(reached: Mask, is_backdrop: Mask) -> Mask:
    """``reached`` less the parts that meet the backdrop along an edge for most of their outline.

    A shadow fades into the backdrop all around; a grey subject that was entered by its shadow does not.
    """
    labels = np.asarray(cv2.connectedComponents((reached & ~is_backdrop).astype(np.uint8), connectivity=4)[1])
    adjacent, near = grow(reached & is_backdrop, 1), grow(reached & is_backdrop, 6)
    outline = labels * grow(labels == 0, 1)
    soft = np.bincount(outline[adjacent], minlength=labels.max() + 1)
    hard = np.bincount(outline[near & ~adjacent], minlength=labels.max() + 1)
    is_shadow = soft >= hard
    is_shadow[0] = True
    kept: Mask = reached & is_shadow[labels]
    return kept


def _holes(difference: Floats, like_backdrop: Mask, most: float) -> Mask:
    """The enclosed parts of ``like_backdrop`` that have the backdrop's very colour, not just one like it."""
    labels = np.asarray(cv2.connectedComponents(like_backdrop.astype(np.uint8), connectivity=4)[1])
    flat = labels.ravel()
    counts = np.maximum(np.bincount(flat), 1)
    means = np.stack([np.bincount(flat, difference[..., c].ravel()) / counts for c in range(3)], axis=1)
    is_same = np.linalg.norm(means, axis=1) < most
    is_same[0] = False
    holes: Mask = is_same[labels]
    return holes
