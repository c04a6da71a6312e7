"""The engine over real pipelines of diffusers, of random weights: one with a U-Net, one with a transformer."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from orfeas.engines.base import ShapeRequest
from orfeas.engines.hunyuan.shape import HunyuanShape
from orfeas.errors import Cancelled, EngineUnavailable, InvalidOption, InvalidPrompt, OutOfMemory
from orfeas.options import PictureOptions, ShapeOptions, Style, TextEngineChoice
from orfeas.progress import Progress, Stage, Step
from orfeas.residence import Tenants
from orfeas.text_to_image.base import PictureRequest, PictureResult
from orfeas.text_to_image.diffusion import Diffusion
from tests.conftest import draw_mug
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.text_to_image.diffusion.tiny import SIDE_PX, write_tiny_transformer

OPTIONS = PictureOptions(seed=1, num_inference_steps=3, size_px=SIDE_PX)
PROMPT = "a red apple"


def request_for(engine: Diffusion, options: PictureOptions = OPTIONS, prompt: str = PROMPT) -> PictureRequest:
    effective = engine.resolve(options)
    return PictureRequest(engine.compose(prompt, effective), effective)


def draw(engine: Diffusion, options: PictureOptions = OPTIONS, prompt: str = PROMPT) -> PictureResult:
    return engine.generate(request_for(engine, options, prompt), Progress())


def is_same(first: PictureResult, second: PictureResult) -> bool:
    return first.image.tobytes() == second.image.tobytes()


class Fails:
    """A report that asks torch for more memory than there is, at the first steps; a real failure."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, step: Step) -> None:
        if step.total and self.times:
            self.times -= 1
            torch.empty(2**55, dtype=torch.int8)


def test_words_become_a_picture_of_the_size_asked_for(engine: Diffusion) -> None:
    result = draw(engine)
    assert (result.image.size, result.image.mode) == ((SIDE_PX, SIDE_PX), "RGBA")
    assert result.image.getchannel("A").getextrema() == (255, 255)
    assert result.notes[0].startswith("Drawn by ")


def test_the_same_seed_makes_the_same_picture_and_another_another(engine: Diffusion) -> None:
    first = draw(engine)
    assert is_same(draw(engine), first)
    assert not is_same(draw(engine, replace(OPTIONS, seed=2)), first)


def test_a_new_engine_makes_the_same_picture(unet: Path, unet_engine: Diffusion) -> None:
    assert is_same(draw(Diffusion(str(unet), None, "cpu", Tenants())), draw(unet_engine))


def test_other_words_make_another_picture(engine: Diffusion) -> None:
    assert not is_same(draw(engine, prompt="a blue teapot"), draw(engine))


def test_every_step_is_told_in_the_stage_of_the_picture(engine: Diffusion) -> None:
    steps: list[Step] = []
    engine.generate(request_for(engine, replace(OPTIONS, num_inference_steps=5)), Progress(steps.append))
    assert steps == [Step(Stage.PICTURE), *(Step(Stage.PICTURE, done, 5) for done in range(1, 6))]


def test_the_size_is_the_models_own_where_it_is_left_open(unet_engine: Diffusion) -> None:
    options = unet_engine.resolve(PictureOptions(seed=1))
    assert options.size_px == SIDE_PX
    assert draw(unet_engine, replace(OPTIONS, size_px=0)).image.size == (SIDE_PX, SIDE_PX)
    assert draw(unet_engine, replace(OPTIONS, size_px=96)).image.size == (96, 96)


def test_steps_and_guidance_are_the_pipelines_own_where_they_are_left_open(unet_engine: Diffusion) -> None:
    options = unet_engine.resolve(PictureOptions())
    assert (options.engine, options.num_inference_steps, options.guidance_scale) == (
        TextEngineChoice.DIFFUSION,
        50,
        7.5,
    )
    assert options.seed >= 0


def test_what_is_reported_can_be_asked_for_again(engine: Diffusion) -> None:
    options = engine.resolve(PictureOptions())
    assert engine.resolve(options) == options


