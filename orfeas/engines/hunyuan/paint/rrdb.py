"""Real-ESRGAN's network, four times as many pixels a side, under the names of its checkpoint (specification §10)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = 4
SLOPE = 0.2
RESIDUAL_SCALE = 0.2
CONVOLUTIONS = 5


@dataclass(frozen=True)
class RrdbConfig:
    """Channels and blocks; the defaults are those of ``RealESRGAN_x4plus``."""

    features: int = 64
    growth: int = 32
    blocks: int = 23


def read_rrdb_config(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> RrdbConfig | None:
    """What a checkpoint's names and shapes are made for; ``None`` where it is no such network."""
    named = dict(shapes)
    first, dense = named.get("conv_first.weight"), named.get("body.0.rdb1.conv1.weight")
    if first is None or dense is None or len(first) != 4 or len(dense) != 4:
        return None
    numbers = {int(match[1]) for match in (re.match(r"body\.(\d+)\.", name) for name in named) if match}
    return RrdbConfig(features=first[0], growth=dense[0], blocks=max(numbers) + 1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DenseBlock(nn.Module):
    """Convolutions that each see the input and all before them."""

    def __init__(self, config: RrdbConfig) -> None:
        super().__init__()
        for number in range(CONVOLUTIONS):
            outputs = config.growth if number < CONVOLUTIONS - 1 else config.features
            self.add_module(f"conv{number + 1}", _convolution(config.features + number * config.growth, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]`` to the same."""
        *grown, last = self.children()
        seen = x
        for convolution in grown:
            seen = torch.cat([seen, functional.leaky_relu(convolution(seen), SLOPE)], dim=1)
        out: Tensor = x + RESIDUAL_SCALE * last(seen)
        return out


class ResidualBlock(nn.Module):
    """Three dense blocks in a row."""

    def __init__(self, config: RrdbConfig) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = DenseBlock(config), DenseBlock(config), DenseBlock(config)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]`` to the same."""
        out: Tensor = x + RESIDUAL_SCALE * self.rdb3(self.rdb2(self.rdb1(x)))
        return out


class RrdbNet(nn.Module):
    """RGB pictures to pictures of four times the side."""

    def __init__(self, config: RrdbConfig) -> None:
        super().__init__()
        self.conv_first = _convolution(3, config.features)
        self.body = nn.Sequential(*(ResidualBlock(config) for _ in range(config.blocks)))
        self.conv_body = _convolution(config.features, config.features)
        self.conv_up1 = _convolution(config.features, config.features)
        self.conv_up2 = _convolution(config.features, config.features)
        self.conv_hr = _convolution(config.features, config.features)
        self.conv_last = _convolution(config.features, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in 0..1 to ``[B, 3, 4 H, 4 W]``, not clamped."""
        h = self.conv_first(x)
        h = h + self.conv_body(self.body(h))
        for up in (self.conv_up1, self.conv_up2):
            h = functional.leaky_relu(up(functional.interpolate(h, scale_factor=2, mode="nearest")), SLOPE)
        out: Tensor = self.conv_last(functional.leaky_relu(self.conv_hr(h), SLOPE))
        return out
