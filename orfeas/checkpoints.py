"""Whether files of weights are whole, from a glance at their ends. Loads no tensor and needs no torch."""

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orfeas.errors import EngineUnavailable

# The length of a safetensors file's header stands in its first bytes; the format allows 100 MB.
HEADER_BYTES, MAX_HEADER_BYTES = 8, 100_000_000
# The smallest numbers that the format has are half a byte.
VALUES_PER_BYTE = 2


def check_whole(checkpoint: Path) -> None:
    """Whether a checkpoint's ends are where they should be; reads a few kilobytes.

    Raises:
        EngineUnavailable: it is cut off, or no checkpoint at all.
    """
    is_whole = _is_whole_safetensors(checkpoint) if checkpoint.suffix == ".safetensors" else _is_whole_zip(checkpoint)
    if not is_whole:
        raise damaged(checkpoint, "it is cut off or of another format")


def count_values(checkpoint: Path) -> int:
    """How many numbers the tensors of a whole safetensors file hold; reads its header only."""
    return sum(math.prod(entry["shape"]) for entry in _read_header(checkpoint)[1].values())


def damaged(checkpoint: Path, reason: str) -> EngineUnavailable:
    """The error for a checkpoint that cannot be used."""
    return EngineUnavailable(
        f"{checkpoint.name} in {checkpoint.parent} cannot be used: {reason}. Delete it and fetch it again."
    )


def _is_whole_zip(checkpoint: Path) -> bool:
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            ends = [member.header_offset + member.compress_size for member in archive.infolist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(ends) and max(ends) <= checkpoint.stat().st_size


def _is_whole_safetensors(checkpoint: Path) -> bool:
    try:
        length, header = _read_header(checkpoint)
        ends = [_end_of(entry) for entry in header.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return bool(ends) and HEADER_BYTES + length + max(ends) == checkpoint.stat().st_size


def _end_of(entry: Mapping[str, Any]) -> int:
    """Where a tensor's data end.

    Raises:
        ValueError: they are fewer than its shape says, or it has none that can be.
    """
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError("not counts")
    if math.prod(shape) > VALUES_PER_BYTE * (end - start):
        raise ValueError("fewer data than values")
    return int(end)


def _read_header(checkpoint: Path) -> tuple[int, dict[str, Any]]:
    """A safetensors file's header: its length in bytes, and what it says of each tensor."""
    with checkpoint.open("rb") as file:
        length = int.from_bytes(file.read(HEADER_BYTES), "little")
        header: dict[str, Any] = json.loads(file.read(min(length, MAX_HEADER_BYTES)))
    header.pop("__metadata__", None)
    return length, header
