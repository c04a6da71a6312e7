from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from orfeas.engines.base import ShapeRequest
from orfeas.engines.hunyuan.config import read_config
from orfeas.engines.hunyuan.files import find_weights
from orfeas.engines.hunyuan.plan import Placement, make_plans
from orfeas.engines.hunyuan.shape import PRESETS, HunyuanShape
from orfeas.errors import Cancelled, EngineUnavailable, InvalidImage, OutOfMemory
from orfeas.options import EngineChoice, Quality, ShapeOptions
from orfeas.progress import Progress, Stage, Step
from orfeas.residence import Tenants
from tests.conftest import draw_mug
from tests.engines.hunyuan.tiny import write_tiny_release

OPTIONS = ShapeOptions(seed=1, num_inference_steps=4, octree_resolution=24, target_faces=600)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_release(folder, ".safetensors")
    return folder


@pytest.fixture(scope="module")
def engine(weights: Path) -> HunyuanShape:
    return HunyuanShape(weights, "cpu", Tenants())


def request_for(engine: HunyuanShape, seed: int = 1) -> ShapeRequest:
    return ShapeRequest(draw_mug(), engine.resolve(replace(OPTIONS, seed=seed)))


class Fails:
    """A report that asks torch for more memory than there is, at the first steps of a stage; a real failure."""

    def __init__(self, stage: Stage, times: int, done: int = 0) -> None:
        self.stage, self.times, self.done = stage, times, done

    def __call__(self, step: Step) -> None:
        if step.stage is self.stage and step.total and step.done >= self.done and self.times:
            self.times -= 1
            torch.empty(2**55, dtype=torch.int8)


def test_a_picture_becomes_a_closed_mesh(engine: HunyuanShape) -> None:
    progress = Progress()
    result = engine.generate(request_for(engine), progress)
    assert result.mesh.is_watertight
    assert result.mesh.is_winding_consistent
    assert result.mesh.volume > 0
    assert len(result.mesh.faces) <= 600
    assert np.abs(result.mesh.bounds).max() <= 1.01
    assert result.notes == ()
    assert set(progress.timings_s) == {Stage.SHAPE, Stage.SURFACE}


def test_the_same_seed_makes_the_same_mesh_and_another_another(engine: HunyuanShape) -> None:
    first, again, other = (engine.generate(request_for(engine, seed=seed), Progress()).mesh for seed in (1, 1, 2))
    assert np.array_equal(first.vertices, again.vertices)
    assert np.array_equal(first.faces, again.faces)
    assert not np.array_equal(first.vertices, other.vertices)


def test_every_step_is_told(engine: HunyuanShape) -> None:
    steps: list[Step] = []
    engine.generate(request_for(engine), Progress(steps.append))
    shape = [(step.done, step.total) for step in steps if step.stage is Stage.SHAPE and step.total]
    surface = [step.done for step in steps if step.stage is Stage.SURFACE and step.total]
    assert shape == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert surface == sorted(surface)
    assert surface[-1] == 100


@pytest.mark.parametrize("stage", [Stage.SHAPE, Stage.SURFACE])
def test_it_stops_at_the_next_step_and_the_next_job_works(stage: Stage, engine: HunyuanShape) -> None:
    steps: list[Step] = []
    progress = Progress(steps.append, is_cancelled=lambda: bool(steps) and steps[-1].stage is stage)
    with pytest.raises(Cancelled):
        engine.generate(request_for(engine), progress)
    assert [step.stage for step in steps].count(stage) == 1
    assert engine.generate(request_for(engine), Progress()).mesh.is_watertight


@pytest.mark.parametrize("stage", [Stage.SHAPE, Stage.SURFACE])
def test_running_out_of_memory_steps_down_once_and_says_so(stage: Stage, engine: HunyuanShape) -> None:
    want = engine.generate(request_for(engine), Progress()).mesh
    result = engine.generate(request_for(engine), Progress(Fails(stage, times=1)))
    assert result.notes == (
        "Device memory ran out, so it was made again with less: the networks take turns in device memory.",
    )
    assert np.allclose(result.mesh.vertices, want.vertices, atol=1e-4)


@pytest.mark.parametrize("stage", [Stage.SHAPE, Stage.SURFACE])
def test_running_out_of_memory_twice_ends_the_job_and_not_the_next(stage: Stage, engine: HunyuanShape) -> None:
    with pytest.raises(OutOfMemory, match="even after stepping down"):
        engine.generate(request_for(engine), Progress(Fails(stage, times=2)))
    result = engine.generate(request_for(engine), Progress())
    assert (result.notes, result.mesh.is_watertight) == ((), True)