def test_guidance_changes_the_picture(unet_engine: Diffusion) -> None:
    assert not is_same(draw(unet_engine, replace(OPTIONS, guidance_scale=1.5)), draw(unet_engine))


def test_a_negative_prompt_changes_the_picture(unet_engine: Diffusion) -> None:
    assert not is_same(draw(unet_engine, replace(OPTIONS, negative_prompt="leaves")), draw(unet_engine))


@pytest.mark.parametrize("changes", [{"negative_prompt": "leaves"}, {"guidance_scale": 3.0}])
def test_what_a_pipeline_does_not_have_is_refused_by_its_name(
    transformer_engine: Diffusion, changes: Mapping[str, object]
) -> None:
    name = next(iter(changes))
    with pytest.raises(InvalidOption, match=f"transformer has no {name}; leave it") as error:
        transformer_engine.resolve(replace(OPTIONS, **changes))  # type: ignore[arg-type]  # its fields
    assert error.value.option == name


def test_a_transformer_that_was_not_distilled_has_guidance(tmp_path: Path) -> None:
    engine = Diffusion(str(write_tiny_transformer(tmp_path, is_distilled=False)), None, "cpu", Tenants())
    assert engine.resolve(OPTIONS).guidance_scale == 4.0
    assert not is_same(draw(engine, replace(OPTIONS, guidance_scale=1.5)), draw(engine))


def test_a_negative_prompt_without_guidance_is_refused_since_it_would_do_nothing(unet_engine: Diffusion) -> None:
    with pytest.raises(InvalidOption, match="negative_prompt acts with guidance only; set guidance_scale above 1"):
        unet_engine.resolve(replace(OPTIONS, negative_prompt="leaves", guidance_scale=1.0))


def test_for_3d_the_prompt_asks_for_one_object_and_the_style_is_in_it(engine: Diffusion) -> None:
    composed = engine.compose(PROMPT, replace(OPTIONS, style=Style.ANIME))
    assert composed.startswith(
        "One single object, whole, centred, on a plain light grey background: a red apple, anime"
    )
    assert engine.compose(PROMPT, replace(OPTIONS, for_3d=False)) == PROMPT


def test_a_prompt_that_is_longer_than_the_model_reads_is_told(unet_engine: Diffusion) -> None:
    assert any("tokens longer than this model reads" in note for note in draw(unet_engine, prompt="apple " * 40).notes)
    assert not any("longer" in note for note in draw(unet_engine, replace(OPTIONS, for_3d=False)).notes)


def test_it_stops_within_a_step_and_the_next_job_works(engine: Diffusion) -> None:
    steps: list[Step] = []
    want = draw(engine)
    progress = Progress(steps.append, is_cancelled=lambda: bool(steps) and steps[-1].done == 1)
    with pytest.raises(Cancelled):
        engine.generate(request_for(engine, replace(OPTIONS, num_inference_steps=50)), progress)
    assert [step.done for step in steps] == [0, 1]
    assert is_same(draw(engine), want)


def test_it_stops_while_the_words_are_read(engine: Diffusion) -> None:
    draw(engine)  # so that the pipeline is there
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    steps: list[Step] = []
    with pytest.raises(Cancelled):
        engine.generate(request_for(engine), Progress(steps.append, is_cancelled))
    assert [step.done for step in steps] == [0]


def test_a_small_picture_is_shown_while_it_is_made(engine: Diffusion) -> None:
    shown: list[Image.Image] = []
    engine.generate(request_for(engine), Progress(show=shown.append))
    assert len(shown) == 1  # at most one a second
    assert shown[0].size == (SIDE_PX, SIDE_PX)
    assert np.asarray(shown[0]).std() > 0


def test_running_out_of_memory_twice_ends_the_job_and_not_the_next(engine: Diffusion) -> None:
    want = draw(engine)
    with pytest.raises(OutOfMemory):
        engine.generate(request_for(engine), Progress(Fails(times=2)))
    assert engine._residence.plan is None
    assert is_same(draw(engine), want)


