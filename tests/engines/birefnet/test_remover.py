import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from orfeas.engines.birefnet import remover as module
from orfeas.engines.birefnet.files import PLACES, REPO_ID, find_model, is_whole
from orfeas.engines.birefnet.network import DEVIATION, MEAN, Network
from orfeas.engines.birefnet.remover import BiRefNet
from orfeas.errors import Cancelled, EngineUnavailable
from orfeas.progress import Progress
from tests.engines.birefnet.tiny import SHAPE, SIDE_PX, STEEPNESS, write_tiny_model, write_tiny_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_weights(folder)
    return folder


def dark_disc(width: int = 640, height: int = 400) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    return np.where(np.hypot(x - width / 2, y - height / 2)[..., None] < 120, 20, 230).repeat(3, 2).astype(np.uint8)


def test_the_alpha_is_what_the_model_says_of_every_pixel(folder: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    rgb //= np.uint8(16)
    rgb += np.uint8(108)
    alpha = BiRefNet(folder).find_alpha(rgb, Progress())
    logits = -STEEPNESS * ((rgb / 255 - MEAN) / DEVIATION).mean(axis=2)
    assert np.allclose(alpha, 1 / (1 + np.exp(-logits.clip(-30, 30))), atol=1e-4)
    assert 0.05 < alpha.mean() < 0.95


def test_a_picture_of_any_size_gets_an_alpha_of_its_own_size(folder: Path) -> None:
    rgb = dark_disc()
    alpha = BiRefNet(folder).find_alpha(rgb, Progress())
    assert alpha.shape == (400, 640)
    assert ((alpha > 0.5) == (rgb[..., 0] < 100)).mean() > 0.999


def test_it_stands_ready_with_its_weights_and_loads_nothing_to_tell(folder: Path, tmp_path: Path) -> None:
    assert BiRefNet(folder).info().is_ready
    info = BiRefNet(tmp_path).info()
    assert (info.kind, info.name, info.is_ready, info.licence, info.weights) == (
        "background",
        "birefnet",
        False,
        "MIT",
        "birefnet",
    )
    assert f"There is no {PLACES[0]} in {tmp_path}" in info.why_not


@pytest.mark.parametrize("place", PLACES)
def test_the_file_may_lie_in_the_repository_s_own_folders(tmp_path: Path, place: str) -> None:
    model = write_tiny_model(tmp_path / place)
    assert find_model(tmp_path) == model


def test_the_cache_is_looked_at_where_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="run python -m orfeas fetch birefnet"):
        find_model(None)
    repository = tmp_path / f"models--{REPO_ID.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    model = write_tiny_model(repository / "snapshots" / ("0" * 40) / "onnx" / "model.onnx")
    assert find_model(None) == model


def test_a_machine_with_too_little_memory_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_PER_BYTE", 10**12)
    with pytest.raises(EngineUnavailable, match="GB of memory, and this machine has"):
        BiRefNet(folder).check_device()
    assert not BiRefNet(folder).info().is_ready


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, share: float) -> None:
    model = write_tiny_weights(tmp_path)
    model.write_bytes(model.read_bytes()[: int(share * model.stat().st_size)])
    with pytest.raises(EngineUnavailable, match=r"model\.onnx in .* cannot be used: it is cut off"):
        find_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello" * 99, bytes(500), b"\xff" * 99, b"\x3a\x80", b"\x0b"])
def test_no_other_file_is_taken_for_a_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert not is_whole(path)


