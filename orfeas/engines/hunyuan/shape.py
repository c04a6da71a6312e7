"""The engine itself: options to effective values, and a cut-out picture to a mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.devices import DeviceChoice, choose_dtype, choose_for_learned
from orfeas.engines.base import ShapeRequest, ShapeResult
from orfeas.engines.hunyuan.config import read_config
from orfeas.engines.hunyuan.files import LICENCE, find_weights
from orfeas.options import EngineChoice, Quality, ShapeOptions, WeightsChoice, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.readiness import why_not
from orfeas.records import EngineInfo
from orfeas.residence import Residence, Tenants, Wanted

if TYPE_CHECKING:
    from orfeas.engines.hunyuan.pipeline import Networks
    from orfeas.engines.hunyuan.plan import Plan
    from orfeas.engines.hunyuan.sampler import Sampled

GUIDANCE_SCALE = 5.0


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
        tenants: who else keeps networks on the device.
        is_compiled: whether the denoiser goes through ``torch.compile``.
    """

    name = EngineChoice.HUNYUAN
    title = "Hunyuan3D-2.1"
    revision = "1"
    has_texture = False

    def __init__(
        self, weights: Path | None, device: DeviceChoice, tenants: Tenants, *, is_compiled: bool = False
    ) -> None:
        self._weights = weights
        self._is_compiled = is_compiled
        self._device: DeviceChoice = device
        self._residence: Residence[Plan, Networks] = Residence(self.title, tenants)

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
        choose_for_learned(self._device)

    def info(self) -> EngineInfo:
        """Ready where the weights are whole and there is a device to run them on; loads no weights."""
        missing = why_not(self.check_weights, self.check_device)
        return EngineInfo(
            name=self.name,
            kind="shape",
            title=self.title,
            is_ready=not missing,
            why_not=missing,
            needs="The published weights (7.4 GB) and a GPU with 6 GB of memory; 10 GB keep everything on it.",
            licence=LICENCE,
            good_for="True 3D shape from one picture, back included.",
            is_preview=False,
            weights=WeightsChoice.HUNYUAN_SHAPE,
        )

    def resolve(self, options: ShapeOptions) -> ShapeOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS.

        The texture is another engine's.
        """
        preset = PRESETS[options.quality]
        return replace(
            options,
            engine=self.name,
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
        made, notes = self._residence.run(
            self._wanted(), lambda plan, networks: _make_shape(networks, request, progress)
        )
        return replace(made, notes=(*made.notes, *notes))

    def _wanted(self) -> Wanted[Plan, Networks]:
        from orfeas.engines.hunyuan.pipeline import Networks
        from orfeas.engines.hunyuan.plan import make_plans, measure

        files = find_weights(self._weights)
        device, config = choose_for_learned(self._device), read_config(files.config)
        dtype = choose_dtype(device, measure(config).total)
        return Wanted(
            files,
            device,
            make_plans(config, dtype),
            lambda plan: Networks(files, config, device, dtype, plan, is_compiled=self._is_compiled),
        )


def _make_shape(networks: Networks, request: ShapeRequest, progress: Progress) -> ShapeResult:
    from orfeas.engines.hunyuan.finish import finish_mesh
    from orfeas.engines.hunyuan.framing import frame
    from orfeas.engines.hunyuan.pipeline import make_field, make_latents
    from orfeas.engines.hunyuan.surface import extract_surface
    from orfeas.engines.hunyuan.volume import decode_volume

    options = request.options
    # 1. The picture, framed as the encoder knows it; its tokens; from noise to latents.
    with progress.stage(Stage.SHAPE):
        image = frame(request.cut_out, networks.config.image_processor).to_tensor()
        sampled = make_latents(networks, image, options, progress)
    # 2. The field they stand for; its surface; a mesh to work with.
    with progress.stage(Stage.SURFACE):
        field = make_field(networks, sampled.latents)
        volume = decode_volume(
            field,
            options.octree_resolution,
            progress,
            chunk=networks.plan.chunk,
            device=networks.device if networks.device.type == "cuda" else None,
        )
        surface = extract_surface(volume)[0]
        mesh = finish_mesh(surface.mesh, options.target_faces, progress.check)
    return ShapeResult(mesh, _tell_reuse(sampled, options.cache_threshold))


def _tell_reuse(sampled: Sampled, threshold: float) -> tuple[str, ...]:
    if threshold == 0:
        return ()
    return (f"Step caching left out {sampled.reused} of {sampled.evaluations} evaluations of the denoiser.",)
