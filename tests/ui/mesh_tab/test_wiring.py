"""The Mesh tab's looks at meshes over a real server: each stops with its event, and when another mesh is chosen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import handle_file

from orfeas.meshes.export import export
from orfeas.options import OutputFormat
from tests.meshes.solids import blob, box, soup, without_faces
from tests.running import Running, mesh_worker
from tests.ui.page_session import PageSession

# A look is stopped within a fraction of a second; the rest is for a machine that has other things to do.
STOP_LIMIT_S = 3


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    page = PageSession(server.url)
    page.open()
    yield page
    page.close()


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh whose look takes seconds: soup of 700,000 faces."""
    path = tmp_path_factory.mktemp("heavy") / "heavy.stl"
    path.write_bytes(export(soup(blob(700_000)), OutputFormat.STL, None))
    return path


@pytest.fixture
def light(tmp_path: Path) -> Path:
    (tmp_path / "light.stl").write_bytes(export(box(20.0), OutputFormat.STL, None))
    return tmp_path / "light.stl"


def test_another_mesh_stops_the_look_at_the_one_before(page: PageSession, heavy: Path, light: Path) -> None:
    page.values["mesh"] = page.upload(heavy)
    page.begin("mesh", "change")
    child = mesh_worker()
    page.values["mesh"] = page.upload(light)
    shown = page.send("mesh", "change")
    child.wait(STOP_LIMIT_S)
    assert "<h2" in shown["status"]
    assert shown["announcer"]


def test_the_print_check_measures_what_the_stage_shows(server: Running, page: PageSession, tmp_path: Path) -> None:
    path = tmp_path / "open.stl"
    path.write_bytes(export(without_faces(box(20.0), 0), OutputFormat.STL, None))
    page.values["mesh"] = page.upload(path)
    page.send("mesh", "change")
    status = page.send("check-print", "click")["status"]
    assert f"Print check: {path.name}</h2>" in status
    assert "Not measured, for it is not closed." in status

    client = server.client()
    client.predict(handle_file(path), api_name="/repair_mesh")
    job_id = client.predict(api_name="/history")[0]["job_id"]
    page.send("history", "select", {"index": job_id, "value": job_id})
    status = page.send("check-print", "click")["status"]
    assert "Print check: Repaired model</h2>" in status
    assert "9.9 g filled through" in status  # 8 cm³ of PLA
    assert f"jobs/{job_id}/model.3mf" in status

    page.send("mesh", "change")
    assert "Not measured, for it is not closed." in page.send("check-print", "click")["status"]


def test_a_script_that_cancels_an_inspection_stops_it(server: Running, heavy: Path, light: Path) -> None:
    client = server.client()
    looking = client.submit(handle_file(heavy), api_name="/inspect_mesh")
    child = mesh_worker()
    looking.cancel()
    child.wait(STOP_LIMIT_S)
    assert client.predict(handle_file(light), api_name="/inspect_mesh")["is_watertight"] is True