def test_damage_inside_is_found_by_the_runtime(tmp_path: Path) -> None:
    model = write_tiny_weights(tmp_path)
    model.write_bytes(model.read_bytes().replace(b"ReduceMean", b"NoSuchNode"))
    assert is_whole(model)
    with pytest.raises(EngineUnavailable, match=r"model\.onnx .*ONNX Runtime cannot load it"):
        BiRefNet(tmp_path).find_alpha(dark_disc(), Progress())


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "link"])
def test_a_tensor_in_another_folder_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(np.float32(-40).tobytes())
    model = write_tiny_model(tmp_path / "birefnet" / "model.onnx", external=location)
    (model.parent / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(EngineUnavailable, match="ONNX Runtime cannot load it"):
        Network(model)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": (1, 4, 512, 512)}, "something else than one picture"),
        ({"shape": (2, 3, 512, 512)}, "something else than one picture"),
        ({"kind": TensorProto.DOUBLE}, "something else than one picture"),
        ({"channels": 2}, "something else than one mask"),
        ({"shape": (1, 3, 16, 16)}, "pictures of 16 × 16 pixels"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    if "kind" in changes:
        model = tmp_path / "model.onnx"
        write_double(model)
    else:
        model = write_tiny_model(tmp_path / "model.onnx", **changes)  # type: ignore[arg-type]  # its own arguments
    with pytest.raises(EngineUnavailable, match=rf"model\.onnx.*{reason}"):
        Network(model)


def write_double(path: Path) -> None:
    """A model that takes float64."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=1)],
        "double",
        [value("x", TensorProto.DOUBLE, SHAPE)],
        [value("y", TensorProto.DOUBLE, (1, 1, *SHAPE[2:]))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def test_a_model_that_fails_while_it_runs_is_named(tmp_path: Path) -> None:
    value, sides = helper.make_tensor_value_info, ("batch", 3, "height", "width")
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "to"], ["y"])],
        "failing",
        [value("x", TensorProto.FLOAT, sides)],
        [value("y", TensorProto.FLOAT, (1, 1, 5, 5))],
        [helper.make_tensor("to", TensorProto.INT64, (4,), (1, 1, 5, 5))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(EngineUnavailable, match=r"model\.onnx.*ONNX Runtime cannot run it"):
        Network(tmp_path / "model.onnx").find_matte(dark_disc(), Progress())


def test_open_sides_are_taken_for_the_published_ones(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model.onnx", shape=("batch", 3, "height", "width"))
    assert Network(model).find_matte(dark_disc(), Progress()).shape == (SIDE_PX, SIDE_PX)


def test_what_is_no_mask_is_refused(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model.onnx", scale=float("nan"))
    with pytest.raises(EngineUnavailable, match="what it gives is no mask"):
        Network(model).find_matte(dark_disc(), Progress())


def test_it_stops_within_a_second(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path, rounds=40)
    stop, asked = threading.Event(), 0.0
    remover = BiRefNet(tmp_path)

    def press() -> None:
        nonlocal asked
        asked = time.monotonic()
        stop.set()

    threading.Timer(0.4, press).start()
    with pytest.raises(Cancelled):
        remover.find_alpha(dark_disc(), Progress(is_cancelled=stop.is_set))
    assert time.monotonic() - asked < 1


def test_a_second_picture_waits_for_the_first_and_can_be_stopped_meanwhile(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path, rounds=40)
    remover, stop = BiRefNet(tmp_path), threading.Event()

    def look() -> None:
        with pytest.raises(Cancelled):
            remover.find_alpha(dark_disc(), Progress(is_cancelled=stop.is_set))

    first = threading.Thread(target=look)
    first.start()
    time.sleep(0.2)
    with pytest.raises(Cancelled):
        remover.find_alpha(dark_disc(500), Progress(is_cancelled=lambda: True))
    assert first.is_alive()
    stop.set()
    first.join(5)
    assert not first.is_alive()


def test_the_same_picture_is_looked_at_once_and_new_weights_are_noticed(folder: Path, tmp_path: Path) -> None:
    model = write_tiny_weights(tmp_path, rounds=1)
    remover = BiRefNet(tmp_path)
    first = remover.find_alpha(dark_disc(), Progress())
    # A run would notice that it is to stop.
    again = remover.find_alpha(dark_disc(), Progress(is_cancelled=lambda: True))
    assert (first == again).all()
    model.unlink()
    write_tiny_model(model, scale=STEEPNESS)
    assert np.allclose(remover.find_alpha(dark_disc(), Progress())[200, 5:20], 1)
