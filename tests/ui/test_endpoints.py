"""Every named endpoint, over a real server, as a script calls it."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import trimesh
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from PIL import Image

from orfeas.meshes.provenance import read_provenance
from tests.conftest import draw_mug
from tests.running import Running, wait_for_end, wait_for_job

# A record as an endpoint tells it.
Json = dict[str, Any]
ENDPOINTS = {
    "/check_image",
    "/text_to_image",
    "/generate_3d",
    "/text_to_3d",
    "/texture_mesh",
    "/cut_out",
    "/inspect_mesh",
    "/repair_mesh",
    "/inspect_print",
    "/download",
    "/turntable",
    "/job_status",
    "/history",
    "/cancel",
    "/engines",
    "/health",
}
SHAPE_PARAMETERS = [
    ("engine", "auto"),
    ("quality", "standard"),
    ("texture", True),
    ("remove_background", "auto"),
    ("seed", -1),
    ("num_inference_steps", 0),
    ("guidance_scale", -1),
    ("octree_resolution", 0),
    ("target_faces", 0),
    ("size_mm", 100),
    ("output_format", "glb"),
    ("texture_size", 0),
    ("guidance_start", 0),
    ("guidance_end", 1),
    ("cache_threshold", 0),
    ("texture_engine", "auto"),
    ("texture_format", "jpeg"),
    ("remover", "auto"),
]
PARAMETERS = {
    "/check_image": [("image", None)],
    "/text_to_image": [
        ("prompt", None),
        ("style", "none"),
        ("engine", "auto"),
        ("seed", -1),
        ("negative_prompt", ""),
        ("num_inference_steps", 0),
        ("guidance_scale", -1),
        ("size_px", 0),
        ("for_3d", True),
    ],
    "/generate_3d": [("image", None), *SHAPE_PARAMETERS, ("mask", None)],
    "/text_to_3d": [
        ("prompt", None),
        ("style", "none"),
        ("text_engine", "auto"),
        *SHAPE_PARAMETERS,
        ("negative_prompt", ""),
        ("picture_steps", 0),
        ("picture_guidance_scale", -1),
        ("size_px", 0),
    ],
    "/texture_mesh": [
        ("mesh", None),
        ("image", None),
        ("engine", "auto"),
        ("quality", "standard"),
        ("seed", -1),
        ("size_mm", 0),
        ("output_format", "glb"),
        ("remove_background", "auto"),
        ("num_inference_steps", 0),
        ("guidance_scale", -1),
        ("texture_size", 0),
        ("texture_format", "jpeg"),
        ("keep_uv", False),
        ("remover", "auto"),
        ("mask", None),
    ],
    "/cut_out": [("image", None), ("remove_background", "auto"), ("remover", "auto"), ("mask", None)],
    "/inspect_mesh": [("mesh", None)],
    "/repair_mesh": [
        ("mesh", None),
        ("target_faces", 0),
        ("size_mm", 0),
        ("output_format", "stl"),
        ("min_part", 0.01),
        ("keep_shells", False),
        ("texture_format", "jpeg"),
        ("smooth_steps", 0),
        ("remesh", "none"),
        ("lay_flat", False),
        ("printer_mm", ""),
        ("hollow_mm", 0),
        ("drain_holes", 0),
        ("drain_hole_mm", 3),
    ],
    "/inspect_print": [("mesh", None), ("material", "pla"), ("min_wall_mm", 0.8), ("max_overhang_deg", 45)],
    "/download": [
        ("job_id", None),
        ("output_format", "glb"),
        ("compression", "none"),
        ("texture_size", 0),
        ("texture_format", "keep"),
    ],
    "/turntable": [
        ("job_id", None),
        ("output_format", "webp"),
        ("frames", 24),
        ("size_px", 512),
        ("seconds", 3),
        ("background", "transparent"),
    ],
    "/job_status": [("job_id", None)],
    "/history": [],
    "/cancel": [("job_id", None)],
    "/engines": [],
    "/health": [],
}


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    """A session for calls that have ended before the next."""
    return server.client()


@pytest.fixture
def alone(server: Running) -> Client:
    """A session of the test's own, for jobs that are refused or stopped."""
    return server.client()


@pytest.fixture(scope="module")
def made(client: Client, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Json]:
    """A model, and the record of its job."""
    mug = tmp_path_factory.mktemp("made") / "mug.png"
    draw_mug().save(mug)
    path, job = client.predict(handle_file(mug), quality="draft", size_mm=50, seed=1, api_name="/generate_3d")
    return Path(path), job


