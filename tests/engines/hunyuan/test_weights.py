import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan import weights
from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.config import AutoencoderConfig, DenoiserConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.weights import load_module, load_tensor, read_shapes
from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.recipe import recipe_weight, write_release
from tests.processes import unmeasured

CPU = torch.device("cpu")
MODEL = DenoiserConfig(
    in_channels=4, hidden_size=32, context_dim=24, depth=3, num_heads=2, num_moe_layers=1, num_experts=3
)
VAE = AutoencoderConfig(num_latents=6, embed_dim=4, width=32, heads=2, num_decoder_layers=1)
Parts = dict[str, dict[str, Tensor]]


def parts_of_both() -> Parts:
    with torch.device("meta"):
        modules = {"model": Denoiser(MODEL), "vae": ShapeDecoder(VAE)}
    return {
        part: {key: recipe_weight(key, tensor.shape) for key, tensor in module.state_dict().items()}
        for part, module in modules.items()
    }


def load_denoiser(checkpoint: Path, dtype: torch.dtype = torch.float32, is_streamed: bool = False) -> Denoiser:
    return load_module(lambda: Denoiser(MODEL), checkpoint, "model", CPU, dtype, is_streamed=is_streamed)


def run(denoiser: Denoiser) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    x, tokens = torch.randn(2, 6, 4, generator=generator), torch.randn(2, 5, 24, generator=generator)
    with torch.inference_mode():
        velocity: Tensor = denoiser(x, torch.tensor([0.2, 0.7]), denoiser.make_context(tokens, True))
    return velocity


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_tensor_arrives_as_it_is_in_the_file(suffix: str, dtype: torch.dtype, tmp_path: Path) -> None:
    parts = parts_of_both()
    module = load_denoiser(write_release(tmp_path, {}, parts, suffix), dtype)
    assert {name for name, _ in module.named_parameters()} == set(parts["model"])
    assert all(torch.equal(tensor, parts["model"][name].to(dtype)) for name, tensor in module.named_parameters())
    assert not any(tensor.requires_grad for tensor in module.parameters())
    assert not module.training


def test_small_groups_load_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = write_release(tmp_path, {}, parts_of_both(), ".ckpt")
    whole = run(load_denoiser(checkpoint))
    monkeypatch.setattr(weights, "GROUP_BYTES", 1000)
    assert torch.equal(run(load_denoiser(checkpoint)), whole)


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_streamed_experts_give_the_same_and_leave_nothing_behind(suffix: str, tmp_path: Path) -> None:
    checkpoint = write_release(tmp_path, {}, parts_of_both(), suffix)
    streamed = load_denoiser(checkpoint, is_streamed=True)
    assert torch.equal(run(streamed), run(load_denoiser(checkpoint)))
    assert {name for name, tensor in streamed.named_parameters() if tensor.is_meta} == {
        key for key in parts_of_both()["model"] if ".moe.experts." in key
    }


def test_the_encoder_of_the_autoencoder_is_left_in_the_file(tmp_path: Path) -> None:
    parts = parts_of_both()
    parts["vae"] |= {"encoder.ln_post.weight": torch.ones(32), "pre_kl.weight": torch.ones(8, 32)}
    checkpoint = write_release(tmp_path, {}, parts, ".ckpt")
    module = load_module(lambda: ShapeDecoder(VAE), checkpoint, "vae", CPU, torch.float32)
    assert not any(name.startswith(("encoder.", "pre_kl.")) for name in module.state_dict())


def test_a_flat_file_is_read_by_the_beginnings_of_its_names(tmp_path: Path) -> None:
    parts = parts_of_both()
    checkpoint = tmp_path / "flat.bin"
    torch.save({f"{part}.{key}": t for part, tensors in parts.items() for key, t in tensors.items()}, checkpoint)
    module = load_denoiser(checkpoint)
    assert all(torch.equal(tensor, parts["model"][name]) for name, tensor in module.named_parameters())
    bias = load_tensor(checkpoint, "model", "x_embedder.bias", CPU, torch.float64)
    assert torch.equal(bias, parts["model"]["x_embedder.bias"].double())
    assert read_shapes(checkpoint, "model") == {key: tuple(t.shape) for key, t in parts["model"].items()}
    assert read_shapes(checkpoint, "other") == {}
    with pytest.raises(EngineUnavailable, match="odd is missing from model"):
        load_tensor(checkpoint, "model", "odd", CPU, torch.float32)


