"""Which files make up a pipeline, and which are refused."""

import json
import shutil
from pathlib import Path

import pytest

from orfeas.errors import EngineUnavailable
from orfeas.text_to_image.diffusion.layout import INDEX, choose_files, read_folder, read_layout

UNET, CLIP = ["diffusers", "UNet2DConditionModel"], ["transformers", "CLIPTextModel"]
PARTS = {
    "unet": UNET,
    "text_encoder": CLIP,
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
}
# A repository as many are: single-file copies, pickled copies, other programs' formats, code and pictures beside it.
WANTED = {
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "text_encoder/config.json",
    "text_encoder/model-00001-of-00002.safetensors",
    "text_encoder/model-00002-of-00002.safetensors",
    "text_encoder/model.safetensors.index.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "tokenizer/chat_template.jinja",
    "scheduler/scheduler_config.json",
}
LEFT_OUT = {
    "README.md",
    "everything.safetensors",
    "lcm_pipeline.py",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/model.onnx",
    "text_encoder/pytorch_model.bin.index.json",
    "vae_decoder/config.json",
    "tokenizer/tokenizer.py",
}


def index_of(**changes: object) -> bytes:
    return json.dumps({"_class_name": "StableDiffusionPipeline", "is_distilled": False, **PARTS, **changes}).encode()


def test_only_what_the_pipeline_needs_is_chosen_and_its_index_comes_last() -> None:
    files = choose_files(WANTED | LEFT_OUT, index_of())
    assert set(files) == WANTED | {INDEX}
    assert len(files) == len(set(files))
    assert files[-1] == INDEX


def test_half_precision_is_taken_where_every_part_has_it() -> None:
    half = {
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/model.fp16-00001-of-00001.safetensors",
        "text_encoder/model.safetensors.index.fp16.json",
    }
    layout = read_layout(WANTED | half, index_of())
    assert layout.variant == "fp16"
    assert half <= set(layout.files)
    assert not {name for name in layout.files if "00002" in name or name.endswith(".index.json")}


def test_half_precision_of_one_part_only_is_taken_where_there_is_nothing_else() -> None:
    names = (WANTED - {"unet/diffusion_pytorch_model.safetensors"}) | {"unet/diffusion_pytorch_model.fp16.safetensors"}
    layout = read_layout(names, index_of())
    assert (layout.variant, dict(layout.weights)["unet"]) == (
        "fp16",
        ("unet/diffusion_pytorch_model.fp16.safetensors",),
    )
    extra = WANTED | {"unet/diffusion_pytorch_model.fp16.safetensors"}
    assert read_layout(extra, index_of()).variant is None


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("unet/diffusion_pytorch_model.safetensors", "part unet has pickled weights only, which could run anything"),
        ("text_encoder/model-00002-of-00002.safetensors", "part text_encoder has no weights here, or not all of them"),
        ("scheduler/scheduler_config.json", "part scheduler is missing"),
    ],
)
def test_what_is_missing_is_named(gone: str, told: str) -> None:
    with pytest.raises(EngineUnavailable, match=told):
        read_layout((WANTED | LEFT_OUT) - {gone}, index_of())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unet": ["my_unet", "MyUNet"]}, "part unet is of my_unet, code that came with it"),
        ({"unet": ["..", "MyUNet"]}, "code that came with it"),
        ({"_class_name": ["my_pipeline", "MyPipeline"]}, "names no pipeline of diffusers"),
        ({"../../unet": UNET}, "is damaged"),
    ],
)
def test_code_that_comes_with_a_model_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(EngineUnavailable, match=told):
        read_layout(WANTED, index_of(**changes))


def test_a_part_that_is_a_pipelines_own_class_is_allowed() -> None:
    checker = {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"]}
    names = WANTED | {"safety_checker/config.json", "safety_checker/model.safetensors"}
    assert "safety_checker/model.safetensors" in read_layout(names, index_of(**checker)).files


@pytest.mark.parametrize("index", [b"", b"[]", b"{}", b'{"_class_name": 7}'])
def test_an_index_that_is_none_is_told(index: bytes) -> None:
    with pytest.raises(EngineUnavailable, match=INDEX):
        read_layout(WANTED, index)


def test_a_folder_is_read_as_it_was_saved(unet: Path, transformer: Path) -> None:
    assert read_folder(unet).class_name == "StableDiffusionPipeline"
    layout = read_folder(transformer)
    assert (layout.class_name, layout.is_distilled, layout.variant) == ("Flux2KleinPipeline", True, None)
    assert {f"{path.parent.name}/{path.name}" for path in transformer.glob("*/*")} | {INDEX} == set(layout.files)


def test_a_folder_without_a_pipeline_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=f"There is no {INDEX} in {tmp_path}"):
        read_folder(tmp_path)


def test_weights_that_are_cut_off_are_told(unet: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(unet, tmp_path / "unet")
    path = folder / "vae/diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EngineUnavailable, match="cut off or of another format"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("content", "told"), [(b'{"auto_map": {}}', "names code that came with it"), (b"[]", "damaged"), (b"{", "damaged")]
)
def test_a_configuration_that_names_code_or_is_damaged_is_told(
    content: bytes, told: str, unet: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(unet, tmp_path / "unet")
    (folder / "text_encoder/config.json").write_bytes(content)
    with pytest.raises(EngineUnavailable, match=told):
        read_folder(folder)


@pytest.mark.parametrize("parts", [{}, {"scheduler": ["diffusers", "DDIMScheduler"]}])
def test_a_pipeline_without_weights_is_told(parts: dict[str, object]) -> None:
    index = json.dumps({"_class_name": "StableDiffusionPipeline", **parts}).encode()
    with pytest.raises(EngineUnavailable, match="names no part with weights"):
        read_layout({"scheduler/scheduler_config.json"}, index)
