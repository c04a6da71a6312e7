"""Releases of the texture's networks on disk, in the published folder layout."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

Tensors = Mapping[str, Tensor]


def write_unet(folder: Path, config: object, tensors: Tensors, suffix: str) -> Path:
    """``unet/config.json`` and ``unet/diffusion_pytorch_model`` + suffix; the checkpoint."""
    return write_part(folder / "unet", "diffusion_pytorch_model", config, tensors, suffix)


def write_part(place: Path, name: str, config: object, tensors: Tensors, suffix: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    checkpoint = place / f"{name}{suffix}"
    if suffix == ".safetensors":
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, checkpoint)
    else:
        torch.save(dict(tensors), checkpoint)
    return checkpoint
