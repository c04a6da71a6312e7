"""What a release of Hunyuan3D-2.1 is made of: frozen configurations whose defaults are the published weights.

:func:`read_config` reads the ``config.yaml`` beside the weights (specification §1.1). A class it does not know, or an
option that 2.1 switches off, is refused by name; nothing is imported by the names a file gives.
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from orfeas.engines.hunyuan.section import Section, open_section
from orfeas.errors import EngineUnavailable

PATCH_PX = 14


@dataclass(frozen=True)
class DenoiserConfig:
    """The flow-matching transformer (specification §4); ``qk_norm_type`` is ``rms`` or a layer norm."""

    in_channels: int = 64
    hidden_size: int = 2048
    context_dim: int = 1024
    depth: int = 21
    num_heads: int = 16
    qk_norm: bool = True
    qk_norm_type: str = "rms"
    qkv_bias: bool = False
    num_moe_layers: int = 6
    num_experts: int = 8
    moe_top_k: int = 2

    @property
    def head_size(self) -> int:
        """Components per attention head."""
        return self.hidden_size // self.num_heads

    def takes_skip(self, block: int) -> bool:
        """Whether a block joins the output of an earlier one (specification §4.3)."""
        return block > self.depth // 2

    def has_experts(self, block: int) -> bool:
        """Whether a block's feed-forward part is a mixture of experts."""
        return self.depth - block <= self.num_moe_layers


@dataclass(frozen=True)
class AutoencoderConfig:
    """The half of the autoencoder that decodes (specification §6 and §7)."""

    num_latents: int = 4096
    embed_dim: int = 64
    width: int = 1024
    heads: int = 16
    num_decoder_layers: int = 16
    num_freqs: int = 8
    include_pi: bool = False
    qkv_bias: bool = False
    qk_norm: bool = True
    scale_factor: float = 1.0039506158752403
    geo_decoder_downsample_ratio: int = 1
    geo_decoder_mlp_expand_ratio: int = 4
    geo_decoder_ln_post: bool = True

    @property
    def fourier_size(self) -> int:
        """Features of a point."""
        return 3 * (2 * self.num_freqs + 1)


