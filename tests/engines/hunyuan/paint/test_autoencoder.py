import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from orfeas.engines.hunyuan.paint.autoencoder import PictureAutoencoder
from tests.engines.hunyuan.paint.networks import fill
from tests.engines.hunyuan.paint.tiny import VAE


def test_it_is_the_autoencoder_of_diffusers_without_its_draw() -> None:
    ours = PictureAutoencoder(VAE)
    fill(ours)
    stock = AutoencoderKL(
        block_out_channels=VAE.block_out_channels,
        down_block_types=VAE.down_block_types,
        up_block_types=VAE.up_block_types,
        layers_per_block=VAE.layers_per_block,
        norm_num_groups=VAE.norm_num_groups,
    )
    stock.load_state_dict(ours.state_dict())
    stock.train(False)
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        latents = ours.encode(pictures)
        mode = stock.encode(pictures * 2 - 1).latent_dist.mode()
        assert torch.allclose(latents, mode * stock.config.scaling_factor, atol=1e-6)
        decoded = stock.decode(mode).sample
        assert torch.allclose(ours.decode(latents), (decoded / 2 + 0.5).clamp(0, 1), atol=1e-5)


def test_a_stop_is_asked_for_before_each_picture() -> None:
    module, calls = PictureAutoencoder(VAE), []
    fill(module)
    latents = module.encode(torch.rand(2, 3, 16, 16), lambda: calls.append("in"))
    module.decode(latents, lambda: calls.append("out"))
    assert calls == ["in", "in", "out", "out"]