def test_memory_that_others_hold_is_freed_for_a_second_try_and_the_note_says_so(unet: Path) -> None:
    tenants = Tenants()
    other, engine = (Diffusion(str(unet), None, "cpu", tenants) for _ in range(2))
    draw(other)
    result = engine.generate(request_for(engine), Progress(Fails(times=1)))
    assert "made again after other engines' networks were let go" in result.notes[-1]
    assert other._residence.plan is None


def test_a_shape_engines_networks_go_where_both_do_not_fit(
    unet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_release(tmp_path)
    tenants = Tenants()
    shape, engine = HunyuanShape(tmp_path, "cpu", tenants), Diffusion(str(unet), None, "cpu", tenants)
    options = shape.resolve(ShapeOptions(seed=1, num_inference_steps=2, octree_resolution=16, target_faces=100))
    shape.generate(ShapeRequest(draw_mug(), options), Progress())
    assert shape._residence.plan is not None
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: 1000 if shape._residence.plan else 64_000_000_000)
    assert draw(engine).notes == ("Drawn by unet.",)
    assert [held._residence.plan is None for held in (shape, engine)] == [True, False]


def test_too_small_a_device_is_told_before_anything_is_loaded(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: 1000)
    engine = Diffusion(str(unet), None, "cpu", Tenants())
    with pytest.raises(OutOfMemory, match=r"Diffusion needs about .* GB of memory on cpu, and 0\.0 GB are free"):
        draw(engine)


def test_a_device_that_can_never_hold_it_is_told_in_its_state(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.text_to_image.diffusion.engine.total_bytes", lambda device: 1000)
    info = Diffusion(str(unet), None, "cpu", Tenants()).info()
    assert not info.is_ready
    assert "needs about" in info.why_not


def test_a_whole_model_makes_it_ready(engine: Diffusion) -> None:
    info = engine.info()
    assert (info.is_ready, info.why_not, info.is_preview) == (True, "", False)
    assert info.weights == ""  # a folder is nothing to fetch


def test_without_a_gpu_it_waits_to_be_told_to_take_the_processor(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "set ORFEAS_DEVICE=cpu" in Diffusion(str(unet), None, "auto", Tenants()).info().why_not


def test_a_safety_checker_that_holds_a_picture_back_ends_the_job(
    unet_engine: Diffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(unet_engine)
    pipeline = unet_engine._residence._held.pipeline()  # type: ignore[union-attr]  # it has just drawn
    monkeypatch.setattr(pipeline, "run_safety_checker", lambda image, device, dtype: (image, [True]))
    with pytest.raises(InvalidPrompt, match="safety checker held the picture back"):
        draw(unet_engine)


def test_numbers_that_overflow_are_no_picture(unet: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(unet, tmp_path / "unet")
    path = folder / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors["conv_out.bias"] += float("inf")
    save_file(tensors, path)
    with pytest.raises(EngineUnavailable, match="numbers overflowed on cpu in float32"):
        draw(Diffusion(str(folder), None, "cpu", Tenants()))


def test_weights_that_do_not_fit_the_network_are_told(unet: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(unet, tmp_path / "unet")
    path = folder / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors["conv_out.bias"] = torch.zeros(7)
    save_file(tensors, path)
    with pytest.raises(EngineUnavailable, match="cannot be loaded; its files are damaged or do not fit together"):
        draw(Diffusion(str(folder), None, "cpu", Tenants()))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_weights_with_a_tensor_missing_are_never_made_up(unet: Path, tmp_path: Path, part: str) -> None:
    folder = shutil.copytree(unet, tmp_path / "unet")
    path = next((folder / part).glob("*.safetensors"))
    tensors = load_file(path)
    tensors.pop(next(name for name in tensors if name.endswith("weight") and "layers.1" not in name))
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        draw(Diffusion(str(folder), None, "cpu", Tenants()))
