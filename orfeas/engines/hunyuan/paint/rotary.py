"""Rotary embedding in three axes: queries and keys turned by where their tokens lie (specification §4.2)."""

from dataclasses import dataclass

import torch
from torch import Tensor

BASE = 10_000.0


@dataclass(frozen=True)
class Rotation:
    """The cosines and sines ``[..., n, d / 2]`` float32 of each token's angles, one for each pair of components."""

    cos: Tensor
    sin: Tensor


def make_rotation(index: Tensor, head_size: int) -> Rotation:
    """The rotation of tokens at cells ``[..., n, 3]`` for heads of ``head_size`` components, a multiple of 16."""
    eighth = head_size // 8
    angles = []
    for axis, size in enumerate((3 * eighth, 3 * eighth, 2 * eighth)):
        exponent = torch.arange(0, size, 2, dtype=torch.float32, device=index.device) / size
        angles.append(index[..., axis, None].to(torch.float32) * (1.0 / BASE**exponent))
    angle = torch.cat(angles, dim=-1)
    return Rotation(angle.cos(), angle.sin())


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """``[..., n, d]`` with every pair of neighbouring components turned, in float32; the type stays."""
    u, v = x.to(torch.float32).view(*x.shape[:-1], -1, 2).unbind(-1)
    turned = torch.stack([u * rotation.cos - v * rotation.sin, u * rotation.sin + v * rotation.cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)
