"""Attention with the head layouts of the checkpoint (specification §4.4 and §7)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from orfeas.engines.hunyuan.config import DenoiserConfig

# Specification §4 and §7: every norm but the decoder's last one.
EPSILON = 1e-6

KeysValues = tuple[Tensor, Tensor]


def split_heads(u: Tensor, heads: int, parts: int = 1) -> tuple[Tensor, ...]:
    """Interleaved projections ``[B, n, heads · parts · d]`` as ``parts`` tensors ``[B, heads, n, d]``.

    Head h reads ``parts`` consecutive runs of d components, starting at ``h · parts · d``.
    """
    return u.view(*u.shape[:2], heads, parts, -1).permute(3, 0, 2, 1, 4).unbind(0)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention of ``[B, H, n, d]`` over ``[B, H, m, d]``, heads joined: ``[B, n, H · d]``."""
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def make_head_norm(config: DenoiserConfig) -> nn.Module:
    """The norm of queries and keys over a head's components."""
    if not config.qk_norm:
        return nn.Identity()
    if config.qk_norm_type == "rms":
        return nn.RMSNorm(config.head_size, eps=EPSILON)
    return nn.LayerNorm(config.head_size, eps=EPSILON)


class SelfAttention(nn.Module):
    """Attention among a row's tokens. Heads do not see "their" slice of each projection: see specification §4.4."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        size, bias = config.hidden_size, config.qkv_bias
        self.heads = config.num_heads
        self.to_q = nn.Linear(size, size, bias=bias)
        self.to_k = nn.Linear(size, size, bias=bias)
        self.to_v = nn.Linear(size, size, bias=bias)
        self.q_norm = make_head_norm(config)
        self.k_norm = make_head_norm(config)
        self.out_proj = nn.Linear(size, size)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, C]`` to ``[B, n, C]``."""
        u = torch.cat([self.to_q(x), self.to_k(x), self.to_v(x)], dim=-1)
        q, k, v = split_heads(u, self.heads, 3)
        joined: Tensor = self.out_proj(attend(self.q_norm(q), self.k_norm(k), v))
        return joined


class CrossAttention(nn.Module):
    """Attention to the picture's tokens, whose keys and values are made once and kept over all steps."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        size, bias = config.hidden_size, config.qkv_bias
        self.heads = config.num_heads
        self.to_q = nn.Linear(size, size, bias=bias)
        self.to_k = nn.Linear(config.context_dim, size, bias=bias)
        self.to_v = nn.Linear(config.context_dim, size, bias=bias)
        self.q_norm = make_head_norm(config)
        self.k_norm = make_head_norm(config)
        self.out_proj = nn.Linear(size, size)

    def keys_values(self, context: Tensor) -> KeysValues:
        """Keys and values ``[B, H, M, d]`` of a context ``[B, M, D]``."""
        k, v = split_heads(torch.cat([self.to_k(context), self.to_v(context)], dim=-1), self.heads, 2)
        return self.k_norm(k).contiguous(), v.contiguous()

    def constant(self) -> Tensor:
        """What the layer gives ``[C]`` for a context of zeros, whatever the query.

        All keys are alike, so attention is the mean of values that are all alike: the value itself, which is zero
        where the projections have no bias.
        """
        zeros = self.to_k.weight.new_zeros(1, 1, self.to_k.in_features)
        _, v = self.keys_values(zeros)
        constant: Tensor = self.out_proj(v.transpose(1, 2).flatten(2))[0, 0]
        return constant

    def forward(self, x: Tensor, keys_values: KeysValues) -> Tensor:
        """``[B, n, C]`` to ``[B, n, C]``."""
        (q,) = split_heads(self.to_q(x), self.heads)
        joined: Tensor = self.out_proj(attend(self.q_norm(q), *keys_values))
        return joined
