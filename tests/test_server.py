"""The server as a whole: what a browser and a script meet at its address."""

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import ValidationError

from tests.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), allowed_origins="http://studio.example") as server:
        yield server


def test_the_page_is_served_with_our_title(server: Running) -> None:
    answer = httpx.get(server.url)
    assert answer.status_code == 200
    assert '"title":"ORFEAS"' in answer.text


@pytest.mark.parametrize("path", ["health", "ready", "metrics"])
def test_the_plain_routes_stand_beside_the_page(server: Running, path: str) -> None:
    assert httpx.get(f"{server.url}{path}").status_code == 200


def test_gradios_own_answers_are_hardened_too(server: Running) -> None:
    headers = httpx.get(f"{server.url}config").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_another_web_site_gets_no_credentials_from_a_public_address(server: Running) -> None:
    headers = {"origin": "https://elsewhere.example", "host": "studio.example"}
    answer = httpx.get(f"{server.url}config", headers=headers)
    assert [name for name in answer.headers if name.startswith("access-control-allow-")] == []


def test_another_web_site_gets_no_leave_in_advance(server: Running) -> None:
    headers = {"origin": "https://elsewhere.example", "host": "studio.example", "access-control-request-method": "POST"}
    answer = httpx.options(f"{server.url}gradio_api/queue/join", headers=headers)
    assert [name for name in answer.headers if name.startswith("access-control-allow-")] == []


def test_another_web_site_cannot_start_a_job(server: Running) -> None:
    answer = httpx.post(
        f"{server.url}gradio_api/call/v2/text_to_image",
        json={"prompt": "apple"},
        headers={"origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403


def test_gradios_queue_cannot_be_passed_by(server: Running) -> None:
    answer = httpx.post(f"{server.url}gradio_api/run/generate_3d", json={"data": []})
    assert answer.status_code == 404


def test_events_of_the_page_cannot_be_called_by_name(server: Running) -> None:
    assert httpx.post(f"{server.url}gradio_api/call/on_press", json={"data": []}).status_code == 404


@pytest.mark.parametrize("path", ["file=/etc/passwd", "file=..%2F..%2Fetc%2Fpasswd"])
def test_files_of_the_machine_are_not_served(server: Running, path: str) -> None:
    answer = httpx.get(f"{server.url}gradio_api/{path}")
    assert answer.status_code == 403
    assert "root:" not in answer.text


def test_the_workspace_is_not_served(server: Running) -> None:
    database = server.server.settings.data_dir / "history.sqlite3"
    assert database.exists()
    assert httpx.get(f"{server.url}gradio_api/file={database}").status_code == 403


def test_history_and_files_survive_a_restart(tmp_path: Path, mug: Path) -> None:
    with running(tmp_path) as first:
        _, job = first.client().predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    with running(tmp_path) as second:
        assert httpx.get(f"{second.url}jobs/{job['job_id']}").json() == job
        assert httpx.get(f"{second.url}jobs/{job['job_id']}/model.stl").status_code == 200


def test_a_login_is_asked_for_where_the_operator_set_one(tmp_path: Path) -> None:
    with running(tmp_path, username="ann", password="open sesame") as locked:
        assert httpx.get(f"{locked.url}config").status_code == 401
        assert httpx.get(f"{locked.url}health").status_code == 200
        client = Client(locked.url, auth=("ann", "open sesame"), verbose=False)
        assert client.predict(api_name="/health")["status"] == "ok"


def test_the_limit_counts_the_visitors_behind_a_proxy(tmp_path: Path) -> None:
    with running(tmp_path, address_limit="1/hour", trusted_proxies="127.0.0.1") as limited:
        for visitor in ("203.0.113.1", "203.0.113.2"):
            client = Client(limited.url, headers={"x-forwarded-for": visitor}, verbose=False)
            client.predict("a red apple", api_name="/text_to_image")
        with pytest.raises(ValidationError, match=r"Too many requests: "):
            client.predict("a red apple", api_name="/text_to_image")


def test_the_limit_of_an_operator_is_kept_and_says_when_to_return(tmp_path: Path) -> None:
    with running(tmp_path, address_limit="1/hour") as limited:
        limited.client().predict("a red apple", api_name="/text_to_image")
        with pytest.raises(ValidationError, match=r"may start 1 per 1 hour here\. Try again in (60 minutes|1 hour)\."):
            limited.client().predict("a red apple", api_name="/text_to_image")


def test_an_address_that_no_trusted_proxy_tells_is_not_believed(tmp_path: Path) -> None:
    with running(tmp_path, address_limit="1/hour", trusted_proxies="192.0.2.1") as limited:
        limited.client().predict("a red apple", api_name="/text_to_image")
        liar = Client(limited.url, headers={"x-forwarded-for": "203.0.113.1"}, verbose=False)
        with pytest.raises(ValidationError, match=r"Too many requests: "):
            liar.predict("a red apple", api_name="/text_to_image")


def test_a_script_is_told_that_the_studio_is_offline(tmp_path: Path) -> None:
    with running(tmp_path, offline=1) as offline, pytest.raises(ValidationError, match="this studio is offline"):
        offline.client().predict(handle_file("https://a.example/mug.png"), api_name="/generate_3d")


def test_uploads_and_results_stay_inside_the_data_folder(tmp_path: Path, mug: Path) -> None:
    shared = Path(tempfile.gettempdir()) / "gradio"
    before = set(shared.rglob("*"))
    with running(tmp_path / "data") as private:
        client = Client(private.url, download_files=tmp_path / "downloads", verbose=False)
        client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
        served = private.server.studio.workspace.served
        assert {path.suffix for path in served.rglob("*") if path.is_file()} >= {".png", ".glb"}
        assert stat.S_IMODE(served.stat().st_mode) == 0o700
    assert set(shared.rglob("*")) - before == set()


def test_an_address_has_one_live_bare_call_at_a_time(server: Running) -> None:
    with server.server.studio._device:
        call = f"{server.url}gradio_api/call/v2/text_to_image"
        assert httpx.post(call, json={"prompt": "a red apple"}).status_code == 200
        refused = httpx.post(call, json={"prompt": "a red apple"})
        assert refused.status_code == 422
        assert "Duplicate job: " in refused.text
