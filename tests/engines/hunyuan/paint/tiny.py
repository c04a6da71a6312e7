"""A release of the texture's networks small enough for any test: every part of it, and seconds on a processor.

The weights are a function of their names, so that every run gives the same views; what they show means nothing.
"""

import json
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from orfeas.engines.hunyuan.conditioner import Dino
from orfeas.engines.hunyuan.config import EncoderConfig
from orfeas.engines.hunyuan.paint.autoencoder import PictureAutoencoder
from orfeas.engines.hunyuan.paint.config import DINO_SIZE, PaintConfig, ScheduleConfig, UnetConfig, VaeConfig
from orfeas.engines.hunyuan.paint.files import FOLDER, SCHEDULE
from orfeas.engines.hunyuan.paint.rrdb import RrdbConfig, RrdbNet
from orfeas.engines.hunyuan.paint.unet import MainStream, ReferenceStream
from tests.engines.hunyuan.paint.release import Tensors, write_part, write_unet
from tests.paint_set import weight

# Attention at the coarsest level alone: views of the published size have too many tokens for a processor elsewhere.
UNET = UnetConfig(
    block_out_channels=(16, 16, 16),
    attention_head_dim=(1, 1, 1),
    down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    layers_per_block=1,
    norm_num_groups=4,
)
VAE = VaeConfig(block_out_channels=(4, 4, 4, 4), layers_per_block=1, norm_num_groups=2)
DINO = EncoderConfig(
    hidden_size=DINO_SIZE,
    num_hidden_layers=1,
    num_attention_heads=24,
    mlp_ratio=1 / 64,
    image_size=28,
    use_swiglu_ffn=True,
)
CONFIG = PaintConfig(UNET, VAE, ScheduleConfig(), DINO)
UPSCALER = RrdbConfig(features=4, growth=2, blocks=1)


def write_tiny_paint_release(folder: Path, suffix: str = ".bin", *, with_super_resolution: bool = False) -> Path:
    """Write it in the published folder layout, as ``ORFEAS_WEIGHTS`` takes it; returns the UNet's checkpoint."""
    place = folder / FOLDER
    streams, vae, dino = _parts()
    checkpoint = write_unet(place, unet_json(UNET), streams, suffix)
    write_part(place / "vae", "diffusion_pytorch_model", vae_json(VAE), vae, suffix)
    (place / SCHEDULE).parent.mkdir()
    (place / SCHEDULE).write_text(json.dumps(SCHEDULE_JSON), encoding="utf-8")
    name = "model" if suffix == ".safetensors" else "pytorch_model"
    write_part(folder / "dinov2-giant", name, dino_json(DINO), dino, suffix)
    if with_super_resolution:
        torch.save({"params_ema": tensors_of(RrdbNet(UPSCALER))}, folder / "RealESRGAN_x4plus.pth")
    return checkpoint


@cache
def _parts() -> tuple[Tensors, Tensors, Tensors]:
    """The tensors of the streams, the autoencoder and the conditioner."""
    streams = {
        **{f"unet.{key}": tensor for key, tensor in tensors_of(MainStream(UNET)).items()},
        **{f"unet_dual.{key}": tensor for key, tensor in tensors_of(ReferenceStream(UNET)).items()},
    }
    return streams, tensors_of(PictureAutoencoder(VAE)), tensors_of(Dino(DINO))


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """The recipe's tensors for a module, in 16 bits."""
    return {key: weight(key, tensor.shape).to(torch.float16) for key, tensor in module.state_dict().items()}


SCHEDULE_JSON = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "trailing",
}


def unet_json(config: UnetConfig) -> dict[str, object]:
    """As diffusers writes it, with some of the values that are its own anyway."""
    return {
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "attention_head_dim": config.attention_head_dim,
        "block_out_channels": config.block_out_channels,
        "cross_attention_dim": config.cross_attention_dim,
        "down_block_types": config.down_block_types,
        "in_channels": 4,
        "layers_per_block": config.layers_per_block,
        "norm_eps": config.norm_eps,
        "norm_num_groups": config.norm_num_groups,
        "out_channels": 4,
        "sample_size": 64,
        "up_block_types": config.up_block_types,
        "upcast_attention": True,
        "use_linear_projection": True,
    }


def vae_json(config: VaeConfig) -> dict[str, object]:
    """Without the scaling factor, as the published file may be."""
    return {
        "_class_name": "AutoencoderKL",
        "block_out_channels": config.block_out_channels,
        "down_block_types": config.down_block_types,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": config.layers_per_block,
        "norm_num_groups": config.norm_num_groups,
        "out_channels": 3,
        "sample_size": 768,
        "up_block_types": config.up_block_types,
    }


def dino_json(config: EncoderConfig) -> dict[str, object]:
    return {
        "model_type": "dinov2",
        "hidden_size": config.hidden_size,
        "image_size": config.image_size,
        "mlp_ratio": config.mlp_ratio,
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "patch_size": 14,
        "use_swiglu_ffn": True,
    }
