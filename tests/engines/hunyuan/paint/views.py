"""What a mesh shows to cameras, small: a ball's normals and positions on white."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE_PX = 64


def ball_maps(views: int, size_px: int = SIZE_PX) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Normal and position maps of a ball, a little turned in each view."""
    place = (np.arange(size_px) + 0.5) / size_px * 2 - 1
    x, y = np.meshgrid(place, -place)
    z = np.sqrt(np.clip(0.64 - x**2 - y**2, 0, None))
    is_ball = (x**2 + y**2 < 0.64)[:, :, None]
    normals, positions = [], []
    for view in range(views):
        turned = np.roll(np.stack([x, y, z], axis=2), view, axis=2)
        normals.append(np.where(is_ball, 127.5 + 127 * turned / 0.8, 255).astype(np.uint8))
        positions.append(np.where(is_ball, 127.5 + 100 * turned, 255).astype(np.uint8))
    return normals, positions


def draw_reference(size_px: int = 96) -> Image.Image:
    """A cut-out, wider than high."""
    image = Image.new("RGBA", (size_px, size_px * 2 // 3))
    ImageDraw.Draw(image).ellipse((8, 8, size_px - 8, size_px * 2 // 3 - 8), fill=(190, 60, 40, 255))
    return image
