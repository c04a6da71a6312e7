"""What a release of the texture's networks is made of: frozen configurations whose defaults are the published weights.

The files are diffusers' own JSON. A value that this engine does not know is refused by name unless it is what the
library takes where nothing is said; nothing is imported by the names a file gives.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from orfeas.engines.hunyuan.config import PATCH_PX, EncoderConfig
from orfeas.engines.hunyuan.paint.files import PaintFiles
from orfeas.errors import EngineUnavailable

Values = Mapping[str, object]

# Fixed by the architecture (specification §2.3): text, DINOv2's states, and tokens made of each of them.
TEXT_TOKENS, DINO_SIZE, TOKENS_PER_STATE = 77, 1536, 4
MATERIALS = 2
LATENT_CHANNELS = 4
# Pixels of a view per latent, a side.
LATENT_PX = 8


@dataclass(frozen=True)
class UnetConfig:
    """Either stream's plain part (specification §2.2); ``attention_head_dim`` is the number of heads per level."""

    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_head_dim: tuple[int, ...] = (5, 10, 20, 20)
    down_block_types: tuple[str, ...] = ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)
    up_block_types: tuple[str, ...] = ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3
    layers_per_block: int = 2
    cross_attention_dim: int = 1024
    norm_num_groups: int = 32
    norm_eps: float = 1e-5

    @property
    def levels(self) -> int:
        """How often the picture is halved, and once more."""
        return len(self.block_out_channels)


