"""Painting through the whole app: a real server, networks small enough for any machine, every door."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import numpy as np
import pytest
import trimesh
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.engines.hunyuan.paint.sampler import sample_views
from orfeas.engines.hunyuan.paint.texture import PRESETS, Preset
from orfeas.errors import EngineUnavailable
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.load import load_mesh
from orfeas.options import Quality
from tests.engines.hunyuan.paint.tiny import write_tiny_paint_release
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.running import Running, running, wait_for_end, wait_for_job, wait_for_step

PAINT = {"texture_size": 256, "num_inference_steps": 2, "quality": "draft", "seed": 3}
SHAPE = {"octree_resolution": 24, "num_inference_steps": 3, "target_faces": 600, "texture_size": 256, "seed": 3}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    weights = tmp_path_factory.mktemp("weights")
    write_tiny_release(weights, ".safetensors")
    write_tiny_paint_release(weights, ".safetensors")
    with pytest.MonkeyPatch.context() as patch:
        # A draft of views that a processor paints in a moment.
        patch.setitem(PRESETS, Quality.DRAFT, Preset(views=6, view_size=64, num_inference_steps=2, texture_size=256))
        with running(tmp_path_factory.mktemp("server"), weights=str(weights), device="cpu") as server:
            yield server


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    """A session for calls that have ended before the next."""
    return server.client()


@pytest.fixture
def alone(server: Running) -> Client:
    """A session of the test's own, for jobs that are refused or stopped."""
    return server.client()


@pytest.fixture(scope="module")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ball") / "Ball.stl"
    trimesh.creation.icosphere(2, 20.0).export(path)
    return path


def material_of(model: str) -> PBRMaterial:
    visual = load_mesh(Path(model)).visual
    assert isinstance(visual, TextureVisuals)
    assert isinstance(visual.material, PBRMaterial)
    return visual.material


def uv_of(mesh: trimesh.Trimesh) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    uv = appearance_of(mesh).uv
    assert uv is not None
    return uv


def assert_next_job_works(client: Client, ball: Path, mug: Path) -> None:
    _, job = client.predict(
        handle_file(ball), handle_file(mug), engine="projection", texture_size=256, api_name="/texture_mesh"
    )
    assert job["status"] == "completed"


def test_a_picture_becomes_a_model_with_metallic_and_roughness(client: Client, mug: Path) -> None:
    model, job = client.predict(handle_file(mug), **SHAPE, quality="draft", api_name="/generate_3d")
    assert (job["engine"], job["options"]["texture_engine"]) == ("hunyuan3d-2.1", "hunyuan3d-2.1")
    assert "Texture: Hunyuan3D-2.1 paint" in job["engine_reason"]
    assert any("resampling" in note for note in job["notes"])
    stages = {"cut_out", "shape", "surface", "unwrap", "texture", "enlarge", "bake", "save", "total"}
    assert set(job["timings_s"]) == stages
    assert not job["is_preview"]
    material = material_of(model)
    assert material.baseColorTexture.size == material.metallicRoughnessTexture.size == (256, 256)
    assert np.asarray(material.metallicRoughnessTexture.convert("RGB"))[..., 0].min() == 255


@pytest.mark.parametrize(("engine", "is_preview"), [("hunyuan3d-2.1", False), ("projection", True)])
def test_a_mesh_is_painted_and_keeps_its_shape(
    client: Client, ball: Path, mug: Path, engine: str, is_preview: bool
) -> None:
    options = PAINT if engine == "hunyuan3d-2.1" else {"texture_size": 256}
    model, job = client.predict(handle_file(ball), handle_file(mug), **options, engine=engine, api_name="/texture_mesh")
    assert (job["kind"], job["engine"], job["is_preview"]) == ("texture", engine, is_preview)
    before, after = load_mesh(ball), load_mesh(Path(model))
    assert len(after.faces) == len(before.faces)
    assert after.bounds == pytest.approx(before.bounds, abs=1e-3)
    assert job["mesh"]["is_watertight"]
    assert job["mesh"]["has_texture"]


