import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from orfeas.engines.base import ShapeRequest, ShapeResult
from orfeas.engines.inflate import Inflate
from orfeas.errors import (
    Cancelled,
    DuplicateJob,
    EngineUnavailable,
    InternalError,
    InvalidImage,
    InvalidOption,
    InvalidPrompt,
    NotFound,
    OutOfMemory,
)
from orfeas.jobs import Caller
from orfeas.meshes.load import load_mesh
from orfeas.options import OutputFormat, Quality, parse_picture_options, parse_shape_options, parse_texture_options
from orfeas.pictures.turntable import TurntableOptions, make_portrait, parse_turntable_options
from orfeas.progress import Progress, Stage, Step
from orfeas.records import JobKind, JobStatus
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.processes import unmeasured
from tests.text_to_image.diffusion.tiny import write_tiny_unet

DRAFT = parse_shape_options(quality="draft", seed=7)
TAB = Caller(session="tab", owner="me", address="127.0.0.1")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio for what its child process reads, which takes a second to start."""
    with Studio(Settings(data_dir=tmp_path_factory.mktemp("lasting") / "data")) as studio:
        yield studio


def test_a_picture_becomes_a_closed_textured_model(studio: Studio, photo: Path) -> None:
    job = studio.image_to_3d(photo, DRAFT)
    assert job.kind is JobKind.IMAGE_TO_3D
    assert job.status is JobStatus.COMPLETED
    assert job.mesh is not None
    assert job.mesh.is_watertight
    assert job.mesh.is_winding_consistent
    assert job.mesh.has_texture
    assert max(job.mesh.size_mm) == pytest.approx(100, rel=1e-5)


def test_the_job_says_everything_that_was_effective(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, parse_shape_options(quality="draft"))
    assert job.engine == "inflate"
    assert "Hunyuan3D-2.1 is not ready" in job.engine_reason
    assert job.is_preview
    assert job.options["engine"] == "inflate"
    assert job.options["quality"] == "draft"
    assert int(job.options["seed"]) >= 0
    assert int(job.options["octree_resolution"]) > 0
    assert int(job.options["target_faces"]) > 0
    assert job.image is not None
    assert (job.image.width, job.image.format) == (256, "PNG")


def test_every_stage_is_timed(studio: Studio, mug: Path) -> None:
    timings = studio.image_to_3d(mug, DRAFT).timings_s
    assert set(timings) == {"cut_out", "shape", "surface", "texture", "save", "total"}
    assert timings["total"] >= sum(seconds for stage, seconds in timings.items() if stage != "total") - 0.01


def test_the_reported_options_can_be_sent_again_and_give_the_same_bytes(studio: Studio, mug: Path) -> None:
    first = studio.image_to_3d(mug, parse_shape_options(quality="draft"))
    again = studio.image_to_3d(mug, parse_shape_options(**first.options))
    one, two = (studio.results.download(job.job_id, OutputFormat.GLB).read_bytes() for job in (first, again))
    assert one == two


def test_another_seed_gives_other_bytes(studio: Studio, mug: Path) -> None:
    jobs = [studio.image_to_3d(mug, parse_shape_options(quality="draft", seed=seed)) for seed in (1, 2)]
    one, two = (studio.results.download(job.job_id, OutputFormat.GLB).read_bytes() for job in jobs)
    assert one != two


def test_every_quality_makes_a_finer_model_than_the_one_before(studio: Studio, mug: Path) -> None:
    meshes = [studio.image_to_3d(mug, parse_shape_options(quality=quality)).mesh for quality in Quality]
    faces = [mesh.faces for mesh in meshes if mesh is not None]
    assert len(faces) == 4
    assert all(fine > 1.5 * coarse for coarse, fine in pairwise(faces))


@pytest.mark.parametrize("output_format", OutputFormat)
def test_every_format_measures_what_was_asked(lasting: Studio, mug: Path, output_format: OutputFormat) -> None:
    job = lasting.image_to_3d(mug, replace(DRAFT, size_mm=42.0, output_format=output_format))
    assert set(job.files) == {"glb", output_format.value}
    path = lasting.results.download(job.job_id, output_format)
    assert path.stat().st_size == job.files[output_format.value]
    report = lasting.meshes.inspect(path, Progress())
    assert max(report.size_mm) == pytest.approx(42, rel=1e-4)
    assert report.is_watertight


def test_a_download_is_converted_once_and_kept(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    first = studio.results.download(job.job_id, OutputFormat.STL)
    written = first.stat().st_mtime_ns
    assert studio.results.download(job.job_id, OutputFormat.STL).stat().st_mtime_ns == written
    assert studio.job(job.job_id).files["stl"] == first.stat().st_size


def test_a_converted_file_has_the_bytes_of_one_asked_for_at_once(studio: Studio, mug: Path) -> None:
    converted = studio.results.download(studio.image_to_3d(mug, DRAFT).job_id, OutputFormat.PLY)
    at_once = studio.image_to_3d(mug, replace(DRAFT, output_format=OutputFormat.PLY))
    assert converted.read_bytes() == studio.results.download(at_once.job_id, OutputFormat.PLY).read_bytes()


def test_a_download_is_named_after_the_picture_and_nothing_else(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    assert studio.results.download(job.job_id, OutputFormat.GLB).name == "my-mug-1.glb"


def test_a_model_file_says_how_it_was_made(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    provenance = studio.meshes.settings_from(studio.results.download(job.job_id, OutputFormat.GLB))
    assert provenance.engine == "inflate"
    assert provenance.is_preview
    assert dict(provenance.options) == dict(job.options)


def test_without_texture_there_is_no_texture_and_no_uv(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, replace(DRAFT, texture=False))
    assert job.mesh is not None
    assert (job.mesh.has_texture, job.mesh.has_uv) == (False, False)


def test_words_become_a_picture(studio: Studio) -> None:
    job = studio.text_to_image("a red apple", parse_picture_options(seed=1))
    assert job.kind is JobKind.TEXT_TO_IMAGE
    assert job.prompt == "a red apple"
    assert any("apple" in note for note in job.notes)
    with Image.open(studio.results.picture(job.job_id)) as picture:
        assert picture.mode == "RGBA"
        assert min(picture.size) >= 512


def test_words_become_a_model_and_both_results_are_kept(studio: Studio) -> None:
    job = studio.text_to_3d("a red apple", parse_picture_options(style="minimalist"), DRAFT)
    assert job.kind is JobKind.TEXT_TO_3D
    assert set(job.files) == {"png", "glb"}
    assert (job.options["style"], job.options["text_engine"]) == ("minimalist", "pictogram")
    assert studio.results.download(job.job_id, OutputFormat.GLB).name == "a-red-apple.glb"
    assert studio.results.picture(job.job_id).name == "a-red-apple.png"
    assert studio.meshes.settings_from(studio.results.download(job.job_id, OutputFormat.GLB)).prompt == "a red apple"


def test_a_picture_job_has_no_model_to_download(studio: Studio) -> None:
    job = studio.text_to_image("a red apple")
    with pytest.raises(NotFound, match="no model"):
        studio.results.download(job.job_id, OutputFormat.GLB)


def test_words_that_match_nothing_fail_the_job_and_the_next_one_works(studio: Studio) -> None:
    with pytest.raises(InvalidPrompt):
        studio.text_to_image("qwertzuiop asdfghjkl")
    assert studio.history("local")[0].status is JobStatus.FAILED
    assert studio.text_to_image("a red apple").status is JobStatus.COMPLETED


@pytest.mark.parametrize(("engine", "why"), [("hunyuan3d-2.1", "Hunyuan3D-2.1"), ("inflate", "inflate")])
def test_an_option_the_engine_has_no_use_for_is_refused(studio: Studio, mug: Path, engine: str, why: str) -> None:
    with pytest.raises((InvalidOption, EngineUnavailable), match=why):
        studio.image_to_3d(mug, parse_shape_options(engine=engine, num_inference_steps=30))
    assert studio.history("local") == ()


def test_an_engine_that_is_not_here_is_refused_and_never_replaced(studio: Studio, mug: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"Hunyuan3D-2\.1 cannot run here"):
        studio.image_to_3d(mug, parse_shape_options(engine="hunyuan3d-2.1"))
    with pytest.raises(EngineUnavailable, match="Diffusion cannot run here"):
        studio.text_to_image("a red apple", parse_picture_options(engine="diffusion"))


def test_a_file_that_is_no_picture_is_refused_before_anything_is_recorded(studio: Studio, tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_text("<html>hello</html>")
    with pytest.raises(InvalidImage):
        studio.submit_image_to_3d(page, DRAFT)
    assert studio.history("local") == ()


def test_a_session_has_one_live_job_and_the_refusal_names_it(studio: Studio, mug: Path) -> None:
    job = studio.submit_image_to_3d(mug, DRAFT, TAB)
    with pytest.raises(DuplicateJob, match=job.job_id):
        studio.submit_image_to_3d(mug, DRAFT, TAB)
    assert studio.run(job.job_id).status is JobStatus.COMPLETED
    studio.submit_image_to_3d(mug, DRAFT, TAB)


def test_a_queued_job_that_is_cancelled_never_runs(studio: Studio, mug: Path) -> None:
    job = studio.submit_image_to_3d(mug, DRAFT, TAB)
    assert studio.cancel(job.job_id).status is JobStatus.CANCELLED
    with pytest.raises(NotFound):
        studio.run(job.job_id)


class Stubborn(Inflate):
    """An engine that works until it is told to stop, or fails as told."""

    def __init__(self, failure: BaseException | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.started = threading.Event()

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        with progress.stage(Stage.SHAPE):
            self.started.set()
            if self.failure is not None:
                raise self.failure
            while True:
                progress.step(0, 1)


def with_engine(settings: Settings, engine: Stubborn) -> Studio:
    studio = Studio(settings)
    studio.roster.shape = (engine,)
    return studio


def test_a_running_job_stops_when_it_is_cancelled(settings: Settings, mug: Path) -> None:
    engine = Stubborn()
    with with_engine(settings, engine) as studio:
        job = studio.submit_image_to_3d(mug, DRAFT, TAB)
        worker = threading.Thread(target=studio.run, args=(job.job_id,))
        worker.start()
        assert engine.started.wait(10)
        assert studio.cancel(job.job_id).status is JobStatus.RUNNING
        worker.join(10)
        ended = studio.job(job.job_id)
        assert ended.status is JobStatus.CANCELLED
        assert ended.files == {}
        with pytest.raises(Cancelled):
            studio.result(job.job_id)


def test_a_bug_fails_the_job_with_a_reference_and_no_detail(
    settings: Settings, mug: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with with_engine(settings, Stubborn(ZeroDivisionError("secret /etc/path"))) as studio:
        with pytest.raises(InternalError) as failure:
            studio.image_to_3d(mug, DRAFT)
        assert "secret" not in str(failure.value)
        reference = str(failure.value).split()[-1].rstrip(".")
        assert reference in caplog.text
        assert "secret /etc/path" in caplog.text


def test_running_out_of_memory_is_said_and_the_next_job_works(settings: Settings, mug: Path) -> None:
    with with_engine(settings, Stubborn(MemoryError())) as studio:
        with pytest.raises(OutOfMemory):
            studio.image_to_3d(mug, DRAFT)
        studio.roster.shape = (Inflate(),)
        assert studio.image_to_3d(mug, DRAFT).status is JobStatus.COMPLETED


def test_history_and_files_survive_a_restart(settings: Settings, mug: Path) -> None:
    with Studio(settings) as studio:
        job = studio.image_to_3d(mug, DRAFT)
    with Studio(settings) as again:
        assert again.history("local") == (job,)
        scene = trimesh.load(again.results.download(job.job_id, OutputFormat.GLB))
        assert isinstance(scene, trimesh.Scene)


def test_closing_the_studio_stops_the_job_that_runs(settings: Settings, mug: Path) -> None:
    engine = Stubborn()
    studio = with_engine(settings, engine)
    job = studio.submit_image_to_3d(mug, DRAFT, TAB)
    worker = threading.Thread(target=studio.run, args=(job.job_id,))
    worker.start()
    assert engine.started.wait(10)
    studio.close()
    worker.join(10)
    assert not worker.is_alive()
    with Studio(settings) as again:
        assert again.job(job.job_id).status is JobStatus.CANCELLED


class Deaf(Stubborn):
    """An engine with a step that nothing can interrupt, until the test lets it end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        self.started.set()
        assert self.may_end.wait(60)
        return super().generate(request, progress)


