import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from orfeas.engines.hunyuan.paint.config import read_paint_config
from orfeas.engines.hunyuan.paint.files import find_paint_weights
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.plan import Placement, Plan
from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.paint.tiny import CONFIG, write_tiny_paint_release

CPU = torch.device("cpu")
TAKE: list[Callable[[PaintNetworks], nn.Module]] = [
    PaintNetworks.dino,
    PaintNetworks.autoencoder,
    PaintNetworks.reference,
    PaintNetworks.painter,
]


def make(folder: Path, placement: Placement = Placement.RESIDENT, dtype: torch.dtype = torch.float32) -> PaintNetworks:
    files = find_paint_weights(folder)
    return PaintNetworks(files, read_paint_config(files), CPU, dtype, Plan(placement, 0))


@pytest.mark.parametrize("suffix", [".bin", ".safetensors"])
def test_every_network_is_read_whole_from_either_format(suffix: str, tmp_path: Path) -> None:
    write_tiny_paint_release(tmp_path, suffix)
    networks = make(tmp_path)
    assert networks.config == CONFIG
    for take in TAKE:
        module = take(networks)
        assert not any(parameter.is_meta for parameter in module.parameters())
        assert take(networks) is module
    assert networks.held_bytes() == sum(p.nbytes for take in TAKE for p in take(networks).parameters())
    assert torch.equal(networks.reference_text(), networks.painter().learned_text_clip_ref)


def test_networks_that_take_turns_are_there_one_at_a_time(tmp_path: Path) -> None:
    write_tiny_paint_release(tmp_path)
    networks = make(tmp_path, Placement.STAGED)
    for take in TAKE:
        module = take(networks)
        assert networks.held_bytes() == sum(p.nbytes for p in module.parameters())


def test_the_autoencoder_is_not_run_in_bfloat16(tmp_path: Path) -> None:
    write_tiny_paint_release(tmp_path)
    networks = make(tmp_path, dtype=torch.bfloat16)
    assert networks.autoencoder().quant_conv.weight.dtype is torch.float32
    assert networks.painter().conv_in.weight.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("unet.conv_in.weight"), "1 tensors are missing from unet, conv_in.weight among them"),
        (lambda t: t.update({"unet.extra": torch.zeros(1)}), "1 tensors of unet are not known, extra among them"),
        (lambda t: t.update({"unet.conv_in.bias": torch.zeros(1)}), r"unet.conv_in.bias is \[1\] instead of \[16\]"),
    ],
)
def test_tensors_that_do_not_match_are_named(
    change: Callable[[dict[str, torch.Tensor]], object], sentence: str, tmp_path: Path
) -> None:
    checkpoint = write_tiny_paint_release(tmp_path)
    tensors = torch.load(checkpoint, weights_only=True)
    change(tensors)
    torch.save(tensors, checkpoint)
    with pytest.raises(EngineUnavailable, match=sentence):
        make(tmp_path).painter()


class Harmful:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("harm-done",)


def test_a_file_that_could_run_something_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = write_tiny_paint_release(tmp_path)
    (checkpoint.parent / "unet.py").write_text("import os; os.mkdir('harm-done')")
    torch.save({"unet.conv_in.weight": Harmful()}, checkpoint, pickle_module=pickle)
    with pytest.raises(EngineUnavailable, match="it holds more than tensors"):
        make(tmp_path).painter()
    assert not (tmp_path / "harm-done").exists()
