"""Pictures of a model's normals and positions, which tell a painting network where it paints.

Flat normals and hard edges are what such networks were trained with.
"""

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from orfeas.textures.cameras import Camera, project, to_colour_frame
from orfeas.textures.rasterize import find_hits, interpolate, rasterize
from orfeas.textures.subject import DIAMETER, Subject

RENDER_PX = 2048


@dataclass(frozen=True)
class Maps:
    """What a camera sees, row 0 at the top; the background is 1.

    Attributes:
        normal: ``[H, W, 3]`` float32 in [0, 1], half of the colour frame's flat outward normal plus one half.
        position: ``[H, W, 3]`` float32 in [0, 1], the same of the colour frame's place over half the diameter.
    """

    normal: Tensor
    position: Tensor


@dataclass(frozen=True)
class ControlPictures:
    """Both maps as RGB pictures."""

    normal: Image.Image
    position: Image.Image


def render_maps(subject: Subject, camera: Camera, side_px: int) -> Maps:
    """Both maps at ``side_px`` a side, before they are rounded to 8 bits."""
    points = project(subject.points, camera)
    raster = rasterize(points, subject.faces, side_px, side_px, "corners")
    hits = find_hits(raster, points, subject.faces, "corners")
    normal = 0.5 + 0.5 * to_colour_frame(subject.normals)[hits.face]
    position = 0.5 + to_colour_frame(interpolate(hits, subject.points, subject.faces)) / DIAMETER

    def on_white(values: Tensor) -> Tensor:
        image = torch.ones((side_px * side_px, 3), device=values.device)
        image[hits.pixel] = values.clamp(0, 1)
        return image.view(side_px, side_px, 3)

    return Maps(on_white(normal), on_white(position))


def render_control_pictures(
    subject: Subject, camera: Camera, side_px: int, render_px: int = RENDER_PX
) -> ControlPictures:
    """Both maps drawn at ``render_px``, rounded down to 8 bits, and resized by antialiased bicubic to ``side_px``."""
    maps = render_maps(subject, camera, render_px)
    return ControlPictures(_picture(maps.normal, side_px), _picture(maps.position, side_px))


def _picture(values: Tensor, side_px: int) -> Image.Image:
    picture = Image.fromarray(to_bytes(values).cpu().numpy())
    return picture if picture.width == side_px else picture.resize((side_px, side_px), Image.Resampling.BICUBIC)


def to_bytes(values: Tensor) -> Tensor:
    """Numbers in [0, 1] as uint8, rounded down."""
    return (255 * values).floor().to(torch.uint8)
