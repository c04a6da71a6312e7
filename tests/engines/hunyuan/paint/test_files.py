from pathlib import Path

import pytest
import torch

from orfeas.engines.hunyuan.paint.files import FOLDER, find_paint_weights, find_super_resolution
from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.paint.tiny import write_tiny_paint_release


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    write_tiny_paint_release(tmp_path / "weights", with_super_resolution=True)
    return tmp_path / "weights"


def test_a_release_is_found_in_each_place_it_may_lie_in(weights: Path, tmp_path: Path) -> None:
    whole = find_paint_weights(weights)
    assert whole.unet.checkpoint == weights / FOLDER / "unet" / "diffusion_pytorch_model.bin"
    assert whole.dino.checkpoint == weights / "dinov2-giant" / "pytorch_model.bin"
    (weights / "dinov2-giant").rename(weights / FOLDER / "dinov2-giant")
    assert find_paint_weights(weights / FOLDER).vae.checkpoint == whole.vae.checkpoint
    hub = tmp_path / "hub"
    (hub / "tencent").mkdir(parents=True)
    (hub / "facebook").mkdir()
    (weights / FOLDER / "dinov2-giant").rename(hub / "facebook" / "dinov2-giant")
    weights.rename(hub / "tencent" / "Hunyuan3D-2.1")
    assert find_paint_weights(hub).schedule.is_file()


def test_a_converted_checkpoint_is_preferred(tmp_path: Path) -> None:
    write_tiny_paint_release(tmp_path, ".safetensors")
    write_tiny_paint_release_beside(tmp_path)
    files = find_paint_weights(tmp_path)
    assert {part.checkpoint.suffix for part in (files.unet, files.vae, files.dino)} == {".safetensors"}


def write_tiny_paint_release_beside(folder: Path) -> None:
    for name in ("unet", "vae"):
        torch.save({"x": torch.zeros(1)}, folder / FOLDER / name / "diffusion_pytorch_model.bin")


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        (f"{FOLDER}/unet/config.json", r"There is no hunyuan3d-paintpbr-v2-1/unet/config.json in "),
        (f"{FOLDER}/unet/diffusion_pytorch_model.bin", "There is no diffusion_pytorch_model.bin or "),
        (f"{FOLDER}/vae/config.json", "There is no config.json in .*vae"),
        (f"{FOLDER}/vae/diffusion_pytorch_model.bin", "There is no diffusion_pytorch_model.bin or "),
        (f"{FOLDER}/scheduler/scheduler_config.json", "There is no scheduler/scheduler_config.json"),
        ("dinov2-giant/config.json", "facebook/dinov2-giant is not in .* nor in the Hugging Face cache"),
        ("dinov2-giant/pytorch_model.bin", "There is no pytorch_model.bin or model.safetensors"),
    ],
)
def test_what_is_missing_is_named(gone: str, sentence: str, weights: Path) -> None:
    (weights / gone).unlink()
    with pytest.raises(EngineUnavailable, match=sentence):
        find_paint_weights(weights)


@pytest.mark.parametrize(
    "name", [f"{FOLDER}/unet/diffusion_pytorch_model.bin", "dinov2-giant/pytorch_model.bin", "RealESRGAN_x4plus.pth"]
)
def test_a_file_that_is_cut_off_is_named(name: str, weights: Path) -> None:
    content = (weights / name).read_bytes()
    (weights / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(EngineUnavailable, match=r"cut off.*[Ff]etch it again"):
        find_paint_weights(weights)
        find_super_resolution(weights)


def test_without_a_folder_the_cache_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="The texture's weights are not on this machine"):
        find_paint_weights(None)
    assert find_super_resolution(None) is None


def test_a_release_in_the_cache_is_found(weights: Path, tmp_path: Path) -> None:
    for repo, source in (("tencent--Hunyuan3D-2.1", weights), ("facebook--dinov2-giant", weights / "dinov2-giant")):
        repository = tmp_path / "cache" / f"models--{repo}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("abc")
        (repository / "snapshots").mkdir()
        (repository / "snapshots" / "abc").symlink_to(source)
    files = find_paint_weights(None)
    assert files.unet.checkpoint.is_file()
    assert files.dino.checkpoint.is_file()


def test_the_enlarger_is_found_beside_the_release_and_may_be_missing(weights: Path) -> None:
    found = find_super_resolution(weights)
    assert found == weights / "RealESRGAN_x4plus.pth"
    (weights / "ckpt").mkdir()
    found.rename(weights / "ckpt" / found.name)
    assert find_super_resolution(weights) == weights / "ckpt" / found.name
    (weights / "ckpt" / found.name).unlink()
    assert find_super_resolution(weights) is None
