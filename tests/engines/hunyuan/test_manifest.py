"""Every name and shape of the published weights, on the meta device, against the specification's table (§4.7, §7.5)."""

import math

import torch
from torch import nn

from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import ShapeConfig
from orfeas.engines.hunyuan.denoiser import Denoiser

CONFIG = ShapeConfig()

Shapes = dict[str, tuple[int, ...]]


def shapes_of(module: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def values_in(shapes: Shapes) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


def linear(name: str, outs: int, ins: int) -> Shapes:
    return {f"{name}.weight": (outs, ins), f"{name}.bias": (outs,)}


def norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def denoiser_shapes() -> Shapes:
    found = {**linear("x_embedder", 2048, 64), **linear("t_embedder.mlp.0", 8192, 2048)}
    found |= linear("t_embedder.mlp.2", 2048, 8192)
    for i in range(21):
        b = f"blocks.{i}."
        for name in ("norm1", "norm2", "norm3"):
            found |= norm(b + name, 2048)
        for name, context in (("attn1", 2048), ("attn2", 1024)):
            found |= {f"{b}{name}.to_q.weight": (2048, 2048)}
            found |= {f"{b}{name}.{key}.weight": (2048, context) for key in ("to_k", "to_v")}
            found |= {f"{b}{name}.{key}.weight": (128,) for key in ("q_norm", "k_norm")}
            found |= linear(f"{b}{name}.out_proj", 2048, 2048)
        if i > 10:
            found |= {**linear(f"{b}skip_linear", 2048, 4096), **norm(f"{b}skip_norm", 2048)}
        if i < 15:
            found |= {**linear(f"{b}mlp.fc1", 8192, 2048), **linear(f"{b}mlp.fc2", 2048, 8192)}
        else:
            found[f"{b}moe.gate.weight"] = (8, 2048)
            for name in (*(f"experts.{e}" for e in range(8)), "shared_experts"):
                found |= linear(f"{b}moe.{name}.net.0.proj", 8192, 2048)
                found |= linear(f"{b}moe.{name}.net.2", 2048, 8192)
    return {**found, **norm("final_layer.norm_final", 2048), **linear("final_layer.linear", 64, 2048)}


def self_layer(b: str) -> Shapes:
    found: Shapes = {f"{b}attn.c_qkv.weight": (3072, 1024), **linear(f"{b}attn.c_proj", 1024, 1024)}
    found |= {**norm(f"{b}attn.attention.q_norm", 64), **norm(f"{b}attn.attention.k_norm", 64)}
    found |= {**linear(f"{b}mlp.c_fc", 4096, 1024), **linear(f"{b}mlp.c_proj", 1024, 4096)}
    return {**found, **norm(f"{b}ln_1", 1024), **norm(f"{b}ln_2", 1024)}


def cross_layer(b: str) -> Shapes:
    found: Shapes = {f"{b}attn.c_q.weight": (1024, 1024), f"{b}attn.c_kv.weight": (2048, 1024)}
    found |= linear(f"{b}attn.c_proj", 1024, 1024)
    found |= {**norm(f"{b}attn.attention.q_norm", 64), **norm(f"{b}attn.attention.k_norm", 64)}
    for name in ("ln_1", "ln_2", "ln_3"):
        found |= norm(b + name, 1024)
    return {**found, **linear(f"{b}mlp.c_fc", 4096, 1024), **linear(f"{b}mlp.c_proj", 1024, 4096)}


def decoder_shapes() -> Shapes:
    found = linear("post_kl", 1024, 64)
    for i in range(16):
        found |= self_layer(f"transformer.resblocks.{i}.")
    found |= {**linear("geo_decoder.query_proj", 1024, 51), **cross_layer("geo_decoder.cross_attn_decoder.")}
    return {**found, **norm("geo_decoder.ln_post", 1024), **linear("geo_decoder.output_proj", 1, 1024)}


def encoder_shapes() -> Shapes:
    # Points have 51 Fourier features, and 4 more of their own.
    found = {**linear("pre_kl", 128, 1024), **linear("encoder.input_proj", 1024, 55)}
    found |= {**cross_layer("encoder.cross_attn."), **norm("encoder.ln_post", 1024)}
    for i in range(8):
        found |= self_layer(f"encoder.self_attn.resblocks.{i}.")
    return found


def test_the_denoiser_has_the_names_and_shapes_of_the_release() -> None:
    with torch.device("meta"):
        shapes = shapes_of(Denoiser(CONFIG.model))
    assert shapes == denoiser_shapes()
    assert (len(shapes), values_in(shapes)) == (752, 3_050_758_720)


def test_the_decoder_has_the_names_and_shapes_of_the_release() -> None:
    with torch.device("meta"):
        shapes = shapes_of(ShapeDecoder(CONFIG.vae))
    assert shapes == decoder_shapes()


def test_the_decoder_and_the_encoder_that_is_left_out_make_up_the_published_autoencoder() -> None:
    whole = {**decoder_shapes(), **encoder_shapes()}
    assert (len(whole), values_in(whole)) == (410, 327_746_177)


def test_the_conditioner_has_as_much_as_the_release() -> None:
    with torch.device("meta"):
        shapes = shapes_of(Conditioner(CONFIG.conditioner))
    assert (len(shapes), values_in(shapes)) == (439, 304_368_640)
    assert shapes["main_image_encoder.model.embeddings.position_embeddings"] == (1, 1370, 1024)
    assert shapes["main_image_encoder.model.encoder.layer.23.attention.attention.query.weight"] == (1024, 1024)
