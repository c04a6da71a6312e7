"""The flow-matching transformer: noisy latents, a time and a picture's tokens to a velocity (specification §4)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orfeas.engines.hunyuan.attention import EPSILON, CrossAttention, KeysValues, SelfAttention
from orfeas.engines.hunyuan.config import DenoiserConfig
from orfeas.engines.hunyuan.experts import EXPANSION, FeedForward, MixtureOfExperts
from orfeas.engines.hunyuan.step_cache import StepCache

MAX_PERIOD = 10_000


@dataclass(frozen=True)
class BlockContext:
    """What a block's cross-attention looks at, for the conditional rows, the unconditional rows, or both.

    Attributes:
        keys_values: of the picture, for the conditional rows; ``None`` where there are none.
        constant: ``[C]``, what the layer adds to the unconditional rows; ``None`` where there are none.
    """

    keys_values: KeysValues | None
    constant: Tensor | None

    @property
    def conditional_rows(self) -> int:
        """Rows that look at the picture."""
        return 0 if self.keys_values is None else len(self.keys_values[0])

    @property
    def is_guided(self) -> bool:
        """Whether each row is wanted twice, with the picture and without."""
        return self.keys_values is not None and self.constant is not None


class TimeEmbedder(nn.Module):
    """The time token."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(size, EXPANSION * size), nn.GELU(), nn.Linear(EXPANSION * size, size))
        self.size = size

    def sinusoid(self, t: Tensor) -> Tensor:
        """Times ``[B]`` in 0..1 to ``[B, C]`` float32, the sines first; the time is not scaled."""
        half = self.size // 2
        exponents = torch.arange(half, dtype=torch.float32, device=t.device) / half
        angles = t.to(torch.float32)[:, None] * torch.exp(-math.log(MAX_PERIOD) * exponents)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def forward(self, t: Tensor) -> Tensor:
        """``[B]`` to ``[B, C]``."""
        weight = next(self.mlp.parameters())
        token: Tensor = self.mlp(self.sinusoid(t).to(weight.dtype))
        return token


class Block(nn.Module):
    """Skip, self-attention, cross-attention, feed-forward."""

    def __init__(self, config: DenoiserConfig, number: int) -> None:
        super().__init__()
        size = config.hidden_size
        if config.takes_skip(number):
            self.skip_linear = nn.Linear(2 * size, size)
            self.skip_norm = nn.LayerNorm(size, eps=EPSILON)
        self.norm1 = nn.LayerNorm(size, eps=EPSILON)
        self.attn1 = SelfAttention(config)
        self.norm2 = nn.LayerNorm(size, eps=EPSILON)
        self.attn2 = CrossAttention(config)
        self.norm3 = nn.LayerNorm(size, eps=EPSILON)
        if config.has_experts(number):
            self.moe = MixtureOfExperts(config)
            self.feed_forward = "moe"
        else:
            self.mlp = FeedForward(size)
            self.feed_forward = "mlp"

    def forward(self, x: Tensor, context: BlockContext, skip: Tensor | None = None) -> Tensor:
        """``[R, n, C]``; guided, conditional rows come first, and rows that are still alike may come in once."""
        if skip is not None:
            x = self.skip_norm(self.skip_linear(torch.cat([skip, x], dim=-1)))
        x = x + self.attn1(self.norm1(x))
        if context.is_guided and len(x) == context.conditional_rows:
            x = torch.cat([x, x])
        x = x + self._look(x, context)
        out: Tensor = x + self.get_submodule(self.feed_forward)(self.norm3(x))
        return out

    def _look(self, x: Tensor, context: BlockContext) -> Tensor:
        count, seen = context.conditional_rows, []
        if context.keys_values is not None:
            seen.append(self.attn2(self.norm2(x[:count]), context.keys_values))
        if context.constant is not None:
            seen.append(context.constant.expand(len(x) - count, x.shape[1], -1))
        return torch.cat(seen)


class FinalLayer(nn.Module):
    """Tokens back to latents."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(config.hidden_size, eps=EPSILON)
        self.linear = nn.Linear(config.hidden_size, config.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 1 + N, C]`` to ``[B, N, c]``; the time token goes."""
        out: Tensor = self.linear(self.norm_final(x[:, 1:]))
        return out


class Denoiser(nn.Module):
    """All of it; attribute names follow the checkpoint (specification §4.7)."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        self.x_embedder = nn.Linear(config.in_channels, config.hidden_size)
        self.t_embedder = TimeEmbedder(config.hidden_size)
        self.blocks = nn.ModuleList(Block(config, number) for number in range(config.depth))
        self.final_layer = FinalLayer(config)

    def make_context(self, tokens: Tensor | None, is_unconditional: bool) -> tuple[BlockContext, ...]:
        """What every block looks at, the same for all steps.

        Args:
            tokens: the picture's ``[B, M, D]`` for the conditional rows; ``None`` for none.
            is_unconditional: whether there are rows without a picture, after the others. Their context is zero
                (specification §3.1), so that cross-attention gives them a constant.
        """
        layers = [self._block(number).attn2 for number in range(self.config.depth)]
        return tuple(
            BlockContext(
                None if tokens is None else layer.keys_values(tokens), layer.constant() if is_unconditional else None
            )
            for layer in layers
        )

    def forward(
        self, x: Tensor, t: Tensor, context: tuple[BlockContext, ...], cache: StepCache | None = None
    ) -> Tensor:
        """Velocity ``[R, N, c]`` of latents ``[B, N, c]`` at times ``[B]`` in 0..1.

        R is B, or 2 B where the context has both conditional and unconditional rows: the first half is conditional.
        Until they look at their contexts the two are alike, and are computed once.

        Args:
            x: latents.
            t: times.
            context: what the blocks look at.
            cache: of the steps before with this context, for an approximation; see :class:`StepCache`.
        """
        start = torch.cat([self.t_embedder(t)[:, None], self.x_embedder(x)], dim=1)
        first = self._block(0)(start, context[0])
        if cache is None:
            return self._end(self._rest(first, context))
        added = first - start.repeat(len(first) // len(start), 1, 1)
        rest = cache.recall(added)
        if rest is None:
            rest = self._rest(first, context) - first
            cache.keep(added, rest)
        return self._end(first + rest)

    def _rest(self, x: Tensor, context: tuple[BlockContext, ...]) -> Tensor:
        """All blocks but the first."""
        half = self.config.depth // 2
        stored = [x] if half > 0 else []
        for number in range(1, self.config.depth):
            x = self._block(number)(x, context[number], stored.pop() if self.config.takes_skip(number) else None)
            if number < half:
                stored.append(x)
        return x

    def _end(self, x: Tensor) -> Tensor:
        velocity: Tensor = self.final_layer(x)
        return velocity

    def _block(self, number: int) -> Block:
        block = self.blocks[number]
        assert isinstance(block, Block)
        return block
