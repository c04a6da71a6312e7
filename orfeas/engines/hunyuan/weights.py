"""Checkpoints into modules: tensors only, a group of mapped tensors at a time, every name and shape accounted for.

A module is built on the ``meta`` device, so that nothing is initialised; the file is mapped, and each tensor is copied
once, to its device in its type. The mapping is let go every :data:`GROUP_BYTES`, so that the host never holds more than
what it keeps and one group.
"""

import pickle
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from orfeas.checkpoints import damaged
from orfeas.engines.hunyuan.experts import MixtureOfExperts
from orfeas.errors import EngineUnavailable

GROUP_BYTES = 1 << 28
# Specification §1.2: the reference reads this part leniently; here what decodes must be whole, and the rest is skipped.
LENIENT_PARTS = frozenset({"vae"})

Module = TypeVar("Module", bound=nn.Module)


def load_module(
    make: Callable[[], Module],
    checkpoint: Path,
    part: str,
    device: torch.device,
    dtype: torch.dtype,
    *,
    is_streamed: bool = False,
    renamed: Mapping[str, str] | None = None,
) -> Module:
    """A module with a part of the checkpoint's tensors.

    Args:
        make: builds the module.
        checkpoint: tensors, in safetensors where its name ends so, or else pickled.
        part: what the names of its tensors begin with, before a dot, or the mapping they are in; empty: all there are.
        device: where its tensors go.
        dtype: what they become.
        is_streamed: leave the experts in the file, and bring each layer's to the device when it is needed.
        renamed: what pieces of names are called today, by what an old file calls them.

    Raises:
        EngineUnavailable: the checkpoint is damaged, or is not of this module.
    """
    with torch.device("meta"):
        module = make().eval().requires_grad_(False)
    wanted = {name: tuple(p.shape) for name, p in module.named_parameters()}
    source = _Source(checkpoint, part, renamed or {})
    sizes = _check_match(wanted, source)
    skipped: set[str] = set()
    for name, layer in module.named_modules():
        if isinstance(layer, MixtureOfExperts):
            if is_streamed:
                keys = [key for key in wanted if key.startswith(f"{name}.experts.")]
                _stream(layer, f"{name}.", _read(source, keys), device, dtype)
                skipped.update(keys)
            else:
                layer.allocate(device, dtype)
    for keys in _groups({key: size for key, size in sizes.items() if key not in skipped}):
        _put(module, _read(source, keys), device, dtype)
    return module


def load_tensor(checkpoint: Path, part: str, name: str, device: torch.device, dtype: torch.dtype) -> Tensor:
    """One tensor of a part; see :func:`load_module`.

    Raises:
        EngineUnavailable: the checkpoint is damaged, or does not have it.
    """
    found = _read(_Source(checkpoint, part, {}), [name])
    if name not in found:
        raise damaged(checkpoint, f"{name} is missing from {part or 'it'}")
    return _convert(found[name], device, dtype)


