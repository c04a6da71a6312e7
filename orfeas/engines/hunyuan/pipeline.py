"""The networks at work on a device: picture → tokens → latents → field. Everything here is torch; no jobs, no files."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn

from orfeas.devices import release_memory
from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.compilation import compile_blocks, compiler_explained
from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import ShapeConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.files import WeightFiles
from orfeas.engines.hunyuan.plan import Placement, Plan
from orfeas.engines.hunyuan.sampler import Guidance, Sampled, draw_noise, make_schedule, sample
from orfeas.engines.hunyuan.volume import Field
from orfeas.engines.hunyuan.weights import load_module
from orfeas.options import ShapeOptions
from orfeas.progress import Progress

LOGGER = logging.getLogger(__name__)

Module = TypeVar("Module", bound=nn.Module)


class Networks:
    """The three networks, brought to the device as the plan says and kept there as long as it allows.

    Attributes:
        files: where they are read from.
        config: what they are.
        device: where they run.
        dtype: type of their weights.
        plan: how they share the device's memory.
        is_compiled: whether the denoiser goes through ``torch.compile``; never where its layers are streamed.
    """

    def __init__(
        self,
        files: WeightFiles,
        config: ShapeConfig,
        device: torch.device,
        dtype: torch.dtype,
        plan: Plan,
        *,
        is_compiled: bool = False,
    ) -> None:
        self.config, self.device, self.dtype, self.plan = config, device, dtype, plan
        self.files = files
        self.is_compiled = is_compiled and plan.placement is not Placement.STREAMED
        if is_compiled and not self.is_compiled:
            LOGGER.warning("the denoiser is not compiled: its layers are streamed, for want of memory")
        self._loaded: dict[str, nn.Module] = {}

    def conditioner(self) -> Conditioner:
        """The picture's encoder."""
        return self._take("conditioner", lambda: Conditioner(self.config.conditioner), Conditioner)

    def denoiser(self) -> Denoiser:
        """The transformer that is sampled."""
        is_new = "model" not in self._loaded
        denoiser = self._take("model", lambda: Denoiser(self.config.model), Denoiser)
        if self.is_compiled and is_new:
            compile_blocks(denoiser)
        return denoiser

    def decoder(self) -> ShapeDecoder:
        """The decoding half of the autoencoder."""
        return self._take("vae", lambda: ShapeDecoder(self.config.vae), ShapeDecoder)

    def release(self) -> None:
        """Take everything off the device."""
        self._loaded.clear()
        release_memory(self.device)

    def _take(self, part: str, make: Callable[[], Module], kind: type[Module]) -> Module:
        if part not in self._loaded:
            if self.plan.placement is not Placement.RESIDENT:
                self.release()
            is_streamed = self.plan.placement is Placement.STREAMED
            self._loaded[part] = load_module(
                make, self.files.checkpoint, part, self.device, self.dtype, is_streamed=is_streamed
            )
        module = self._loaded[part]
        assert isinstance(module, kind)
        return module


@torch.inference_mode()
def make_latents(networks: Networks, image: Tensor, options: ShapeOptions, progress: Progress) -> Sampled:
    """Latents ``[1, N, c]`` of a picture ``[1, 3, S, S]`` in -1..1; a step for each evaluation.

    Args:
        networks: the three networks.
        image: the picture as the encoder takes it.
        options: effective values; seed, steps, guidance and step caching are read.
        progress: a stage must be open.

    Raises:
        Cancelled: between two steps.
        EngineUnavailable: the weights are not what they should be.
    """
    tokens = networks.conditioner()(image)
    progress.check()
    denoiser = networks.denoiser()
    vae = networks.config.vae
    with compiler_explained() if networks.is_compiled else nullcontext():
        return sample(
            denoiser,
            tokens,
            draw_noise(options.seed, vae.num_latents, vae.embed_dim),
            make_schedule(options.num_inference_steps, networks.config.scheduler),
            Guidance(options.guidance_scale, options.guidance_start, options.guidance_end),
            progress,
            is_split=networks.plan.is_split,
            cache_threshold=options.cache_threshold,
        )


@torch.inference_mode()
def make_field(networks: Networks, latents: Tensor) -> Field:
    """The field of latents ``[B, N, c]``: points ``[B, P, 3]`` float32 to logits ``[B, P]``; keys and values once."""
    decoder = networks.decoder()
    keys_values = decoder.geo_decoder.keys_values(decoder(latents.to(networks.device)))

    @torch.inference_mode()
    def field(points: Tensor) -> Tensor:
        logits: Tensor = decoder.geo_decoder(points.to(networks.device), keys_values)
        return logits.to(points.device)

    return field
