"""Weights that are a function of their names, and releases on disk made of them, in the published folder layout."""

import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from orfeas.engines.hunyuan.files import CONFIG, FOLDER

Parts = Mapping[str, Mapping[str, Tensor]]


def recipe_weight(key: str, shape: Sequence[int]) -> Tensor:
    """The golden sets' recipe: normal numbers seeded by the key, scaled by what the key is."""
    z = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(tuple(shape)).astype(np.float32)
    if key.endswith("bias"):
        z = np.float32(0.02) * z
    elif z.ndim == 1:
        z = np.float32(1) + np.float32(0.1) * z
    else:
        z = z / np.float32(math.sqrt(np.prod(shape[1:])))
    return torch.from_numpy(z)


def recipe_parts(keys: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, dict[str, Tensor]]:
    return {part: {key: recipe_weight(key, shape) for key, shape in shapes.items()} for part, shapes in keys.items()}


def write_release(folder: Path, config: object, parts: Parts, suffix: str) -> Path:
    """``hunyuan3d-dit-v2-1`` with ``config.yaml`` and ``model.fp16`` + suffix (specification §1.2); the checkpoint."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    (place / CONFIG).write_text(yaml.safe_dump(config), encoding="utf-8")
    checkpoint = place / f"model.fp16{suffix}"
    if suffix == ".ckpt":
        torch.save({part: dict(tensors) for part, tensors in parts.items()}, checkpoint)
    else:
        flat = {f"{part}.{key}": t.contiguous() for part, tensors in parts.items() for key, t in tensors.items()}
        save_file(flat, checkpoint)
    return checkpoint
