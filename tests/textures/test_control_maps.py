"""Maps of normals and positions."""

import numpy as np
import pytest
import torch
from PIL import Image

from orfeas.textures.cameras import Camera, project
from orfeas.textures.control_maps import render_control_pictures, render_maps, to_bytes
from orfeas.textures.rasterize import rasterize
from orfeas.textures.subject import DIAMETER
from tests.meshes.solids import blob, box
from tests.textures.looking import subject_of_mesh


@pytest.mark.parametrize(
    ("camera", "normal"),
    [(Camera(0, 0), (128, 0, 128)), (Camera(0, 90), (255, 128, 128)), (Camera(90, 0), (128, 128, 255))],
)
def test_a_side_of_a_cube_has_the_colour_of_its_normal(camera: Camera, normal: tuple[int, ...]) -> None:
    picture = render_control_pictures(subject_of_mesh(box()), camera, 64, 64).normal
    levels = np.asarray(picture)
    assert np.abs(levels[32, 32].astype(int) - normal).max() <= 1
    assert levels[0, 0].tolist() == [255, 255, 255]


def test_positions_lie_where_the_pixel_looks() -> None:
    subject, camera, side = subject_of_mesh(blob()), Camera(20, 30), 96
    maps = render_maps(subject, camera, side)
    q = (maps.position - 0.5) * DIAMETER
    back = torch.stack([q[..., 0], q[..., 2], -q[..., 1]], dim=-1)  # from the colour frame: conventions §8
    raster = rasterize(project(subject.points, camera), subject.faces, side, side, "corners")
    is_shown = raster.face >= 0
    place = project(back[is_shown], camera)
    row, column = is_shown.nonzero().unbind(1)
    expected = torch.stack([column, row], dim=1) / (side - 1) * 2 - 1
    assert place[:, :2].numpy() == pytest.approx(expected.numpy(), abs=1e-4)
    assert place[:, 2].numpy() == pytest.approx(raster.depth[is_shown].numpy(), abs=1e-3)
    assert (maps.position[~is_shown] == 1).all() and (maps.normal[~is_shown] == 1).all()


def test_pictures_are_rounded_down_and_resized_with_soft_edges() -> None:
    subject = subject_of_mesh(box())
    small = render_control_pictures(subject, Camera(20, 30), 48, 192)
    large = render_control_pictures(subject, Camera(20, 30), 192, 192)
    assert small.normal.size == small.position.size == (48, 48)
    expected = large.normal.resize((48, 48), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(small.normal), np.asarray(expected))
    assert to_bytes(torch.tensor([0.0, 0.4999, 0.999, 1.0])).tolist() == [0, 127, 254, 255]
