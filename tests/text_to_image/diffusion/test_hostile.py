"""Folders that are no models: the engine says so in its state, which every page shows, and never raises."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orfeas.residence import Tenants
from orfeas.text_to_image.diffusion import Diffusion
from orfeas.text_to_image.diffusion.layout import CONFIG, INDEX

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
DEEP = b"[" * 100_000


def index(**changes: object) -> Callable[[Path], None]:
    """What changes the entries of a folder's index."""

    def change(folder: Path) -> None:
        described = json.loads((folder / INDEX).read_bytes())
        (folder / INDEX).write_text(json.dumps({**described, **changes}))

    return change


def content(name: str, data: bytes) -> Callable[[Path], None]:
    """What puts other content into a file."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return change


def header(**entry: object) -> Callable[[Path], None]:
    """What writes a file of weights with one tensor, as its header says, and two bytes of data."""
    told = json.dumps({"weight": entry}).encode()
    return content(WEIGHTS, len(told).to_bytes(8, "little") + told + b"\0\0")


def folder_at(name: str) -> Callable[[Path], None]:
    """What puts a folder where a file was."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def without_weighted_parts(folder: Path) -> None:
    (folder / INDEX).write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))


def leads_nowhere(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to(folder / WEIGHTS)


def pipe_at(name: str) -> Callable[[Path], None]:
    """What puts a pipe where a file was, which a reader would wait for without end."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


HOSTILE: dict[str, Callable[[Path], None]] = {
    "no weighted parts": without_weighted_parts,
    "an index that is nested without end": content(INDEX, DEEP),
    "an index that is no text": content(INDEX, b"\xff\xfe\x00\xd8"),
    "an index that is a folder": folder_at(INDEX),
    "a class that is no name": index(_class_name="\ud800"),
    "a part without a name": index(**{"": ["diffusers", "UNet2DConditionModel"]}),
    "a part whose name is no text": index(**{"\ud800": ["diffusers", "UNet2DConditionModel"]}),
    "a part that leads elsewhere": index(**{"../unet": ["diffusers", "UNet2DConditionModel"]}),
    "a library that is no text": index(unet=["\ud800", "Unet"]),
    "a library that is no name": index(unet=[{"a": 1}, "Unet"]),
    "a library of a very long name": index(unet=["a" * 5000, "Unet"]),
    "a configuration that is nested without end": content(f"unet/{CONFIG}", DEEP),
    "a configuration that is a folder": folder_at(f"unet/{CONFIG}"),
    "weights that are a folder": folder_at(WEIGHTS),
    "weights that are a link to themselves": leads_nowhere,
    "weights that are empty": content(WEIGHTS, b""),
    "a header that is nested without end": content(WEIGHTS, len(DEEP).to_bytes(8, "little") + DEEP),
    "a header that is a list": content(WEIGHTS, (2).to_bytes(8, "little") + b"[]"),
    "a tensor without a place": header(shape=[1], dtype="F16"),
    "a tensor with half a place": header(shape=[1], dtype="F16", data_offsets=[]),
    "a tensor without a shape": header(dtype="F16", data_offsets=[0, 2]),
    "a tensor with a shape of words": header(shape=["a"], dtype="F16", data_offsets=[0, 2]),
    "a tensor with a negative side": header(shape=[-1], dtype="F16", data_offsets=[0, 2]),
    "a tensor with half a side": header(shape=[0.5], dtype="F16", data_offsets=[0, 2]),
    "a tensor larger than any number": header(shape=[10**300, 10**300], dtype="F16", data_offsets=[0, 2]),
    **(
        {
            "an index that is a pipe": pipe_at(INDEX),
            "a configuration that is a pipe": pipe_at(f"unet/{CONFIG}"),
            "weights that are a pipe": pipe_at(WEIGHTS),
            "a setting that is a pipe": pipe_at("scheduler/scheduler_config.json"),
        }
        if os.name != "nt"
        else {}
    ),
    "a tensor larger than its data": header(shape=[100], dtype="F16", data_offsets=[0, 2]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_that_is_no_model_is_not_ready_and_the_reason_can_be_shown(
    name: str, unet: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(unet, folder)
    HOSTILE[name](folder)
    info = Diffusion(str(folder), None, "cpu", Tenants()).info()
    assert not info.is_ready
    assert info.why_not.encode()


@pytest.mark.parametrize("model", ["~nobody-of-that-name/model", "/nowhere", "./\0"])
def test_a_folder_that_cannot_be_found_is_not_ready(model: str) -> None:
    info = Diffusion(model, None, "cpu", Tenants()).info()
    assert not info.is_ready
    assert info.why_not
