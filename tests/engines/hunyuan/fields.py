"""Closed-form fields and the strictest comparison of two meshes."""

from collections.abc import Callable

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from orfeas.engines.hunyuan.surface import Surface, extract_surface
from orfeas.engines.hunyuan.volume import Field, SparseVolume, decode_volume
from orfeas.progress import Progress, Stage


def truncated(distance: Callable[[Tensor], Tensor], scale: float) -> Field:
    """The trained field's likeness: a signed distance, positive inside, saturated at ±1."""

    def field(points: Tensor) -> Tensor:
        return torch.clamp(torch.mul(distance(points), scale), -1, 1)

    return field


def length(points: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(points, dim=-1)
    return lengths


def ball_distance(points: Tensor, centre: tuple[float, float, float], radius: float) -> Tensor:
    return radius - length(points - torch.tensor(centre))


def sphere(points: Tensor) -> Tensor:
    return truncated(lambda p: ball_distance(p, (0.0, 0.0, 0.0), 0.6), 8)(points)


def torus(points: Tensor) -> Tensor:
    p = points - torch.tensor([0.05, -0.1, 0.15])
    return (12 * (0.22 - torch.hypot(torch.hypot(p[..., 0], p[..., 1]) - 0.55, p[..., 2]))).clamp(-1, 1)


def two_balls(points: Tensor) -> Tensor:
    big, small = ball_distance(points, (-0.45, 0.0, 0.1), 0.35), ball_distance(points, (0.62, 0.5, -0.4), 0.08)
    return (10 * torch.maximum(big, small)).clamp(-1, 1)


def shell(points: Tensor) -> Tensor:
    """A hollow ball with a wall of 0.024."""
    return (30 * (0.012 - (length(points) - 0.6).abs())).clamp(-1, 1)


def sharp_torus(points: Tensor) -> Tensor:
    """Saturated 0.01 from the surface."""
    p = points - torch.tensor([0.05, -0.1, 0.15])
    return (100 * (0.22 - torch.hypot(torch.hypot(p[..., 0], p[..., 1]) - 0.55, p[..., 2]))).clamp(-1, 1)


def unbounded_sphere(points: Tensor) -> Tensor:
    """Not truncated, with values far from 1."""
    return 300 * (0.6 - length(points))


def crumbs(points: Tensor) -> Tensor:
    """Thirty balls, many smaller than a coarse cell."""
    random = torch.Generator().manual_seed(7)
    centres, radii = torch.rand(30, 3, generator=random) * 1.6 - 0.8, torch.rand(30, generator=random) * 0.06 + 0.01
    distance = torch.full(points.shape[:-1], -9.0)
    for centre, radius in zip(centres, radii, strict=True):
        distance = torch.maximum(distance, radius - length(points - centre))
    return (10 * distance).clamp(-1, 1)


def finned_ball(points: Tensor) -> Tensor:
    """A ball with a fin of thickness 0.008 in the plane x = 0.0137."""
    fin = torch.minimum(0.004 - (points[..., 0] - 0.0137).abs(), 0.8 - length(points))
    return (60 * torch.maximum(fin, 0.4 - length(points))).clamp(-1, 1)


def gyroid(points: Tensor) -> Tensor:
    """A thick sheet of high genus that meets the box everywhere."""
    s, c = torch.sin(5 * points), torch.cos(5 * points)
    wave = s[..., 0] * c[..., 1] + s[..., 1] * c[..., 2] + s[..., 2] * c[..., 0]
    return (3 * (0.3 - wave.abs())).clamp(-1, 1)


def tilted_half_space(points: Tensor) -> Tensor:
    return (9 * (points @ torch.tensor([0.5, 0.7, 0.2]) - 0.1)).clamp(-1, 1)


def noise_in_a_ball(points: Tensor) -> Tensor:
    """Waves shorter than a coarse cell, cut off by a ball: nothing the coarse levels see can be trusted."""
    wave = torch.sin(61 * points[..., 0]) * torch.sin(53 * points[..., 1]) * torch.sin(47 * points[..., 2])
    return torch.minimum(wave, 5 * (0.7 - length(points)))


FIELDS: dict[str, Field] = {
    field.__name__: field
    for field in (
        sphere, torus, two_balls, shell, sharp_torus, unbounded_sphere, crumbs, finned_ball, gyroid, tilted_half_space,
    )
}  # fmt: skip


def decode(field: Field, resolution: int, **options: float) -> SparseVolume:
    """:func:`decode_volume` inside a stage; ``coarse_cells`` 31 unless told."""
    progress = Progress()
    settings: dict[str, float] = {"coarse_cells": 31, "chunk": 1 << 18} | options
    with progress.stage(Stage.SURFACE):
        return decode_volume(field, resolution, progress, **settings)  # type: ignore[arg-type]  # ints stay ints


def extract(field: Field, resolution: int, **options: float) -> Surface:
    return extract_surface(decode(field, resolution, **options))[0]


def extract_dense(field: Field, resolution: int, **options: float) -> Surface:
    return extract(field, resolution, **{**options, "coarse_cells": resolution})


def sorted_triangles(mesh: trimesh.Trimesh) -> NDArray[np.float64]:
    """Every triangle's coordinates ``[n, 9]``, each from its smallest corner on, in one order."""
    keys = np.round(np.asarray(mesh.triangles), 9)
    count = len(keys)
    triangle = np.repeat(np.arange(count), 3)
    by_triangle = np.lexsort((*keys.reshape(-1, 3).T[::-1], triangle))
    first = by_triangle[::3] - 3 * np.arange(count)
    turned = np.take_along_axis(keys, ((first[:, None] + np.arange(3)) % 3)[..., None], axis=1).reshape(-1, 9)
    return turned[np.lexsort(turned.T[::-1])]