def read_shapes(checkpoint: Path, part: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a part's tensors; empty where there is no such part. See :func:`load_module`.

    Raises:
        EngineUnavailable: the checkpoint is damaged.
    """
    return {name: tuple(tensor.shape) for name, tensor in _read(_Source(checkpoint, part, {}), None).items()}


@dataclass(frozen=True)
class _Source:
    """A part of a file, and what its tensors are called today."""

    checkpoint: Path
    part: str
    renamed: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What a flat file's names of this part begin with."""
        return f"{self.part}." if self.part else ""

    def own_name(self, key: str) -> str:
        """Our name of a tensor that the file calls ``key``."""
        pieces = key.removeprefix(self.prefix).split(".")
        return ".".join(self.renamed.get(piece, piece) for piece in pieces)


def _check_match(wanted: Mapping[str, tuple[int, ...]], source: _Source) -> dict[str, int]:
    """Bytes of each wanted tensor in the file, in the file's order, once all are there in their shapes."""
    found = _read(source, None)
    checkpoint, part = source.checkpoint, source.part
    if not found:
        raise damaged(checkpoint, f"it has no part called {part}" if part else "it holds no tensors")
    missing = [key for key in wanted if key not in found]
    if missing:
        raise damaged(checkpoint, f"{len(missing)} tensors are missing from {part or 'it'}, {missing[0]} among them")
    other = [key for key in wanted if tuple(found[key].shape) != wanted[key]]
    if other:
        shapes = f"{list(found[other[0]].shape)} instead of {list(wanted[other[0]])}"
        raise damaged(
            checkpoint, f"{source.prefix}{other[0]} is {shapes}, so it does not belong to the configuration beside it"
        )
    extra = [key for key in found if key not in wanted]
    if extra and part not in LENIENT_PARTS:
        raise damaged(checkpoint, f"{len(extra)} tensors of {part or 'the file'} are not known, {extra[0]} among them")
    return {key: tensor.nbytes for key, tensor in found.items() if key in wanted}


def _groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    held = 0
    for key, size in sizes.items():
        if group and held + size > GROUP_BYTES:
            yield group
            group, held = [], 0
        group.append(key)
        held += size
    if group:
        yield group


def _put(module: nn.Module, tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
    """Copy into what is allocated, and assign what is not."""
    parameters = dict(module.named_parameters())
    fresh: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if parameters[key].is_meta:
            fresh[key] = _convert(tensor, device, dtype)
        else:
            parameters[key].copy_(tensor if device.type == "cpu" else tensor.to(device))
    module.load_state_dict(fresh, strict=False, assign=True)


def _convert(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A copy on the device; the type is changed there, where it is faster."""
    if device.type == "cpu":
        return tensor.to(dtype, copy=True)
    return tensor.to(device).to(dtype)


def _stream(
    layer: MixtureOfExperts, prefix: str, mapped: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> None:
    """Let a layer's experts come to the device for the time of each call."""
    tensors = {key.removeprefix(prefix): tensor for key, tensor in mapped.items()}

    def bring(*_: object) -> None:
        layer.allocate(device, dtype)
        _put(layer, tensors, device, dtype)

    layer.register_forward_pre_hook(bring)
    layer.register_forward_hook(lambda *_: layer.release(), always_call=True)


def _read(source: _Source, keys: Collection[str] | None) -> dict[str, Tensor]:
    """Mapped tensors of a part by our names; all for ``None``. The file stays mapped while any is held."""
    checkpoint = source.checkpoint
    read = _read_safetensors if checkpoint.suffix == ".safetensors" else _read_pickle
    try:
        return read(source, keys)
    except FileNotFoundError as error:
        raise EngineUnavailable(f"{checkpoint.name} is gone from {checkpoint.parent}; fetch it again.") from error
    except pickle.UnpicklingError as error:
        raise damaged(checkpoint, "it holds more than tensors, and such a file could run anything") from error
    except (OSError, EOFError, RuntimeError, SafetensorError) as error:
        raise damaged(checkpoint, "it cannot be read") from error


def _read_safetensors(source: _Source, keys: Collection[str] | None) -> dict[str, Tensor]:
    with safe_open(source.checkpoint, framework="pt", device="cpu") as file:
        names = {source.own_name(name): name for name in file.keys() if name.startswith(source.prefix)}  # noqa: SIM118  # no dict
        return {own: file.get_tensor(name) for own, name in names.items() if keys is None or own in keys}


def _read_pickle(source: _Source, keys: Collection[str] | None) -> dict[str, Tensor]:
    content = torch.load(source.checkpoint, map_location="cpu", weights_only=True, mmap=True)
    if not isinstance(content, dict):
        return {}
    tensors = content.get(source.part)
    if not isinstance(tensors, dict):
        tensors = {key: value for key, value in content.items() if str(key).startswith(source.prefix)}
    if not all(isinstance(value, Tensor) for value in tensors.values()):
        return {}
    named = {source.own_name(str(key)): value for key, value in tensors.items()}
    return {own: value for own, value in named.items() if keys is None or own in keys}
