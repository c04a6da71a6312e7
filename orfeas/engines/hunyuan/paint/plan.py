"""How to fit into the memory of a device: keep everything there, take turns, or also one prediction at a time."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import torch
from torch import nn

from orfeas.engines.hunyuan.conditioner import Dino
from orfeas.engines.hunyuan.paint.autoencoder import PictureAutoencoder
from orfeas.engines.hunyuan.paint.config import LATENT_PX, MATERIALS, PaintConfig
from orfeas.engines.hunyuan.paint.unet import MainStream, ReferenceStream

# Specification §13: the most values alive in one evaluation, in widths of the finest level's hidden states, and what
# does not grow with the views: the contexts, and the libraries' own working memory.
STEP_WIDTHS = 31
WORKSPACE_BYTES = 1_050_000_000
# Of one picture in the decoder, in widths of its finest level at full size.
DECODER_WIDTHS = 6


class Placement(IntEnum):
    """From the fastest to the one that needs least."""

    RESIDENT = 0
    STAGED = 1
    SPLIT = 2


@dataclass(frozen=True)
class Plan:
    """How the networks are laid out in memory.

    Attributes:
        placement: resident: everything stays on the device. Staged: one network at a time. Split: as staged, and the
            predictions without the reference and with it one after the other.
        needed_bytes: about what it takes on the device.
    """

    placement: Placement
    needed_bytes: int

    @property
    def sentence(self) -> str:
        """What the plan means, for a person."""
        return {
            Placement.RESIDENT: "everything stays in device memory",
            Placement.STAGED: "the networks take turns in device memory",
            Placement.SPLIT: "the networks take turns in device memory and predict one thing at a time",
        }[self.placement]


@dataclass(frozen=True)
class Sizes:
    """Values of each network."""

    dino: int
    autoencoder: int
    reference: int
    painter: int

    @property
    def total(self) -> int:
        """All networks."""
        return self.dino + self.autoencoder + self.reference + self.painter


@cache
def measure(config: PaintConfig) -> Sizes:
    """Count what the networks hold; nothing is allocated. Counted once, for building them takes a second."""
    with torch.device("meta"):
        return Sizes(
            dino=_count(Dino(config.dino)),
            autoencoder=_count(PictureAutoencoder(config.vae)),
            reference=_count(ReferenceStream(config.unet)),
            painter=_count(MainStream(config.unet)),
        )


def make_plans(config: PaintConfig, views: int, view_size: int, dtype: torch.dtype) -> tuple[Plan, ...]:
    """The plans for so many views of ``view_size`` pixels a side, the fastest first."""
    sizes = measure(config)
    row = MATERIALS * views * (view_size // LATENT_PX) ** 2 * config.unet.block_out_channels[0] * STEP_WIDTHS
    decoder = view_size**2 * config.vae.block_out_channels[0] * DECODER_WIDTHS
    plans = []
    for placement in Placement:
        step = row if placement is Placement.SPLIT else 2 * row
        if placement is Placement.RESIDENT:
            values = sizes.total + max(step, decoder)
        else:
            values = max(sizes.painter + step, sizes.autoencoder + decoder, sizes.dino, sizes.reference + row // views)
        plans.append(Plan(placement, values * dtype.itemsize + WORKSPACE_BYTES))
    return tuple(plans)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
