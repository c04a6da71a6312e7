"""From one picture, and a mesh seen from several sides, to painted views. All of it is torch; no jobs, no files."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from orfeas.engines.hunyuan.paint.config import DINO_SIZE, LATENT_PX
from orfeas.engines.hunyuan.paint.guidance import view_factors
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.pictures import Picture, prepare_dino, prepare_reference, to_pictures, to_unit
from orfeas.engines.hunyuan.paint.plan import Placement
from orfeas.engines.hunyuan.paint.sampler import Solver, draw_noise, sample_views
from orfeas.engines.hunyuan.paint.unet import Features, MainStream, PaintContext, Row
from orfeas.engines.hunyuan.paint.voxels import Voxels, find_voxels
from orfeas.progress import Progress


@dataclass(frozen=True)
class PaintOptions:
    """How the views are painted; the defaults are the published ones.

    Attributes:
        view_size: pixels a side of each view, a multiple of 64; the weights know 512 and 768.
        num_inference_steps: of the solver.
        guidance_scale: how much the reference counts; 1 leaves guidance out, for half the time.
        seed: of the noise.
        voxels: see :class:`Voxels`.
        azimuths_deg: of each view, in [0, 360), to guide those from behind more; empty: all alike, as published.
    """

    view_size: int = 512
    num_inference_steps: int = 15
    guidance_scale: float = 3.0
    seed: int = 0
    voxels: Voxels = Voxels.CLEAN
    azimuths_deg: tuple[float, ...] = ()


@dataclass(frozen=True)
class PaintedViews:
    """One RGB picture of each view and material, in the order the views were given in.

    Attributes:
        albedo: colours, sRGB.
        metallic_roughness: metallic in red, roughness in green, linear; blue has no meaning.
    """

    albedo: list[Image.Image]
    metallic_roughness: list[Image.Image]


@torch.inference_mode()
def paint_views(
    networks: PaintNetworks,
    reference: Image.Image,
    normal_maps: Sequence[Picture],
    position_maps: Sequence[Picture],
    options: PaintOptions,
    progress: Progress,
) -> PaintedViews:
    """Paint what a mesh shows to several cameras as the reference has it.

    Args:
        networks: laid out for so many views of this size.
        reference: a cut-out, RGBA, sRGB.
        normal_maps: one for each view, colours of directions (specification §7.4).
        position_maps: one for each view, colours of places, the background white.
        options: how.
        progress: gets a step for each evaluation; a stage must be open.

    Raises:
        Cancelled: within a step.
        EngineUnavailable: the weights are not what they should be.
    """
    size, device = options.view_size, networks.device
    assert len(normal_maps) == len(position_maps) > 0
    assert size % (LATENT_PX << (networks.config.unet.levels - 1)) == 0
    # 1. Pictures as the networks know them.
    picture = prepare_reference(reference, size)
    normals, positions = to_unit(normal_maps, size), to_unit(position_maps, size)
    # 2. What DINOv2 sees in the reference.
    states = networks.dino()(prepare_dino(picture).to(device, networks.dtype))[0]
    progress.check()
    # 3. Latents of the reference and of the views.
    latents = networks.autoencoder().encode(to_unit([picture], size), progress.check)
    controls = encode_controls(networks, normals, positions, options.voxels, progress)
    # 4. What the main stream's blocks see of the reference.
    text = networks.reference_text()
    features = networks.reference().record(latents.to(device, networks.dtype), text, progress.check)
    # 5. What stays the same over all steps.
    painter = networks.painter()
    cells = find_voxels(positions[None], size // LATENT_PX, networks.config.unet.levels, options.voxels)
    is_split = networks.plan.placement is Placement.SPLIT
    contexts = make_contexts(painter, states, features, cells, options.guidance_scale, is_split=is_split)
    # 6. From noise to the latents of all views.
    painted = sample_views(
        painter,
        draw_noise(options.seed, len(normals), size // LATENT_PX),
        controls,
        contexts,
        Solver(networks.config.schedule, options.num_inference_steps),
        options.guidance_scale,
        progress,
        view_factors(options.azimuths_deg).to(device) if options.azimuths_deg else None,
    )
    # 7. Latents to pictures.
    del painter, contexts
    albedo, metallic_roughness = (
        to_pictures(networks.autoencoder().decode(material, progress.check)) for material in painted
    )
    return PaintedViews(albedo, metallic_roughness)


def encode_controls(
    networks: PaintNetworks, normals: Tensor, positions: Tensor, voxels: Voxels, progress: Progress
) -> Tensor:
    """Latents ``[N, 8, h, h]`` float32 of the views' normals and positions ``[N, 3, S, S]`` in 0..1.

    Raises:
        Cancelled: between two pictures.
    """
    if voxels is Voxels.COMPAT:
        normals, positions = normals.to(torch.float16), positions.to(torch.float16)
    encode = networks.autoencoder().encode
    return torch.cat([encode(normals, progress.check), encode(positions, progress.check)], dim=1)


def make_contexts(
    painter: MainStream,
    states: Tensor,
    features: Features,
    cells: Sequence[Tensor],
    guidance_scale: float,
    *,
    is_split: bool,
) -> list[PaintContext]:
    """What the network looks at, without the reference and with it; only the one that counts at a scale of 0 or 1.

    Args:
        painter: on its device.
        states: DINOv2's, ``[T, 1536]``.
        features: of the reference, ``[R · L, C]`` by place.
        cells: of the views' tokens at each level, ``[1, N · L, 3]``.
        guidance_scale: see :func:`guide`.
        is_split: make a context for each row, so that they are taken one after the other, for less memory.
    """
    # A single state of zeros gives the same tokens as many do, and attention to them is the same.
    without, whole = Row(torch.zeros(1, DINO_SIZE), {}, reference_scale=0.0), Row(states, features)
    rows = {0.0: [without], 1.0: [whole]}.get(guidance_scale, [without, whole])
    groups = [[row] for row in rows] if is_split else [rows]
    return [painter.make_context(group, cells) for group in groups]
