"""Which files of a repository in diffusers' layout make up its pipeline: safetensors only, and no code of its own.

Loads no tensor, and needs neither torch nor diffusers.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from orfeas.checkpoints import check_whole
from orfeas.errors import EngineUnavailable

INDEX = "model_index.json"
CONFIG = "config.json"
HALF = "fp16"
ONLY_THESE = "only the code of diffusers and transformers is run"
# What a part may have beside its tensors; never code.
SETTINGS_SUFFIXES = frozenset({".json", ".txt", ".model", ".jinja"})
PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
# As diffusers and transformers name them; other variants than these two, such as without averaging, are left alone.
WEIGHTS = re.compile(r"(?:diffusion_pytorch_model|model)(?:\.(fp16))?(?:-\d{5}-of-(\d{5}))?\.safetensors")


@dataclass(frozen=True)
class Layout:
    """A pipeline's parts.

    Attributes:
        class_name: of the pipeline in diffusers.
        is_distilled: whether guidance was distilled into it, as its index says.
        variant: of the files with tensors, ``fp16`` where there is one of every part, else none.
        settings: files that are not tensors.
        weights: files with tensors by the part's name; paths inside the repository.
    """

    class_name: str
    is_distilled: bool
    variant: str | None
    settings: tuple[str, ...]
    weights: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of it, the index last: where that is, all of them are."""
        return (*self.settings, *(name for _, names in self.weights for name in names), INDEX)


def choose_files(names: Iterable[str], index: bytes) -> tuple[str, ...]:
    """The files of a repository that its pipeline needs; single-file copies and what others need are left out.

    Args:
        names: every file of the repository.
        index: what its ``model_index.json`` holds.

    Raises:
        EngineUnavailable: it cannot be used; says why.
    """
    return read_layout(names, index).files


def read_layout(names: Iterable[str], index: bytes) -> Layout:
    """The pipeline that the files make up.

    Raises:
        EngineUnavailable: parts are missing or pickled, none has weights, or it brings code of its own.
    """
    there = frozenset(names)
    described = _read_index(index)
    settings: list[str] = []
    plain: dict[str, tuple[str, ...]] = {}
    half: dict[str, tuple[str, ...]] = {}
    for part in _parts(described):
        inside = {PurePosixPath(name).name for name in there if PurePosixPath(name).parent == PurePosixPath(part)}
        if not inside:
            raise EngineUnavailable(f"The model's part {part} is missing; fetch it whole.")
        settings += sorted(f"{part}/{name}" for name in inside if PurePosixPath(name).suffix in SETTINGS_SUFFIXES)
        if CONFIG not in inside:
            continue  # a tokenizer, a scheduler
        plain[part], half[part] = _weights_of(part, inside, None), _weights_of(part, inside, HALF)
        if not plain[part] and not half[part]:
            raise _no_tensors(part, inside)
    if not plain:
        raise EngineUnavailable(f"The model's {INDEX} names no part with weights, so there is nothing to draw with.")
    variant = HALF if all(half.values()) else None
    chosen = {part: half[part] if variant else plain[part] or half[part] for part in plain}
    return Layout(
        class_name=str(described["_class_name"]),
        is_distilled=described.get("is_distilled") is True,
        variant=variant or (HALF if any(chosen[part] == half[part] for part in chosen) else None),
        settings=tuple(name for name in settings if not name.endswith(_other_indexes(variant))),
        weights=tuple(chosen.items()),
    )


def read_folder(folder: Path) -> Layout:
    """The pipeline in a folder, whole as far as a glance can tell.

    Raises:
        EngineUnavailable: what is missing, damaged or not allowed.
    """
    _refuse_endless(folder / INDEX)
    try:
        index = (folder / INDEX).read_bytes()
    except (OSError, ValueError) as error:  # a path that none can have is a ValueError
        raise EngineUnavailable(f"There is no {INDEX} in {folder}, so no pipeline of diffusers.") from error
    inside = tuple(folder.glob("*/*"))
    _refuse_endless(*inside)
    layout = read_layout((path.relative_to(folder).as_posix() for path in inside), index)
    for _, names in layout.weights:
        for name in names:
            check_whole(folder / name)
    for part, _ in layout.weights:
        if "auto_map" in _read_config(folder / part / CONFIG):
            raise EngineUnavailable(f"The model's part {part} names code that came with it; {ONLY_THESE}.")
    return layout


