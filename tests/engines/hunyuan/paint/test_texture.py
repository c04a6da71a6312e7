from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from numpy.typing import NDArray

from orfeas.engines.base import ShapeResult, TextureRequest
from orfeas.engines.hunyuan.paint import texture as texture_module
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.plan import Placement, make_plans
from orfeas.engines.hunyuan.paint.texture import PRESETS, HunyuanPaint, Preset
from orfeas.engines.hunyuan.paint.unet import MainStream
from orfeas.errors import Cancelled, EngineUnavailable, OutOfMemory
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.weld import weld
from orfeas.options import Quality, TextureEngineChoice, TextureOptions
from orfeas.progress import Progress, Stage, Step
from orfeas.residence import Tenants
from tests.conftest import draw_mug
from tests.engines.hunyuan.paint.tiny import CONFIG, write_tiny_paint_release

SMALL = Preset(views=6, view_size=64, num_inference_steps=2, texture_size=128)
STAGES = [Stage.UNWRAP, Stage.TEXTURE, Stage.ENLARGE, Stage.BAKE]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_paint_release(folder, ".safetensors")
    return folder


@pytest.fixture(autouse=True)
def small_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft of views that a processor paints in a moment."""
    monkeypatch.setitem(PRESETS, Quality.DRAFT, SMALL)


def request_for(engine: HunyuanPaint, **changes: object) -> TextureRequest:
    asked = replace(TextureOptions(quality=Quality.DRAFT, seed=1), **changes)  # type: ignore[arg-type]  # any option
    return TextureRequest(trimesh.creation.icosphere(2, 20.0), draw_mug(), engine.resolve(asked))


def paint(engine: HunyuanPaint, progress: Progress | None = None, **changes: object) -> trimesh.Trimesh:
    return engine.generate(request_for(engine, **changes), progress or Progress()).mesh


def pixels(mesh: trimesh.Trimesh) -> NDArray[np.int64]:
    texture = appearance_of(mesh).texture
    assert texture is not None
    return np.asarray(texture.convert("RGB")).astype(np.int64)


@dataclass(frozen=True)
class Painted:
    """What the engine paints with everything on the device, of what, and what it told meanwhile."""

    request: TextureRequest
    result: ShapeResult
    steps: list[Step]
    stages: list[Stage]
    pixels: NDArray[np.int64]


@pytest.fixture(scope="module")
def engine(weights: Path) -> HunyuanPaint:
    """An engine that has its networks from the first job on."""
    return HunyuanPaint(weights, "cpu", Tenants())


@pytest.fixture(scope="module")
def painted(engine: HunyuanPaint) -> Painted:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, Quality.DRAFT, SMALL)
        steps: list[Step] = []
        progress = Progress(steps.append)
        request = request_for(engine)
        result = engine.generate(request, progress)
    return Painted(request, result, steps, list(progress.timings_s), pixels(result.mesh))


def test_a_mesh_keeps_its_shape_and_gets_its_maps(painted: Painted) -> None:
    request, mesh = painted.request, painted.result.mesh
    before, after = (
        trimesh.Trimesh(np.asarray(m.vertices)[weld(m.vertices)[0]], weld(m.vertices)[1][m.faces], process=False)
        for m in (request.mesh, mesh)
    )
    assert len(after.faces) == len(before.faces)
    assert after.is_watertight
    assert after.volume == pytest.approx(before.volume)
    assert painted.pixels.shape == (128, 128, 3)


def test_every_stage_and_step_is_told(painted: Painted) -> None:
    steps = painted.steps
    assert painted.stages == STAGES
    assert [(s.done, s.total) for s in steps if s.stage is Stage.TEXTURE and s.total] == [(0, 2), (1, 2), (2, 2)]
    for stage in (Stage.ENLARGE, Stage.BAKE):
        told = [step for step in steps if step.stage is stage and step.total]
        assert [step.done for step in told] == sorted(step.done for step in told)
        assert told[-1].done == told[-1].total


@pytest.mark.parametrize("stage", STAGES)
def test_it_stops_in_every_stage_and_the_next_job_works(stage: Stage, engine: HunyuanPaint, painted: Painted) -> None:
    steps: list[Step] = []
    progress = Progress(steps.append, is_cancelled=lambda: bool(steps) and steps[-1].stage is stage)
    with pytest.raises(Cancelled):
        paint(engine, progress)
    assert [step.stage for step in steps].count(stage) == 1
    assert np.array_equal(pixels(paint(engine)), painted.pixels)


def test_the_same_seed_paints_the_same_and_another_something_else(
    weights: Path, engine: HunyuanPaint, painted: Painted
) -> None:
    assert np.array_equal(painted.pixels, pixels(paint(HunyuanPaint(weights, "cpu", Tenants()))))
    assert not np.array_equal(painted.pixels, pixels(paint(engine, seed=2)))


@pytest.mark.parametrize("placement", list(Placement))
def test_every_plan_paints_the_same(
    placement: Placement, weights: Path, painted: Painted, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plans(CONFIG, SMALL.views, SMALL.view_size, torch.float32)[placement]
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: plan.needed_bytes)
    assert np.abs(pixels(paint(HunyuanPaint(weights, "cpu", Tenants()))) - painted.pixels).max() <= 1


def run_out(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    forward, left = MainStream.forward, [times]

    def failing(self: MainStream, *arguments: object) -> torch.Tensor:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, *arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(MainStream, "forward", failing)


def test_running_out_of_memory_once_steps_down_and_says_so(
    weights: Path, painted: Painted, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = HunyuanPaint(weights, "cpu", Tenants())
    run_out(monkeypatch, 1)
    result = engine.generate(request_for(engine), Progress())
    assert "Device memory ran out, so it was made again with less" in result.notes[-1]
    assert np.abs(pixels(result.mesh) - painted.pixels).max() <= 1


def test_running_out_of_memory_twice_ends_the_job_alone(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = HunyuanPaint(weights, "cpu", Tenants())
    run_out(monkeypatch, 2)
    with pytest.raises(OutOfMemory, match="even after stepping down"):
        paint(engine)
    assert pixels(paint(engine)).any()


def test_networks_that_take_turns_are_gone_before_the_views_are_enlarged(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plans(CONFIG, SMALL.views, SMALL.view_size, torch.float32)[Placement.STAGED]
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: plan.needed_bytes)
    held: list[int] = []
    networks: list[PaintNetworks] = []
    make = PaintNetworks.__init__

    def remember(self: PaintNetworks, *arguments: object) -> None:
        networks.append(self)
        make(self, *arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(PaintNetworks, "__init__", remember)
    progress = Progress(lambda step: held.append(networks[0].held_bytes()) if step.stage is Stage.ENLARGE else None)
    paint(HunyuanPaint(weights, "cpu", Tenants()), progress)
    assert set(held) == {0}


def test_the_result_says_how_the_views_were_enlarged(painted: Painted, tmp_path: Path) -> None:
    write_tiny_paint_release(tmp_path, with_super_resolution=True)
    engine = HunyuanPaint(tmp_path, "cpu", Tenants())
    assert "by resampling" in painted.result.notes[0]
    assert "by Real-ESRGAN" in engine.generate(request_for(engine), Progress()).notes[0]


def test_ready_weights_make_it_ready_and_missing_ones_are_named(weights: Path, tmp_path: Path) -> None:
    info = HunyuanPaint(weights, "cpu", Tenants()).info()
    assert (info.kind, info.is_ready, info.why_not) == ("texture", True, "")
    assert "hunyuan3d-paintpbr-v2-1/unet/config.json" in HunyuanPaint(tmp_path, "cpu", Tenants()).info().why_not
    with pytest.raises(EngineUnavailable, match="There is no"):
        paint(HunyuanPaint(tmp_path, "cpu", Tenants()))


def test_on_its_own_choice_it_waits_for_a_gpu(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "No GPU was found" in HunyuanPaint(weights, "auto", Tenants()).info().why_not


@pytest.mark.parametrize("quality", list(Quality))
def test_a_quality_fills_in_what_was_left_open(quality: Quality, weights: Path) -> None:
    preset = texture_module.PRESETS[quality]
    options = HunyuanPaint(weights, "cpu", Tenants()).resolve(TextureOptions(quality=quality))
    assert (options.num_inference_steps, options.texture_size) == (preset.num_inference_steps, preset.texture_size)
    assert (options.engine, options.guidance_scale) == (TextureEngineChoice.HUNYUAN, 3.0)
    assert options.seed >= 0


def test_what_was_asked_for_is_kept(weights: Path) -> None:
    asked = TextureOptions(
        engine=TextureEngineChoice.HUNYUAN, seed=5, num_inference_steps=7, guidance_scale=0.0, texture_size=512
    )
    assert HunyuanPaint(weights, "cpu", Tenants()).resolve(asked) == asked
