"""The two streams of the texture's UNet: one reads the reference, the other paints (specification §3 and §5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orfeas.engines.hunyuan.paint.block import BlockContext, PaintBlock, ReferenceBlock
from orfeas.engines.hunyuan.paint.config import (
    DINO_SIZE,
    LATENT_CHANNELS,
    MATERIALS,
    TEXT_TOKENS,
    TOKENS_PER_STATE,
    UnetConfig,
)
from orfeas.engines.hunyuan.paint.rotary import Rotation, make_rotation
from orfeas.engines.hunyuan.paint.stream import Stream

# What the main stream takes in: noisy latents, and those of the normal and the position picture.
IN_CHANNELS = 3 * LATENT_CHANNELS

# Recorded features ``[R · L, C]`` by place.
Features = Mapping[str, Tensor]


@dataclass(frozen=True)
class Row:
    """What one row of an evaluation is conditioned on.

    Attributes:
        dino: DINOv2's states ``[T, 1536]``; one state of zeros stands for any number of them.
        features: of the reference, as :meth:`ReferenceStream.record` gives them.
        reference_scale: how much of the reference counts; at 0 it is not looked at.
    """

    dino: Tensor
    features: Features
    reference_scale: float = 1.0


@dataclass(frozen=True)
class PaintContext:
    """What every block looks at in every step, by place, and how many rows there are."""

    blocks: Mapping[str, BlockContext]
    rows: int


class DinoProjector(nn.Module):
    """DINOv2's states as four tokens of text's width each."""

    def __init__(self, context_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(DINO_SIZE, TOKENS_PER_STATE * context_size)
        self.norm = nn.LayerNorm(context_size)

    def forward(self, states: Tensor) -> Tensor:
        """``[T, 1536]`` to ``[4 T, D]``."""
        tokens: Tensor = self.norm(self.proj(states).view(TOKENS_PER_STATE * len(states), -1))
        return tokens


class ReferenceStream(Stream[ReferenceBlock]):
    """An ordinary UNet, of which only what its blocks read counts."""

    def __init__(self, config: UnetConfig) -> None:
        super().__init__(config, LATENT_CHANNELS, ReferenceBlock)

    def record(self, latents: Tensor, text: Tensor, check: Callable[[], None] = lambda: None) -> Features:
        """The features of one row's reference pictures.

        Args:
            latents: without noise, ``[R, 4, h, w]``.
            text: ``[77, D]``.
            check: called at every block; what it raises stops the work.

        Returns:
            By place ``[R · L, C]``.
        """
        texts = text.expand(len(latents), -1, -1)
        blocks = self.blocks()
        last = list(blocks)[-1]
        features: dict[str, Tensor] = {}

        def visit(place: str, h: Tensor) -> Tensor:
            check()
            recorded = blocks[place].record(h)
            features[place] = recorded.flatten(0, 1)
            if place == last:
                return h
            passed: Tensor = blocks[place](h, recorded, texts)
            return passed

        self.walk(latents, 0, visit, stop_at=last)
        return features


class MainStream(Stream[PaintBlock]):
    """The UNet that paints all views of both materials at once."""

    def __init__(self, config: UnetConfig) -> None:
        super().__init__(config, IN_CHANNELS, PaintBlock)
        size = (TEXT_TOKENS, config.cross_attention_dim)
        self.learned_text_clip_albedo = nn.Parameter(torch.zeros(size))
        self.learned_text_clip_mr = nn.Parameter(torch.zeros(size))
        self.learned_text_clip_ref = nn.Parameter(torch.zeros(size))
        self.image_proj_model_dino = DinoProjector(config.cross_attention_dim)

    def make_context(self, rows: Sequence[Row], voxels: Sequence[Tensor], multiview_scale: float = 1.0) -> PaintContext:
        """Everything that stays the same over all steps.

        Args:
            rows: one or more.
            voxels: at each level ``[B or 1, N · L, 3]``, as :func:`find_voxels` gives them.
            multiview_scale: how much the views see of each other.
        """
        text = torch.stack([self.learned_text_clip_albedo, self.learned_text_clip_mr])
        dino = [self.image_proj_model_dino(row.dino.to(text))[None] for row in rows]
        rotations: dict[tuple[int, int], Rotation] = {}
        contexts = {}
        for place, block in self.blocks().items():
            level = self.levels[place]
            key = (level, block.head_size)
            if key not in rotations:
                rotations[key] = make_rotation(voxels[level].to(text.device)[:, None, None], block.head_size)
            contexts[place] = BlockContext(
                text=block.transformer.attn2.keys_values(text),
                dino=tuple(block.attn_dino.keys_values(tokens) for tokens in dino),
                references=tuple(
                    block.attn_refview.make_context(row.features[place][None].to(text), row.reference_scale)
                    if row.reference_scale
                    else None
                    for row in rows
                ),
                rotation=rotations[key],
                multiview_scale=multiview_scale,
            )
        return PaintContext(contexts, len(rows))

    def forward(
        self,
        sample: Tensor,
        controls: Tensor,
        timestep: int,
        context: PaintContext,
        check: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """What is predicted of noisy latents.

        Args:
            sample: ``[B, M, N, 4, h, w]``.
            controls: latents of the normal and the position pictures, ``[B, N, 8, h, w]``.
            timestep: the same for all.
            context: as :meth:`make_context` gives it, for B rows.
            check: called at every block; what it raises stops the work.

        Returns:
            ``[B, M, N, 4, h, w]``.
        """
        rows, materials, views = sample.shape[:3]
        assert (rows, materials) == (context.rows, MATERIALS)
        shown = controls[:, None].expand(-1, materials, -1, -1, -1, -1)
        x = torch.cat([sample, shown], dim=3).flatten(0, 2)
        blocks = self.blocks()

        def visit(place: str, h: Tensor) -> Tensor:
            check()
            seen: Tensor = blocks[place](h.view(rows, materials, views, *h.shape[1:]), context.blocks[place])
            return seen.flatten(0, 2)

        return self.walk(x, timestep, visit).view(sample.shape)
