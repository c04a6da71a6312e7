import errno
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import psutil
import pytest
import trimesh
from PIL import Image

from orfeas.apart import Apart
from orfeas.errors import Cancelled, InternalError, InvalidMesh
from orfeas.job_files import JobFiles
from orfeas.meshes.appearance import appearance_of
from orfeas.options import OutputFormat, TextureFormat
from orfeas.progress import Progress, Stage, Step
from orfeas.records import JobKind
from orfeas.saving import LARGE_FACES, LARGE_PIXELS, STEPS, Model, is_large, save, write_files
from tests.meshes.solids import PROVENANCE, blob, box, textured_ball

LARGE = 160  # steps of a ball of 50,880 faces


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


def model(mesh: trimesh.Trimesh, output_format: OutputFormat = OutputFormat.GLB, size_mm: float = 80.0) -> Model:
    return Model(mesh, size_mm, output_format, TextureFormat.JPEG, PROVENANCE)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "orfeas.apart" in " ".join(child.cmdline())]


def test_a_large_model_is_large_by_its_faces_or_by_its_textures() -> None:
    assert not is_large(textured_ball())
    assert len(textured_ball(LARGE).faces) >= LARGE_FACES
    assert is_large(textured_ball(LARGE))
    painted = textured_ball()
    side = int((LARGE_PIXELS / 2) ** 0.5)
    material = appearance_of(painted).material
    assert material is not None
    material.baseColorTexture = Image.new("RGB", (side, side))
    assert not is_large(painted)
    material.normalTexture = Image.new("RGB", (side + 1, side))
    assert is_large(painted)


def test_a_process_of_its_own_writes_the_same_files_and_tells_the_same(apart: Apart, tmp_path: Path) -> None:
    ball = textured_ball(LARGE, Image.effect_noise((256, 256), 60).convert("RGB"))
    material = appearance_of(ball).material
    assert material is not None
    material.metallicRoughnessTexture = material.occlusionTexture = Image.effect_noise((128, 128), 60).convert("RGB")
    wanted = model(ball, OutputFormat.STL)
    files = [JobFiles(tmp_path / name, "ball") for name in ("here", "apart")]
    steps: list[list[Step]] = [[], []]
    here, elsewhere = (Progress(report=told.append) for told in steps)
    with here.stage(Stage.SAVE):
        one = write_files(here, wanted, files[0])
    two = save(wanted, files[1], apart, elsewhere)
    assert workers()
    assert one == two
    assert one.notes[-1].startswith("An STL holds no colours")
    assert contents(files[0].folder) == contents(files[1].folder)
    assert set(contents(files[0].folder)) == {"model/ball.glb", "model/ball.stl", "provenance.json", "thumbnail.webp"}
    assert steps[1][-STEPS:] == steps[0][-STEPS:] == [Step(Stage.SAVE, done, STEPS) for done in range(1, STEPS + 1)]


def test_a_repaired_model_has_a_file_to_look_at_and_one_with_uvs_needs_none(tmp_path: Path) -> None:
    repaired = replace(PROVENANCE, kind=JobKind.REPAIR)
    for name, mesh in (("box", box()), ("ball", textured_ball(12, Image.new("RGB", (8, 8))))):
        progress = Progress()
        with progress.stage(Stage.SAVE):
            write_files(progress, replace(model(mesh), provenance=repaired), JobFiles(tmp_path / name, name))
    kept, seen = (
        trimesh.load_mesh(path, process=False) for path in (tmp_path / "box/model/box.glb", tmp_path / "box/view.glb")
    )
    assert (len(kept.vertices), len(seen.vertices)) == (8, 24)
    assert kept.bounds == pytest.approx(seen.bounds)
    assert not (tmp_path / "ball/view.glb").exists()


def test_a_small_model_starts_no_process(tmp_path: Path) -> None:
    before = workers()
    saved = save(model(textured_ball()), JobFiles(tmp_path), Apart(), Progress())
    assert workers() == before
    assert max(saved.mesh.size_mm) == pytest.approx(80)


def test_a_small_model_is_asked_about_while_it_is_measured(tmp_path: Path) -> None:
    steps: list[Step] = []
    asked_after: list[Step | None] = []

    def is_cancelled() -> bool:
        asked_after.append(steps[-1] if steps else None)
        return False

    save(model(textured_ball()), JobFiles(tmp_path), Apart(), Progress(steps.append, is_cancelled))
    # Every step asks once, of itself.
    assert asked_after.count(Step(Stage.SAVE, 0, STEPS)) > 1
    assert asked_after.count(Step(Stage.SAVE, 1, STEPS)) == 1


def test_an_error_for_the_user_comes_out_of_the_process_as_itself(apart: Apart, tmp_path: Path) -> None:
    ball = textured_ball(LARGE)
    ball.vertices = np.zeros_like(ball.vertices)
    with pytest.raises(InvalidMesh, match="in one point"):
        save(model(ball), JobFiles(tmp_path), apart, Progress())


def test_a_stop_while_a_million_faces_are_saved_ends_it_within_a_second_and_leaves_nothing_unfinished(
    apart: Apart, tmp_path: Path
) -> None:
    files = JobFiles(tmp_path)
    stop, asked_at = threading.Event(), [0.0]

    def report(step: Step) -> None:
        # The GLB is being written now.
        if step.done == 1:
            # What a process leaves that is killed in the middle of a write, whenever that is.
            files.model(OutputFormat.GLB).parent.mkdir(exist_ok=True)
            (files.model(OutputFormat.GLB).parent / ".0123456789abcdef.part").write_bytes(b"half")
            asked_at[0] = time.monotonic()
            stop.set()

    mesh = blob(1_000_000)
    assert len(mesh.faces) > 990_000
    with pytest.raises(Cancelled):
        save(model(mesh, OutputFormat.FBX), files, apart, Progress(report, stop.is_set))
    assert time.monotonic() - asked_at[0] < 1.0
    assert set(contents(tmp_path)) <= {"provenance.json"}


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr("orfeas.saving.write_whole", fail)
    with pytest.raises(InternalError, match="disk is full"):
        save(model(textured_ball()), JobFiles(tmp_path), Apart(), Progress())
