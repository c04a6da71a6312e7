"""Every recorded case of the reference, through the loader that reads real checkpoints.

``ORFEAS_GOLDEN_SHAPE`` names another folder with ``manifest.json`` and ``io.safetensors``. Dense grids, meshes and
closed-form fields are in ``test_surface_golden.py`` too.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.conditioner import MEAN, Conditioner
from orfeas.engines.hunyuan.config import ShapeConfig, read_config
from orfeas.engines.hunyuan.denoiser import Block, BlockContext, Denoiser
from orfeas.engines.hunyuan.experts import MixtureOfExperts
from orfeas.engines.hunyuan.files import find_weights
from orfeas.engines.hunyuan.framing import centre, frame
from orfeas.engines.hunyuan.sampler import Guidance, euler_step, make_schedule, sample
from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import decode_volume
from orfeas.engines.hunyuan.weights import load_module
from orfeas.progress import Progress, Stage
from tests.engines.hunyuan.recipe import recipe_parts, write_release
from tests.engines.hunyuan.test_surface_golden import assert_is_recorded

FOLDER = Path(os.environ.get("ORFEAS_GOLDEN_SHAPE") or Path(__file__).parents[2] / "golden" / "shape")
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = {case["name"]: case for case in MANIFEST["cases"]}
IO = load_file(FOLDER / "io.safetensors")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Release:
    config: ShapeConfig
    conditioner: Conditioner
    denoiser: Denoiser
    decoder: ShapeDecoder
    smooth: ShapeDecoder


def names(prefix: str) -> list[str]:
    return [name for name in CASES if name.startswith(prefix)]


def smooth_parts(parts: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    prefix, case = "smooth.override.", CASES["smooth"]["params"]
    stored = {name.removeprefix(prefix): IO[name] for name in case["overrides_stored"]}
    zero = {name: torch.zeros_like(parts["vae"][name]) for name in case["overrides_zero"]}
    return {**parts, "vae": {**parts["vae"], **stored, **zero}}


@pytest.fixture(scope="module", params=[".ckpt", ".safetensors"])
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    parts = recipe_parts(MANIFEST["keys"])
    write_release(folder / "plain", MANIFEST["config"], parts, request.param)
    write_release(folder / "smooth", MANIFEST["config"], smooth_parts(parts), request.param)
    files, smooth = find_weights(folder / "plain"), find_weights(folder / "smooth")
    config = read_config(files.config)
    with torch.inference_mode():
        yield Release(
            config,
            load_module(lambda: Conditioner(config.conditioner), files.checkpoint, "conditioner", CPU, torch.float32),
            load_module(lambda: Denoiser(config.model), files.checkpoint, "model", CPU, torch.float32),
            load_module(lambda: ShapeDecoder(config.vae), files.checkpoint, "vae", CPU, torch.float32),
            load_module(lambda: ShapeDecoder(config.vae), smooth.checkpoint, "vae", CPU, torch.float32),
        )


def assert_recorded(got: Tensor, output: str, case: str, **tolerance: float) -> None:
    want, limits = IO[output].double(), {**{key: CASES[case][key] for key in ("atol", "rtol")}, **tolerance}
    assert got.shape == want.shape
    excess = (got.double() - want).abs() - limits["atol"] - limits["rtol"] * want.abs()
    assert excess.max().item() <= 0


def picture(name: str) -> Image.Image:
    return Image.fromarray(IO[name].numpy())


def block_of(denoiser: Denoiser, number: int) -> Block:
    block = denoiser.blocks[number]
    assert isinstance(block, Block)
    return block


def context_of(block: Block, tokens: Tensor) -> BlockContext:
    return BlockContext(block.attn2.keys_values(tokens), None)


@pytest.mark.parametrize("name", names("preprocess."))
def test_a_picture_is_framed_as_recorded(name: str, release: Release) -> None:
    case = CASES[name]
    source = case["inputs"][0]
    recentred, recentred_mask, image, mask = case["outputs"]
    rgba = np.asarray(picture(source).convert("RGBA"))
    centred = centre(rgba, case["params"]["border_ratio"])
    framed = frame(picture(source), release.config.image_processor)
    assert_recorded(torch.from_numpy(centred.colour), recentred, name, atol=0)
    assert_recorded(torch.from_numpy(centred.mask), recentred_mask, name, atol=0)
    assert_recorded(torch.from_numpy(framed.colour), image, name, atol=0)
    assert_recorded(torch.from_numpy(framed.mask), mask, name, atol=0)


def test_the_encoder_gives_the_recorded_tokens(release: Release) -> None:
    assert_recorded(release.conditioner(IO["cond.image"]), "cond.out", "conditioner")


def test_the_encoder_gives_the_recorded_tokens_of_a_flat_picture(release: Release) -> None:
    size = release.config.image_processor.size
    flat = (2 * torch.tensor(MEAN) - 1)[None, :, None, None].expand(1, 3, size, size)
    assert_recorded(release.conditioner(flat), "cond.flat_out", "conditioner.flat")


def test_the_time_token_is_the_recorded_one(release: Release) -> None:
    embedder = release.denoiser.t_embedder
    assert_recorded(embedder.sinusoid(IO["temb.t"]), "temb.sinusoid", "time_embedding")
    assert_recorded(embedder(IO["temb.t"]), "temb.out", "time_embedding")


def test_attention_gives_the_recorded_values(release: Release) -> None:
    block, x = block_of(release.denoiser, 0), IO["blk.x"]
    assert_recorded(block.attn1(x), "blk.attn1_out", "block0.attention")
    seen = block.attn2(x, block.attn2.keys_values(IO["blk.context"]))
    assert_recorded(seen, "blk.attn2_out", "block0.attention")


def test_attention_to_nothing_is_the_recorded_constant(release: Release) -> None:
    constant = block_of(release.denoiser, 0).attn2.constant()
    want = IO["blk.attn2_out"][1]
    assert (constant - want).abs().max().item() <= CASES["block0.attention"]["atol"]


@pytest.mark.parametrize("name", names("block."))
def test_a_block_gives_the_recorded_values(name: str, release: Release) -> None:
    case = CASES[name]
    block = block_of(release.denoiser, case["params"]["block"])
    skip = IO["blk.skip"] if "blk.skip" in case["inputs"] else None
    got = block(IO["blk.x"], context_of(block, IO["blk.context"]), skip)
    assert_recorded(got, case["outputs"][0], name)


def test_the_experts_are_chosen_and_mixed_as_recorded(release: Release) -> None:
    moe = block_of(release.denoiser, CASES["moe"]["params"]["block"]).moe
    assert isinstance(moe, MixtureOfExperts)
    weight, index = moe.choose(IO["blk.x"].flatten(0, 1))
    assert torch.equal(index, IO["moe.topk_idx"].long())
    assert_recorded(weight, "moe.topk_weight", "moe")
    assert_recorded(moe(IO["blk.x"]), "moe.out", "moe")


def test_tiny_inputs_show_the_denoisers_epsilons(release: Release) -> None:
    scale, block = CASES["small_inputs.dit"]["params"]["s"], block_of(release.denoiser, 0)
    x, tokens = scale * IO["blk.x"], IO["blk.context"]
    assert_recorded(block.attn1(x), "eps.attn1", "small_inputs.dit")
    assert_recorded(block.attn2(x, block.attn2.keys_values(scale * tokens)), "eps.attn2", "small_inputs.dit")
    assert_recorded(block(x, context_of(block, tokens)), "eps.block0", "small_inputs.dit")
    assert_recorded(release.denoiser.final_layer(x), "eps.final", "small_inputs.dit")


@pytest.mark.parametrize("name", names("dit.cfg"))
def test_the_denoiser_gives_the_recorded_velocity_of_a_guided_pair(name: str, release: Release) -> None:
    case = CASES[name]
    context = release.denoiser.make_context(IO["dit.context"][:1], is_unconditional=True)
    got = release.denoiser(IO["dit.x"], torch.tensor([case["params"]["t"]]), context)
    assert_recorded(got, case["outputs"][0], name)


@pytest.mark.parametrize("name", names("dit.cfg"))
def test_the_denoiser_gives_the_recorded_velocity_of_each_row_alone(name: str, release: Release) -> None:
    case, t = CASES[name], torch.tensor([CASES[name]["params"]["t"]])
    first = release.denoiser.make_context(IO["dit.context"][:1], is_unconditional=False)
    second = release.denoiser.make_context(None, is_unconditional=True)
    got = torch.cat([release.denoiser(IO["dit.x"], t, context) for context in (first, second)])
    assert_recorded(got, case["outputs"][0], name)


def test_the_denoiser_gives_the_recorded_velocity_of_a_mixed_batch(release: Release) -> None:
    context = release.denoiser.make_context(IO["dit.context"], is_unconditional=False)
    got = release.denoiser(IO["dit.x2"], IO["dit.t_mixed"], context)
    assert_recorded(got, "dit.out_mixed", "dit.mixed")


@pytest.mark.parametrize("name", [name for name in names("scheduler.") if name != "scheduler.step"])
def test_the_schedule_is_the_recorded_one(name: str, release: Release) -> None:
    sigmas, timesteps = CASES[name]["outputs"]
    schedule = make_schedule(CASES[name]["params"]["steps"], release.config.scheduler)
    assert_recorded(schedule.sigmas, sigmas, name)
    assert_recorded(schedule.timesteps, timesteps, name)


def test_two_steps_lead_to_the_recorded_latents(release: Release) -> None:
    sigmas = make_schedule(5, release.config.scheduler).sigmas.tolist()
    first = euler_step(IO["sched.sample"], IO["sched.v0"], sigmas[0], sigmas[1])
    assert_recorded(first, "sched.after0", "scheduler.step")
    assert_recorded(euler_step(first, IO["sched.v1"], sigmas[1], sigmas[2]), "sched.after1", "scheduler.step")


def test_latents_become_the_recorded_tokens(release: Release) -> None:
    assert_recorded(release.decoder.decode(IO["vae.latents"]), "vae.tokens", "vae.decode")


def test_points_have_the_recorded_features(release: Release) -> None:
    assert_recorded(release.decoder.geo_decoder.fourier(IO["geo.queries"][:1, :4]), "geo.fourier", "geo.fourier")


def test_points_have_the_recorded_logits(release: Release) -> None:
    geometry = release.decoder.geo_decoder
    got = geometry(IO["geo.queries"], geometry.keys_values(IO["vae.tokens"]))
    assert_recorded(got[..., None], "geo.logits", "geo.logits")


def test_tiny_inputs_show_the_autoencoders_epsilons(release: Release) -> None:
    tokens = CASES["small_inputs.vae"]["params"]["s"] * IO["vae.tokens"]
    assert_recorded(release.decoder.transformer.resblocks[0](tokens), "eps.vae_block0", "small_inputs.vae")
    geometry = release.decoder.geo_decoder
    got = geometry(IO["geo.queries"], geometry.keys_values(tokens))
    assert_recorded(got[..., None], "eps.geo_logits", "small_inputs.vae")


def dense_grid(decoder: ShapeDecoder, tokens: Tensor, resolution: int, bounds: float) -> Tensor:
    axis = torch.linspace(-bounds, bounds, resolution + 1)
    points = torch.cartesian_prod(axis, axis, axis)[None]
    logits: Tensor = decoder.geo_decoder(points, decoder.geo_decoder.keys_values(tokens))
    return logits.view(1, *[resolution + 1] * 3)


def test_the_dense_grid_is_the_recorded_one(release: Release) -> None:
    mesh = CASES["grid.dense"]["params"]["mesh"]
    got = dense_grid(release.decoder, IO["vae.tokens"][:1], mesh["octree_resolution"], mesh["bounds"])
    assert_recorded(got, "grid.logits", "grid.dense")


@pytest.mark.parametrize("name", [name for name in names("pipeline.") if name.endswith(".latents")])
@pytest.mark.parametrize("is_split", [False, True])
def test_a_picture_becomes_the_recorded_latents(name: str, is_split: bool, release: Release) -> None:
    case = CASES[name]
    source, noise = case["inputs"]
    tokens = release.conditioner(frame(picture(source), release.config.image_processor).to_tensor())
    schedule = make_schedule(case["params"]["steps"], release.config.scheduler)
    progress = Progress()
    with progress.stage(Stage.SHAPE):
        got = sample(
            release.denoiser,
            tokens,
            IO[noise],
            schedule,
            Guidance(case["params"]["guidance_scale"]),
            progress,
            is_split=is_split,
        )
    assert_recorded(got.latents, case["outputs"][0], name)


@pytest.mark.parametrize("name", [name for name in names("pipeline.") if name.endswith(".grid")])
def test_recorded_latents_become_the_recorded_grid(name: str, release: Release) -> None:
    case = CASES[name]
    mesh = case["params"]["mesh"]
    got = dense_grid(release.decoder, release.decoder(IO[case["inputs"][0]]), mesh["octree_resolution"], mesh["bounds"])
    assert_recorded(got, case["outputs"][0], name)


def test_the_smooth_decoder_gives_the_recorded_logits(release: Release) -> None:
    geometry, row = release.smooth.geo_decoder, CASES["smooth"]["params"]["tokens_row"]
    got = geometry(IO["smooth.queries"], geometry.keys_values(IO["vae.tokens"][row : row + 1]))
    assert_recorded(got[..., None], "smooth.logits", "smooth")


@pytest.mark.parametrize("record", CASES["smooth"]["params"]["meshes"], ids=lambda r: str(r["octree_resolution"]))
def test_the_smooth_decoder_gives_the_recorded_mesh(record: dict[str, Any], release: Release) -> None:
    geometry, row = release.smooth.geo_decoder, CASES["smooth"]["params"]["tokens_row"]
    keys_values = geometry.keys_values(IO["vae.tokens"][row : row + 1])
    progress = Progress()
    with progress.stage(Stage.SURFACE):
        volume = decode_volume(
            lambda points: geometry(points, keys_values),
            record["octree_resolution"],
            progress,
            level=record["mc_level"],
            bounds=record["bounds"],
        )
    assert_is_recorded(extract_surface(volume)[0].mesh, record, slack=2)
