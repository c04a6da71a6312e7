"""The transformer block that sees its own view, the reference, the other views, text and DINOv2 (specification §3).

Hidden states are ``[B, M, N, L, C]``: rows, materials (albedo, then metallic-roughness), views, tokens of a view. What
does not change from step to step, the keys and values of text, DINOv2 and the reference, comes as a context.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from orfeas.engines.hunyuan.attention import KeysValues, attend, split_heads
from orfeas.engines.hunyuan.paint.rotary import Rotation, rotate

EPSILON = 1e-5
EXPANSION = 4


@dataclass(frozen=True)
class ReferenceContext:
    """What a row sees of the reference, and how much of it counts.

    Attributes:
        k: keys ``[1, H, R · L, d]``.
        v: values of that shape for each material.
        scale: factor on what is seen.
    """

    k: Tensor
    v: tuple[Tensor, ...]
    scale: float


@dataclass(frozen=True)
class BlockContext:
    """What one block looks at in every step.

    Attributes:
        text: keys and values ``[M, H, 77, d]``.
        dino: keys and values ``[1, H, T, d]`` for each row.
        references: one for each row; ``None`` where the row does not see it.
        rotation: of the tokens of all views, ``[B or 1, 1, 1, N · L, d / 2]``.
        multiview_scale: factor on what the views see of each other.
    """

    text: KeysValues
    dino: tuple[KeysValues, ...]
    references: tuple[ReferenceContext | None, ...]
    rotation: Rotation
    multiview_scale: float


class Attention(nn.Module):
    """The maps of one attention under diffusers' names; only the last has a bias."""

    def __init__(self, size: int, heads: int, context_size: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(size, size, bias=False)
        self.to_k = nn.Linear(context_size, size, bias=False)
        self.to_v = nn.Linear(context_size, size, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(size, size)])

    def keys_values(self, context: Tensor) -> KeysValues:
        """Keys and values ``[B, H, T, d]`` of a context ``[B, T, D]``."""
        (k,), (v,) = split_heads(self.to_k(context), self.heads), split_heads(self.to_v(context), self.heads)
        return k.contiguous(), v.contiguous()

    def forward(self, x: Tensor, keys_values: KeysValues) -> Tensor:
        """``[B, n, C]`` to ``[B, n, C]``."""
        (q,) = split_heads(self.to_q(x), self.heads)
        out: Tensor = self.to_out[0](attend(q, *keys_values))
        return out


class SelfMaps(nn.Module):
    """The second material's maps of the self-attention."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.to_q_mr = nn.Linear(size, size, bias=False)
        self.to_k_mr = nn.Linear(size, size, bias=False)
        self.to_v_mr = nn.Linear(size, size, bias=False)
        self.to_out_mr = nn.ModuleList([nn.Linear(size, size)])


class MaterialAttention(Attention):
    """Each view to itself, by maps of its material."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size, heads, size)
        self.processor = SelfMaps(size)

    def see_itself(self, x: Tensor) -> Tensor:
        """``[B, M, N, L, C]`` to the same."""
        second = self.processor
        maps = (
            (self.to_q, self.to_k, self.to_v, self.to_out[0]),
            (second.to_q_mr, second.to_k_mr, second.to_v_mr, second.to_out_mr[0]),
        )
        seen = []
        for material, (to_q, to_k, to_v, to_out) in enumerate(maps):
            views = x[:, material].flatten(0, 1)
            (q,), (k,), (v,) = (split_heads(project(views), self.heads) for project in (to_q, to_k, to_v))
            seen.append(to_out(attend(q, k, v)).view(x[:, material].shape))
        return torch.stack(seen, dim=1)


class ReferenceMaps(nn.Module):
    """The second material's maps of the reference attention."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.to_v_mr = nn.Linear(size, size, bias=False)
        self.to_out_mr = nn.ModuleList([nn.Linear(size, size)])


class ReferenceAttention(Attention):
    """The albedo's views to the reference; both materials take from one attention map.

    Head j reads the runs 2j and 2j + 1 of both value maps' outputs put one after the other, the first for albedo, the
    second for metallic-roughness: the weights were trained with values laid out so (specification §3, step 2).
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size, heads, size)
        self.processor = ReferenceMaps(size)

    def make_context(self, features: Tensor, scale: float) -> ReferenceContext:
        """Keys and values of recorded features ``[1, R · L, C]``."""
        (k,) = split_heads(self.to_k(features), self.heads)
        values = torch.cat([self.to_v(features), self.processor.to_v_mr(features)], dim=-1)
        v = tuple(material.contiguous() for material in split_heads(values, self.heads, 2))
        return ReferenceContext(k.contiguous(), v, scale)

    def see_reference(self, x: Tensor, context: ReferenceContext) -> Tensor:
        """What albedo's tokens ``[n, C]`` of all views see, for each material: ``[M, n, C]``, not scaled."""
        (q,) = split_heads(self.to_q(x[None]), self.heads)
        outs = (self.to_out[0], self.processor.to_out_mr[0])
        return torch.cat([out(attend(q, context.k, v)) for out, v in zip(outs, context.v, strict=True)])


