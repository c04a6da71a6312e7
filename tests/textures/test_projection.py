"""Painting by projection, without learned weights."""

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image, ImageDraw

from orfeas.errors import Cancelled, InvalidImage
from orfeas.progress import Progress, Stage
from orfeas.textures.cameras import Camera, project
from orfeas.textures.projection import paint_projection
from orfeas.textures.rasterize import rasterize
from orfeas.textures.unwrap import Layout, unwrap
from tests.meshes.solids import blob, box, inverted, joined
from tests.textures.looking import CPU, look_at, subject_of

RED, BLUE, GREEN = (200, 40, 40), (40, 40, 200), (40, 200, 40)


def laid_out(mesh: trimesh.Trimesh) -> Layout:
    return unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), 512)


def painted(layout: Layout, picture: Image.Image, texture_size: int = 512) -> np.ndarray:
    progress = Progress()
    with progress.stage(Stage.TEXTURE):
        return paint_projection(layout, picture, texture_size, CPU, progress)


def disc(size_px: int = 300, margin_px: int = 40) -> Image.Image:
    """Red on the left and blue on the right, on a clear ground that is green where nobody sees it."""
    picture = Image.new("RGBA", (size_px, size_px), (*GREEN, 0))
    box_px = (margin_px, margin_px, size_px - margin_px, size_px - margin_px)
    draw = ImageDraw.Draw(picture)
    draw.pieslice(box_px, 90, 270, fill=(*RED, 255))
    draw.pieslice(box_px, -90, 90, fill=(*BLUE, 255))
    return picture


@pytest.fixture(scope="module")
def ball() -> Layout:
    return laid_out(trimesh.creation.icosphere(subdivisions=4))


@pytest.fixture(scope="module")
def ball_texture(ball: Layout) -> np.ndarray:
    return painted(ball, disc())


def levels(colour: tuple[int, int, int]) -> np.ndarray:
    return np.array(colour) / 255


def test_the_front_is_the_picture_not_mirrored(ball: Layout, ball_texture: np.ndarray) -> None:
    look = look_at(ball, ball_texture, Camera(0, 0), 256)
    assert look.colour[128, 70] == pytest.approx(levels(RED), abs=0.02)
    assert look.colour[128, 186] == pytest.approx(levels(BLUE), abs=0.02)


def test_the_back_has_the_colours_of_the_outline_on_the_side_they_are_on(
    ball: Layout, ball_texture: np.ndarray
) -> None:
    # From behind, the model's right is on the left.
    look = look_at(ball, ball_texture, Camera(0, 180), 256)
    red, blue = (np.linalg.norm(look.colour - levels(colour), axis=2) for colour in (RED, BLUE))
    assert (red < blue)[128, 150:240].all()
    assert (blue < red)[128, 16:106].all()


def test_nothing_of_the_background_is_on_the_model(ball: Layout, ball_texture: np.ndarray) -> None:
    assert ball_texture[..., 1].max() <= 45
    for azimuth in range(0, 360, 45):
        look = look_at(ball, ball_texture, Camera(15, azimuth), 200)
        assert look.colour[look.is_shown][:, 1].max() < 0.18


def test_the_sides_go_from_front_to_back_without_a_step(ball: Layout, ball_texture: np.ndarray) -> None:
    look = look_at(ball, ball_texture, Camera(0, 90), 256)
    row = look.colour[128, 30:226]
    assert np.abs(np.diff(row, axis=0)).max() < 0.06
    assert np.abs(row - levels(BLUE)).max() < 0.1


def test_the_picture_fills_the_model_s_outline_whatever_the_margins() -> None:
    layout = laid_out(box())
    stripes = Image.new("RGBA", (90, 200), (0, 0, 0, 0))
    stripes.paste((*RED, 255), (10, 20, 80, 70))
    stripes.paste((*BLUE, 255), (10, 70, 80, 120))
    texture = painted(layout, stripes)
    subject = subject_of(layout)
    face = rasterize(project(subject.points, Camera(0, 0)), subject.faces, 256, 256, "corners").face.numpy()
    look = look_at(layout, texture, Camera(0, 0), 256)
    rows = np.flatnonzero((face >= 0).any(axis=1))
    middle = (rows[0] + rows[-1]) / 2
    column = look.colour[:, 128]
    is_red = np.linalg.norm(column - levels(RED), axis=1) < np.linalg.norm(column - levels(BLUE), axis=1)
    assert is_red[rows[rows < middle - 2]].all()
    assert not is_red[rows[rows > middle + 2]].any()


@pytest.mark.parametrize(
    "mesh",
    [blob(2000), joined(blob(800), box(0.4, (0.0, 1.5, 0.0))), inverted(box())],
    ids=["blob", "two bodies", "inside out"],
)
def test_any_model_is_covered(mesh: trimesh.Trimesh) -> None:
    layout = laid_out(mesh)
    grey = Image.new("RGBA", (64, 64), (120, 120, 120, 255))
    texture = painted(layout, grey, 256)
    assert texture.shape == (256, 256, 3) and texture.dtype == np.uint8
    assert np.abs(texture.astype(int) - 120).max() <= 1


def test_a_picture_of_nothing_is_refused(ball: Layout) -> None:
    with pytest.raises(InvalidImage, match="no subject"):
        painted(ball, Image.new("RGBA", (64, 64), (255, 255, 255, 100)))


def test_thin_parts_are_painted_with_what_there_is(ball: Layout) -> None:
    line = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    line.paste((*BLUE, 255), (50, 0, 51, 100))
    texture = painted(ball, line, 256)
    assert np.abs(texture.astype(int) - BLUE).max() <= 3


def test_it_is_the_same_every_time_and_changes_nothing(ball: Layout, ball_texture: np.ndarray) -> None:
    picture = disc()
    before = np.array(picture)
    assert np.array_equal(painted(ball, picture), ball_texture)
    assert np.array_equal(np.asarray(picture), before)


def test_it_stops_when_asked(ball: Layout) -> None:
    steps: list[object] = []
    progress = Progress(steps.append, lambda: len(steps) > 2)
    with pytest.raises(Cancelled), progress.stage(Stage.TEXTURE):
        paint_projection(ball, disc(), 256, torch.device("cpu"), progress)
    assert len(steps) == 3
