from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from orfeas.engines.hunyuan.paint import painter as painter_module
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.painter import Painter
from orfeas.engines.hunyuan.paint.pipeline import PaintedViews, PaintOptions
from orfeas.engines.hunyuan.paint.plan import Placement, make_plans
from orfeas.engines.hunyuan.paint.unet import MainStream
from orfeas.errors import Cancelled, EngineUnavailable, OutOfMemory
from orfeas.progress import Progress, Stage, Step
from tests.engines.hunyuan.paint.tiny import CONFIG, write_tiny_paint_release
from tests.engines.hunyuan.paint.views import ball_maps, draw_reference

OPTIONS = PaintOptions(view_size=64, num_inference_steps=2)
VIEWS = 2


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_paint_release(folder, with_super_resolution=True)
    return folder


def paint(painter: Painter, options: PaintOptions = OPTIONS, progress: Progress | None = None) -> PaintedViews:
    progress = progress or Progress()
    with progress.stage(Stage.TEXTURE):
        return painter.paint(draw_reference(), *ball_maps(VIEWS), options, progress).views


def pixels(views: PaintedViews) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in views.albedo + views.metallic_roughness])


def test_every_view_is_painted_in_both_materials(weights: Path) -> None:
    views = paint(Painter(weights, "cpu"))
    for pictures in (views.albedo, views.metallic_roughness):
        assert [(picture.size, picture.mode) for picture in pictures] == [((64, 64), "RGB")] * VIEWS
    assert len({picture.tobytes() for picture in views.albedo + views.metallic_roughness}) == 2 * VIEWS


def test_the_same_seed_paints_the_same_and_another_something_else(weights: Path) -> None:
    painter = Painter(weights, "cpu")
    first = pixels(paint(painter))
    assert np.array_equal(first, pixels(paint(painter)))
    assert np.array_equal(first, pixels(paint(Painter(weights, "cpu"))))
    assert not np.array_equal(first, pixels(paint(painter, PaintOptions(view_size=64, num_inference_steps=2, seed=1))))


def test_progress_tells_every_step(weights: Path) -> None:
    steps: list[Step] = []
    paint(Painter(weights, "cpu"), progress=Progress(report=steps.append))
    assert [(step.done, step.total) for step in steps if step.total] == [(0, 2), (1, 2), (2, 2)]


def test_a_stop_is_heeded_within_a_step(weights: Path) -> None:
    asked = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) > 12

    with pytest.raises(Cancelled):
        paint(Painter(weights, "cpu"), progress=Progress(is_cancelled=is_cancelled))
    assert len(asked) == 13


@pytest.mark.parametrize("failures", [1, 2])
def test_running_out_of_memory_steps_down_and_says_so(
    failures: int, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pixels(paint(Painter(weights, "cpu")))
    run_out(monkeypatch, failures)
    painter, progress = Painter(weights, "cpu"), Progress()
    with progress.stage(Stage.TEXTURE):
        result = painter.paint(draw_reference(), *ball_maps(VIEWS), OPTIONS, progress)
    assert np.abs(pixels(result.views).astype(int) - whole).max() <= 1
    (note,) = result.notes
    assert "take turns" in note
    assert ("one thing at a time" in note) == (failures == 2)


def test_running_out_of_memory_for_good_is_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_out(monkeypatch, 3)
    with pytest.raises(OutOfMemory, match="even after stepping down"):
        paint(Painter(weights, "cpu"))


def run_out(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    forward, left = MainStream.forward, [times]

    def failing(self: MainStream, *arguments: object) -> torch.Tensor:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, *arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(MainStream, "forward", failing)


def test_too_little_memory_is_told_before_anything_is_loaded(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter_module, "free_bytes", lambda device: 1000)
    with pytest.raises(OutOfMemory, match="2 views of 64 pixels need about"):
        paint(Painter(weights, "cpu"))


def test_views_are_enlarged_by_the_network_where_its_weights_are(weights: Path, tmp_path: Path) -> None:
    painter, progress = Painter(weights, "cpu"), Progress()
    views = paint(painter)
    write_tiny_paint_release(tmp_path)
    with progress.stage(Stage.TEXTURE):
        by_network = painter.enlarge(views, 256, progress)
        resampled = Painter(tmp_path, "cpu").enlarge(views, 256, progress)
    assert "by Real-ESRGAN" in by_network.note
    assert "by resampling" in resampled.note
    assert all(picture.size == (256, 256) for picture in by_network.views.albedo)
    assert by_network.views.albedo[0].tobytes() != resampled.views.albedo[0].tobytes()
    maps = [enlarged.views.metallic_roughness for enlarged in (by_network, resampled)]
    assert [picture.tobytes() for picture in maps[0]] == [picture.tobytes() for picture in maps[1]]
    assert resampled.views.albedo[0].tobytes() == views.albedo[0].resize((256, 256), Image.Resampling.LANCZOS).tobytes()


def test_it_is_ready_where_the_weights_are(weights: Path, tmp_path: Path) -> None:
    assert Painter(weights, "cpu").why_not() == ""
    assert "hunyuan3d-paintpbr-v2-1/unet/config.json" in Painter(tmp_path, "cpu").why_not()


def test_on_its_own_choice_it_waits_for_a_gpu(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter_module, "choose_device", lambda choice: torch.device("cpu"))
    assert "No GPU was found" in Painter(weights, "auto").why_not()


def test_other_weights_put_there_are_those_of_the_next_job(tmp_path: Path) -> None:
    checkpoint = write_tiny_paint_release(tmp_path)
    painter = Painter(tmp_path, "cpu")
    first = pixels(paint(painter))
    halved = {name: tensor / 2 for name, tensor in torch.load(checkpoint, weights_only=True).items()}
    save_file(halved, checkpoint.with_suffix(".safetensors"))
    assert not np.array_equal(pixels(paint(painter)), first)


def test_networks_that_take_turns_make_room_for_the_enlarger(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = make_plans(CONFIG, VIEWS, OPTIONS.view_size, torch.float32)
    monkeypatch.setattr(painter_module, "free_bytes", lambda device: needed[Placement.STAGED].needed_bytes)
    painter, progress = Painter(weights, "cpu"), Progress()
    views, steps = paint(painter), []
    monkeypatch.setattr(PaintNetworks, "release", lambda networks: steps.append(networks.plan.placement))
    with progress.stage(Stage.TEXTURE):
        painter.enlarge(views, 256, progress)
    assert steps == [Placement.STAGED]


def test_painting_without_weights_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="There is no"):
        paint(Painter(tmp_path, "cpu"))
