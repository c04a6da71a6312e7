from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from orfeas.engines.hunyuan.config import (
    AutoencoderConfig,
    DenoiserConfig,
    EncoderConfig,
    ProcessorConfig,
    SchedulerConfig,
    ShapeConfig,
    read_config,
)
from orfeas.errors import EngineUnavailable

DINO = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "mlp_ratio": 4,
    "patch_size": 14,
    "image_size": 518,
    "num_channels": 3,
    "layer_norm_eps": 1e-6,
    "qkv_bias": True,
    "hidden_act": "gelu",
    "use_swiglu_ffn": False,
    "model_type": "dinov2",
}
# Specification §1.1, with the package's name of the release.
RELEASE: dict[str, Any] = {
    "model": {
        "target": "hy3dshape.models.denoisers.hunyuandit.HunYuanDiTPlain",
        "params": {
            "input_size": 4096,
            "in_channels": 64,
            "hidden_size": 2048,
            "context_dim": 1024,
            "depth": 21,
            "num_heads": 16,
            "qk_norm": True,
            "qk_norm_type": "rms",
            "qkv_bias": False,
            "text_len": 1370,
            "with_decoupled_ca": False,
            "use_attention_pooling": False,
            "use_pos_emb": False,
            "num_moe_layers": 6,
            "num_experts": 8,
            "moe_top_k": 2,
        },
    },
    "vae": {
        "target": "hy3dshape.models.autoencoders.ShapeVAE",
        "params": {
            "num_latents": 4096,
            "embed_dim": 64,
            "num_freqs": 8,
            "include_pi": False,
            "heads": 16,
            "width": 1024,
            "num_encoder_layers": 8,
            "num_decoder_layers": 16,
            "qkv_bias": False,
            "qk_norm": True,
            "scale_factor": 1.0039506158752403,
            "geo_decoder_mlp_expand_ratio": 4,
            "geo_decoder_downsample_ratio": 1,
            "geo_decoder_ln_post": True,
            "point_feats": 4,
            "pc_size": 81920,
            "pc_sharpedge_size": 0,
        },
    },
    "conditioner": {
        "target": "hy3dshape.models.conditioner.SingleImageEncoder",
        "params": {
            "main_image_encoder": {
                "type": "DinoImageEncoder",
                "kwargs": {"config": DINO, "image_size": 518, "use_cls_token": True},
            }
        },
    },
    "image_processor": {
        "target": "hy3dshape.preprocessors.ImageProcessorV2",
        "params": {"size": 512, "border_ratio": 0.15},
    },
    "scheduler": {
        "target": "hy3dshape.schedulers.FlowMatchEulerDiscreteScheduler",
        "params": {"num_train_timesteps": 1000},
    },
    "pipeline": {"target": "hy3dshape.pipelines.Hunyuan3DDiTFlowMatchingPipeline"},
}
BARE_VAE = {"num_latents": 4096, "embed_dim": 4, "width": 1024, "heads": 16, "num_decoder_layers": 16}

Params = dict[str, dict[str, Any]]


def read(tmp_path: Path, content: object) -> ShapeConfig:
    path = tmp_path / "config.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return read_config(path)


def params_of(release: dict[str, Any]) -> Params:
    found = {name: section["params"] for name, section in release.items() if "params" in section}
    encoder = found["conditioner"]["main_image_encoder"]
    return {**found, "encoder": encoder, "kwargs": encoder["kwargs"], "dino": encoder["kwargs"]["config"]}


def test_the_defaults_are_the_release(tmp_path: Path) -> None:
    assert read(tmp_path, RELEASE) == ShapeConfig()


def test_files_of_the_older_package_name_are_read(tmp_path: Path) -> None:
    older = deepcopy(RELEASE)
    older["model"]["target"] = "hy3dgen.shapegen.models.denoisers.HunYuanDiTPlain"
    assert read(tmp_path, older) == ShapeConfig()


