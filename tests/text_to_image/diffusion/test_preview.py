"""What a picture looks like in the making."""

from pathlib import Path

import pytest
import torch

from orfeas.text_to_image.diffusion.layout import read_folder
from orfeas.text_to_image.diffusion.pipeline import Networks, Release
from orfeas.text_to_image.diffusion.plan import Placement, Plan
from orfeas.text_to_image.diffusion.preview import draw_preview


def pipeline_of(folder: Path) -> object:
    laid_out = Networks(
        Release(folder, read_folder(folder)), torch.device("cpu"), torch.float32, Plan(Placement.RESIDENT, 0)
    )
    return laid_out.pipeline()


def test_latents_are_made_small_before_they_are_decoded(unet: Path) -> None:
    image = draw_preview(pipeline_of(unet), torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0)))
    assert image is not None
    assert (image.size, image.mode) == ((64, 64), "RGB")


def test_packed_latents_of_a_square_are_unpacked(transformer: Path) -> None:
    image = draw_preview(pipeline_of(transformer), torch.randn(1, 16 * 16, 16))
    assert image is not None
    assert image.size == (64, 64)


@pytest.mark.parametrize("shape", [(1, 15 * 16, 16), (1, 2, 3, 4, 5)])
def test_what_cannot_be_unpacked_simply_is_not_shown(shape: tuple[int, ...], transformer: Path) -> None:
    assert draw_preview(pipeline_of(transformer), torch.randn(shape)) is None


def test_latents_of_another_kind_are_not_shown(unet: Path) -> None:
    assert draw_preview(pipeline_of(unet), torch.randn(1, 16, 8, 8)) is None
