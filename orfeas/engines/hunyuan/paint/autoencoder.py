"""Pictures to latents and back: Stable Diffusion's autoencoder, a picture at a time (specification §2.2 and §5.3)."""

from collections.abc import Callable

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from orfeas.engines.hunyuan.paint.config import LATENT_CHANNELS, VaeConfig

# What the published file calls the maps of its attentions, and what diffusers calls them today.
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


class PictureAutoencoder(nn.Module):
    """diffusers' autoencoder without its draw: the mode of what the encoder gives, so that a seed means one result.

    Attributes:
        scaling_factor: from the encoder's values to the latents that the UNet knows.
    """

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.scaling_factor = config.scaling_factor
        stock = AutoencoderKL(
            latent_channels=LATENT_CHANNELS,
            block_out_channels=config.block_out_channels,
            down_block_types=config.down_block_types,
            up_block_types=config.up_block_types,
            layers_per_block=config.layers_per_block,
            norm_num_groups=config.norm_num_groups,
        )
        self.encoder, self.decoder = stock.encoder, stock.decoder
        self.quant_conv, self.post_quant_conv = stock.quant_conv, stock.post_quant_conv

    def encode(self, pictures: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Latents ``[N, 4, H / 8, W / 8]`` float32 of pictures ``[N, 3, H, W]`` in 0..1.

        Args:
            pictures: brought to -1..1 in their own type.
            check: called before each picture; what it raises stops the work.
        """
        return torch.cat([self._encode(picture[None], check) for picture in ((pictures - 0.5) * 2)])

    def decode(self, latents: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Pictures ``[N, 3, 8 h, 8 w]`` float32 in 0..1 of latents ``[N, 4, h, w]``; see :meth:`encode`."""
        return torch.cat([self._decode(latent[None], check) for latent in latents])

    def _encode(self, picture: Tensor, check: Callable[[], None]) -> Tensor:
        check()
        moments = self.quant_conv(self.encoder(picture.to(self.quant_conv.weight)))
        mode: Tensor = moments[:, :LATENT_CHANNELS].to(torch.float32)
        return mode * self.scaling_factor

    def _decode(self, latent: Tensor, check: Callable[[], None]) -> Tensor:
        check()
        picture: Tensor = self.decoder(self.post_quant_conv((latent / self.scaling_factor).to(self.quant_conv.weight)))
        return (picture.to(torch.float32) / 2 + 0.5).clamp(0, 1)
