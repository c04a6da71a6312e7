"""The recorded cases of texture painting: what the reference gave, and the recipes that its inputs are made by.

``ORFEAS_GOLDEN_PAINT`` names another folder with ``manifest.json`` and ``io.safetensors``.
"""

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor

FOLDER = Path(os.environ.get("ORFEAS_GOLDEN_PAINT") or Path(__file__).parent / "golden" / "paint")
LEVELS_16_BIT = 65535
POSMAP_CELL_PX = 8


class PaintSet:
    """One folder of recorded cases.

    Attributes:
        folder: where it lies.
        manifest: what ``manifest.json`` says.
        cases: the manifest's cases by name.
        name: the set's name, with which the names of most recipes begin.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Mapping[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.cases: Mapping[str, Any] = self.manifest["cases"]
        self.name: str = self.manifest["set"]

    @cached_property
    def stored(self) -> Mapping[str, NDArray[Any]]:
        """Every stored array as it is in the file."""
        return load_file(self.folder / "io.safetensors")

    def array(self, name: str) -> NDArray[Any]:
        """A stored array; one that was quantised to 16 bits comes back as float32 numbers."""
        stored = self.stored[name]
        if name not in self.manifest["quantised"]:
            return stored
        low, high = self.manifest["quantised"][name]
        return np.asarray(low + (high - low) * stored.astype(np.float64) / LEVELS_16_BIT, np.float32)

    def tensor(self, name: str) -> Tensor:
        """A stored array as a tensor."""
        return torch.from_numpy(np.array(self.array(name)))

    def names(self, prefix: str) -> list[str]:
        """Names of the cases that begin so."""
        return [name for name in self.cases if name.startswith(prefix)]

    def own(self, name: str) -> str:
        """The full name of a recipe that the manifest writes as ``set/…``."""
        return f"{self.name}/{name}"


def assert_recorded(got: Tensor, output: str, case: Mapping[str, Any]) -> None:
    """``got`` is the stored array to the case's tolerance."""
    want = PAINT_SET.tensor(output).double()
    assert got.shape == want.shape
    excess = (got.double() - want).abs() - case["atol"] - case.get("rtol", 0) * want.abs()
    assert excess.max().item() <= 0


def generator(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def weight(key: str, shape: Sequence[int]) -> Tensor:
    """Normal numbers seeded by the key, scaled by what the key is; float32."""
    z = generator(key).standard_normal(tuple(shape)).astype(np.float32)
    if key.endswith("bias"):
        z = np.float32(0.02) * z
    elif z.ndim == 1:
        z = np.float32(1) + np.float32(0.1) * z
    else:
        z = z / np.float32(math.sqrt(np.prod(shape[1:])))
    return torch.from_numpy(z)


def weights(keys: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    return {key: weight(key, shape) for key, shape in keys.items()}


def randn(name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    return generator(name).standard_normal(tuple(shape)).astype(np.float32)


def rand(name: str, shape: Sequence[int]) -> NDArray[np.float64]:
    return generator(name).random_sample(tuple(shape))


def posmap(name: str, views: int, size_px: int, cell_px: int = POSMAP_CELL_PX) -> NDArray[np.float32]:
    """Position maps ``[views, 3, size_px, size_px]`` in 0..1 whose cells are covered to different shares."""
    grid, tile = size_px // cell_px, np.ones((1, 1, cell_px, cell_px))
    base = rand(f"{name}:base", (views, 3, grid, grid))
    fine = rand(f"{name}:fine", (views, 3, size_px, size_px))
    values = 0.05 + 0.8 * np.kron(base, tile) + 0.1 * fine
    chosen = rand(f"{name}:sel", (views, 1, grid, grid))
    share = np.where(chosen < 0.3, 1.0, np.where(chosen < 0.5, 0.96, 0.2))
    is_clear = rand(f"{name}:mask", (views, 1, size_px, size_px)) < np.kron(share, tile)
    return np.where(is_clear, 1, np.floor(values * 255) / 255).astype(np.float32)


def image_u8(name: str, size_px: int, channels: int = 3) -> NDArray[np.uint8]:
    """Waves ``[size_px, size_px, channels]`` uint8."""
    a = rand(f"{name}:img", (channels, 3)) * [4, 4, 1]
    place = (np.arange(size_px) + 0.5) / size_px
    x, y = place[None, :, None], place[:, None, None]
    return np.floor(255 * (0.5 + 0.5 * np.sin(2 * np.pi * (a[:, 0] * x + a[:, 1] * y + a[:, 2])))).astype(np.uint8)


PAINT_SET = PaintSet(FOLDER)
