"""The texture engine: options to effective values, and a mesh and a picture to the mesh with PBR maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.devices import DeviceChoice, choose_for_learned, choose_published_dtype, free_bytes
from orfeas.engines.base import ShapeResult, TextureRequest
from orfeas.engines.hunyuan.files import LICENCE
from orfeas.engines.hunyuan.paint.files import find_paint_weights, find_super_resolution
from orfeas.options import Quality, TextureEngineChoice, TextureOptions, WeightsChoice, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.readiness import why_not
from orfeas.records import EngineInfo
from orfeas.residence import Residence, Tenants, Wanted

if TYPE_CHECKING:
    import trimesh
    from torch import Tensor

    from orfeas.engines.hunyuan.paint.networks import PaintNetworks
    from orfeas.engines.hunyuan.paint.pipeline import PaintedViews
    from orfeas.engines.hunyuan.paint.plan import Plan
    from orfeas.textures.bake import Shot
    from orfeas.textures.cameras import View
    from orfeas.textures.subject import Subject
    from orfeas.textures.unwrap import Layout

GUIDANCE_SCALE = 3.0
# Views are enlarged to this before they are baked (specification §10), or to the texture's own size if that is smaller.
BAKED_PX = 2048
# About what a texel takes on the device while the views are put onto the model.
BAKE_BYTES = 200
# What the views are made of is drawn so many times larger (specification §1, for 512), but never above 2048.
DRAWN_PER_VIEW = 4


@dataclass(frozen=True)
class Preset:
    """What a quality means to this engine (specification §1)."""

    views: int
    view_size: int
    num_inference_steps: int
    texture_size: int


PRESETS = {
    Quality.DRAFT: Preset(views=6, view_size=512, num_inference_steps=10, texture_size=1024),
    Quality.STANDARD: Preset(views=6, view_size=512, num_inference_steps=15, texture_size=2048),
    Quality.HIGH: Preset(views=8, view_size=512, num_inference_steps=15, texture_size=4096),
    Quality.ULTRA: Preset(views=8, view_size=768, num_inference_steps=15, texture_size=4096),
}


class HunyuanPaint:
    """Hunyuan3D-2.1's paint model: albedo, metallic and roughness from one picture, with the published weights.

    Args:
        weights: the operator's folder of weights; the Hugging Face cache where ``None``.
        device: where to run; ``auto`` takes a GPU and nothing else.
        tenants: who else keeps networks on the device.
    """

    name = TextureEngineChoice.HUNYUAN
    title = "Hunyuan3D-2.1 paint"
    revision = "1"

    def __init__(self, weights: Path | None, device: DeviceChoice, tenants: Tenants) -> None:
        self._weights = weights
        self._device: DeviceChoice = device
        self._residence: Residence[Plan, PaintNetworks] = Residence(self.title, tenants)

    def check_weights(self) -> None:
        """Look for the weights; loads none, and reads no configuration, which takes diffusers.

        Raises:
            EngineUnavailable: what is missing or damaged.
        """
        find_paint_weights(self._weights)
        find_super_resolution(self._weights)

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
            kind="texture",
            title=self.title,
            is_ready=not missing,
            why_not=missing,
            needs="The published paint weights (4.3 GB), DINOv2 giant (4.5 GB) and a GPU with 5 GB of memory, 7 GB for "
            "ultra; 10 GB keep everything on it, 14 GB for ultra.",
            licence=LICENCE,
            good_for="Colour, metal and roughness all around, from one picture.",
            is_preview=False,
            weights=WeightsChoice.HUNYUAN_PAINT,
        )

    def resolve(self, options: TextureOptions) -> TextureOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS."""
        preset = PRESETS[options.quality]
        return replace(
            options,
            engine=self.name,
            seed=choose_seed(options.seed),
            num_inference_steps=options.num_inference_steps or preset.num_inference_steps,
            guidance_scale=GUIDANCE_SCALE if options.guidance_scale == -1 else options.guidance_scale,
            texture_size=options.texture_size or preset.texture_size,
        )

    def generate(self, request: TextureRequest, progress: Progress) -> ShapeResult:
        """Paint the mesh; running out of device memory steps down once.

        Raises:
            Cancelled: within one step of the request.
            InvalidMesh: the mesh cannot be laid out, or nothing of it can be seen.
            EngineUnavailable: the weights or the device are not there.
            OutOfMemory: device memory ran out twice.
        """
        made, notes = self._residence.run(
            self._wanted(request.options), lambda plan, networks: self._paint(plan, networks, request, progress)
        )
        return replace(made, notes=(*made.notes, *notes))

    def _wanted(self, options: TextureOptions) -> Wanted[Plan, PaintNetworks]:
        from orfeas.engines.hunyuan.paint.config import read_paint_config
        from orfeas.engines.hunyuan.paint.networks import PaintNetworks
        from orfeas.engines.hunyuan.paint.plan import make_plans, measure

        preset, files = PRESETS[options.quality], find_paint_weights(self._weights)
        device, config = choose_for_learned(self._device), read_paint_config(files)
        dtype = choose_published_dtype(device, measure(config).total)
        return Wanted(
            (files, preset.views, preset.view_size),
            device,
            make_plans(config, preset.views, preset.view_size, dtype),
            lambda plan: PaintNetworks(files, config, device, dtype, plan),
        )

    def _paint(self, plan: Plan, networks: PaintNetworks, request: TextureRequest, progress: Progress) -> ShapeResult:
        from orfeas.engines.hunyuan.paint.enlarge import enlarge_views, load_enlarger
        from orfeas.engines.hunyuan.paint.plan import Placement
        from orfeas.textures.subject import set_up
        from orfeas.textures.unwrap import lay_out
        from orfeas.textures.views import select_views

        options, preset = request.options, PRESETS[request.options.quality]
        # 1. Where each face lies in the texture, and from where the model is looked at.
        with progress.stage(Stage.UNWRAP):
            layout = lay_out(request.mesh, options.texture_size, options.keep_uv, progress)
            subject = set_up(layout.vertices, layout.faces, networks.device)
            views = select_views(subject, preset.views, progress)
        # 2. What the model looks like from there.
        with progress.stage(Stage.TEXTURE):
            painted = _paint_views(networks, subject, views, request, progress)
        baked_bytes = BAKE_BYTES * options.texture_size**2
        if plan.placement is not Placement.RESIDENT or free_bytes(networks.device) < baked_bytes:
            networks.release()
        # 3. Larger.
        with progress.stage(Stage.ENLARGE):
            checkpoint = find_super_resolution(self._weights)
            network = load_enlarger(checkpoint, networks.device, networks.dtype) if checkpoint else None
            enlarged = enlarge_views(painted, network, min(BAKED_PX, options.texture_size), progress)
            del network
        # 4. Onto the model.
        with progress.stage(Stage.BAKE):
            mesh = _bake(layout, subject, views, enlarged.views, options.texture_size, progress)
        return ShapeResult(mesh, (enlarged.note,))


