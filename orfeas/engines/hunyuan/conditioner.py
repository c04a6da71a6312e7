"""DINOv2, the picture's encoder, under the names of the checkpoint (specification §3).

Written out rather than taken from transformers: the checkpoint has the names of its version 4, which version 5 changed,
and loading that library takes longer than loading these weights. A test holds it against transformers' own class.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from orfeas.engines.hunyuan.attention import attend, split_heads
from orfeas.engines.hunyuan.config import PATCH_PX, EncoderConfig

# Specification §3.1: of RGB in 0..1.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class Patches(nn.Module):
    """Patches of a picture as tokens, row by row."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.projection = nn.Conv2d(config.num_channels, config.hidden_size, PATCH_PX, stride=PATCH_PX)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 3, S, S]`` to ``[B, patches, D]``."""
        patches: Tensor = self.projection(x)
        return patches.flatten(2).transpose(1, 2)


class Embeddings(nn.Module):
    """Patches and the class token, with their places. ``mask_token`` is in the checkpoint and has no use here."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.mask_token = nn.Parameter(torch.zeros(1, config.hidden_size))
        self.position_embeddings = nn.Parameter(torch.zeros(1, config.num_patches + 1, config.hidden_size))
        self.patch_embeddings = Patches(config)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 3, S, S]`` to ``[B, 1 + patches, D]``; S may differ from the size the places were learned for."""
        x = self.patch_embeddings(x)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self._places(x.shape[1])

    def _places(self, patches: int) -> Tensor:
        """The places ``[1, 1 + patches, D]``, resampled in float32 where there are more or fewer patches."""
        places: Tensor = self.position_embeddings
        if patches + 1 == places.shape[1]:
            return places
        grid, wanted = math.isqrt(places.shape[1] - 1), math.isqrt(patches)
        square = places[:, 1:].transpose(1, 2).reshape(1, -1, grid, grid).to(torch.float32)
        square = functional.interpolate(square, (wanted, wanted), mode="bicubic", align_corners=False)
        return torch.cat([places[:, :1], square.flatten(2).transpose(1, 2).to(places.dtype)], dim=1)


class Projections(nn.Module):
    """Queries, keys and values."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.key = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.value = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)


class Attention(nn.Module):
    """Attention among all tokens."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.attention = Projections(config)
        self.output = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.hidden_size)})

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, D]`` to ``[B, n, D]``."""
        maps = (self.attention.query, self.attention.key, self.attention.value)
        q, k, v = (split_heads(project(x), self.heads)[0] for project in maps)
        out: Tensor = self.output["dense"](attend(q, k, v))
        return out


class LayerScale(nn.Module):
    """A learned factor per component."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D]`` to ``[..., D]``."""
        return x * self.lambda1


class FeedForward(nn.Module):
    """Two maps with a GELU between."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        inner_size = int(config.hidden_size * config.mlp_ratio)
        self.fc1 = nn.Linear(config.hidden_size, inner_size)
        self.fc2 = nn.Linear(inner_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D]`` to ``[..., D]``."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class GatedFeedForward(nn.Module):
    """Two maps, the first of which gives gates and values, as in the largest DINOv2."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        # Two thirds, so that there are as many values as without gates, and a multiple of 8.
        inner_size = (int(int(config.hidden_size * config.mlp_ratio) * 2 / 3) + 7) // 8 * 8
        self.weights_in = nn.Linear(config.hidden_size, 2 * inner_size)
        self.weights_out = nn.Linear(inner_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D]`` to ``[..., D]``."""
        gate, value = self.weights_in(x).chunk(2, dim=-1)
        out: Tensor = self.weights_out(functional.silu(gate) * value)
        return out


class EncoderLayer(nn.Module):
    """Attention and feed-forward, each scaled."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = Attention(config)
        self.layer_scale1 = LayerScale(config.hidden_size)
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = GatedFeedForward(config) if config.use_swiglu_ffn else FeedForward(config)
        self.layer_scale2 = LayerScale(config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, D]`` to ``[B, n, D]``."""
        x = x + self.layer_scale1(self.attention(self.norm1(x)))
        out: Tensor = x + self.layer_scale2(self.mlp(self.norm2(x)))
        return out


class Encoder(nn.Module):
    """The layers one after another."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.layer = nn.Sequential(*(EncoderLayer(config) for _ in range(config.num_hidden_layers)))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, D]`` to ``[B, n, D]``."""
        out: Tensor = self.layer(x)
        return out


class Dino(nn.Module):
    """DINOv2 up to its last norm."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pictures ``[B, 3, S, S]`` to tokens ``[B, 1 + patches, D]``, the class token first."""
        out: Tensor = self.layernorm(self.encoder(self.embeddings(x)))
        return out


class ImageEncoder(nn.Module):
    """The encoder and what is done to a picture before it."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Dino(config)

    def forward(self, image: Tensor) -> Tensor:
        """Tokens ``[B, M, D]`` of square pictures ``[B, 3, S, S]``, float32, RGB in -1..1."""
        size, weight = self.config.image_size, self.model.layernorm.weight
        x = (image + 1) / 2
        if x.shape[-1] != size:
            x = functional.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
        x = (x - x.new_tensor(MEAN)[:, None, None]) / x.new_tensor(DEVIATION)[:, None, None]
        tokens: Tensor = self.model(x.to(weight.device, weight.dtype))
        return tokens if self.config.use_cls_token else tokens[:, 1:]


class Conditioner(nn.Module):
    """A picture's tokens; attribute names follow the checkpoint (specification §3.3)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.main_image_encoder = ImageEncoder(config)

    def forward(self, image: Tensor) -> Tensor:
        """See :class:`ImageEncoder`."""
        tokens: Tensor = self.main_image_encoder(image)
        return tokens
