import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from orfeas.engines.hunyuan.autoencoder import GeometryDecoder, ShapeDecoder
from orfeas.engines.hunyuan.config import AutoencoderConfig
from tests.engines.hunyuan.recipe import recipe_weight

CONFIGS = [
    AutoencoderConfig(6, 4, 32, 4, 1),
    AutoencoderConfig(6, 4, 32, 4, 1, num_freqs=3, include_pi=True, qkv_bias=True, qk_norm=False),
    AutoencoderConfig(6, 4, 32, 4, 1, geo_decoder_downsample_ratio=2, geo_decoder_mlp_expand_ratio=2),
    AutoencoderConfig(6, 4, 32, 4, 1, geo_decoder_ln_post=False, qkv_bias=True),
]
TOKENS = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
POINTS = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1


def make(config: AutoencoderConfig) -> ShapeDecoder:
    decoder = ShapeDecoder(config).requires_grad_(False)
    for name, parameter in decoder.named_parameters():
        parameter.copy_(recipe_weight(name, parameter.shape))
    return decoder


def logits_by_the_book(config: AutoencoderConfig, weights: dict[str, Tensor], tokens: Tensor, point: Tensor) -> float:
    """Specification §7.2 and §7.3 for one point of one row, head by head."""

    def linear(name: str, x: Tensor) -> Tensor:
        return functional.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    def norm(name: str, x: Tensor, eps: float = 1e-6) -> Tensor:
        if f"{name}.weight" not in weights:
            return x
        return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps)

    width = config.width // config.geo_decoder_downsample_ratio
    heads = config.heads // config.geo_decoder_downsample_ratio
    e = width // heads
    unit = math.pi if config.include_pi else 1.0
    angles = torch.stack([c * unit * 2**k for c in point for k in range(config.num_freqs)])
    x = linear("query_proj", torch.cat([point, angles.sin(), angles.cos()]))
    if config.geo_decoder_downsample_ratio != 1:
        tokens = linear("latents_proj", tokens)
    layer = "cross_attn_decoder."
    q = linear(f"{layer}attn.c_q", norm(f"{layer}ln_1", x))
    u = linear(f"{layer}attn.c_kv", norm(f"{layer}ln_2", tokens))
    seen = []
    for h in range(heads):
        query = norm(f"{layer}attn.attention.q_norm", q[h * e : (h + 1) * e])
        key = norm(f"{layer}attn.attention.k_norm", u[:, 2 * e * h : 2 * e * h + e])
        value = u[:, 2 * e * h + e : 2 * e * h + 2 * e]
        seen.append(torch.softmax(key @ query / math.sqrt(e), dim=0) @ value)
    x = x + linear(f"{layer}attn.c_proj", torch.cat(seen))
    inner = functional.gelu(linear(f"{layer}mlp.c_fc", norm(f"{layer}ln_3", x)))
    x = norm("ln_post", x + linear(f"{layer}mlp.c_proj", inner), 1e-5)
    return float(linear("output_proj", x))


@pytest.mark.parametrize("config", CONFIGS)
def test_the_field_is_the_one_of_the_specification(config: AutoencoderConfig) -> None:
    geometry = make(config).geo_decoder
    assert isinstance(geometry, GeometryDecoder)
    weights = dict(geometry.state_dict())
    got = geometry(POINTS, geometry.keys_values(TOKENS))
    want = [
        [logits_by_the_book(config, weights, tokens, point) for point in points]
        for tokens, points in zip(TOKENS, POINTS, strict=True)
    ]
    assert torch.allclose(got, torch.tensor(want), atol=2e-5)


def test_latents_are_scaled_before_they_are_decoded() -> None:
    config = AutoencoderConfig(6, 4, 32, 4, 1, scale_factor=2.0)
    decoder, latents = make(config), torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(2))
    assert torch.equal(decoder(latents), decoder.decode(latents / 2))


def test_positions_keep_their_precision_in_half_weights() -> None:
    geometry = make(CONFIGS[0]).geo_decoder
    near = torch.tensor([[[0.99, 0.0, 0.0], [0.99 + 2**-12, 0.0, 0.0]]])
    assert near.half()[0, 0, 0] == near.half()[0, 1, 0]
    features = geometry.half().fourier(near)
    assert features.dtype == torch.float32
    assert not torch.equal(features[0, 0], features[0, 1])
