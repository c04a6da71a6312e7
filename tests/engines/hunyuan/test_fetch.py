"""Fetching from a Hub on this machine, in processes of their own: the Hub's client reads its settings when imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub.constants import DOWNLOAD_CHUNK_SIZE as KEPT_BYTES

from tests.engines.hunyuan.hub import serve_hub
from tests.engines.hunyuan.tiny import write_tiny_release

ACCOUNT = "print(files.account_for_fetch().sentence)"
FETCH = "seen = []; print(files.fetch_weights(seen.append).checkpoint.stat().st_size, max(seen))"
FIND = "print(files.find_weights(None).checkpoint.read_bytes() == open(sys.argv[1], 'rb').read())"


def run(command: str, home: Path, endpoint: str, *arguments: str, **environment: str) -> str:
    code = (
        "import sys\nfrom orfeas.engines.hunyuan import files\nfrom orfeas.errors import EngineUnavailable\n"
        f"try:\n    {command}\nexcept EngineUnavailable as error:\n    print(error.sentence)"
    )
    names = {
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **names, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_tiny_release(tmp_path / "hub")


def test_a_release_is_accounted_for_fetched_and_found(tmp_path: Path, checkpoint: Path) -> None:
    home, size = tmp_path / "home", checkpoint.stat().st_size
    with serve_hub(tmp_path / "hub") as hub:
        assert run(FIND, home, hub.endpoint, str(checkpoint)) == (
            "Engine unavailable: The weights are not on this machine; run python -m orfeas fetch hunyuan3d-2.1."
        )
        assert run(ACCOUNT, home, hub.endpoint).startswith("0.0 GB of 0.0 GB are to be fetched from huggingface.co/")
        assert hub.ranges == []
        assert run(FETCH, home, hub.endpoint) == f"{size} {size}"
    assert run(FIND, home, hub.endpoint, str(checkpoint), HF_HUB_OFFLINE="1") == "True"


def test_a_broken_fetch_goes_on_where_it_stopped(tmp_path: Path, checkpoint: Path) -> None:
    parts = torch.load(checkpoint, weights_only=True)
    parts["vae"]["encoder.padding"] = torch.zeros(3 * KEPT_BYTES, dtype=torch.uint8)
    torch.save(parts, checkpoint)
    size = checkpoint.stat().st_size
    with serve_hub(tmp_path / "hub", breaks=1) as hub:
        assert run(FETCH, tmp_path / "home", hub.endpoint) == f"{size} {size}"
    assert hub.ranges == ["", f"bytes={KEPT_BYTES}-"]


def test_a_half_fetched_release_is_not_used(tmp_path: Path, checkpoint: Path) -> None:
    home = tmp_path / "home"
    checkpoint.unlink()
    with serve_hub(tmp_path / "hub") as hub:
        assert run(FETCH, home, hub.endpoint).startswith("Engine unavailable: ")
        assert run(FIND, home, hub.endpoint, "").startswith("Engine unavailable: The weights are only partly on this")


def test_a_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    told = "Engine unavailable: The Hugging Face Hub could not be reached, or refused; try again later."
    assert run(ACCOUNT, tmp_path, nobody) == told


def test_offline_is_honoured(tmp_path: Path, checkpoint: Path) -> None:
    with serve_hub(tmp_path / "hub") as hub:
        told = run(FETCH, tmp_path / "home", hub.endpoint, HF_HUB_OFFLINE="1")
    assert told.startswith("Engine unavailable: ")
    assert hub.ranges == []