def load(path: str) -> trimesh.Trimesh:
    """A model file of any format as one mesh."""
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".obj"))
            mesh = trimesh.load_mesh(io.BytesIO(archive.read(name)), file_type="obj", process=False)
    else:
        mesh = trimesh.load_mesh(path)
    assert isinstance(mesh, trimesh.Trimesh)
    # A seam of the texture splits vertices; the surface is one all the same.
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    return mesh


def test_the_named_endpoints_are_those_promised(client: Client) -> None:
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ENDPOINTS


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_parameters_and_defaults_are_those_promised(client: Client, endpoint: str) -> None:
    api = client.view_api(return_format="dict", print_info=False)["named_endpoints"][endpoint]
    told = [
        (p["parameter_name"], p["parameter_default"] if p["parameter_has_default"] else None) for p in api["parameters"]
    ]
    assert told == PARAMETERS[endpoint]


def test_health_says_ok(client: Client) -> None:
    assert client.predict(api_name="/health")["status"] == "ok"


def test_a_picture_is_measured(client: Client, mug: Path) -> None:
    info = client.predict(handle_file(mug), api_name="/check_image")
    assert info == {
        "width": 256,
        "height": 256,
        "format": "PNG",
        "mode": "RGBA",
        "has_alpha": True,
        "bytes": mug.stat().st_size,
        "orientation_applied": False,
    }


