"""The turntable, as a script asks for it."""

import time
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import ProgressUnit
from PIL import Image

from tests.running import Running


@pytest.fixture
def client(server: Running) -> Client:
    return server.client()


@pytest.fixture
def job_id(client: Client, mug: Path) -> str:
    _, job = client.predict(handle_file(mug), quality="draft", api_name="/generate_3d")
    return str(job["job_id"])


def test_a_script_gets_the_turntable_it_asked_for(client: Client, job_id: str) -> None:
    path = client.predict(job_id, frames=6, size_px=96, seconds=2, background="#102030", api_name="/turntable")
    with Image.open(path) as film:
        assert (film.format, film.size, getattr(film, "n_frames", 1)) == ("WEBP", (96, 96), 6)


def test_a_script_is_told_of_frames_and_can_stop_between_them(server: Running, client: Client, job_id: str) -> None:
    running = client.submit(job_id, frames=90, size_px=1024, api_name="/turntable")
    told: list[ProgressUnit] = []
    while not told:
        told = [unit for unit in running.status().progress_data or [] if unit.index]
        time.sleep(0.01)
    assert (told[0].length, str(told[0].desc).startswith("Turntable, ")) == (90, True)
    running.cancel()
    # The next one waits until this one has let go.
    start = time.monotonic()
    client.predict(job_id, frames=4, size_px=64, api_name="/turntable")
    assert time.monotonic() - start < 5
    kept = server.server.studio.workspace.job_folder(job_id).glob("turntable/*")
    assert [path.name for path in kept] == ["4x64px-3s-transparent"]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("output_format", "mp4", "choose one of webp"),
        ("frames", 1_000_000, "from 4 to 90"),
        ("size_px", -1, "from 64 to 1,024"),
        ("seconds", 1e9, "from 1 to 60"),
        ("background", "<script>alert(1)</script>", "transparent or a colour"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(client: Client, name: str, value: object, allowed: str) -> None:
    with pytest.raises(AppError, match=rf"^Invalid option: {name} cannot be .*{allowed}"):
        client.predict("0" * 32, **{name: value}, api_name="/turntable")


def test_a_picture_has_no_turntable(client: Client) -> None:
    _, job = client.predict("a red apple", api_name="/text_to_image")
    with pytest.raises(AppError, match=r"^Not found: .*no model"):
        client.predict(job["job_id"], api_name="/turntable")
