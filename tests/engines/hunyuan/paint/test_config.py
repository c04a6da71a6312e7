import json
from pathlib import Path

import pytest

from orfeas.engines.hunyuan.paint.config import (
    DINO_GIANT,
    PaintConfig,
    ScheduleConfig,
    UnetConfig,
    VaeConfig,
    read_dino_config,
    read_schedule_config,
    read_unet_config,
    read_vae_config,
)
from orfeas.errors import EngineUnavailable
from tests.engines.hunyuan.paint.tiny import SCHEDULE_JSON, dino_json, unet_json, vae_json

UNET, VAE, DINO = unet_json(UnetConfig()), vae_json(VaeConfig()), dino_json(DINO_GIANT)


def write(folder: Path, content: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_defaults_are_the_published_files(tmp_path: Path) -> None:
    assert read_unet_config(write(tmp_path, UNET)) == UnetConfig()
    assert read_vae_config(write(tmp_path, VAE)) == VaeConfig()
    assert read_dino_config(write(tmp_path, DINO)) == DINO_GIANT
    assert read_schedule_config(write(tmp_path, SCHEDULE_JSON)) == ScheduleConfig()
    assert PaintConfig() == PaintConfig(UnetConfig(), VaeConfig(), ScheduleConfig(), DINO_GIANT)


def test_one_number_of_heads_stands_for_every_level(tmp_path: Path) -> None:
    assert read_unet_config(write(tmp_path, {**UNET, "attention_head_dim": 10})).attention_head_dim == (10,) * 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"in_channels": 12}, "in_channels is 12, and this engine takes 4"),
        ({"use_linear_projection": False}, "use_linear_projection is False"),
        ({"act_fn": "gelu"}, "act_fn is gelu, and this engine takes silu"),
        ({"class_embed_type": "timestep"}, "class_embed_type is timestep, and this engine takes None"),
        ({"invented": 1}, "invented is not known"),
        ({"attention_head_dim": [5, 10]}, "the levels have different counts"),
        ({"attention_head_dim": [7, 10, 20, 20]}, "a head's size is not a multiple of 16"),
        ({"block_out_channels": 320}, "block_out_channels is 320; it takes a list of whole numbers"),
        ({"block_out_channels": []}, "it takes a list of whole numbers"),
        ({"down_block_types": ["A", "B", "C", "D"]}, "a block's type is not known"),
        ({"down_block_types": "A"}, "it takes a list of words"),
        ({"layers_per_block": True}, "layers_per_block is True; it takes a whole number"),
        ({"norm_eps": -1}, "norm_eps is -1; it takes a number above 0"),
    ],
)
def test_a_network_that_is_not_this_one_is_refused_by_name(
    change: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineUnavailable, match=sentence):
        read_unet_config(write(tmp_path, {**UNET, **change}))


def test_an_autoencoder_that_is_not_this_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="a latent is not 8 pixels wide"):
        read_vae_config(write(tmp_path, {**VAE, "block_out_channels": [128, 256, 512]}))
    with pytest.raises(EngineUnavailable, match="latent_channels is 16"):
        read_vae_config(write(tmp_path, {**VAE, "latent_channels": 16}))


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="hidden_size is 1024, and this engine takes 1536"):
        read_dino_config(write(tmp_path, {**DINO, "hidden_size": 1024}))
    with pytest.raises(EngineUnavailable, match="image_size is missing"):
        read_dino_config(write(tmp_path, {name: value for name, value in DINO.items() if name != "image_size"}))
    with pytest.raises(EngineUnavailable, match="use_swiglu_ffn is 1; it takes true or false"):
        read_dino_config(write(tmp_path, {**DINO, "use_swiglu_ffn": 1}))


def test_an_unknown_schedule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="prediction_type is flow; it takes one of"):
        read_schedule_config(write(tmp_path, {**SCHEDULE_JSON, "prediction_type": "flow"}))


@pytest.mark.parametrize(("text", "sentence"), [("{", "cannot be read"), ("[1]", "is not a mapping")])
def test_a_damaged_file_is_named(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(EngineUnavailable, match=rf"config.json in .* {sentence}; fetch it again"):
        read_unet_config(tmp_path / "config.json")
