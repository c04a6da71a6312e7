"""Meshes are repaired and inspected over a real server: by scripts, with hostile files, and when it goes wrong."""

import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import httpx
import numpy as np
import pytest
import trimesh
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError

from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat
from tests.meshes.solids import blob, box, joined, scaled, soup, textured_ball, with_faces, without_faces
from tests.running import Running, mesh_worker, running, wait_for_end, wait_for_job


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def client(server: Running) -> Client:
    return server.client()


def written(mesh: trimesh.Trimesh, path: Path) -> Path:
    kind = OutputFormat.OBJ if path.suffix == ".zip" else OutputFormat(path.suffix[1:])
    path.write_bytes(export(mesh, kind, None))
    return path


def heavy(path: Path) -> Path:
    """A broken mesh that takes a while: soup of 350,000 faces."""
    mesh = blob(350_000)
    faces = np.array(mesh.faces)
    faces[::7] = faces[::7, ::-1]
    return written(soup(with_faces(mesh, faces)), path)


def broken(path: Path) -> Path:
    crumb = box(0.001, at=(2.0, 0.0, 0.0))
    return written(scaled(joined(without_faces(blob(), 3, 4, 50), crumb), 20.0), path)


def test_a_broken_mesh_comes_back_watertight_with_both_reports(client: Client, tmp_path: Path) -> None:
    path, before, after = client.predict(handle_file(broken(tmp_path / "in.ply")), api_name="/repair_mesh")
    assert Path(path).suffix == ".stl"
    assert not before["is_watertight"] and after["is_watertight"]
    assert [finding["use"] for finding in before["findings"]] == ["print"]
    assert after["findings"] == []
    assert before["components"] == 2 and after["components"] == 1
    assert measure(load_mesh(Path(path))).volume_mm3 == pytest.approx(after["volume_mm3"], rel=1e-5)


def test_the_job_says_what_was_done(client: Client, tmp_path: Path) -> None:
    client.predict(handle_file(broken(tmp_path / "in.ply")), size_mm=50, api_name="/repair_mesh")
    job = client.predict(api_name="/history")[0]
    assert (job["kind"], job["status"], job["engine"]) == ("repair", "completed", "repair")
    assert not job["is_preview"]
    assert job["options"]["size_mm"] == 50 and job["options"]["min_part"] == 0.01
    assert max(job["mesh"]["size_mm"]) == pytest.approx(50)
    assert any(note.startswith("The holes were closed") for note in job["notes"])
    assert set(job["timings_s"]) == {"repair", "prepare", "save", "total"}


