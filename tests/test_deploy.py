"""docs/deploy.md, held against the code; its nginx blocks are served by nginx, where it is installed."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from orfeas.api.routes import NOT_UP
from orfeas.jobs.registry import CLOSED
from orfeas.settings import Settings
from orfeas.zero_gpu import LONGEST_S
from tests.processes import ROOT
from tests.running import Running, running

DOCS = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
NGINX = shutil.which("nginx")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def test_every_setting_it_names_exists() -> None:
    named = set(re.findall(r"ORFEAS_[A-Z_]*[A-Z]", DOCS))
    assert named <= {f"ORFEAS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http|#)([^)#]+)", DOCS))
def test_every_file_it_points_to_exists(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("section", re.findall(r"^- \[.+?\]\(#(.+?)\)$", DOCS, re.MULTILINE))
def test_every_section_of_its_contents_exists(section: str) -> None:
    titles = re.findall(r"^## (.+)$", DOCS, re.MULTILINE)
    assert section in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_what_it_says_of_readiness_stops_and_durations_is_so() -> None:
    for code in [*NOT_UP, "unavailable", "engine_unavailable"]:
        assert f"`{code}`" in DOCS
    assert CLOSED.message in DOCS
    assert f"{LONGEST_S} seconds at most" in DOCS


def nginx_blocks() -> list[str]:
    return re.findall(r"<!-- nginx -->\n```nginx\n(.+?)```", DOCS, re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def nginx(block: str, upstream: str, folder: Path) -> Iterator[str]:
    """nginx with a block of the docs, its ports exchanged; yields its address."""
    assert NGINX is not None
    port = free_port()
    block = block.replace("listen 80;", f"listen 127.0.0.1:{port};").replace(
        "http://127.0.0.1:7860", upstream.rstrip("/")
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; {places}\n{block} }}"
    )
    command = [NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            assert process.poll() is None and time.monotonic() < end, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def upload_and_follow(server: Running, url: str, mug: Path) -> None:
    """A large upload goes through, a job tells how it stands while it waits, and its model comes back."""
    padding = {"files": ("padding.bin", b"x" * 10_000_000)}
    assert httpx.post(f"{url}gradio_api/upload", files=padding, timeout=60).status_code == 200
    client = Client(url, verbose=False, ssl_verify=False)
    with server.server.studio._device:
        job = client.submit(handle_file(mug), quality="draft", api_name="/generate_3d")
        end = time.monotonic() + 10
        while not job.outputs():
            assert time.monotonic() < end, "nothing came through while the job waited"
            time.sleep(0.05)
        assert job.outputs()[0][1]["status"] == "queued"
    path, record = job.result()
    assert record["status"] == "completed"
    assert Path(path).read_bytes()[:4] == b"glTF"
    assert httpx.get(f"{url}jobs/{record['job_id']}/model.stl").status_code == 200


@needs_nginx
def test_nginx_serves_the_page_under_its_own_name(tmp_path: Path, mug: Path) -> None:
    settings: dict[str, str | int] = {"allowed_origins": "https://studio.example"}
    with (
        running(tmp_path / "data", **settings) as server,
        nginx(nginx_blocks()[0], server.url, tmp_path) as url,
    ):
        public = {"host": "studio.example", "origin": "https://studio.example"}
        page = httpx.get(f"{url}/", headers=public)
        assert (page.status_code, '"title":"ORFEAS"' in page.text) == (200, True)
        assert '"root":"http://studio.example"' in page.text
        assert httpx.get(f"{url}/", headers={"host": "elsewhere.example"}).status_code == 403
        call = f"{url}/gradio_api/call/v2/text_to_image"
        assert httpx.post(call, json={"prompt": "an apple"}, headers=public).status_code == 200
        foreign = {**public, "origin": "https://elsewhere.example"}
        assert httpx.post(call, json={"prompt": "an apple"}, headers=foreign).status_code == 403
        upload_and_follow(server, f"{url}/", mug)


@needs_nginx
def test_nginx_serves_the_page_under_a_prefix(tmp_path: Path, mug: Path) -> None:
    with (
        running(tmp_path / "data", root_path="/orfeas") as server,
        nginx(nginx_blocks()[1], f"http://127.0.0.1:{server.server.page.blocks.server_port}/", tmp_path) as url,
    ):
        page = httpx.get(f"{url}/orfeas/")
        assert (page.status_code, f'"root":"{url}/orfeas"' in page.text) == (200, True)
        assets = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text)
        assert assets
        assert httpx.get(httpx.URL(f"{url}/orfeas/").join(assets[0])).status_code == 200
        upload_and_follow(server, f"{url}/orfeas/", mug)
