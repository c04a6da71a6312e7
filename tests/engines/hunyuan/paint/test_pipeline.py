from pathlib import Path

import numpy as np
import pytest
import torch

from orfeas.engines.hunyuan.paint.config import read_paint_config
from orfeas.engines.hunyuan.paint.files import find_paint_weights
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.pipeline import PaintedViews, PaintOptions, paint_views
from orfeas.engines.hunyuan.paint.plan import Placement, Plan
from orfeas.engines.hunyuan.paint.voxels import Voxels
from orfeas.progress import Progress, Stage
from tests.engines.hunyuan.paint.tiny import write_tiny_paint_release
from tests.engines.hunyuan.paint.views import ball_maps, draw_reference

SIZE, STEPS = 64, 2


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> PaintNetworks:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_paint_release(folder)
    return make(folder, torch.float32)


def make(folder: Path, dtype: torch.dtype) -> PaintNetworks:
    files = find_paint_weights(folder)
    return PaintNetworks(files, read_paint_config(files), torch.device("cpu"), dtype, Plan(Placement.RESIDENT, 0))


def paint(networks: PaintNetworks, options: PaintOptions, views: int = 2, size_px: int = SIZE) -> np.ndarray:
    progress = Progress()
    with progress.stage(Stage.TEXTURE):
        painted = paint_views(networks, draw_reference(), *ball_maps(views, size_px), options, progress)
    return stack(painted)


def stack(views: PaintedViews) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in views.albedo + views.metallic_roughness]).astype(int)


PLAIN = PaintOptions(view_size=SIZE, num_inference_steps=STEPS)


@pytest.mark.parametrize(
    "options",
    [
        PaintOptions(SIZE, STEPS + 1),
        PaintOptions(SIZE, STEPS, guidance_scale=1.0),
        PaintOptions(SIZE, STEPS, seed=4),
        PaintOptions(SIZE, STEPS, voxels=Voxels.COMPAT),
        PaintOptions(SIZE, STEPS, azimuths_deg=(0, 180)),
    ],
)
def test_every_option_changes_the_views(options: PaintOptions, networks: PaintNetworks) -> None:
    assert not np.array_equal(paint(networks, options), paint(networks, PLAIN))


def test_azimuths_in_front_are_the_published_guidance(networks: PaintNetworks) -> None:
    assert np.array_equal(paint(networks, PaintOptions(SIZE, STEPS, azimuths_deg=(0, 0))), paint(networks, PLAIN))


@pytest.mark.parametrize("views", [1, 3])
def test_any_number_of_views_is_painted(views: int, networks: PaintNetworks) -> None:
    assert paint(networks, PLAIN, views).shape == (2 * views, SIZE, SIZE, 3)


def test_maps_of_another_size_are_brought_to_the_views(networks: PaintNetworks) -> None:
    assert paint(networks, PLAIN, size_px=100).shape == (4, SIZE, SIZE, 3)


def test_half_precision_stays_near(networks: PaintNetworks) -> None:
    half = make(networks.files.unet.checkpoint.parents[2], torch.bfloat16)
    difference = np.abs(paint(half, PLAIN) - paint(networks, PLAIN))
    assert 0 < difference.mean() < 4
