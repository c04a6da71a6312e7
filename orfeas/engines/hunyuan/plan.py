"""How to fit into the memory of a device: keep everything there, take turns, or stream the experts."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import torch

from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import DenoiserConfig, ShapeConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.experts import EXPANSION, MixtureOfExperts


class Placement(IntEnum):
    """From the fastest to the one that needs least."""

    RESIDENT = 0
    STAGED = 1
    STREAMED = 2


@dataclass(frozen=True)
class Plan:
    """How a model is laid out in memory.

    Attributes:
        placement: resident: everything stays on the device. Staged: one network at a time. Streamed: as staged, with
            each layer's experts brought when needed.
        is_split: guided rows one after the other.
        chunk: points decoded at once.
        needed_bytes: about what it takes on the device.
    """

    placement: Placement
    is_split: bool
    chunk: int
    needed_bytes: int

    @property
    def sentence(self) -> str:
        """What the plan means, for a person."""
        return {
            Placement.RESIDENT: "everything stays in device memory",
            Placement.STAGED: "the networks take turns in device memory",
            Placement.STREAMED: "the networks take turns in device memory and the largest layers are streamed",
        }[self.placement]


@dataclass(frozen=True)
class Sizes:
    """Values of each network; ``layer`` and ``experts`` are the experts of one layer and of all."""

    conditioner: int
    denoiser: int
    decoder: int
    layer: int
    experts: int

    @property
    def total(self) -> int:
        """All three networks."""
        return self.conditioner + self.denoiser + self.decoder


# Points decoded at once, by placement.
CHUNKS = {Placement.RESIDENT: 65_536, Placement.STAGED: 32_768, Placement.STREAMED: 8_192}


@cache
def measure(config: ShapeConfig) -> Sizes:
    """Count what the networks hold; nothing is allocated, and each release is counted once."""
    with torch.device("meta"):
        conditioner, denoiser = Conditioner(config.conditioner), Denoiser(config.model)
        decoder = ShapeDecoder(config.vae)
    experts = [_count(layer.experts) for layer in denoiser.modules() if isinstance(layer, MixtureOfExperts)]
    return Sizes(
        conditioner=_count(conditioner),
        denoiser=_count(denoiser),
        decoder=_count(decoder),
        layer=max(experts, default=0),
        experts=sum(experts),
    )


def make_plans(config: ShapeConfig, dtype: torch.dtype) -> tuple[Plan, ...]:
    """The plans for a release, the fastest first."""
    sizes, model, width = measure(config), config.model, config.vae.width
    plans = []
    for placement in Placement:
        is_split, chunk = placement is Placement.STREAMED, CHUNKS[placement]
        step = _step_values(model, config.vae.num_latents, config.conditioner.num_tokens, 1 if is_split else 2)
        # Of a point: its inner width twice, and the stream, norms and projections around it.
        decode = chunk * width * (2 * config.vae.geo_decoder_mlp_expand_ratio + 6)
        if placement is Placement.RESIDENT:
            values = sizes.total + max(step, decode)
        else:
            left_out = sizes.experts - sizes.layer if placement is Placement.STREAMED else 0
            values = max(sizes.denoiser - left_out + step, sizes.decoder + decode)
        plans.append(Plan(placement, is_split, chunk, values * dtype.itemsize))
    return tuple(plans)


def _step_values(model: DenoiserConfig, latents: int, tokens: int, rows: int) -> int:
    """Most values alive in one evaluation: stored outputs, cached keys and values, and a layer's inner width."""
    stream = rows * (latents + 1) * model.hidden_size
    stored = (model.depth // 2) * stream
    cached = 2 * model.depth * tokens * model.hidden_size
    runs = model.moe_top_k if model.num_moe_layers else 1
    return stored + cached + (2 * EXPANSION * runs + 4) * stream


def _count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
