"""The recorded values again in the half precisions that GPUs run, with looser limits stated here.

A rounded token may be sent to another expert, so single values may be off by the difference of two experts: the limits
are on the mean, and on the largest value where nothing is chosen. On a CUDA machine the same tests run there too.
"""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import ShapeConfig, read_config
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.files import WeightFiles, find_weights
from orfeas.engines.hunyuan.weights import load_module
from tests.engines.hunyuan.recipe import recipe_parts, write_release
from tests.engines.hunyuan.tiny import GOLDEN

MANIFEST = json.loads((GOLDEN / "manifest.json").read_text(encoding="utf-8"))
IO = load_file(GOLDEN / "io.safetensors")
TIMES = {case["name"]: case["params"]["t"] for case in MANIFEST["cases"] if case["name"].startswith("dit.cfg")}
OUTPUTS = {"dit.cfg_batch0": "dit.out0", "dit.cfg_batch1": "dit.out1"}

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
# Largest and mean difference, as a share of the largest recorded value: about 16 and 2 roundings of a unit value.
LIMITS = {torch.float16: (2**-6, 2**-9), torch.bfloat16: (2**-4, 2**-6)}

pytestmark = [pytest.mark.parametrize("device", DEVICES), pytest.mark.parametrize("dtype", list(LIMITS))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> WeightFiles:
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, MANIFEST["config"], recipe_parts(MANIFEST["keys"]), ".safetensors")
    return find_weights(folder)


@pytest.fixture(scope="module")
def config(files: WeightFiles) -> ShapeConfig:
    return read_config(files.config)


def mean_share(got: Tensor, want: Tensor) -> float:
    return float((got.cpu().double() - want).abs().mean() / want.abs().max())


def largest_share(got: Tensor, want: Tensor) -> float:
    return float((got.cpu().double() - want).abs().max() / want.abs().max())


def test_the_encoder_stays_near_the_record(
    device: str, dtype: torch.dtype, files: WeightFiles, config: ShapeConfig
) -> None:
    at = torch.device(device)
    encoder = load_module(lambda: Conditioner(config.conditioner), files.checkpoint, "conditioner", at, dtype)
    got = encoder(IO["cond.image"])
    assert largest_share(got, IO["cond.out"]) <= LIMITS[dtype][0]
    assert mean_share(got, IO["cond.out"]) <= LIMITS[dtype][1]


@pytest.mark.parametrize("name", list(OUTPUTS))
def test_the_denoiser_stays_near_the_record(
    name: str, device: str, dtype: torch.dtype, files: WeightFiles, config: ShapeConfig
) -> None:
    at = torch.device(device)
    denoiser = load_module(lambda: Denoiser(config.model), files.checkpoint, "model", at, dtype)
    x, tokens = IO["dit.x"].to(at, dtype), IO["dit.context"][:1].to(at, dtype)
    t = torch.tensor([TIMES[name]], device=at)
    got = denoiser(x, t, denoiser.make_context(tokens, is_unconditional=True))
    assert mean_share(got, IO[OUTPUTS[name]]) <= LIMITS[dtype][1]


def test_the_decoder_stays_near_the_record(
    device: str, dtype: torch.dtype, files: WeightFiles, config: ShapeConfig
) -> None:
    at = torch.device(device)
    decoder = load_module(lambda: ShapeDecoder(config.vae), files.checkpoint, "vae", at, dtype)
    tokens = decoder.decode(IO["vae.latents"].to(at, dtype))
    logits = decoder.geo_decoder(IO["geo.queries"].to(at), decoder.geo_decoder.keys_values(tokens))
    assert largest_share(tokens, IO["vae.tokens"]) <= LIMITS[dtype][0]
    assert mean_share(tokens, IO["vae.tokens"]) <= LIMITS[dtype][1]
    assert largest_share(logits[..., None], IO["geo.logits"]) <= LIMITS[dtype][0]
