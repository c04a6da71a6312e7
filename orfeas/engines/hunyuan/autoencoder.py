"""The decoding half of the autoencoder: latents to tokens, tokens and points to a field (specification §6 and §7)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from orfeas.engines.hunyuan.attention import EPSILON, KeysValues, attend, split_heads
from orfeas.engines.hunyuan.config import AutoencoderConfig

# Specification §7.1 and §7.3.
EXPANSION = 4
LAST_EPSILON = 1e-5


class HeadNorms(nn.Module):
    """Norms of queries and keys over a head's components; layer norms, unlike the denoiser's."""

    def __init__(self, head_size: int, has_norms: bool) -> None:
        super().__init__()
        self.q_norm = nn.LayerNorm(head_size, eps=EPSILON) if has_norms else nn.Identity()
        self.k_norm = nn.LayerNorm(head_size, eps=EPSILON) if has_norms else nn.Identity()


class FeedForward(nn.Module):
    """Two maps with a GELU between."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, expansion * width)
        self.c_proj = nn.Linear(expansion * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., W]`` to ``[..., W]``."""
        out: Tensor = self.c_proj(functional.gelu(self.c_fc(x)))
        return out


class SelfAttention(nn.Module):
    """Attention among tokens, with one fused projection."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.c_qkv = nn.Linear(config.width, 3 * config.width, bias=config.qkv_bias)
        self.c_proj = nn.Linear(config.width, config.width)
        self.attention = HeadNorms(config.width // config.heads, config.qk_norm)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, W]`` to ``[B, N, W]``."""
        q, k, v = split_heads(self.c_qkv(x), self.heads, 3)
        out: Tensor = self.c_proj(attend(self.attention.q_norm(q), self.attention.k_norm(k), v))
        return out


class DecoderLayer(nn.Module):
    """One layer of the transformer."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.attn = SelfAttention(config)
        self.ln_1 = nn.LayerNorm(config.width, eps=EPSILON)
        self.mlp = FeedForward(config.width, EXPANSION)
        self.ln_2 = nn.LayerNorm(config.width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, W]`` to ``[B, N, W]``."""
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Transformer(nn.Module):
    """The layers one after another; no norm follows the last."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(DecoderLayer(config) for _ in range(config.num_decoder_layers)))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, W]`` to ``[B, N, W]``."""
        out: Tensor = self.resblocks(x)
        return out


class PointAttention(nn.Module):
    """Attention of points to tokens, whose keys and values are made once per mesh."""

    def __init__(self, width: int, heads: int, qkv_bias: bool, has_norms: bool) -> None:
        super().__init__()
        self.heads = heads
        self.c_q = nn.Linear(width, width, bias=qkv_bias)
        self.c_kv = nn.Linear(width, 2 * width, bias=qkv_bias)
        self.c_proj = nn.Linear(width, width)
        self.attention = HeadNorms(width // heads, has_norms)

    def keys_values(self, tokens: Tensor) -> KeysValues:
        """Keys and values ``[B, H, N, e]`` of tokens ``[B, N, G]``."""
        k, v = split_heads(self.c_kv(tokens), self.heads, 2)
        return self.attention.k_norm(k).contiguous(), v.contiguous()

    def forward(self, x: Tensor, keys_values: KeysValues) -> Tensor:
        """``[B, P, G]`` to ``[B, P, G]``."""
        (q,) = split_heads(self.c_q(x), self.heads)
        out: Tensor = self.c_proj(attend(self.attention.q_norm(q), *keys_values))
        return out


class PointLayer(nn.Module):
    """The one layer between points and tokens."""

    def __init__(self, config: AutoencoderConfig, width: int) -> None:
        super().__init__()
        heads = config.heads // config.geo_decoder_downsample_ratio
        has_norms = config.qk_norm and config.geo_decoder_ln_post
        self.attn = PointAttention(width, heads, config.qkv_bias, has_norms)
        self.ln_1 = nn.LayerNorm(width, eps=EPSILON)
        self.ln_2 = nn.LayerNorm(width, eps=EPSILON)
        self.ln_3 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = FeedForward(width, config.geo_decoder_mlp_expand_ratio)

    def forward(self, x: Tensor, keys_values: KeysValues) -> Tensor:
        """``[B, P, G]`` to ``[B, P, G]``."""
        x = x + self.attn(self.ln_1(x), keys_values)
        out: Tensor = x + self.mlp(self.ln_3(x))
        return out


class GeometryDecoder(nn.Module):
    """Points to logits; positive is inside (specification §7.3)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        width = config.width // config.geo_decoder_downsample_ratio
        self.num_freqs, self.include_pi = config.num_freqs, config.include_pi
        self.query_proj = nn.Linear(config.fourier_size, width)
        self.latents_proj = nn.Identity() if width == config.width else nn.Linear(config.width, width)
        self.cross_attn_decoder = PointLayer(config, width)
        self.ln_post = nn.LayerNorm(width, eps=LAST_EPSILON) if config.geo_decoder_ln_post else nn.Identity()
        self.output_proj = nn.Linear(width, 1)

    def keys_values(self, tokens: Tensor) -> KeysValues:
        """What points look at, made once per mesh from tokens ``[B, N, W]``."""
        layer = self.cross_attn_decoder
        return layer.attn.keys_values(layer.ln_2(self.latents_proj(tokens)))

    def fourier(self, points: Tensor) -> Tensor:
        """Features ``[B, P, 3 (2 F + 1)]`` float32 of points ``[B, P, 3]``.

        Float32 whatever the weights: half precision would move points by a tenth of a cell (specification §13.5).
        """
        frequencies = 2.0 ** torch.arange(self.num_freqs, dtype=torch.float32, device=points.device)
        if self.include_pi:
            frequencies = frequencies * math.pi
        points = points.to(torch.float32)
        angles = (points[..., None] * frequencies).flatten(-2)
        return torch.cat([points, angles.sin(), angles.cos()], dim=-1)

    def forward(self, points: Tensor, keys_values: KeysValues) -> Tensor:
        """Logits ``[B, P]`` float32 at points ``[B, P, 3]``."""
        x = self.query_proj(self.fourier(points).to(self.query_proj.weight.dtype))
        x = self.ln_post(self.cross_attn_decoder(x, keys_values))
        logits: Tensor = self.output_proj(x)[..., 0].to(torch.float32)
        return logits


class ShapeDecoder(nn.Module):
    """The decoding half; attribute names follow the checkpoint (specification §7.5)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.post_kl = nn.Linear(config.embed_dim, config.width)
        self.transformer = Transformer(config)
        self.geo_decoder = GeometryDecoder(config)

    def forward(self, latents: Tensor) -> Tensor:
        """Tokens ``[B, N, W]`` of latents ``[B, N, c]`` as the denoiser's last step gives them."""
        latents = (latents / self.config.scale_factor).to(self.post_kl.weight.dtype)
        return self.decode(latents)

    def decode(self, latents: Tensor) -> Tensor:
        """Tokens ``[B, N, W]`` of latents that were divided by ``scale_factor`` before."""
        tokens: Tensor = self.transformer(self.post_kl(latents))
        return tokens
