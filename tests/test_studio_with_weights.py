"""The studio with a learned engine ready: the golden networks, a release small enough for any machine."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trimesh

from orfeas.errors import EngineUnavailable, InvalidOption, OutOfMemory
from orfeas.jobs import Caller
from orfeas.options import OutputFormat, ShapeOptions, TextureEngineChoice, parse_shape_options
from orfeas.records import Job, JobStatus
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.engines.hunyuan.tiny import write_tiny_release

TAB = Caller(session="tab", owner="me", address="127.0.0.1")
QUICK = parse_shape_options(octree_resolution=24, num_inference_steps=3, target_faces=600, seed=7, texture=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_release(folder, ".safetensors")
    return folder


@pytest.fixture
def studio(tmp_path: Path, weights: Path) -> Iterator[Studio]:
    with Studio(Settings(data_dir=tmp_path / "data", weights=weights, device="cpu")) as studio:
        yield studio


def test_auto_takes_the_learned_engine_where_it_is_ready(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, QUICK)
    assert (job.engine, job.is_preview) == ("hunyuan3d-2.1", False)
    assert job.mesh is not None
    assert job.mesh.is_watertight
    assert max(job.mesh.size_mm) == pytest.approx(100, rel=1e-5)
    assert (job.options["num_inference_steps"], job.options["guidance_scale"]) == (3, 5.0)
    assert set(job.timings_s) == {"cut_out", "shape", "surface", "save", "total"}


def test_without_paint_weights_the_texture_is_projected_and_the_job_says_so(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, replace(QUICK, texture=True, texture_size=256))
    assert (job.options["texture"], job.options["texture_engine"]) == (True, "projection")
    assert "Texture: Projection, because Hunyuan3D-2.1 paint is not ready" in job.engine_reason
    assert any("projected from the picture" in note for note in job.notes)
    assert job.is_preview
    assert job.mesh is not None
    assert job.mesh.has_texture


def test_paint_weights_that_are_missing_are_named_where_they_are_asked_for(studio: Studio, mug: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"Hunyuan3D-2\.1 paint cannot run here"):
        studio.image_to_3d(mug, replace(QUICK, texture=True, texture_engine=TextureEngineChoice.HUNYUAN))


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(studio: Studio, mug: Path) -> None:
    def model(seed: int) -> bytes:
        options = replace(QUICK, seed=seed)
        return studio.results.download(studio.image_to_3d(mug, options).job_id, OutputFormat.STL).read_bytes()

    first = model(1)
    assert model(1) == first
    assert model(2) != first


def test_the_preview_engine_can_still_be_asked_for(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, parse_shape_options(engine="inflate", quality="draft"))
    assert (job.engine, job.is_preview) == ("inflate", True)


@pytest.mark.parametrize("engine", ["hunyuan3d-2.1", "inflate"])
@pytest.mark.parametrize(("name", "value"), [("texture_size", 512), ("texture_engine", "projection")])
def test_options_of_a_texture_that_is_not_wanted_are_refused(
    studio: Studio, mug: Path, engine: str, name: str, value: object
) -> None:
    asked: dict[str, object] = {"engine": engine, "texture": False, name: value}
    with pytest.raises(InvalidOption, match=f"{name} cannot be set where texture is false"):
        studio.image_to_3d(mug, parse_shape_options(**asked))


@pytest.mark.parametrize("stage", ["shape", "surface"])
def test_a_job_stops_in_every_stage(studio: Studio, mug: Path, stage: str) -> None:
    steps = 40 if stage == "shape" else 1
    long = parse_shape_options(octree_resolution=400, num_inference_steps=steps, texture=False)
    job = start_and_wait_for(studio, mug, long, stage)
    studio.cancel(job.job_id)
    asked = time.monotonic()
    while not studio.job(job.job_id).status.is_final:
        time.sleep(0.01)
    assert studio.job(job.job_id).status is JobStatus.CANCELLED
    assert studio.job(job.job_id).stage == stage
    assert time.monotonic() - asked < 10
    assert studio.image_to_3d(mug, QUICK).status is JobStatus.COMPLETED


def start_and_wait_for(studio: Studio, picture: Path, options: ShapeOptions, stage: str) -> Job:
    job = studio.submit_image_to_3d(picture, options, TAB)
    threading.Thread(target=studio.run, args=(job.job_id,), daemon=True).start()
    while studio.job(job.job_id).stage != stage or studio.job(job.job_id).step < 1:
        assert not studio.job(job.job_id).status.is_final
        time.sleep(0.005)
    return job


def test_weights_that_are_cut_off_make_the_engine_unavailable(tmp_path: Path, mug: Path) -> None:
    checkpoint = write_tiny_release(tmp_path / "weights")
    checkpoint.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    settings = Settings(data_dir=tmp_path / "data", weights=tmp_path / "weights", device="cpu")
    with Studio(settings) as studio, pytest.raises(EngineUnavailable, match="cut off"):
        studio.image_to_3d(mug, parse_shape_options(engine="hunyuan3d-2.1"))


def test_weights_that_are_missing_are_named_and_nothing_else_stands_in(tmp_path: Path, mug: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", weights=tmp_path, device="cpu")
    with Studio(settings) as studio, pytest.raises(EngineUnavailable, match=r"config\.yaml"):
        studio.image_to_3d(mug, parse_shape_options(engine="hunyuan3d-2.1"))


def test_running_out_of_memory_ends_the_job_alone(studio: Studio, mug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("orfeas.engines.hunyuan.volume.decode_volume", no_memory)
        with pytest.raises(OutOfMemory):
            studio.image_to_3d(mug, QUICK)
    again = studio.image_to_3d(mug, QUICK)
    assert again.status is JobStatus.COMPLETED
    assert isinstance(trimesh.load(studio.results.download(again.job_id, OutputFormat.GLB)), trimesh.Scene)