@dataclass(frozen=True)
class EncoderConfig:
    """DINOv2 (specification §3); ``image_size`` is in pixels a side."""

    hidden_size: int = 1024
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    mlp_ratio: float = 4.0
    num_channels: int = 3
    image_size: int = 518
    layer_norm_eps: float = 1e-6
    qkv_bias: bool = True
    use_cls_token: bool = True
    use_swiglu_ffn: bool = False

    @property
    def num_patches(self) -> int:
        """Patches of a picture."""
        return (self.image_size // PATCH_PX) ** 2

    @property
    def num_tokens(self) -> int:
        """Length of the context."""
        return self.num_patches + self.use_cls_token


@dataclass(frozen=True)
class ProcessorConfig:
    """How a cut-out is framed (specification §2); ``border_ratio`` is the share of a side left free."""

    size: int = 512
    border_ratio: float = 0.15


@dataclass(frozen=True)
class SchedulerConfig:
    """The schedule (specification §5)."""

    num_train_timesteps: int = 1000
    shift: float = 1.0


@dataclass(frozen=True)
class ShapeConfig:
    """Picture to shape, whole."""

    model: DenoiserConfig = field(default_factory=DenoiserConfig)
    vae: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    conditioner: EncoderConfig = field(default_factory=EncoderConfig)
    image_processor: ProcessorConfig = field(default_factory=ProcessorConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)


def read_config(path: Path) -> ShapeConfig:
    """The configuration in a ``config.yaml``.

    Raises:
        EngineUnavailable: it cannot be read, or describes something this engine does not do.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EngineUnavailable(f"{path.name} in {path.parent} cannot be read; fetch it again.") from error
    if not isinstance(content, dict):
        raise EngineUnavailable(f"{path.name} in {path.parent} is not a mapping; fetch it again.")
    config = ShapeConfig(
        model=_denoiser(open_section(content, "model", {"HunYuanDiTPlain"})),
        vae=_autoencoder(open_section(content, "vae", {"ShapeVAE"})),
        conditioner=_conditioner(open_section(content, "conditioner", {"SingleImageEncoder"})),
        image_processor=_processor(open_section(content, "image_processor", {"ImageProcessorV2"})),
        scheduler=_scheduler(open_section(content, "scheduler", {"FlowMatchEulerDiscreteScheduler"})),
    )
    _check_agreement(config)
    return config


# Below, the values of absent names are those of the reference's constructors (specification §1.1), not the release's.


def _denoiser(params: Section) -> DenoiserConfig:
    params.refuse_if_set("use_attention_pooling", absent=True)
    for name in ("with_decoupled_ca", "use_pos_emb", "guidance_cond_proj_dim"):
        params.refuse_if_set(name)
    params.expect("norm_type", "layer")
    return DenoiserConfig(
        in_channels=params.integer("in_channels", 4),
        hidden_size=params.integer("hidden_size", 1024),
        context_dim=params.integer("context_dim", 1024),
        depth=params.integer("depth", 24),
        num_heads=params.integer("num_heads", 16),
        qk_norm=params.flag("qk_norm", False),
        qk_norm_type=params.text("qk_norm_type", "rms"),
        qkv_bias=params.flag("qkv_bias", True),
        num_moe_layers=params.integer("num_moe_layers", 6, least=0),
        num_experts=params.integer("num_experts", 8),
        moe_top_k=params.integer("moe_top_k", 2),
    )


def _autoencoder(params: Section) -> AutoencoderConfig:
    params.refuse_unknown(
        {"num_encoder_layers", "point_feats", "pc_size", "pc_sharpedge_size", "downsample_ratio", "use_ln_post"}
        | {"drop_path_rate", "label_type", "ckpt_path"}
        | set(AutoencoderConfig.__dataclass_fields__)
    )
    return AutoencoderConfig(
        num_latents=params.integer("num_latents"),
        embed_dim=params.integer("embed_dim"),
        width=params.integer("width"),
        heads=params.integer("heads"),
        num_decoder_layers=params.integer("num_decoder_layers"),
        num_freqs=params.integer("num_freqs", 8),
        include_pi=params.flag("include_pi", True),
        qkv_bias=params.flag("qkv_bias", True),
        qk_norm=params.flag("qk_norm", False),
        scale_factor=params.number("scale_factor", 1.0),
        geo_decoder_downsample_ratio=params.integer("geo_decoder_downsample_ratio", 1),
        geo_decoder_mlp_expand_ratio=params.integer("geo_decoder_mlp_expand_ratio", 4),
        geo_decoder_ln_post=params.flag("geo_decoder_ln_post", True),
    )


def _conditioner(params: Section) -> EncoderConfig:
    for name in ("additional_image_encoder", "additional_image_encoder_kwargs"):
        params.refuse_if_set(name)
    encoder = params.section("main_image_encoder")
    encoder.expect("type", "DinoImageEncoder")
    kwargs = encoder.section("kwargs")
    dino = kwargs.section("config")
    dino.expect("model_type", "dinov2")
    dino.expect("hidden_act", "gelu")
    dino.expect("patch_size", PATCH_PX)
    dino.refuse_if_set("use_swiglu_ffn")
    image_px = kwargs.integer("image_size", 224)
    dino.expect("image_size", image_px)
    return EncoderConfig(
        hidden_size=dino.integer("hidden_size", 768),
        num_hidden_layers=dino.integer("num_hidden_layers", 12),
        num_attention_heads=dino.integer("num_attention_heads", 12),
        mlp_ratio=dino.number("mlp_ratio", 4.0),
        num_channels=dino.integer("num_channels", 3),
        image_size=image_px,
        layer_norm_eps=dino.number("layer_norm_eps", 1e-6),
        qkv_bias=dino.flag("qkv_bias", True),
        use_cls_token=kwargs.flag("use_cls_token", True),
    )


def _processor(params: Section) -> ProcessorConfig:
    return ProcessorConfig(size=params.integer("size", 512), border_ratio=params.number("border_ratio", 0.15))


def _scheduler(params: Section) -> SchedulerConfig:
    params.refuse_if_set("use_dynamic_shifting")
    return SchedulerConfig(
        num_train_timesteps=params.integer("num_train_timesteps", 1000), shift=params.number("shift", 1.0)
    )


def _check_agreement(config: ShapeConfig) -> None:
    model, vae, conditioner = config.model, config.vae, config.conditioner
    ratio = vae.geo_decoder_downsample_ratio
    wrong = {
        "model.hidden_size is not a multiple of model.num_heads": model.hidden_size % model.num_heads,
        "model.moe_top_k is larger than model.num_experts": model.moe_top_k > model.num_experts,
        "model.in_channels is not vae.embed_dim": model.in_channels != vae.embed_dim,
        "model.context_dim is not the encoder's hidden_size": model.context_dim != conditioner.hidden_size,
        "vae.width is not a multiple of vae.heads": vae.width % vae.heads,
        "vae.geo_decoder_downsample_ratio does not divide vae.width and vae.heads": vae.width % ratio
        or vae.heads % ratio
        or (vae.width // ratio) % max(vae.heads // ratio, 1),
        "the encoder's hidden_size is not a multiple of its num_attention_heads": conditioner.hidden_size
        % conditioner.num_attention_heads,
    }
    found = [sentence for sentence, is_wrong in wrong.items() if is_wrong]
    if found:
        raise EngineUnavailable(f"The weights' config.yaml contradicts itself: {'; '.join(found)}.")
