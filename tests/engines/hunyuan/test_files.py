from pathlib import Path

import pytest

from orfeas.checkpoints import check_whole
from orfeas.engines.hunyuan.files import FOLDER, WeightFiles, find_weights
from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.tiny import write_tiny_release


@pytest.mark.parametrize("place", ["", FOLDER])
def test_a_release_is_found_in_its_folder_and_around_it(place: str, tmp_path: Path) -> None:
    checkpoint = write_tiny_release(tmp_path)
    assert find_weights(tmp_path / place) == WeightFiles(tmp_path / FOLDER / "config.yaml", checkpoint)


def test_a_release_is_found_as_the_reference_lays_it_out(tmp_path: Path) -> None:
    checkpoint = write_tiny_release(tmp_path / "tencent" / "Hunyuan3D-2.1")
    assert find_weights(tmp_path).checkpoint == checkpoint


def test_safetensors_go_before_a_pickle(tmp_path: Path) -> None:
    write_tiny_release(tmp_path, ".ckpt")
    safetensors = write_tiny_release(tmp_path, ".safetensors")
    assert find_weights(tmp_path).checkpoint == safetensors


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=f"no {FOLDER}/config.yaml in {tmp_path}"):
        find_weights(tmp_path)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    write_tiny_release(tmp_path).unlink()
    with pytest.raises(EngineUnavailable, match=r"no model\.fp16\.ckpt or model\.fp16\.safetensors"):
        find_weights(tmp_path)


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.9999])
def test_a_truncated_checkpoint_is_noticed_without_loading_it(suffix: str, kept: float, tmp_path: Path) -> None:
    checkpoint = write_tiny_release(tmp_path, suffix)
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(EngineUnavailable, match=r"cut off or of another format. Delete it and fetch it again"):
        find_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.ckpt", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"])
def test_something_else_under_the_name_is_noticed(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match="cannot be used"):
        check_whole(path)