def test_the_folder_stays_locked_while_a_job_is_still_at_work_in_it(settings: Settings, mug: Path) -> None:
    engine = Deaf()
    studio = with_engine(settings, engine)
    job = studio.submit_image_to_3d(mug, DRAFT, TAB)
    worker = threading.Thread(target=studio.run, args=(job.job_id,))
    worker.start()
    assert engine.started.wait(10)
    studio.close()
    with pytest.raises(InternalError, match="in use by another Studio of this process; close it, or set"):
        Studio(settings)
    engine.may_end.set()
    worker.join(10)
    studio.close()
    with Studio(settings) as again:
        assert again.job(job.job_id).status is JobStatus.CANCELLED


def test_a_studio_that_cannot_start_lets_the_folder_go(settings: Settings) -> None:
    (settings.data_dir / "history.sqlite3").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(InternalError, match=r"history\.sqlite3"):
            Studio(settings)
    (settings.data_dir / "history.sqlite3").rmdir()
    Studio(settings).close()


def test_a_job_that_has_not_ended_has_no_result_and_no_download(studio: Studio, mug: Path) -> None:
    job = studio.submit_image_to_3d(mug, DRAFT, TAB)
    with pytest.raises(NotFound, match="queued"):
        studio.result(job.job_id)
    with pytest.raises(NotFound, match="queued"):
        studio.results.download(job.job_id, OutputFormat.GLB)