def test_auto_takes_the_learned_painter_and_says_why(client: Client, ball: Path, mug: Path) -> None:
    _, job = client.predict(handle_file(ball), handle_file(mug), **PAINT, api_name="/texture_mesh")
    assert job["engine"] == "hunyuan3d-2.1"
    painter, cut_out = job["engine_reason"].split(" Cut-out, ")
    assert painter == "Hunyuan3D-2.1 paint, because it is the best engine here."
    assert "GrabCut, because BiRefNet is not ready" in cut_out


def test_a_painted_mesh_is_scaled_where_that_was_asked_for(client: Client, ball: Path, mug: Path) -> None:
    options = {"engine": "projection", "texture_size": 256, "size_mm": 80}
    _, job = client.predict(handle_file(ball), handle_file(mug), **options, api_name="/texture_mesh")
    assert max(job["mesh"]["size_mm"]) == pytest.approx(80, rel=1e-4)


def test_the_same_seed_paints_the_same_bytes(client: Client, ball: Path, mug: Path) -> None:
    def paint(seed: int) -> bytes:
        options = {**PAINT, "seed": seed}
        model, _ = client.predict(handle_file(ball), handle_file(mug), **options, api_name="/texture_mesh")
        return Path(model).read_bytes()

    first = paint(1)
    assert paint(1) == first
    assert paint(2) != first


def test_the_meshs_own_uvs_are_kept_where_that_was_asked_for(
    client: Client, tmp_path: Path, ball: Path, mug: Path
) -> None:
    options = {"engine": "projection", "texture_size": 256}
    painted, _ = client.predict(handle_file(ball), handle_file(mug), **options, api_name="/texture_mesh")
    again, _ = client.predict(handle_file(painted), handle_file(mug), **options, keep_uv=True, api_name="/texture_mesh")
    before, after = load_mesh(Path(painted)), load_mesh(Path(again))
    kept, own = (np.sort(uv_of(mesh), axis=0) for mesh in (after, before))
    assert kept == pytest.approx(own, abs=1e-5)
    with pytest.raises(AppError, match=r"^Invalid mesh: .* no UVs of its own"):
        client.predict(handle_file(ball), handle_file(mug), **options, keep_uv=True, api_name="/texture_mesh")


@pytest.mark.parametrize("texture_format", ["png", "jpeg", "webp"])
def test_the_texture_is_kept_as_was_asked_for(client: Client, ball: Path, mug: Path, texture_format: str) -> None:
    options = {"engine": "projection", "texture_size": 256, "texture_format": texture_format}
    model, job = client.predict(handle_file(ball), handle_file(mug), **options, api_name="/texture_mesh")
    assert job["options"]["texture_format"] == texture_format
    assert f"image/{texture_format}".encode() in Path(model).read_bytes()
    assert material_of(model).baseColorTexture.size == (256, 256)


def test_an_obj_keeps_colour_and_roughness(client: Client, ball: Path, mug: Path) -> None:
    model, _ = client.predict(
        handle_file(ball), handle_file(mug), **PAINT, output_format="obj", api_name="/texture_mesh"
    )
    with zipfile.ZipFile(model) as archive:
        names = archive.namelist()
        material = archive.read(next(name for name in names if name.endswith(".mtl"))).decode()
    assert "map_Kd" in material
    assert "map_Pr" in material
    assert sum(name.endswith((".png", ".jpg")) for name in names) >= 2


def test_a_texture_that_an_obj_cannot_hold_is_refused(client: Client, ball: Path, mug: Path) -> None:
    with pytest.raises(ValidationError, match="texture_format cannot be"):
        client.predict(
            handle_file(ball),
            handle_file(mug),
            output_format="obj",
            texture_format="webp",
            api_name="/texture_mesh",
        )


def test_steps_mean_nothing_to_a_projection(client: Client, ball: Path, mug: Path) -> None:
    with pytest.raises(ValidationError, match="num_inference_steps cannot be set: the engine projection"):
        client.predict(
            handle_file(ball), handle_file(mug), engine="projection", num_inference_steps=3, api_name="/texture_mesh"
        )


