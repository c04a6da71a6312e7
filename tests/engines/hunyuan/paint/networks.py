"""The tiny release's network and inputs for it, made in memory."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orfeas.engines.hunyuan.paint.config import DINO_SIZE
from orfeas.engines.hunyuan.paint.unet import Features, MainStream, ReferenceStream
from orfeas.engines.hunyuan.paint.voxels import find_voxels
from tests.engines.hunyuan.paint.tiny import UNET
from tests.paint_set import posmap, weight

LATENT_SIZE, VIEWS = 8, 3


@dataclass(frozen=True)
class Scene:
    """What is painted: one row's sample and controls, and what it looks at."""

    main: MainStream
    sample: Tensor
    controls: Tensor
    states: Tensor
    features: Features
    cells: tuple[Tensor, ...]


def fill(module: nn.Module) -> None:
    module.eval().requires_grad_(False)
    for name, parameter in module.named_parameters():
        parameter.copy_(weight(name, parameter.shape))


def make_scene() -> Scene:
    main, reference = MainStream(UNET), ReferenceStream(UNET)
    fill(main)
    fill(reference)
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, LATENT_SIZE, LATENT_SIZE, generator=generator)
    maps = torch.from_numpy(posmap("scene", VIEWS, 8 * LATENT_SIZE))[None]
    return Scene(
        main=main,
        sample=torch.randn(1, 2, VIEWS, 4, LATENT_SIZE, LATENT_SIZE, generator=generator),
        controls=torch.randn(1, VIEWS, 8, LATENT_SIZE, LATENT_SIZE, generator=generator),
        states=torch.randn(7, DINO_SIZE, generator=generator),
        features=reference.record(latents, main.learned_text_clip_ref),
        cells=find_voxels(maps, LATENT_SIZE, UNET.levels),
    )