def test_a_texture_survives_the_repair(client: Client, tmp_path: Path) -> None:
    ball = textured_ball(40)
    path, before, after = client.predict(
        handle_file(written(without_faces(ball, 7, 8), tmp_path / "in.glb")),
        target_faces=1000,
        output_format="glb",
        api_name="/repair_mesh",
    )
    assert before["has_texture"] and after["has_texture"] and after["has_uv"]
    report = measure(load_mesh(Path(path)))
    assert (report.faces, report.has_texture, report.is_watertight) == (after["faces"], True, True)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("target_faces", 50, "target_faces cannot be 50"),
        ("size_mm", -1, "size_mm cannot be -1"),
        ("output_format", "xyz", "output_format cannot be “xyz”"),
        ("min_part", 2, "min_part cannot be 2"),
        ("keep_shells", "maybe", "keep_shells cannot be “maybe”"),
        ("texture_format", "gif", "texture_format cannot be “gif”"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    client: Client, tmp_path: Path, option: str, value: object, told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        client.predict(handle_file(broken(tmp_path / "in.ply")), **{option: value}, api_name="/repair_mesh")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"not a mesh", "not a model"),
        (os.urandom(2000), "Invalid mesh"),
        (b"glTF\x02\0\0\0", "Invalid mesh"),
    ],
    ids=["empty", "text", "random", "cut off"],
)
def test_a_file_that_is_no_mesh_fails_alone(client: Client, tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "in.glb"
    path.write_bytes(content)
    with pytest.raises(AppError, match=told):
        client.predict(handle_file(path), api_name="/repair_mesh")
    with pytest.raises(AppError, match=told):
        client.predict(handle_file(path), api_name="/inspect_mesh")
    assert client.predict(handle_file(broken(tmp_path / "in.ply")), api_name="/repair_mesh")[2]["is_watertight"]


def test_a_process_that_crashes_is_an_error_of_that_job_alone(server: Running, client: Client, tmp_path: Path) -> None:
    submitted = client.submit(handle_file(heavy(tmp_path / "in.stl")), api_name="/repair_mesh")
    wait_for_job(server, client)
    mesh_worker().send_signal(signal.SIGSEGV)
    with pytest.raises(AppError, match="crashed"):
        submitted.result(timeout=20)
    assert client.predict(api_name="/history")[0]["error"]["code"] == "internal"
    assert client.predict(handle_file(broken(tmp_path / "in.ply")), api_name="/repair_mesh")[2]["is_watertight"]


def test_a_repair_is_stopped_within_a_second(server: Running, client: Client, tmp_path: Path) -> None:
    submitted = client.submit(handle_file(heavy(tmp_path / "in.stl")), api_name="/repair_mesh")
    job_id = wait_for_job(server, client)
    mesh_worker()
    start = time.monotonic()
    httpx.post(f"{server.url}jobs/{job_id}/cancel")
    assert wait_for_end(client, job_id)["status"] == "cancelled"
    assert time.monotonic() - start < 2.0
    with pytest.raises((AppError, CancelledError)):
        submitted.result(timeout=20)


def test_the_server_answers_while_a_mesh_is_repaired(server: Running, client: Client, tmp_path: Path) -> None:
    submitted = client.submit(handle_file(heavy(tmp_path / "in.stl")), api_name="/repair_mesh")
    job_id = wait_for_job(server, client)
    waits_s: list[float] = []
    with httpx.Client() as http:
        while not server.server.studio.job(job_id).status.is_final and len(waits_s) < 100:
            start = time.monotonic()
            assert http.get(f"{server.url}health").status_code == 200
            waits_s.append(time.monotonic() - start)
            threading.Event().wait(0.01)
    httpx.post(f"{server.url}jobs/{job_id}/cancel")
    with pytest.raises((AppError, CancelledError)):
        submitted.result(timeout=20)
    # Half of the answers are as quick as ever; how quick all are, the benchmark tells.
    assert len(waits_s) > 20
    assert sorted(waits_s)[len(waits_s) // 2] < 0.1


def test_a_repair_goes_on_to_make_the_model_ready_for_a_printer(client: Client, tmp_path: Path) -> None:
    _, _, after = client.predict(
        handle_file(broken(tmp_path / "in.ply")),
        smooth_steps=3,
        lay_flat=True,
        size_mm=100,
        printer_mm="50 x 50 x 50 mm",
        hollow_mm=2,
        api_name="/repair_mesh",
    )
    assert max(after["size_mm"]) == pytest.approx(50)
    assert after["is_watertight"] and after["components"] == 2
    job = client.predict(api_name="/history")[0]
    assert set(job["timings_s"]) == {"repair", "prepare", "save", "total"}
    assert any("hollow within walls of 2 mm" in note for note in job["notes"])
    assert job["options"]["printer_mm"] == "50x50x50"


def test_quads_come_as_such_in_an_obj(client: Client, tmp_path: Path) -> None:
    mesh = written(scaled(blob(3000), 20.0), tmp_path / "in.stl")
    path, _, after = client.predict(
        handle_file(mesh), remesh="quads", target_faces=800, output_format="obj", api_name="/repair_mesh"
    )
    with zipfile.ZipFile(path) as archive:
        lines = [line.split() for line in archive.read("model.obj").decode().splitlines() if line.startswith("f ")]
    assert {len(line) for line in lines} == {5}
    assert 2 * len(lines) == after["faces"]
    assert len(load_mesh(Path(path)).faces) == after["faces"]


def test_what_printing_comes_to_is_measured(client: Client, tmp_path: Path) -> None:
    report = client.predict(handle_file(written(box(20.0), tmp_path / "in.stl")), "petg", api_name="/inspect_print")
    assert (report["material"], report["thin_share"]) == ("petg", 0)
    assert report["solid_g"] == pytest.approx(8.0 * 1.27)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("printer_mm", "big", "printer_mm cannot be “big”"),
        ("printer_mm", "1x1x1", "printer_mm cannot be “1x1x1”"),
        ("remesh", "hexagons", "remesh cannot be “hexagons”"),
        ("drain_holes", 2, "drain_holes cannot be set where hollow_mm is 0"),
        ("drain_hole_mm", 5, "drain_hole_mm cannot be set where drain_holes is 0"),
        ("hollow_mm", 0.1, "hollow_mm cannot be 0.1"),
        ("smooth_steps", 1000, "smooth_steps cannot be 1000"),
    ],
)
def test_a_wrong_option_of_the_preparation_is_refused_by_name(
    client: Client, tmp_path: Path, option: str, value: object, told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        client.predict(handle_file(broken(tmp_path / "in.ply")), **{option: value}, api_name="/repair_mesh")


def test_a_large_model_is_converted_in_a_process_of_its_own(
    server: Running, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orfeas.results.LARGE_BYTES", 1)
    client.predict(handle_file(written(scaled(blob(), 20.0), tmp_path / "in.stl")), api_name="/repair_mesh")
    job_id = client.predict(api_name="/history")[0]["job_id"]
    for output_format in ("ply", "fbx"):
        path = client.predict(job_id, output_format, api_name="/download")
        assert measure(load_mesh(Path(path))).faces == len(blob().faces)
    packed = client.predict(job_id, "glb", "draco", api_name="/download")
    assert measure(load_mesh(Path(packed))).faces == len(blob().faces)


def test_walls_and_mass_of_an_open_mesh_are_not_measured(client: Client, tmp_path: Path) -> None:
    mesh = written(without_faces(box(20.0), 0), tmp_path / "in.stl")
    report = client.predict(handle_file(mesh), api_name="/inspect_print")
    assert (report["solid_g"], report["thinnest_wall_mm"], report["why_not"]) == (None, None, "it is not closed")
