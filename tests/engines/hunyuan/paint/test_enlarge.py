from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from orfeas.engines.hunyuan.paint import enlarge as enlarge_module
from orfeas.engines.hunyuan.paint.enlarge import enlarge, enlarge_views, load_enlarger
from orfeas.engines.hunyuan.paint.pipeline import PaintedViews
from orfeas.engines.hunyuan.paint.rrdb import RrdbNet
from orfeas.errors import Cancelled, EngineUnavailable
from orfeas.progress import Progress, Stage, Step
from tests.engines.hunyuan.paint.networks import fill
from tests.engines.hunyuan.paint.tiny import UPSCALER
from tests.paint_set import image_u8


@pytest.fixture
def network() -> RrdbNet:
    network = RrdbNet(UPSCALER)
    fill(network)
    return network


def test_tiles_give_the_whole_picture(network: RrdbNet, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.fromarray(image_u8("tiles", 70)[:50])
    whole = enlarge(picture, network)
    monkeypatch.setattr(enlarge_module, "TILE_PX", 24)
    tiled = enlarge(picture, network)
    assert whole.size == tiled.size == (280, 200)
    assert np.abs(np.asarray(whole).astype(int) - np.asarray(tiled)).max() <= 1


def test_red_stays_in_red(network: RrdbNet) -> None:
    x = torch.from_numpy(image_u8("colours", 8)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        want = (network(x).clamp(0, 1) * 255).round()[0].permute(1, 2, 0)
    got = np.asarray(enlarge(Image.fromarray(image_u8("colours", 8)), network))
    assert np.array_equal(got, want.numpy().astype(np.uint8))


def test_every_picture_is_a_step_and_a_stop_is_heeded(network: RrdbNet) -> None:
    pictures = [Image.fromarray(image_u8(f"{i}", 8)) for i in range(2)]
    steps: list[Step] = []
    progress = Progress(report=steps.append)
    with progress.stage(Stage.TEXTURE):
        enlarged = enlarge_views(PaintedViews(pictures, pictures), network, 16, progress)
    assert [step.done for step in steps if step.total == 4] == [0, 1, 2, 3, 4]
    assert all(picture.size == (16, 16) for picture in enlarged.views.albedo + enlarged.views.metallic_roughness)

    def stop() -> None:
        raise Cancelled("The job was stopped before it was done.")

    with pytest.raises(Cancelled):
        enlarge(pictures[0], network, stop)


def test_another_network_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "RealESRGAN_x4plus.pth"
    torch.save({"params_ema": {"conv.weight": torch.zeros(3, 3)}}, checkpoint)
    with pytest.raises(EngineUnavailable, match="it is not RealESRGAN_x4plus"):
        load_enlarger(checkpoint, torch.device("cpu"), torch.float32)