@dataclass(frozen=True)
class VaeConfig:
    """The autoencoder of pictures (specification §2.2)."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    down_block_types: tuple[str, ...] = ("DownEncoderBlock2D",) * 4
    up_block_types: tuple[str, ...] = ("UpDecoderBlock2D",) * 4
    layers_per_block: int = 2
    norm_num_groups: int = 32
    scaling_factor: float = 0.18215


@dataclass(frozen=True)
class ScheduleConfig:
    """Noise levels (specification §6.1)."""

    num_train_timesteps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "scaled_linear"
    prediction_type: str = "v_prediction"
    rescale_betas_zero_snr: bool = True
    steps_offset: int = 1


# DINOv2 as ``facebook/dinov2-giant`` has it.
DINO_GIANT = EncoderConfig(hidden_size=DINO_SIZE, num_hidden_layers=40, num_attention_heads=24, use_swiglu_ffn=True)


@dataclass(frozen=True)
class PaintConfig:
    """The texture's networks, whole."""

    unet: UnetConfig = field(default_factory=UnetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    dino: EncoderConfig = DINO_GIANT


# Written into the files and of no effect here: sizes that are given at each call, and what a pipeline may look at.
IGNORED = frozenset({"sample_size", "upcast_attention", "force_upcast"})


def read_paint_config(files: PaintFiles) -> PaintConfig:
    """The configuration of a release.

    Raises:
        EngineUnavailable: a file cannot be read, or describes something this engine does not do.
    """
    return PaintConfig(
        unet=read_unet_config(files.unet.config),
        vae=read_vae_config(files.vae.config),
        schedule=read_schedule_config(files.schedule),
        dino=read_dino_config(files.dino.config),
    )


def read_unet_config(path: Path) -> UnetConfig:
    """The configuration in ``unet/config.json``.

    Raises:
        EngineUnavailable: it cannot be read, or describes something this engine does not do.
    """
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    file = _ConfigFile(path, _read_json(path))
    absent = _stock_values(UNet2DConditionModel)
    ours = {f.name for f in fields(UnetConfig)}
    file.expect({"in_channels": LATENT_CHANNELS, "out_channels": LATENT_CHANNELS, "use_linear_projection": True}, {})
    file.refuse_others(absent, ours | {"in_channels", "out_channels", "use_linear_projection"})
    channels = file.integers("block_out_channels", absent)
    config = UnetConfig(
        block_out_channels=channels,
        attention_head_dim=file.integers("attention_head_dim", absent, len(channels)),
        down_block_types=file.words("down_block_types", absent),
        up_block_types=file.words("up_block_types", absent),
        layers_per_block=file.integer("layers_per_block", absent),
        cross_attention_dim=file.integer("cross_attention_dim", absent),
        norm_num_groups=file.integer("norm_num_groups", absent),
        norm_eps=file.number("norm_eps", absent),
    )
    lengths = {len(config.attention_head_dim), len(config.down_block_types), len(config.up_block_types)}
    file.require(lengths == {config.levels}, "the levels have different counts")
    heads = zip(config.block_out_channels, config.attention_head_dim, strict=True)
    file.require(all(size % (16 * count) == 0 for size, count in heads), "a head's size is not a multiple of 16")
    known = {"CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"}
    file.require(known.issuperset(config.down_block_types + config.up_block_types), "a block's type is not known")
    return config


def read_vae_config(path: Path) -> VaeConfig:
    """The configuration in ``vae/config.json``.

    Raises:
        EngineUnavailable: it cannot be read, or describes something this engine does not do.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    file = _ConfigFile(path, _read_json(path))
    absent = _stock_values(AutoencoderKL)
    file.expect({"latent_channels": LATENT_CHANNELS, "in_channels": 3, "out_channels": 3}, absent)
    file.refuse_others(absent, {f.name for f in fields(VaeConfig)})
    config = VaeConfig(
        block_out_channels=file.integers("block_out_channels", absent),
        down_block_types=file.words("down_block_types", absent),
        up_block_types=file.words("up_block_types", absent),
        layers_per_block=file.integer("layers_per_block", absent),
        norm_num_groups=file.integer("norm_num_groups", absent),
        scaling_factor=file.number("scaling_factor", absent),
    )
    file.require(2 ** (len(config.block_out_channels) - 1) == LATENT_PX, f"a latent is not {LATENT_PX} pixels wide")
    return config


def read_schedule_config(path: Path) -> ScheduleConfig:
    """The configuration in ``scheduler/scheduler_config.json``; of other solvers' options only the noise levels count.

    Raises:
        EngineUnavailable: it cannot be read.
    """
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    file = _ConfigFile(path, _read_json(path))
    absent = _stock_values(UniPCMultistepScheduler)
    return ScheduleConfig(
        num_train_timesteps=file.integer("num_train_timesteps", absent),
        beta_start=file.number("beta_start", absent),
        beta_end=file.number("beta_end", absent),
        beta_schedule=file.word("beta_schedule", absent, {"linear", "scaled_linear", "squaredcos_cap_v2"}),
        prediction_type=file.word("prediction_type", absent, {"epsilon", "sample", "v_prediction"}),
        rescale_betas_zero_snr=file.flag("rescale_betas_zero_snr", absent),
        steps_offset=file.integer("steps_offset", absent, least=0),
    )


def read_dino_config(path: Path) -> EncoderConfig:
    """The configuration in DINOv2's ``config.json``.

    Raises:
        EngineUnavailable: it cannot be read, or describes something this engine does not do.
    """
    file = _ConfigFile(path, _read_json(path))
    # What transformers takes where the file says nothing.
    usual: Values = {"hidden_act": "gelu", "patch_size": PATCH_PX, "num_channels": 3}
    absent: Values = {"layer_norm_eps": 1e-6, "qkv_bias": True, "use_swiglu_ffn": False, "mlp_ratio": 4}
    file.expect({"model_type": "dinov2", "hidden_size": DINO_SIZE, **usual}, usual)
    return EncoderConfig(
        hidden_size=DINO_SIZE,
        num_hidden_layers=file.integer("num_hidden_layers", absent),
        num_attention_heads=file.integer("num_attention_heads", absent),
        mlp_ratio=file.number("mlp_ratio", absent),
        image_size=file.integer("image_size", absent),
        layer_norm_eps=file.number("layer_norm_eps", absent),
        qkv_bias=file.flag("qkv_bias", absent),
        use_swiglu_ffn=file.flag("use_swiglu_ffn", absent),
    )


def _read_json(path: Path) -> Values:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{path.name} in {path.parent} cannot be read; fetch it again.") from error
    if not isinstance(content, dict):
        raise EngineUnavailable(f"{path.name} in {path.parent} is not a mapping; fetch it again.")
    return content


def _stock_values(kind: type) -> Values:
    """What a class of diffusers takes where a file says nothing."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


@dataclass(frozen=True)
class _ConfigFile:
    """Named values of one JSON file. Every reader raises ``EngineUnavailable`` by name."""

    path: Path
    values: Values

    def require(self, is_right: bool, otherwise: str) -> None:
        if not is_right:
            raise EngineUnavailable(f"{self.path.name} in {self.path.parent} cannot be used: {otherwise}.")

    def expect(self, only: Values, absent: Values) -> None:
        for name, value in only.items():
            given = self.values.get(name, absent.get(name))
            self.require(given == value, f"{name} is {given!s:.60}, and this engine takes {value}")

    def refuse_others(self, stock: Values, known: set[str]) -> None:
        """Refuse what is neither known nor as the library has it anyway."""
        for name, value in self.values.items():
            if name in known or name in IGNORED or name.startswith("_"):
                continue
            self.require(name in stock, f"{name} is not known")
            usual = stock[name]
            same = list(usual) if isinstance(usual, tuple) else usual
            self.require(value == same, f"{name} is {value!s:.60}, and this engine takes {usual}")

    def integer(self, name: str, absent: Values, least: int = 1) -> int:
        value = self._value(name, absent)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._unfit(name, value, f"a whole number of at least {least}")
        return value

    def number(self, name: str, absent: Values) -> float:
        value = self._value(name, absent)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise self._unfit(name, value, "a number above 0")
        return float(value)

    def flag(self, name: str, absent: Values) -> bool:
        value = self._value(name, absent)
        if not isinstance(value, bool):
            raise self._unfit(name, value, "true or false")
        return value

    def word(self, name: str, absent: Values, allowed: set[str]) -> str:
        value = self._value(name, absent)
        if not isinstance(value, str) or value not in allowed:
            raise self._unfit(name, value, "one of " + ", ".join(sorted(allowed)))
        return value

    def words(self, name: str, absent: Values) -> tuple[str, ...]:
        value = self._value(name, absent)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value) or not value:
            raise self._unfit(name, value, "a list of words")
        return tuple(str(v) for v in value)

    def integers(self, name: str, absent: Values, repeats: int = 0) -> tuple[int, ...]:
        """Whole numbers above 0; with ``repeats``, one alone stands for that many."""
        value = self._value(name, absent)
        if repeats and isinstance(value, int):
            value = [value] * repeats
        whole = isinstance(value, list | tuple) and all(isinstance(v, int) and v > 0 for v in value)
        if not whole or not isinstance(value, list | tuple) or not value:
            raise self._unfit(name, value, "a list of whole numbers above 0")
        return tuple(int(v) for v in value)

    def _value(self, name: str, absent: Values) -> object:
        value = self.values.get(name, absent.get(name))
        self.require(value is not None, f"{name} is missing")
        return value

    def _unfit(self, name: str, value: object, allowed: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"{self.path.name} in {self.path.parent} cannot be used: {name} is {value!s:.60}; it takes {allowed}."
        )