def test_a_model_that_expired_is_not_found(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    shutil.rmtree(studio.workspace.job_folder(job.job_id) / "model")
    with pytest.raises(NotFound, match="expired"):
        studio.results.download(job.job_id, OutputFormat.GLB)


def test_what_is_too_old_is_gone_when_the_studio_starts_again(settings: Settings, mug: Path) -> None:
    with Studio(settings) as studio:
        job = studio.image_to_3d(mug, DRAFT)
    with Studio(settings.model_copy(update={"keep_days": 1e-9})) as again:
        assert again.history("local") == ()
        with pytest.raises(NotFound):
            again.job(job.job_id)


def test_a_job_whose_picture_vanishes_while_it_is_claimed_is_failed(
    settings: Settings, mug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Studio(settings) as studio:
        monkeypatch.setattr(shutil, "copyfile", refuse_to_copy)
        with pytest.raises(InternalError):
            studio.submit_image_to_3d(mug, DRAFT, TAB)
        monkeypatch.undo()
        assert studio.submit_image_to_3d(mug, DRAFT, TAB).status is JobStatus.QUEUED


def refuse_to_copy(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_scaled_file_says_its_own_size(lasting: Studio, mug: Path, tmp_path: Path) -> None:
    job = lasting.image_to_3d(mug, DRAFT)
    scaled = tmp_path / "scaled.glb"
    scaled.write_bytes(
        lasting.meshes.convert(lasting.results.download(job.job_id, OutputFormat.GLB), OutputFormat.GLB, 25)
    )
    assert lasting.meshes.settings_from(scaled).options["size_mm"] == 25
    assert max(lasting.meshes.inspect(scaled, Progress()).size_mm) == pytest.approx(25, rel=1e-4)


def test_past_stages_are_timed_while_a_job_runs(settings: Settings, mug: Path) -> None:
    engine = Stubborn()
    with with_engine(settings, engine) as studio:
        job = studio.submit_image_to_3d(mug, DRAFT, TAB)
        worker = threading.Thread(target=studio.run, args=(job.job_id,))
        worker.start()
        assert engine.started.wait(10)
        assert set(studio.job(job.job_id).timings_s) == {"cut_out"}
        studio.cancel(job.job_id)
        worker.join(10)


@pytest.mark.parametrize("job_id", ["", "nope", "..\\..\\x", "../../etc/passwd", "a" * 10_000, "%00"])
def test_an_unknown_job_is_not_found(studio: Studio, job_id: str) -> None:
    for call in (
        studio.job,
        studio.cancel,
        studio.results.picture,
        studio.results.cut_out,
        studio.results.thumbnail,
        studio.run,
    ):
        with pytest.raises(NotFound):
            call(job_id)
    with pytest.raises(NotFound):
        studio.results.download(job_id, OutputFormat.GLB)


def test_every_engine_of_the_api_is_listed_with_its_state(studio: Studio) -> None:
    listed = {(info.kind, info.name): info.is_ready for info in studio.engines()}
    assert listed == {
        ("shape", "hunyuan3d-2.1"): False,
        ("shape", "inflate"): True,
        ("texture", "hunyuan3d-2.1"): False,
        ("texture", "projection"): True,
        ("text_to_image", "pictogram"): True,
        ("text_to_image", "diffusion"): False,
        ("background", "birefnet"): False,
        ("background", "grabcut"): True,
    }
    assert all(info.why_not for info in studio.engines() if not info.is_ready)


def test_the_pictures_of_a_job_can_be_had(studio: Studio, photo: Path) -> None:
    job = studio.image_to_3d(photo, DRAFT)
    assert studio.results.picture(job.job_id).read_bytes() == photo.read_bytes()
    with (
        Image.open(studio.results.cut_out(job.job_id)) as cut_out,
        Image.open(studio.results.thumbnail(job.job_id)) as thumbnail,
    ):
        assert cut_out.mode == "RGBA"
        assert max(thumbnail.size) <= 192


def likeness(thumbnail: Path, expected: Image.Image) -> float:
    """How far two pictures are apart, mean levels, each on white."""
    white = Image.new("RGBA", (192, 192), "white")
    with Image.open(thumbnail) as image:
        one, other = (np.asarray(Image.alpha_composite(white, p.convert("RGBA"))) for p in (image, expected))
    return float(np.abs(one.astype(int) - other).mean())


def test_the_thumbnail_of_a_job_that_made_a_model_shows_the_model(lasting: Studio, mug: Path) -> None:
    made = lasting.image_to_3d(mug, DRAFT)
    painted = lasting.texture_mesh(
        lasting.results.download(made.job_id, OutputFormat.GLB), mug, parse_texture_options(quality="draft")
    )
    for job in (made, painted):
        model = load_mesh(lasting.results.download(job.job_id, OutputFormat.GLB))
        thumbnail = lasting.results.thumbnail(job.job_id)
        assert likeness(thumbnail, make_portrait(model, 192)) < 3
        with Image.open(lasting.results.cut_out(job.job_id)) as subject:
            assert likeness(thumbnail, subject.resize((192, 192))) > 10


def test_the_thumbnail_of_a_picture_is_the_picture(studio: Studio) -> None:
    job = studio.text_to_image("a red apple")
    with Image.open(studio.results.picture(job.job_id)) as picture:
        assert likeness(studio.results.thumbnail(job.job_id), picture.resize((192, 192))) < 3


def test_a_turntable_is_drawn_once_for_the_same_options_and_kept(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    small, other = (parse_turntable_options(frames=4, size_px=64, background=b) for b in ("transparent", "#000000"))
    steps: list[Step] = []
    first = studio.results.turntable(job.job_id, small, Progress(steps.append))
    assert first.name == "my-mug-1.webp"
    assert steps[-1] == Step(Stage.RENDER, 4, 4)
    written_ns = first.stat().st_mtime_ns
    steps.clear()
    assert studio.results.turntable(job.job_id, small, Progress(steps.append)) == first
    assert (first.stat().st_mtime_ns, steps) == (written_ns, [])
    assert studio.results.turntable(job.job_id, other, Progress()) != first
    assert studio.workspace.used_bytes >= first.stat().st_size


def test_a_turntable_that_was_stopped_leaves_nothing_and_can_be_drawn_again(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, DRAFT)
    options = parse_turntable_options(frames=4, size_px=64)
    with pytest.raises(Cancelled):
        studio.results.turntable(job.job_id, options, Progress(is_cancelled=lambda: True))
    assert not list(studio.workspace.job_folder(job.job_id).glob("turntable/**/*.webp"))
    assert studio.results.turntable(job.job_id, options, Progress()).stat().st_size > 0


def test_what_made_no_model_has_no_turntable(studio: Studio) -> None:
    job = studio.text_to_image("a red apple")
    with pytest.raises(NotFound, match="no model"):
        studio.results.turntable(job.job_id, TurntableOptions(), Progress())


def test_a_converted_file_keeps_its_texture_as_it_says(studio: Studio, mug: Path, tmp_path: Path) -> None:
    job = studio.image_to_3d(mug, parse_shape_options(quality="draft", texture_format="png", texture_size=256))
    glb = studio.results.download(job.job_id, OutputFormat.GLB)
    converted = tmp_path / "again.glb"
    converted.write_bytes(studio.meshes.convert(glb, OutputFormat.GLB, size_mm=50))
    assert b"image/png" in converted.read_bytes()
    assert b"image/jpeg" not in converted.read_bytes()
    assert studio.meshes.settings_from(converted).options["texture_format"] == "png"


def test_a_webp_texture_becomes_a_jpeg_where_it_cannot_be_kept_and_the_file_says_so(
    studio: Studio, mug: Path, tmp_path: Path
) -> None:
    job = studio.image_to_3d(mug, parse_shape_options(quality="draft", texture_format="webp", texture_size=256))
    glb, obj = (studio.results.download(job.job_id, kind) for kind in (OutputFormat.GLB, OutputFormat.OBJ))
    assert studio.meshes.settings_from(glb).options["texture_format"] == "webp"
    assert studio.meshes.settings_from(obj).options["texture_format"] == "jpeg"
    converted = tmp_path / "again.zip"
    converted.write_bytes(studio.meshes.convert(glb, OutputFormat.OBJ))
    assert studio.meshes.settings_from(converted).options["texture_format"] == "jpeg"


@pytest.mark.parametrize("has_model", [False, True])
def test_getting_ready_imports_what_a_learned_engine_needs_and_nothing_without_one(
    tmp_path: Path, has_model: bool
) -> None:
    model = write_tiny_unet(tmp_path / "model") if has_model else ""
    settings = {"data_dir": str(tmp_path / "data"), "offline": True, "device": "cpu", "text_model": str(model)}
    code = (
        "import sys; from orfeas.settings import Settings; from orfeas.studio import Studio\n"
        f"with Studio(Settings.model_validate({settings!r})) as studio: studio.warm_up()\n"
        "print('diffusers' in sys.modules)"
    )
    root = Path(__file__).parents[1]
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=unmeasured()
    )
    assert out.stdout.strip() == str(has_model)