class ViewAttention(Attention):
    """All views of one material to each other, turned by where they lie in space."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size, heads, size)

    def see_views(self, x: Tensor, rotation: Rotation) -> Tensor:
        """``[B, M, N, L, C]`` to the same."""
        tokens = x.flatten(2, 3)
        q, k, v = (
            split_heads(project(tokens.flatten(0, 1)), self.heads)[0] for project in (self.to_q, self.to_k, self.to_v)
        )
        q, k = (rotate(u.view(*x.shape[:2], *u.shape[1:]), rotation).flatten(0, 1) for u in (q, k))
        seen: Tensor = self.to_out[0](attend(q, k, v))
        return seen.view(x.shape)


class GatedGelu(nn.Module):
    """Values times the GELU of gates."""

    def __init__(self, size: int, inner_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(size, 2 * inner_size)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C]`` to ``[..., 4 C]``."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        out: Tensor = value * functional.gelu(gate)
        return out


class FeedForward(nn.Module):
    """Two maps with a gate between."""

    def __init__(self, size: int) -> None:
        super().__init__()
        # The second has no weights: in the checkpoint it is a dropout.
        self.net = nn.Sequential(GatedGelu(size, EXPANSION * size), nn.Identity(), nn.Linear(EXPANSION * size, size))

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C]`` to ``[..., C]``."""
        out: Tensor = self.net(x)
        return out


Own = TypeVar("Own", bound=Attention)


class Transformer(nn.Module, Generic[Own]):
    """The part of a block that Stable Diffusion has too; ``attn1`` differs between the streams."""

    def __init__(self, size: int, heads: int, context_size: int, attn1: Own) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size, eps=EPSILON)
        self.attn1 = attn1
        self.norm2 = nn.LayerNorm(size, eps=EPSILON)
        self.attn2 = Attention(size, heads, context_size)
        self.norm3 = nn.LayerNorm(size, eps=EPSILON)
        self.ff = FeedForward(size)


class PaintBlock(nn.Module):
    """A block of the main stream."""

    def __init__(self, size: int, heads: int, context_size: int) -> None:
        super().__init__()
        self.head_size = size // heads
        self.transformer = Transformer(size, heads, context_size, MaterialAttention(size, heads))
        self.attn_multiview = ViewAttention(size, heads)
        self.attn_refview = ReferenceAttention(size, heads)
        self.attn_dino = Attention(size, heads, context_size)

    def forward(self, h: Tensor, context: BlockContext) -> Tensor:
        """Hidden states ``[B, M, N, L, C]`` to the same."""
        # 1. Each view sees itself, the reference, and the other views; all from the same normalised states.
        x = self.transformer.norm1(h)
        h = h + self.transformer.attn1.see_itself(x)
        for row, reference in enumerate(context.references):
            if reference is not None:
                seen = self.attn_refview.see_reference(x[row, 0].flatten(0, 1), reference)
                h[row] += reference.scale * seen.view(h[row].shape)
        if h.shape[2] > 1:
            h += context.multiview_scale * self.attn_multiview.see_views(x, context.rotation)
        # 2. Text and DINOv2, both from the same states.
        y = self.transformer.norm2(h)
        h = h + self.see_text(y, context.text)
        for row, keys_values in enumerate(context.dino):
            h[row] += self.attn_dino(y[row].flatten(0, 2)[None], keys_values).view(h[row].shape)
        # 3. Every token on its own.
        out: Tensor = h + self.transformer.ff(self.transformer.norm3(h))
        return out

    def see_text(self, y: Tensor, text: KeysValues) -> Tensor:
        """``[B, M, N, L, C]`` to the same, each material to its own text."""
        rows, materials = y.shape[:2]
        k, v = (u.expand(rows, *u.shape).flatten(0, 1) for u in text)
        seen: Tensor = self.transformer.attn2(y.reshape(rows * materials, -1, y.shape[-1]), (k, v))
        return seen.view(y.shape)


class ReferenceBlock(nn.Module):
    """A block of the reference stream, which is Stable Diffusion's own."""

    def __init__(self, size: int, heads: int, context_size: int) -> None:
        super().__init__()
        self.transformer = Transformer(size, heads, context_size, Attention(size, heads, size))

    def record(self, h: Tensor) -> Tensor:
        """What the main stream's block at the same place sees of hidden states ``[K, L, C]``."""
        recorded: Tensor = self.transformer.norm1(h)
        return recorded

    def forward(self, h: Tensor, recorded: Tensor, text: Tensor) -> Tensor:
        """Hidden states ``[K, L, C]``, with what :meth:`record` made of them and text ``[K, 77, D]``, to the same."""
        own, seen = self.transformer.attn1, self.transformer.attn2
        h = h + own(recorded, own.keys_values(recorded))
        h = h + seen(self.transformer.norm2(h), seen.keys_values(text))
        out: Tensor = h + self.transformer.ff(self.transformer.norm3(h))
        return out