def test_what_is_no_mesh_is_told_and_the_next_job_works(client: Client, tmp_path: Path, ball: Path, mug: Path) -> None:
    bad = tmp_path / "bad.glb"
    bad.write_bytes(b"glTF and nothing more")
    with pytest.raises(AppError, match=r"^Invalid mesh: "):
        client.predict(handle_file(bad), handle_file(mug), api_name="/texture_mesh")
    assert_next_job_works(client, ball, mug)


def test_a_mesh_and_a_picture_are_both_needed(client: Client, ball: Path, mug: Path) -> None:
    with pytest.raises(ValidationError, match="There is no picture"):
        client.predict(handle_file(ball), None, api_name="/texture_mesh")
    with pytest.raises(ValidationError, match="There is no mesh file"):
        client.predict(None, handle_file(mug), api_name="/texture_mesh")


@pytest.mark.parametrize("stage", ["texture", "bake"])
def test_a_job_stops_in_the_middle_of_painting(
    server: Running, alone: Client, ball: Path, mug: Path, stage: str
) -> None:
    options = {**PAINT, "num_inference_steps": 200 if stage == "texture" else 1, "texture_size": 4096}
    alone.submit(handle_file(ball), handle_file(mug), **options, api_name="/texture_mesh")
    job_id = wait_for_job(server, alone)
    wait_for_step(alone, job_id, stage)
    httpx.post(f"{server.url}jobs/{job_id}/cancel", json={})
    ended = wait_for_end(alone, job_id)
    assert (ended["status"], ended["stage"]) == ("cancelled", stage)
    assert_next_job_works(alone, ball, mug)


@pytest.mark.parametrize(
    "step",
    [
        "orfeas.pipelines.cut_subject",
        "orfeas.textures.unwrap.lay_out",
        "orfeas.textures.views.select_views",
        "orfeas.textures.control_maps.render_control_pictures",
        "orfeas.engines.hunyuan.paint.pipeline.sample_views",
        "orfeas.engines.hunyuan.paint.enlarge.enlarge_views",
        "orfeas.textures.bake.bake",
        "orfeas.textures.inpaint.fill",
        "orfeas.textures.material.dress",
        "orfeas.saving.export",
    ],
)
def test_a_failure_in_any_step_is_told_and_the_next_job_works(
    client: Client, ball: Path, mug: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise EngineUnavailable("The weights are gone; fetch them again.")

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(AppError, match=r"^Engine unavailable: The weights are gone"):
            client.predict(handle_file(ball), handle_file(mug), **PAINT, api_name="/texture_mesh")
    assert_next_job_works(client, ball, mug)


def test_a_bug_while_painting_is_told_without_details(
    client: Client, ball: Path, mug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orfeas.engines.hunyuan.paint.pipeline.sample_views", lambda *_: 1 / 0)
    with pytest.raises(AppError, match=r"^Internal error: .* bug of its own"):
        client.predict(handle_file(ball), handle_file(mug), **PAINT, api_name="/texture_mesh")


def test_running_out_of_memory_while_painting_steps_down_once_and_says_so(
    client: Client, ball: Path, mug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def scarce(*values: object, **named: object) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return sample_views(*values, **named)  # type: ignore[arg-type]  # whatever it takes

    monkeypatch.setattr("orfeas.engines.hunyuan.paint.pipeline.sample_views", scarce)
    _, job = client.predict(handle_file(ball), handle_file(mug), **PAINT, api_name="/texture_mesh")
    assert any(note.startswith("Device memory ran out") for note in job["notes"])


def test_curl_paints_a_mesh(server: Running, ball: Path, mug: Path) -> None:
    def upload(path: Path) -> dict[str, object]:
        stored = httpx.post(f"{server.url}gradio_api/upload", files={"files": path.open("rb")}).json()[0]
        return {"path": stored, "meta": {"_type": "gradio.FileData"}}

    body = {"mesh": upload(ball), "image": upload(mug), "engine": "projection", "texture_size": 256}
    called = httpx.post(f"{server.url}gradio_api/call/v2/texture_mesh", json=body)
    events = httpx.get(f"{server.url}gradio_api/call/texture_mesh/{called.json()['event_id']}", timeout=60).text
    assert '"status": "completed"' in events
