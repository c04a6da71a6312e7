"""The engine itself: options to effective values, and a cut-out picture to a mesh."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.devices import DeviceChoice, choose_device, choose_dtype, free_bytes, is_out_of_memory
from orfeas.engines.base import ShapeRequest, ShapeResult
from orfeas.engines.hunyuan.config import read_config
from orfeas.engines.hunyuan.files import LICENCE, find_weights
from orfeas.errors import EngineUnavailable, InvalidOption, OutOfMemory
from orfeas.options import EngineChoice, Quality, ShapeOptions, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.records import EngineInfo

if TYPE_CHECKING:
    import torch
    import trimesh

    from orfeas.engines.hunyuan.pipeline import Networks
    from orfeas.engines.hunyuan.plan import Placement

LOGGER = logging.getLogger(__name__)

GB = 1e9
GUIDANCE_SCALE = 5.0
SHAPE_ONLY = "Hunyuan3D-2.1 makes the shape here, and no texture yet."
NO_MEMORY = (
    "The device's memory ran out even after stepping down. Choose a lower quality or close other programs; "
    "the next job works."
)


@dataclass(frozen=True)
class Preset:
    """What a quality means to this engine (specification §11)."""

    num_inference_steps: int
    octree_resolution: int
    target_faces: int


PRESETS = {
    Quality.DRAFT: Preset(num_inference_steps=10, octree_resolution=196, target_faces=20_000),
    Quality.STANDARD: Preset(num_inference_steps=30, octree_resolution=256, target_faces=40_000),
    Quality.HIGH: Preset(num_inference_steps=30, octree_resolution=384, target_faces=100_000),
    Quality.ULTRA: Preset(num_inference_steps=50, octree_resolution=512, target_faces=250_000),
}


class HunyuanShape:
    """Hunyuan3D-2.1: an untextured shape from one picture, with the published weights.

    Args:
        weights: the operator's folder of weights; the Hugging Face cache where ``None``.
        device: where to run; ``auto`` takes a GPU and nothing else, since a processor takes an hour.
    """

    name = EngineChoice.HUNYUAN
    title = "Hunyuan3D-2.1"
    revision = "1"

    def __init__(self, weights: Path | None, device: DeviceChoice) -> None:
        self._weights = weights
        self._device: DeviceChoice = device
        self._networks: Networks | None = None

    def check_weights(self) -> None:
        """Look for the weights; loads none.

        Raises:
            EngineUnavailable: what is missing or damaged.
        """
        read_config(find_weights(self._weights).config)

    def check_device(self) -> None:
        """Look for a device to run on; loads torch.

        Raises:
            EngineUnavailable: there is none.
        """
        self._choose_device()

    def info(self) -> EngineInfo:
        """Ready where the weights are whole and there is a device to run them on; loads no weights."""
        try:
            self.check_weights()
            self.check_device()
            why_not = ""
        except EngineUnavailable as error:
            why_not = str(error).rstrip(".")
        return EngineInfo(
            name=self.name,
            kind="shape",
            title=self.title,
            is_ready=not why_not,
            why_not=why_not,
            needs="The published weights (7.4 GB) and a GPU with 6 GB of memory; 10 GB keep everything on it.",
            licence=LICENCE,
            good_for="True 3D shape from one picture, back included.",
            is_preview=False,
        )

    def resolve(self, options: ShapeOptions) -> ShapeOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS.

        The model has no texture, so ``texture`` becomes false.

        Raises:
            InvalidOption: a size for the texture was set.
        """
        if options.texture_size != 0:
            raise InvalidOption("texture_size cannot be set: the engine hunyuan3d-2.1 makes no texture; leave it at 0.")
        preset = PRESETS[options.quality]
        return replace(
            options,
            engine=self.name,
            texture=False,
            seed=choose_seed(options.seed),
            num_inference_steps=options.num_inference_steps or preset.num_inference_steps,
            guidance_scale=GUIDANCE_SCALE if options.guidance_scale == -1 else options.guidance_scale,
            octree_resolution=options.octree_resolution or preset.octree_resolution,
            target_faces=options.target_faces or preset.target_faces,
        )

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        """Make the mesh, in the model's own box of about two units; running out of memory steps down once.

        Raises:
            Cancelled: within one step or one chunk of the request.
            InvalidImage: nothing in the picture, or nothing solid came of it.
            EngineUnavailable: the weights or the device are not there.
            OutOfMemory: device memory ran out twice.
        """
        networks = self._prepare()
        try:
            return ShapeResult(_make_mesh(networks, request, progress), (SHAPE_ONLY,))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            LOGGER.warning("out of memory on %s: %s", networks.device, error)
        # Outside the handler: until here the error's traceback held on to what did not fit.
        networks = self._step_down(networks)
        note = f"Device memory ran out, so the model was made again with less: {networks.plan.sentence}."
        try:
            return ShapeResult(_make_mesh(networks, request, progress), (SHAPE_ONLY, note))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            LOGGER.warning("out of memory on %s after stepping down: %s", networks.device, error)
        finally:
            self.release()
        raise OutOfMemory(NO_MEMORY)

    @property
    def placement(self) -> Placement | None:
        """How the networks lie in memory now; ``None`` where they do not."""
        return self._networks.plan.placement if self._networks else None

    def release(self) -> None:
        """Take the networks off the device; the next job brings them back."""
        if self._networks is not None:
            networks, self._networks = self._networks, None
            networks.release()

    def _choose_device(self) -> torch.device:
        device = choose_device(self._device)
        if self._device == "auto" and device.type == "cpu":
            raise EngineUnavailable(
                "No GPU was found; set ORFEAS_DEVICE=cpu to let it run on the processor, which takes very long."
            )
        return device

    def _prepare(self) -> Networks:
        """The networks of the last job, or new ones laid out by the memory that is free now."""
        from orfeas.engines.hunyuan.pipeline import Networks
        from orfeas.engines.hunyuan.plan import make_plans, measure

        files = find_weights(self._weights)
        if self._networks is not None and self._networks.files == files:
            return self._networks
        self.release()
        device, config = self._choose_device(), read_config(files.config)
        dtype, free = choose_dtype(device, measure(config).total), free_bytes(device)
        plans = make_plans(config, dtype)
        plan = next((plan for plan in plans if plan.needed_bytes <= free), None)
        if plan is None:
            raise OutOfMemory(
                f"Hunyuan3D-2.1 needs about {plans[-1].needed_bytes / GB:.1f} GB of memory on {device.type}, and "
                f"{free / GB:.1f} GB are free. Close other programs, or choose another engine."
            )
        LOGGER.info("hunyuan3d-2.1 on %s in %s: %s", device, dtype, plan.sentence)
        self._networks = Networks(files, config, device, dtype, plan)
        return self._networks

    def _step_down(self, networks: Networks) -> Networks:
        """The same networks laid out by the next plan.

        Raises:
            OutOfMemory: there is none.
        """
        from orfeas.engines.hunyuan.pipeline import Networks
        from orfeas.engines.hunyuan.plan import make_plans

        self.release()
        plans = make_plans(networks.config, networks.dtype)
        number = networks.plan.placement + 1
        if number == len(plans):
            raise OutOfMemory(NO_MEMORY)
        self._networks = Networks(networks.files, networks.config, networks.device, networks.dtype, plans[number])
        return self._networks


def _make_mesh(networks: Networks, request: ShapeRequest, progress: Progress) -> trimesh.Trimesh:
    from orfeas.engines.hunyuan.finish import finish_mesh
    from orfeas.engines.hunyuan.framing import frame
    from orfeas.engines.hunyuan.pipeline import make_field, make_latents
    from orfeas.engines.hunyuan.surface import extract_surface
    from orfeas.engines.hunyuan.volume import decode_volume

    options = request.options
    # 1. The picture, framed as the encoder knows it; its tokens; from noise to latents.
    with progress.stage(Stage.SHAPE):
        image = frame(request.cut_out, networks.config.image_processor).to_tensor()
        latents = make_latents(
            networks, image, options.seed, options.num_inference_steps, options.guidance_scale, progress
        )
    # 2. The field they stand for; its surface; a mesh to work with.
    with progress.stage(Stage.SURFACE):
        field = make_field(networks, latents)
        volume = decode_volume(
            field,
            options.octree_resolution,
            progress,
            chunk=networks.plan.chunk,
            device=networks.device if networks.device.type == "cuda" else None,
        )
        surface = extract_surface(volume)[0]
        return finish_mesh(surface.mesh, options.target_faces, progress.check)