def test_running_out_of_memory_in_the_smallest_plan_ends_the_job(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = make_plans(read_config(find_weights(weights).config), torch.float32)
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: plans[-1].needed_bytes)
    engine = HunyuanShape(weights, "cpu", Tenants())
    with pytest.raises(OutOfMemory, match="even after stepping down"):
        engine.generate(request_for(engine), Progress(Fails(Stage.SHAPE, times=1)))
    assert engine._residence.plan is None


@pytest.mark.parametrize("stage", [Stage.SHAPE, Stage.SURFACE])
def test_any_other_failure_is_passed_on(stage: Stage, engine: HunyuanShape) -> None:
    def fail(step: Step) -> None:
        if step.stage is stage and step.total:
            torch.ones(2) @ torch.ones(3)

    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        engine.generate(request_for(engine), Progress(fail))
    assert engine.generate(request_for(engine), Progress()).mesh.is_watertight


def test_an_empty_picture_is_refused(engine: HunyuanShape) -> None:
    with pytest.raises(InvalidImage):
        engine.generate(replace(request_for(engine), cut_out=Image.new("RGBA", (64, 64))), Progress())


@pytest.mark.parametrize("placement", list(Placement))
def test_every_plan_makes_the_same_mesh(
    placement: Placement, weights: Path, engine: HunyuanShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plans(read_config(find_weights(weights).config), torch.float32)[placement]
    tight = HunyuanShape(weights, "cpu", Tenants())
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: plan.needed_bytes)
    got = tight.generate(request_for(tight), Progress()).mesh
    assert tight._residence.plan == plan
    assert np.allclose(got.vertices, engine.generate(request_for(engine), Progress()).mesh.vertices, atol=1e-4)


def test_too_small_a_device_is_told_before_anything_is_loaded(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: 1000)
    engine = HunyuanShape(weights, "cpu", Tenants())
    with pytest.raises(OutOfMemory, match=r"needs about .* GB of memory on cpu, and 0\.0 GB are free"):
        engine.generate(request_for(engine), Progress())
    assert engine._residence.plan is None


def test_ready_weights_make_it_ready(engine: HunyuanShape) -> None:
    info = engine.info()
    assert (info.is_ready, info.why_not) == (True, "")
    assert "Tencent" in info.licence


def test_missing_weights_are_told_and_stop_a_job(tmp_path: Path) -> None:
    engine = HunyuanShape(tmp_path, "cpu", Tenants())
    assert f"in {tmp_path}; put the published files there" in engine.info().why_not
    with pytest.raises(EngineUnavailable, match="put the published files there"):
        engine.generate(request_for(engine), Progress())


def test_truncated_weights_are_told(tmp_path: Path) -> None:
    checkpoint = write_tiny_release(tmp_path)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    info = HunyuanShape(tmp_path, "cpu", Tenants()).info()
    assert not info.is_ready
    assert "cut off" in info.why_not


def test_without_a_gpu_it_waits_to_be_told_to_take_the_processor(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "set ORFEAS_DEVICE=cpu" in HunyuanShape(weights, "auto", Tenants()).info().why_not


@pytest.mark.parametrize("quality", list(Quality))
def test_a_quality_fills_in_what_was_left_open(quality: Quality, engine: HunyuanShape) -> None:
    options = engine.resolve(ShapeOptions(quality=quality))
    preset = PRESETS[quality]
    assert (options.num_inference_steps, options.octree_resolution, options.target_faces) == (
        preset.num_inference_steps,
        preset.octree_resolution,
        preset.target_faces,
    )
    assert (options.engine, options.guidance_scale, options.texture) == (EngineChoice.HUNYUAN, 5.0, True)
    assert options.seed >= 0


def test_what_was_asked_for_is_kept(engine: HunyuanShape) -> None:
    asked = replace(OPTIONS, guidance_scale=0.0, texture=False, engine=EngineChoice.HUNYUAN)
    assert engine.resolve(asked) == asked


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
def test_a_compiled_engine_makes_the_same_mesh(weights: Path, engine: HunyuanShape) -> None:
    torch.compiler.reset()
    want = engine.generate(request_for(engine), Progress()).mesh
    got = HunyuanShape(weights, "cpu", Tenants(), is_compiled=True).generate(request_for(engine), Progress()).mesh
    assert np.allclose(got.vertices, want.vertices, atol=1e-4)
    assert np.array_equal(got.faces, want.faces)
