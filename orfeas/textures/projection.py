"""The ``projection`` painter, without learned weights: the picture on the front, its outline's colours on the back.

The picture is stretched so that its subject fills the box around the model's front outline. The sides, which neither
front nor back show well, get what lies between the two. What the picture does not show is not made up.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.images.diffusion import diffuse
from orfeas.images.filters import Floats, Pixels, depth_within, resize, unit
from orfeas.progress import Progress
from orfeas.textures.bake import Shot, bake
from orfeas.textures.cameras import Camera, View, project
from orfeas.textures.gutters import to_texture
from orfeas.textures.inpaint import fill
from orfeas.textures.subject import Subject, set_up
from orfeas.textures.texels import make_texels
from orfeas.textures.unwrap import Layout

FRONT, BACK = View(Camera(0, 0), 1.0), View(Camera(0, 180), 1.0)
MOST_SHOT_PX, LEAST_SHOT_PX = 2048, 512
# Below it, a pixel holds too much of the background; above it, it is the subject's.
HALF_ALPHA, FULL_ALPHA = 128, 0.95
# So far within the outline the picture's own colours begin, and over so many pixels they come in.
RIM_PX, FADE_PX = 1.5, 2.0
# The band along the outline whose colours are carried on, as a share of the subject's longest side.
BAND = 0.02
DIFFUSION_SIDE_PX = 256
STEPS = 5


@dataclass(frozen=True)
class _Faces:
    """What the model wears, ``[H, W, 3]`` uint8 each, both as seen from the front, the box around the subject alone."""

    front: Pixels
    back: Pixels


def paint_projection(
    layout: Layout, cut_out: Image.Image, texture_size: int, device: torch.device, progress: Progress
) -> NDArray[np.uint8]:
    """A base-colour texture ``[T, T, 3]`` uint8, sRGB, for a model, from one picture of its front.

    Args:
        layout: the model with UVs, its front facing +Z (conventions §1).
        cut_out: RGBA, sRGB, straight alpha: the subject on a clear ground.
        texture_size: side of the texture in texels.
        device: that computes.
        progress: in an open stage.

    Raises:
        InvalidImage: nothing of the picture is the subject.
        InvalidMesh: the layout is no model, or shows nothing to the front or back.
        Cancelled: the user has stopped the work.
    """
    subject = set_up(layout.vertices, layout.faces, device)
    faces = _dress(np.asarray(cut_out.convert("RGBA")))
    progress.step(1, STEPS)
    side = min(max(texture_size, LEAST_SHOT_PX), MOST_SHOT_PX)
    front = _frame(faces.front, subject, side)
    # Seen from behind, left is right.
    back = _frame(faces.back, subject, side)[:, ::-1]
    progress.step(2, STEPS)
    uv = torch.from_numpy(layout.uv).float().to(device)
    texels = make_texels(subject, uv, texture_size, check=progress.check)
    progress.step(3, STEPS)
    shots = (
        Shot(view, torch.from_numpy(np.ascontiguousarray(image)).to(device))
        for view, image in ((FRONT, front), (BACK, back))
    )
    values = fill(texels, bake(subject, texels, shots, progress), progress)
    progress.step(4, STEPS)
    texture = to_texture(texels, values)
    progress.step(STEPS, STEPS)
    return texture


def _dress(pixels: Pixels) -> _Faces:
    """Front and back of the subject in a picture ``[H, W, 4]``, colours carried on beyond its outline."""
    rows, columns = (np.flatnonzero((pixels[..., 3] >= HALF_ALPHA).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise InvalidImage("Nothing of the picture is opaque, so there is no subject to paint with.")
    box = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = box.shape[:2]
    # The border of the box is an outline too.
    inside = np.pad(box[..., 3] >= HALF_ALPHA, 1)
    depth = depth_within(inside)[1:-1, 1:-1]
    # Where a part is too thin for a trustworthy pixel, the others have to do.
    trust = np.where(unit(box[..., 3]) >= FULL_ALPHA, 1.0, 1e-3) * np.where(depth > RIM_PX, 1.0, 1e-3) * (depth > 0)
    around = _carried_on(box, trust.astype(np.float32))
    share = np.clip((depth - RIM_PX) / FADE_PX, 0, 1)[..., None] * (trust == 1.0)[..., None]
    front = around + share * (box[..., :3] - around)
    band = trust * (depth <= RIM_PX + max(2.0, BAND * max(height, width)))
    back = _carried_on(box, band.astype(np.float32))
    return _Faces(*(np.clip(image + 0.5, 0, 255).astype(np.uint8) for image in (front, back)))


def _carried_on(box: Pixels, weight: Floats) -> Floats:
    """``[H, W, 3]`` smooth everywhere: the box's colours where they have ``weight`` ``[H, W]``, else those around."""
    height, width = weight.shape
    scale = min(1.0, DIFFUSION_SIDE_PX / max(height, width))
    small = max(1, round(scale * width)), max(1, round(scale * height))
    sums = np.asarray(box[..., :3] * weight[..., None], dtype=np.float32)
    return resize(diffuse(resize(sums, *small), resize(weight, *small)), width, height, enlarge_by="linear")


def _frame(box: Pixels, subject: Subject, side_px: int) -> Pixels:
    """``[side_px, side_px, 3]`` what the front camera sees if ``box`` fills the box around the model's outline."""
    place = project(subject.points[subject.faces.flatten()], FRONT.camera)[:, :2].cpu().numpy()
    # Whole at the centres of the outermost pixels: conventions §8.
    low, high = ((end(axis=0) + 1) / 2 * (side_px - 1) for end in (place.min, place.max))
    height, width = box.shape[:2]
    scale = np.array([width, height]) / np.maximum(high - low, 1e-6)
    columns, rows = ((np.arange(side_px) - low[axis]) * scale[axis] - 0.5 for axis in range(2))
    x, y = np.broadcast_arrays(columns[None, :].astype(np.float32), rows[:, None].astype(np.float32))
    if scale.max() > 1:
        smaller = max(1, round(width / max(scale[0], 1))), max(1, round(height / max(scale[1], 1)))
        x, y = ((x + 0.5) * (smaller[0] / width) - 0.5, (y + 0.5) * (smaller[1] / height) - 0.5)
        box = resize(box, *smaller)
    framed = cv2.remap(np.ascontiguousarray(box), x.copy(), y.copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(framed, dtype=np.uint8)
