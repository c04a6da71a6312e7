"""A pipeline laid out in memory, and which pipelines there are; the engine's own tests draw with it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from orfeas.errors import Cancelled, EngineUnavailable
from orfeas.options import PictureOptions
from orfeas.progress import Progress, Stage, Step
from orfeas.text_to_image.base import PictureRequest
from orfeas.text_to_image.diffusion.layout import read_folder
from orfeas.text_to_image.diffusion.pipeline import Networks, Release, draw, find_class, parameters_of
from orfeas.text_to_image.diffusion.plan import Placement, Plan
from orfeas.text_to_image.diffusion.preview import LATENT_SIDE
from tests.text_to_image.diffusion.tiny import SIDE_PX

REQUEST = PictureRequest("a red apple", PictureOptions(seed=1, num_inference_steps=3, size_px=SIDE_PX))


def networks(folder: Path, placement: Placement) -> Networks:
    return Networks(Release(folder, read_folder(folder)), torch.device("cpu"), torch.float32, Plan(placement, 0))


def picture(laid_out: Networks, progress: Progress | None = None) -> bytes:
    progress = progress or Progress()
    with progress.stage(Stage.PICTURE):
        return draw(laid_out, REQUEST, progress).image.tobytes()


@pytest.fixture(params=["unet", "transformer"])
def folder(request: pytest.FixtureRequest, unet: Path, transformer: Path) -> Path:
    return unet if request.param == "unet" else transformer


def test_parts_that_take_turns_make_the_same_picture_after_a_stop_too(folder: Path) -> None:
    want = picture(networks(folder, Placement.RESIDENT))
    staged = networks(folder, Placement.STAGED)
    assert picture(staged) == want
    steps: list[Step] = []
    stopped = Progress(steps.append, is_cancelled=lambda: bool(steps) and steps[-1].done == 1)
    with pytest.raises(Cancelled):
        picture(staged, stopped)
    assert picture(staged) == want


def test_nothing_is_shown_where_it_would_push_the_network_out(folder: Path) -> None:
    shown: list[object] = []
    picture(networks(folder, Placement.STAGED), Progress(show=shown.append))
    assert shown == []


def test_networks_that_were_let_go_come_back_when_asked(folder: Path) -> None:
    laid_out = networks(folder, Placement.STAGED)
    first = laid_out.pipeline()
    assert laid_out.pipeline() is first
    laid_out.release()
    assert laid_out.pipeline() is not first


def test_parts_that_cannot_take_turns_are_told(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_class("StableDiffusionPipeline"), "model_cpu_offload_seq", None)
    with pytest.raises(EngineUnavailable, match="cannot take turns in memory"):
        networks(unet, Placement.STAGED).pipeline()


def test_a_class_is_found_as_auto_pipeline_finds_it() -> None:
    assert find_class("StableDiffusionImg2ImgPipeline").__name__ == "StableDiffusionPipeline"
    assert find_class("LatentConsistencyModelPipeline").__name__ == "LatentConsistencyModelPipeline"
    assert parameters_of(find_class("Flux2KleinPipeline"))["num_inference_steps"] == 50


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NoSuchPipeline", "does not have"),
        ("UNet2DConditionModel", "does not have"),
        ("DDPMPipeline", "does not make a picture from words"),
        ("WanPipeline", "does not make a picture from words"),
    ],
)
def test_what_makes_no_pictures_from_words_is_refused(name: str, told: str) -> None:
    with pytest.raises(EngineUnavailable, match=told):
        find_class(name)


@pytest.mark.parametrize("failure", [RuntimeError("out of memory"), ValueError("not divisible")])
def test_a_preview_that_fails_ends_the_previews_and_not_the_picture(
    failure: Exception, unet: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("orfeas.progress.PREVIEW_EVERY_S", 0)
    laid_out = networks(unet, Placement.RESIDENT)
    wide = replace(REQUEST, options=replace(REQUEST.options, size_px=LATENT_SIDE * 4, num_inference_steps=4))
    asked: list[int] = []

    def refuse_small(_module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        if inputs[0].shape[-1] == LATENT_SIDE:
            asked.append(1)
            raise failure

    laid_out.pipeline().vae.post_quant_conv.register_forward_pre_hook(refuse_small)
    shown: list[object] = []
    progress = Progress(show=shown.append)
    with progress.stage(Stage.PICTURE):
        made = draw(laid_out, wide, progress)
    assert made.image.size == (LATENT_SIDE * 4, LATENT_SIDE * 4)
    assert (len(asked), shown) == (1, [])
    assert caplog.text.count("this job shows no more previews") == 1