def _paint_views(
    networks: PaintNetworks, subject: Subject, views: Sequence[View], request: TextureRequest, progress: Progress
) -> PaintedViews:
    from orfeas.engines.hunyuan.paint.pipeline import PaintOptions, paint_views
    from orfeas.textures.control_maps import RENDER_PX, render_control_pictures

    options, size = request.options, PRESETS[request.options.quality].view_size
    controls = []
    for view in views:
        progress.check()
        controls.append(render_control_pictures(subject, view.camera, size, min(RENDER_PX, DRAWN_PER_VIEW * size)))
    return paint_views(
        networks,
        request.cut_out,
        [pictures.normal for pictures in controls],
        [pictures.position for pictures in controls],
        PaintOptions(
            view_size=size,
            num_inference_steps=options.num_inference_steps,
            guidance_scale=options.guidance_scale,
            seed=options.seed,
        ),
        progress,
    )


def _bake(
    layout: Layout,
    subject: Subject,
    views: Sequence[View],
    painted: PaintedViews,
    texture_size: int,
    progress: Progress,
) -> trimesh.Trimesh:
    """The model with its maps; a step for each view, and for each of what follows."""
    import torch

    from orfeas.textures.bake import Shot, bake
    from orfeas.textures.gutters import to_texture
    from orfeas.textures.inpaint import fill
    from orfeas.textures.material import dress
    from orfeas.textures.texels import make_texels

    device, steps = subject.points.device, len(views) + 3
    uv = torch.from_numpy(layout.uv).float().to(device)
    texels = make_texels(subject, uv, texture_size, check=progress.check)

    def shots() -> Iterator[Shot]:
        for number, view in enumerate(views):
            progress.step(number + 1, steps)
            yield Shot(view, _channels(painted, number).to(device))

    paint = bake(subject, texels, shots(), progress)
    progress.step(len(views) + 1, steps)
    values = fill(texels, paint, progress)
    progress.step(len(views) + 2, steps)
    maps = to_texture(texels, values)
    progress.step(steps, steps)
    return dress(layout, maps[..., :3], maps[..., 3:])


def _channels(painted: PaintedViews, number: int) -> Tensor:
    """``[S, S, 5]`` uint8 of one view: red, green, blue, metallic, roughness."""
    import numpy as np
    import torch

    colours, others = np.asarray(painted.albedo[number]), np.asarray(painted.metallic_roughness[number])
    return torch.from_numpy(np.concatenate([colours, others[..., :2]], axis=-1))