def _refuse_endless(*paths: Path) -> None:
    """Refuse a pipe or a device, whose reader would wait for ever."""
    for path in paths:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise EngineUnavailable(f"{path} is no regular file; put the model's own there.")


def own_size_px(folder: Path, layout: Layout) -> int:
    """Side of the picture that a pipeline's network was made for; 0 where its configuration does not tell."""
    parts = {name for name, _ in layout.weights}
    network = next((part for part in ("unet", "transformer") if part in parts), None)
    if network is None or "vae" not in parts:
        return 0
    side = _read_config(folder / network / CONFIG).get("sample_size")
    levels = _read_config(folder / "vae" / CONFIG).get("block_out_channels")
    if not isinstance(side, int) or not isinstance(levels, list):
        return 0
    return side << (len(levels) - 1)


def _read_index(index: bytes) -> Mapping[str, object]:
    try:
        described = json.loads(index)
    except (ValueError, RecursionError) as error:
        raise EngineUnavailable(f"The model's {INDEX} is damaged; fetch it again.") from error
    if not isinstance(described, dict) or not _is_name(described.get("_class_name")):
        raise EngineUnavailable(f"The model's {INDEX} names no pipeline of diffusers; no other code is run here.")
    return described


def _parts(described: Mapping[str, object]) -> Iterator[str]:
    """The parts that have files, each checked to be of a library that is installed here."""
    for name, kind in described.items():
        if name.startswith("_") or not isinstance(kind, list) or len(kind) != 2 or kind[0] is None:
            continue
        if not _is_name(name):
            raise EngineUnavailable(f"The model's {INDEX} is damaged; fetch it again.")
        if not _is_known_library(kind[0]):
            library = kind[0] if _is_name(kind[0]) else "another library"
            raise EngineUnavailable(f"The model's part {name} is of {library}, code that came with it; {ONLY_THESE}.")
        yield name


def _is_name(value: object) -> TypeGuard[str]:
    """Whether it can name something in Python, and so be shown as well."""
    return isinstance(value, str) and value.isidentifier()


def _is_known_library(name: object) -> bool:
    """Whether it is diffusers, transformers, or one of the pipelines in diffusers; none of them is imported."""
    if name in ("diffusers", "transformers"):
        return True
    spec = find_spec("diffusers")
    assert spec is not None and spec.origin is not None, "diffusers is installed"
    return name in [path.name for path in (Path(spec.origin).parent / "pipelines").iterdir() if path.is_dir()]


def _weights_of(part: str, inside: Iterable[str], variant: str | None) -> tuple[str, ...]:
    """The part's files with tensors, in one variant; none where not all of them are there."""
    whole, pieces, count = [], [], 0
    for name in sorted(inside):
        found = WEIGHTS.fullmatch(name)
        if found is None or found[1] != variant:
            continue
        if found[2] is None:
            whole.append(name)
        else:
            pieces.append(name)
            count = int(found[2])
    chosen = whole[:1] or (pieces if len(pieces) == count else [])
    return tuple(f"{part}/{name}" for name in chosen)


def _other_indexes(variant: str | None) -> tuple[str, ...]:
    """How the files end that list the pieces of what is not taken."""
    return (".bin.index.json", ".safetensors.index.json" if variant else f".index.{HALF}.json")


def _no_tensors(part: str, inside: Iterable[str]) -> EngineUnavailable:
    if any(PurePosixPath(name).suffix in PICKLE_SUFFIXES for name in inside):
        return EngineUnavailable(
            f"The model's part {part} has pickled weights only, which could run anything; take one with safetensors."
        )
    return EngineUnavailable(f"The model's part {part} has no weights here, or not all of them; fetch it whole.")


def _read_config(config: Path) -> Mapping[str, object]:
    try:
        described = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise EngineUnavailable(f"{config} is damaged; fetch it again.") from error
    if not isinstance(described, dict):
        raise EngineUnavailable(f"{config} is damaged; fetch it again.")
    return described
