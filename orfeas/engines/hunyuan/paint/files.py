"""Where the texture's published weights lie on this machine. Loads no tensor and needs no torch.

The layout is the published one (specification §2.1): the folder ``hunyuan3d-paintpbr-v2-1`` with ``unet``, ``vae`` and
``scheduler``, and DINOv2 as ``facebook/dinov2-giant`` has it. Python files beside them are never run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orfeas.checkpoints import check_whole
from orfeas.engines.hunyuan.files import LICENCE, REPO_ID
from orfeas.errors import EngineUnavailable
from orfeas.hub import WeightSet

FOLDER = "hunyuan3d-paintpbr-v2-1"
DINO_REPO_ID = "facebook/dinov2-giant"
CONFIG = "config.json"
UNET_CONFIG = f"unet/{CONFIG}"
SCHEDULE = "scheduler/scheduler_config.json"
DIFFUSERS_CHECKPOINTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
DINO_CHECKPOINTS = ("model.safetensors", "pytorch_model.bin")
SUPER_RESOLUTION = ("RealESRGAN_x4plus.safetensors", "RealESRGAN_x4plus.pth")
# What is fetched where they are not here: the parts of the repository that are used, and DINOv2.
WEIGHTS = (
    WeightSet(
        repo_id=REPO_ID,
        files=(
            f"{FOLDER}/{UNET_CONFIG}",
            f"{FOLDER}/unet/{DIFFUSERS_CHECKPOINTS[1]}",
            f"{FOLDER}/vae/{CONFIG}",
            f"{FOLDER}/vae/{DIFFUSERS_CHECKPOINTS[1]}",
            f"{FOLDER}/{SCHEDULE}",
        ),
        size_bytes=4_260_000_000,
        licence=LICENCE,
    ),
    WeightSet(
        repo_id=DINO_REPO_ID,
        files=(CONFIG, DINO_CHECKPOINTS[0]),
        size_bytes=4_546_000_000,
        licence="Apache-2.0",
    ),
)
FETCH_HINT = "run python -m orfeas fetch hunyuan3d-2.1-paint"


@dataclass(frozen=True)
class PartFiles:
    """One network: what it is, and its tensors."""

    config: Path
    checkpoint: Path


@dataclass(frozen=True)
class PaintFiles:
    """A release on this machine.

    Attributes:
        unet: both streams.
        vae: the autoencoder of pictures.
        schedule: the noise levels.
        dino: the reference's encoder.
    """

    unet: PartFiles
    vae: PartFiles
    schedule: Path
    dino: PartFiles


def find_paint_weights(folder: Path | None) -> PaintFiles:
    """The release in the operator's folder, or else in the Hugging Face cache, whole as far as a glance can tell.

    Args:
        folder: holds ``hunyuan3d-paintpbr-v2-1``, or is that folder, or holds ``tencent/Hunyuan3D-2.1``; where it is
            given the release is looked for nowhere else, but DINOv2 in the cache too.

    Raises:
        EngineUnavailable: what is missing or damaged, and what to do.
    """
    place = _find_in_cache() if folder is None else _find_in_folder(folder)
    schedule = place / SCHEDULE
    if not schedule.is_file():
        raise EngineUnavailable(f"There is no {SCHEDULE} in {place}; put it there.")
    return PaintFiles(
        unet=_find_part(place / "unet", DIFFUSERS_CHECKPOINTS),
        vae=_find_part(place / "vae", DIFFUSERS_CHECKPOINTS),
        schedule=schedule,
        dino=_find_part(_find_dino(folder), DINO_CHECKPOINTS),
    )


def find_super_resolution(folder: Path | None) -> Path | None:
    """Real-ESRGAN's weights in the operator's folder or its ``ckpt``; ``None`` where they are not.

    Raises:
        EngineUnavailable: they are cut off.
    """
    if folder is None:
        return None
    places = (place / name for place in (folder, folder / "ckpt", folder / FOLDER) for name in SUPER_RESOLUTION)
    found = next((path for path in places if path.is_file()), None)
    if found is not None:
        check_whole(found)
    return found


def _find_in_folder(folder: Path) -> Path:
    places = (folder / FOLDER, folder, folder / REPO_ID / FOLDER)
    place = next((place for place in places if (place / UNET_CONFIG).is_file()), None)
    if place is None:
        raise EngineUnavailable(
            f"There is no {FOLDER}/{UNET_CONFIG} in {folder}; put the published files there, or unset ORFEAS_WEIGHTS."
        )
    return place


def _find_in_cache() -> Path:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(REPO_ID, f"{FOLDER}/{UNET_CONFIG}")
    if not isinstance(config, str):
        raise EngineUnavailable(f"The texture's weights are not on this machine; {FETCH_HINT}.")
    return Path(config).parents[1]


def _find_dino(folder: Path | None) -> Path:
    place = next((place for place in _dino_places(folder) if (place / CONFIG).is_file()), None)
    if place is None:
        where = f"in {folder} nor " if folder else ""
        raise EngineUnavailable(f"{DINO_REPO_ID} is not {where}in the Hugging Face cache; {FETCH_HINT}.")
    return place


def _dino_places(folder: Path | None) -> Iterator[Path]:
    from huggingface_hub import try_to_load_from_cache

    if folder is not None:
        yield folder / DINO_REPO_ID.partition("/")[2]
        yield folder / DINO_REPO_ID
    config = try_to_load_from_cache(DINO_REPO_ID, CONFIG)
    if isinstance(config, str):
        yield Path(config).parent


def _find_part(place: Path, checkpoints: tuple[str, ...]) -> PartFiles:
    config = place / CONFIG
    if not config.is_file():
        raise EngineUnavailable(f"There is no {CONFIG} in {place}; put it there.")
    checkpoint = next((place / name for name in checkpoints if (place / name).is_file()), None)
    if checkpoint is None:
        raise EngineUnavailable(f"There is no {checkpoints[1]} or {checkpoints[0]} in {place}; put it there.")
    check_whole(checkpoint)
    return PartFiles(config, checkpoint)
