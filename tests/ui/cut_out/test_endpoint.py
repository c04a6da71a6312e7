"""``/cut_out`` and ``mask`` over a real server, as a script calls them."""

import time
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from PIL import Image

from tests.engines.birefnet.tiny import write_tiny_weights
from tests.running import Running, running


@pytest.fixture
def client(server: Running) -> Client:
    return server.client()


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    kept = np.zeros((50, 50), np.uint8)
    kept[10:40, 10:40] = 255
    Image.fromarray(kept).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_a_cut_out_is_a_png_and_a_record(client: Client, photo: Path) -> None:
    path, report = client.predict(handle_file(photo), api_name="/cut_out")
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (512, 512))
        share = (np.asarray(image.getchannel("A")) >= 128).mean()
    assert report["remover"] == "grabcut"
    assert report["kept_share"] == pytest.approx(share, abs=1e-3)
    assert set(report) == {"remover", "reason", "note", "kept_share", "width", "height", "seconds"}


def test_it_answers_while_the_device_is_taken(server: Running, client: Client, photo: Path) -> None:
    with server.server.studio._device:
        assert client.predict(handle_file(photo), "never", api_name="/cut_out")[1]["remover"] == "auto"


def test_a_mask_is_optional_and_decides(client: Client, photo: Path, mask: Path) -> None:
    report = client.predict(handle_file(photo), mask=handle_file(mask), api_name="/cut_out")[1]
    assert report["kept_share"] == pytest.approx(0.36, abs=0.02)
    job = client.predict(
        handle_file(photo), quality="draft", texture=False, mask=handle_file(mask), api_name="/generate_3d"
    )[1]
    assert job["notes"][0] == "Cut out with the mask that was given."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"remover": "magic"}, "Invalid option: remover cannot be “magic”"),
        ({"remover": "birefnet"}, "Engine unavailable: BiRefNet cannot run here"),
        ({"remover": "grabcut", "remove_background": "never"}, "Invalid option: remover cannot be set"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    client: Client, photo: Path, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(photo), **options, api_name="/cut_out")
    assert str(caught.value).startswith(sentence)
    with pytest.raises(ValidationError) as refused:
        client.predict(handle_file(photo), **options, api_name="/generate_3d")
    assert sentence in str(refused.value)


def test_a_mask_beside_another_way_is_refused_under_its_option(client: Client, photo: Path, mask: Path) -> None:
    with pytest.raises(ValidationError, match="remove_background cannot be set beside a mask"):
        client.predict(handle_file(photo), remove_background="always", mask=handle_file(mask), api_name="/generate_3d")


def test_the_weights_make_the_learned_remover_take_over_and_a_cancel_reaches_it(tmp_path: Path, photo: Path) -> None:
    write_tiny_weights(tmp_path / "weights", rounds=60)
    with running(tmp_path / "data", weights=str(tmp_path / "weights"), device="cpu") as server:
        client = server.client()
        ready = {e["name"]: e["is_ready"] for e in client.predict(api_name="/engines") if e["kind"] == "background"}
        assert ready == {"birefnet": True, "grabcut": True}
        call = client.submit(handle_file(photo), api_name="/cut_out")
        time.sleep(1.5)
        assert not call.done()
        call.cancel()
        # The remover takes one picture at a time: the next would wait for one that was not stopped.
        remover = server.server.studio.roster.removers[0]
        end = time.monotonic() + 1.5
        while remover._lock.locked():  # type: ignore[attr-defined]  # the learned one's
            assert time.monotonic() < end
            time.sleep(0.02)