def test_absent_values_are_those_of_the_reference_and_not_the_release(tmp_path: Path) -> None:
    bare = deepcopy(RELEASE)
    bare["model"]["params"] = {"use_attention_pooling": False}
    bare["vae"]["params"] = BARE_VAE
    bare["image_processor"] = {"target": "ImageProcessorV2", "params": {"border_ratio": None}}
    bare["scheduler"].pop("params")
    bare["conditioner"]["params"]["main_image_encoder"]["kwargs"] = {
        "config": {"hidden_size": 1024, "num_attention_heads": 16}
    }
    config = read(tmp_path, bare)
    assert config.model == DenoiserConfig(
        in_channels=4, hidden_size=1024, depth=24, qk_norm=False, qkv_bias=True, num_moe_layers=6
    )
    assert config.vae == AutoencoderConfig(embed_dim=4, include_pi=True, qkv_bias=True, qk_norm=False, scale_factor=1.0)
    assert config.conditioner == EncoderConfig(num_hidden_layers=12, image_size=224)
    assert config.image_processor == ProcessorConfig()
    assert config.scheduler == SchedulerConfig()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p: p["model"].pop("use_attention_pooling"), "model.use_attention_pooling"),
        (lambda p: p["model"].update(with_decoupled_ca=True), "model.with_decoupled_ca"),
        (lambda p: p["model"].update(use_pos_emb=True), "model.use_pos_emb"),
        (lambda p: p["model"].update(guidance_cond_proj_dim=256), "model.guidance_cond_proj_dim"),
        (lambda p: p["model"].update(norm_type="rms"), "model.norm_type"),
        (lambda p: p["model"].update(depth="deep"), "model.depth"),
        (lambda p: p["model"].update(depth=0), "model.depth"),
        (lambda p: p["model"].update(qk_norm="yes please"), "model.qk_norm"),
        (lambda p: p["model"].update(qk_norm_type=3), "model.qk_norm_type"),
        (lambda p: p["model"].update(num_heads=15), "model.num_heads"),
        (lambda p: p["model"].update(moe_top_k=9), "model.moe_top_k"),
        (lambda p: p["model"].update(in_channels=32), "vae.embed_dim"),
        (lambda p: p["vae"].update(surprise=1), "vae.surprise"),
        (lambda p: p["vae"].pop("width"), "vae.width"),
        (lambda p: p["vae"].update(scale_factor="large"), "vae.scale_factor"),
        (lambda p: p["vae"].update(geo_decoder_downsample_ratio=3), "geo_decoder_downsample_ratio"),
        (lambda p: p["scheduler"].update(use_dynamic_shifting=True), "scheduler.use_dynamic_shifting"),
        (lambda p: p["scheduler"].update(shift=True), "scheduler.shift"),
        (lambda p: p["encoder"].update(type="ClipImageEncoder"), "main_image_encoder.type"),
        (lambda p: p["encoder"].update(kwargs="none"), "main_image_encoder.kwargs"),
        (lambda p: p["kwargs"].update(image_size=224), "config.image_size"),
        (lambda p: p["dino"].update(use_swiglu_ffn=True), "config.use_swiglu_ffn"),
        (lambda p: p["dino"].update(patch_size=16), "config.patch_size"),
        (lambda p: p["dino"].update(hidden_act="relu"), "config.hidden_act"),
        (lambda p: p["conditioner"].update(additional_image_encoder={}), "conditioner.additional_image_encoder"),
    ],
)
def test_what_this_engine_does_not_do_is_refused_by_name(
    change: Callable[[Params], object], named: str, tmp_path: Path
) -> None:
    release = deepcopy(RELEASE)
    change(params_of(release))
    with pytest.raises(EngineUnavailable) as caught:
        read(tmp_path, release)
    assert named in str(caught.value)


def test_another_class_is_refused_by_name(tmp_path: Path) -> None:
    mini = deepcopy(RELEASE)
    mini["model"]["target"] = "hy3dgen.shapegen.models.Hunyuan3DDiT"
    with pytest.raises(EngineUnavailable, match="Hunyuan3DDiT; this engine runs HunYuanDiTPlain"):
        read(tmp_path, mini)


def test_a_missing_section_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"config\.yaml\.vae is missing"):
        read(tmp_path, {name: section for name, section in RELEASE.items() if name != "vae"})


@pytest.mark.parametrize("content", ["- a list", "model: [", "!!python/object/apply:os.getcwd []"])
def test_a_file_that_is_no_mapping_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"config\.yaml"):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        read_config(tmp_path / "config.yaml")