@pytest.mark.parametrize(
    "content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>", b"MZ\x90\x00" * 50]
)
def test_what_is_no_picture_is_refused_by_name(client: Client, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(content or b"\x00")
    with pytest.raises(AppError, match=r"^Invalid image: "):
        client.predict(handle_file(path), api_name="/check_image")


def test_a_picture_of_4096_pixels_is_accepted(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (4096, 4096), "red").save(path)
    assert client.predict(handle_file(path), api_name="/check_image")["width"] == 4096


def test_a_picture_of_8192_pixels_is_refused_with_its_size(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("L", (8192, 8192)).save(path)
    with pytest.raises(AppError, match=r"^Invalid image: .*8,?192"):
        client.predict(handle_file(path), api_name="/check_image")


@pytest.mark.parametrize("output_format", ["glb", "obj", "STL", "Ply"])
def test_a_picture_becomes_a_closed_model_of_the_size_asked_for(client: Client, mug: Path, output_format: str) -> None:
    path, job = client.predict(
        handle_file(mug), quality="draft", size_mm=40, output_format=output_format, api_name="/generate_3d"
    )
    mesh = load(path)
    unit_mm = 1000.0 if output_format == "glb" else 1.0
    assert job["status"] == "completed"
    assert mesh.extents.max() * unit_mm == pytest.approx(40, rel=1e-3)
    assert np.isfinite(mesh.vertices).all()
    assert max(job["mesh"]["size_mm"]) == pytest.approx(40, rel=1e-6)
    assert job["mesh"]["is_watertight"] is True


@pytest.mark.parametrize("quality", ["draft", "standard", "high"])
def test_every_quality_makes_a_model(client: Client, mug: Path, quality: str) -> None:
    _, job = client.predict(handle_file(mug), quality=quality, api_name="/generate_3d")
    assert (job["status"], job["options"]["quality"]) == ("completed", quality)


def test_the_reported_seed_and_options_give_the_same_bytes(client: Client, mug: Path) -> None:
    first, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    second, _ = client.predict(handle_file(mug), **job["options"], api_name="/generate_3d")
    assert Path(first).read_bytes() == Path(second).read_bytes()


def test_a_job_records_its_engine_stages_and_files(made: tuple[Path, Json]) -> None:
    path, job = made
    assert job["engine"] == "inflate"
    assert job["engine_reason"]
    assert job["is_preview"] is True
    assert job["files"]["glb"] == path.stat().st_size
    assert job["timings_s"]["total"] >= sum(s for name, s in job["timings_s"].items() if name != "total") - 1e-3
    assert job["created"] <= job["finished"]
    assert job["error"] is None


def test_a_finished_job_is_found_by_its_id_and_in_the_history(client: Client, mug: Path) -> None:
    _, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    assert client.predict(job["job_id"], api_name="/job_status") == job
    assert client.predict(api_name="/history")[0] == job


def test_the_history_of_another_session_is_its_own(client: Client, made: tuple[Path, Json], alone: Client) -> None:
    assert made[1]["job_id"] in [job["job_id"] for job in client.predict(api_name="/history")]
    assert alone.predict(api_name="/history") == []


def test_a_model_is_converted_for_download(client: Client, made: tuple[Path, Json]) -> None:
    _, job = made
    stl = load(client.predict(job["job_id"], "stl", api_name="/download"))
    assert stl.is_watertight
    assert stl.extents.max() == pytest.approx(50, rel=1e-3)


@pytest.mark.parametrize("output_format", ["glb", "obj", "stl", "ply", "3MF", "Usdz", "fbx"])
def test_every_download_measures_like_the_job_and_keeps_its_texture(
    client: Client, made: tuple[Path, Json], output_format: str
) -> None:
    _, job = made
    path = client.predict(job["job_id"], output_format, api_name="/download")
    found = client.predict(handle_file(path), api_name="/inspect_mesh")
    same = ("vertices", "faces", "components", "is_watertight", "euler_number")
    assert [found[name] for name in same] == [job["mesh"][name] for name in same]
    assert found["size_mm"] == pytest.approx(job["mesh"]["size_mm"], abs=1e-3)
    has_textures = output_format not in ("stl", "ply")
    assert (found["has_texture"], found["has_uv"]) == (has_textures, has_textures)


def test_a_download_can_be_compressed(client: Client, made: tuple[Path, Json]) -> None:
    _, job = made
    path = client.predict(job["job_id"], "glb", "Draco", api_name="/download")
    assert b"KHR_draco_mesh_compression" in Path(path).read_bytes()
    assert client.predict(handle_file(path), api_name="/inspect_mesh")["is_watertight"] is True
    with pytest.raises(AppError, match="Only a GLB can be compressed"):
        client.predict(job["job_id"], "stl", "draco", api_name="/download")


def test_a_download_can_have_a_smaller_texture(client: Client, mug: Path) -> None:
    _, job = client.predict(handle_file(mug), quality="draft", seed=1, api_name="/generate_3d")
    path = client.predict(job["job_id"], texture_size=256, texture_format="png", api_name="/download")
    assert b"image/png" in Path(path).read_bytes()
    assert read_provenance(Path(path)).options["texture_size"] == 256
    with pytest.raises(AppError, match="STL, which holds no texture"):
        client.predict(job["job_id"], "stl", texture_size=256, api_name="/download")


def test_words_become_a_picture(client: Client) -> None:
    path, job = client.predict("a red apple", api_name="/text_to_image")
    with Image.open(path) as picture:
        assert picture.mode == "RGBA"
        assert min(picture.size) >= 512
    assert (job["kind"], job["engine"], job["prompt"]) == ("text_to_image", "pictogram", "a red apple")


def test_words_become_a_model_and_its_picture(client: Client) -> None:
    model, picture, job = client.predict("a red apple", quality="draft", api_name="/text_to_3d")
    assert load(model).is_watertight
    with Image.open(picture) as image:
        assert image.format == "PNG"
    assert (job["kind"], job["prompt"], job["status"]) == ("text_to_3d", "a red apple", "completed")


def test_a_mesh_is_measured(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "box.stl"
    trimesh.creation.box((10, 20, 30)).export(path)
    report = client.predict(handle_file(path), api_name="/inspect_mesh")
    assert report["is_watertight"] is True
    assert report["volume_mm3"] == pytest.approx(6000)


def test_every_engine_is_listed_with_what_it_needs(client: Client) -> None:
    engines = {engine["name"]: engine for engine in client.predict(api_name="/engines")}
    assert set(engines) == {"inflate", "pictogram", "projection", "hunyuan3d-2.1", "diffusion", "birefnet", "grabcut"}
    assert engines["inflate"]["is_ready"] is True
    assert engines["hunyuan3d-2.1"]["why_not"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quality", "extreme"),
        ("output_format", "../../etc/passwd"),
        ("output_format", "blend"),
        ("output_format", "gltf"),
        ("output_format", "usdc"),
        ("engine", "'; DROP TABLE jobs; --"),
        ("remove_background", "<script>alert(1)</script>"),
        ("texture", "yes"),
        ("size_mm", 0),
        ("size_mm", 1e9),
        ("seed", -2),
        ("seed", 2**40),
        ("target_faces", 12.5),
        ("texture_size", 100_000),
    ],
)
def test_an_option_that_is_not_allowed_is_refused_before_it_queues(
    client: Client, mug: Path, name: str, value: object
) -> None:
    with pytest.raises(ValidationError, match=rf"{name}: Invalid option: {name} cannot be"):
        client.predict(handle_file(mug), **{name: value}, api_name="/generate_3d")


@pytest.mark.parametrize("prompt", ["", "   ", "\x00\x01", "a" * 1001, "a" * 1_000_000])
def test_a_prompt_that_is_empty_or_too_long_is_refused(client: Client, prompt: str) -> None:
    with pytest.raises(ValidationError, match=r"prompt: Invalid prompt: The prompt"):
        client.predict(prompt, api_name="/text_to_image")


@pytest.mark.parametrize(
    "prompt", ["<img src=x onerror=alert(1)> apple", "apple'; DROP TABLE jobs; --", "apple ${7*7}"]
)
def test_markup_and_sql_in_a_prompt_are_only_text(client: Client, prompt: str) -> None:
    _, job = client.predict(prompt, api_name="/text_to_image")
    assert job["prompt"] == prompt
    assert client.predict(api_name="/history")[0]["prompt"] == prompt


@pytest.mark.parametrize("job_id", ["", "nothing", "../../etc/passwd", "..\\..\\x", "a' OR '1'='1", "x" * 10_000])
@pytest.mark.parametrize("endpoint", ["/job_status", "/cancel", "/download", "/turntable"])
def test_an_id_that_names_no_job_is_not_found(client: Client, endpoint: str, job_id: str) -> None:
    with pytest.raises(AppError, match=r"^Not found: "):
        client.predict(job_id, api_name=endpoint)


def test_a_script_sees_the_job_go_on(client: Client, photo: Path) -> None:
    job = client.submit(handle_file(photo), quality="high", api_name="/generate_3d")
    job.result()
    told = [record for *_, record in job.outputs()]
    assert {record["status"] for record in told[:-1]} <= {"queued", "running"}
    assert told[-1]["status"] == "completed"
    assert [r["progress"] for r in told] == sorted(r["progress"] for r in told)


def test_a_second_submission_of_a_session_is_refused_and_names_the_first(
    server: Running, alone: Client, photo: Path
) -> None:
    first = alone.submit(handle_file(photo), quality="high", api_name="/generate_3d")
    wait_for_job(server, alone)
    with pytest.raises(ValidationError, match=r"Duplicate job: "):
        alone.predict(handle_file(photo), quality="draft", api_name="/generate_3d")
    assert first.result()[1]["status"] == "completed"


def test_after_a_refusal_the_next_job_works(client: Client, mug: Path) -> None:
    with pytest.raises(ValidationError):
        client.predict(handle_file(mug), quality="none", api_name="/generate_3d")
    _, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    assert job["status"] == "completed"


def test_a_script_stops_its_job(server: Running, alone: Client, photo: Path) -> None:
    running = alone.submit(handle_file(photo), quality="ultra", api_name="/generate_3d")
    job_id = wait_for_job(server, alone)
    # gradio_client can only cancel what it has heard of.
    while not running.outputs():
        time.sleep(0.01)
    running.cancel()
    assert wait_for_end(alone, job_id)["status"] == "cancelled"
    _, job = alone.predict(handle_file(photo), quality="draft", api_name="/generate_3d")
    assert job["status"] == "completed"


def test_a_job_is_stopped_over_plain_http_while_the_queue_is_busy(server: Running, alone: Client, photo: Path) -> None:
    alone.submit(handle_file(photo), quality="ultra", api_name="/generate_3d")
    job_id = wait_for_job(server, alone)
    answer = httpx.post(f"{server.url}jobs/{job_id}/cancel", json={})
    assert answer.status_code == 200
    assert wait_for_end(alone, job_id)["status"] == "cancelled"


def test_curl_makes_a_model_in_two_calls(server: Running, mug: Path) -> None:
    uploaded = httpx.post(f"{server.url}gradio_api/upload", files={"files": mug.open("rb")}).json()[0]
    image = {"path": uploaded, "meta": {"_type": "gradio.FileData"}}
    called = httpx.post(f"{server.url}gradio_api/call/v2/generate_3d", json={"image": image, "quality": "draft"})
    events = httpx.get(f"{server.url}gradio_api/call/generate_3d/{called.json()['event_id']}", timeout=60).text
    file, job = json.loads(events.split("event: complete\ndata: ")[1].split("\n")[0])
    assert job["status"] == "completed"
    assert httpx.get(file["url"]).content[:4] == b"glTF"


@pytest.mark.parametrize("value", ["a bare string", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, 5])
@pytest.mark.parametrize(
    ("endpoint", "name", "title"),
    [("check_image", "image", "Invalid image"), ("inspect_mesh", "mesh", "Invalid mesh")],
)
def test_what_was_never_uploaded_is_refused_by_name(
    server: Running, endpoint: str, name: str, title: str, value: object
) -> None:
    called = httpx.post(f"{server.url}gradio_api/call/v2/{endpoint}", json={name: value}).json()
    events = httpx.get(f"{server.url}gradio_api/call/{endpoint}/{called['event_id']}", timeout=60).text
    assert f"{title}: This is no uploaded" in events
