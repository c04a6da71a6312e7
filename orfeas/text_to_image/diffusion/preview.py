"""What a picture looks like while it is being made: its latents, made small and decoded."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

LOGGER = logging.getLogger(__name__)

# Side of the latents that are decoded; a decoder for eight times as many pixels makes 256.
LATENT_SIDE = 32


class Previews:
    """One job's previews, which the picture does not depend on: where one fails, there are no more."""

    def __init__(self, pipeline: Any) -> None:  # noqa: ANN401 (any pipeline of diffusers)
        self._pipeline = pipeline
        self._has_failed = False

    def draw(self, latents: Tensor) -> Image.Image | None:
        """As :func:`draw_preview`; None after a failure too.

        Raises:
            Cancelled: the pipeline's layers ask, as they do while it is stoppable.
        """
        if self._has_failed:
            return None
        try:
            return draw_preview(self._pipeline, latents)
        except (RuntimeError, ValueError):
            LOGGER.warning("a preview could not be drawn; this job shows no more previews", exc_info=True)
            self._has_failed = True
            return None


def draw_preview(pipeline: Any, latents: Tensor) -> Image.Image | None:  # noqa: ANN401 (any pipeline of diffusers)
    """A small picture of latents in the middle of sampling; None where they cannot be decoded simply.

    Args:
        pipeline: with its autoencoder on the device.
        latents: ``[1, C, H, W]``, or packed ``[1, H·W, C]`` of a square picture in FLUX.2's way.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    vae = getattr(pipeline, "vae", None)
    if vae is None or (vae.dtype == torch.float16 and getattr(vae.config, "force_upcast", False)):
        return None
    unpacked = _unpacked(pipeline, latents)
    if unpacked is None or unpacked.shape[1] != vae.config.latent_channels:
        return None
    height, width = unpacked.shape[-2:]
    small = adaptive_avg_pool2d(unpacked, (min(height, LATENT_SIDE), min(width, LATENT_SIDE))).to(vae.dtype)
    decoded = vae.decode(small, return_dict=False)[0]
    values = ((decoded[0].float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).cpu().numpy())


def _unpacked(pipeline: Any, latents: Tensor) -> Tensor | None:  # noqa: ANN401
    """The latents as the autoencoder decodes them: ``[1, C, H, W]``."""
    config = pipeline.vae.config
    if latents.ndim == 4 and hasattr(config, "scaling_factor"):
        scaled: Tensor = latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0)
        return scaled
    if latents.ndim == 3 and hasattr(pipeline.vae, "bn") and hasattr(pipeline, "_unpatchify_latents"):
        side = math.isqrt(latents.shape[1])
        if side**2 != latents.shape[1]:
            return None
        square = latents.reshape(1, side, side, -1).permute(0, 3, 1, 2)
        norm = pipeline.vae.bn
        spread = (norm.running_var + config.batch_norm_eps).sqrt()
        unpacked: Tensor = pipeline._unpatchify_latents(
            square * spread.view(1, -1, 1, 1).to(square) + norm.running_mean.view(1, -1, 1, 1).to(square)
        )
        return unpacked
    return None