def test_a_whole_file_is_read_under_its_old_names(tmp_path: Path) -> None:
    tensors = parts_of_both()["model"]
    checkpoint = tmp_path / "old.bin"
    torch.save({key.replace(".to_q.", ".query."): tensor for key, tensor in tensors.items()}, checkpoint)
    renamed = {"query": "to_q"}
    module = load_module(lambda: Denoiser(MODEL), checkpoint, "", CPU, torch.float32, renamed=renamed)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in module.named_parameters())
    with pytest.raises(EngineUnavailable, match=r"tensors are missing from it, .*to_q"):
        load_module(lambda: Denoiser(MODEL), checkpoint, "", CPU, torch.float32)


@pytest.mark.parametrize(
    ("content", "told"),
    [([torch.ones(1)], "it holds no tensors"), ({"x": 1}, "it holds no tensors")],
)
def test_a_file_without_named_tensors_is_refused(content: object, told: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "other.bin"
    torch.save(content, checkpoint)
    with pytest.raises(EngineUnavailable, match=told):
        load_module(lambda: Denoiser(MODEL), checkpoint, "", CPU, torch.float32)


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda p: p["model"].pop("blocks.1.norm1.weight"),
            r"1 tensors are missing from model, blocks\.1\.norm1\.weight",
        ),
        (lambda p: p["model"].update(odd=torch.ones(1)), "1 tensors of model.*odd"),
        (
            lambda p: p["model"].update({"x_embedder.bias": torch.ones(7)}),
            r"x_embedder\.bias is \[7\] instead of \[32\]",
        ),
        (lambda p: p.pop("model"), "it has no part called model"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    change: Callable[[Parts], object], told: str, suffix: str, tmp_path: Path
) -> None:
    parts = parts_of_both()
    change(parts)
    with pytest.raises(EngineUnavailable, match=told):
        load_denoiser(write_release(tmp_path, {}, parts, suffix))


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(suffix: str, kept: float, tmp_path: Path) -> None:
    checkpoint = write_release(tmp_path, {}, parts_of_both(), suffix)
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(EngineUnavailable, match="cannot be used"):
        load_denoiser(checkpoint)


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("never",)


def test_a_pickle_that_holds_more_than_tensors_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.fp16.ckpt"
    torch.save({"model": {"x_embedder.weight": Payload()}}, checkpoint)
    with pytest.raises(EngineUnavailable, match="more than tensors"):
        load_denoiser(checkpoint)


def test_a_part_that_is_no_mapping_of_tensors_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.fp16.ckpt"
    torch.save({"model": {"x_embedder.weight": 3}}, checkpoint)
    with pytest.raises(EngineUnavailable, match="no part called model"):
        load_denoiser(checkpoint)


def test_a_checkpoint_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="is gone"):
        load_denoiser(tmp_path / "model.fp16.safetensors")


LOAD_AND_MEASURE = """
import resource, sys
from pathlib import Path
import torch
from orfeas.engines.hunyuan import weights
from orfeas.engines.hunyuan.config import DenoiserConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.weights import load_module, load_tensor, read_shapes
weights.GROUP_BYTES = 1 << 23
config = DenoiserConfig(hidden_size=512, context_dim=512, depth=8, num_heads=8, num_moe_layers=2, num_experts=4)
def load(dtype):
    return load_module(lambda: Denoiser(config), Path(sys.argv[1]), "model", torch.device("cpu"), dtype)
if sys.argv[2] == "write":
    with torch.device("meta"):
        keys = {key: value.shape for key, value in Denoiser(config).state_dict().items()}
    tensors = {key: torch.randn(shape, dtype=torch.float16) for key, shape in keys.items()}
    torch.save({"model": tensors}, sys.argv[1])
else:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    module = load(getattr(torch, sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(peak * 1024 / sum(p.nbytes for p in module.parameters()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read in Linux's units")
def test_loading_holds_at_most_15_per_cent_more_than_what_it_keeps(tmp_path: Path) -> None:
    path = str(tmp_path / "model.fp16.ckpt")
    run_in_child(path, "write")
    for dtype in ("float16", "float32"):
        assert float(run_in_child(path, dtype)) <= 1.15


def run_in_child(*arguments: str) -> str:
    command = [sys.executable, "-c", LOAD_AND_MEASURE, *arguments]
    return subprocess.run(command, env=unmeasured(), capture_output=True, text=True, check=True).stdout
