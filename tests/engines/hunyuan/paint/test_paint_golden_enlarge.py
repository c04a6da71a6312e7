"""The recorded case of Real-ESRGAN's network, through the loader that reads real checkpoints."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from orfeas.engines.hunyuan.paint.enlarge import load_enlarger
from orfeas.engines.hunyuan.paint.rrdb import RrdbConfig, RrdbNet
from tests.paint_set import PAINT_SET, assert_recorded, image_u8, weight

CASE: Any = PAINT_SET.cases["sr"]


@pytest.fixture(params=["params_ema", "bare", "safetensors"])
def network(request: pytest.FixtureRequest, tmp_path: Path) -> RrdbNet:
    tensors = {key.removeprefix("sr."): weight(key, shape) for key, shape in CASE["keys_prefixed"].items()}
    checkpoint = tmp_path / "RealESRGAN_x4plus.pth"
    if request.param == "safetensors":
        checkpoint = checkpoint.with_suffix(".safetensors")
        save_file(tensors, checkpoint)
    else:
        torch.save({"params_ema": tensors} if request.param == "params_ema" else tensors, checkpoint)
    return load_enlarger(checkpoint, torch.device("cpu"), torch.float32)


def test_a_picture_is_enlarged_as_recorded(network: RrdbNet) -> None:
    # The recipe is image_u8(set/sr,<size>)/255; the recorded picture has four times the side.
    size = PAINT_SET.stored["sr/out"].shape[-1] // 4
    x = torch.from_numpy(image_u8(PAINT_SET.own("sr"), size)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        assert_recorded(network(x), "sr/out", CASE)
        assert_recorded(network(x.flip(1)).flip(1), "sr/out_bgr", CASE)


def test_the_network_is_as_large_as_the_set_says(network: RrdbNet) -> None:
    config = CASE["config"]
    with torch.device("meta"):
        same = RrdbNet(RrdbConfig(config["num_feat"], config["num_grow_ch"], config["num_block"]))
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in same.state_dict().items()}
