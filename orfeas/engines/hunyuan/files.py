"""Which files the published weights are, and where they lie. Loads no tensor and needs no torch.

The layout is the published one (specification §1): a folder ``hunyuan3d-dit-v2-1`` with ``config.yaml`` and
``model.fp16.ckpt`` or ``model.fp16.safetensors``.
"""

from dataclasses import dataclass
from pathlib import Path

from orfeas.checkpoints import check_whole
from orfeas.errors import EngineUnavailable
from orfeas.hub import WeightSet

REPO_ID = "tencent/Hunyuan3D-2.1"
FOLDER = "hunyuan3d-dit-v2-1"
CONFIG = "config.yaml"
CHECKPOINTS = ("model.fp16.safetensors", "model.fp16.ckpt", "model.safetensors", "model.ckpt")
LICENCE = "Tencent Hunyuan 3D 2.1 Community License (not for use in the EU, the UK and South Korea)"
# What is fetched where the engine's weights are not here.
WEIGHTS = (
    WeightSet(
        repo_id=REPO_ID,
        files=(f"{FOLDER}/{CONFIG}", f"{FOLDER}/model.fp16.ckpt"),
        size_bytes=7_370_000_000,
        licence=LICENCE,
    ),
)
FETCH_HINT = "run python -m orfeas fetch hunyuan3d-2.1"


@dataclass(frozen=True)
class WeightFiles:
    """A release on this machine."""

    config: Path
    checkpoint: Path


def find_weights(folder: Path | None) -> WeightFiles:
    """The release in the operator's folder, or else in the Hugging Face cache, whole as far as a glance can tell.

    Args:
        folder: holds ``hunyuan3d-dit-v2-1``, or is that folder, or holds ``tencent/Hunyuan3D-2.1``; where it is given
            nothing else is looked at.

    Raises:
        EngineUnavailable: what is missing or damaged, and what to do.
    """
    files = _find_in_cache() if folder is None else _find_in_folder(folder)
    check_whole(files.checkpoint)
    return files


def _find_in_folder(folder: Path) -> WeightFiles:
    places = (folder / FOLDER, folder, folder / REPO_ID / FOLDER)
    place = next((place for place in places if (place / CONFIG).is_file()), None)
    if place is None:
        raise EngineUnavailable(
            f"There is no {FOLDER}/{CONFIG} in {folder}; put the published files there, or unset ORFEAS_WEIGHTS."
        )
    checkpoint = next((place / name for name in CHECKPOINTS if (place / name).is_file()), None)
    if checkpoint is None:
        raise EngineUnavailable(f"There is no {CHECKPOINTS[1]} or {CHECKPOINTS[0]} in {place}; put it there.")
    return WeightFiles(place / CONFIG, checkpoint)


def _find_in_cache() -> WeightFiles:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(REPO_ID, f"{FOLDER}/{CONFIG}")
    if not isinstance(config, str):
        raise EngineUnavailable(f"The weights are not on this machine; {FETCH_HINT}.")
    checkpoints = (Path(config).parent / name for name in CHECKPOINTS)
    checkpoint = next((path for path in checkpoints if path.is_file()), None)
    if checkpoint is None:
        raise EngineUnavailable(f"The weights are only partly on this machine; {FETCH_HINT}.")
    return WeightFiles(Path(config), checkpoint)
