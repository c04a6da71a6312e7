import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from orfeas.engines.hunyuan.paint.config import UnetConfig
from orfeas.engines.hunyuan.paint.unet import ReferenceStream
from tests.engines.hunyuan.paint.networks import fill
from tests.engines.hunyuan.paint.tiny import UNET

# As the release is laid out, with heads of other sizes.
DEEP = UnetConfig(block_out_channels=(32, 64, 64, 96), attention_head_dim=(2, 1, 4, 3), norm_num_groups=16)


@pytest.mark.parametrize(("config", "timestep", "size"), [(UNET, 0, 16), (UNET, 499, 10), (DEEP, 999, 20)])
def test_the_plain_stream_is_the_network_of_diffusers(config: UnetConfig, timestep: int, size: int) -> None:
    stream = ReferenceStream(config)
    fill(stream)
    stock = UNet2DConditionModel(
        block_out_channels=config.block_out_channels,
        attention_head_dim=config.attention_head_dim,
        down_block_types=config.down_block_types,
        up_block_types=config.up_block_types,
        layers_per_block=config.layers_per_block,
        cross_attention_dim=config.cross_attention_dim,
        norm_num_groups=config.norm_num_groups,
        use_linear_projection=True,
    )
    stock.load_state_dict({name.replace(".transformer.", "."): t for name, t in stream.state_dict().items()})
    stock.train(False)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(2, 4, size, size, generator=generator)
    text = torch.randn(2, 77, config.cross_attention_dim, generator=generator)
    blocks = stream.blocks()

    def visit(place: str, h: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = blocks[place](h, blocks[place].record(h), text)
        return out

    with torch.inference_mode():
        ours = stream.walk(sample, timestep, visit)
        theirs = stock(sample, timestep, text, return_dict=False)[0]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_way_ends_after_the_last_recording() -> None:
    stream = ReferenceStream(UNET)
    fill(stream)
    stream.conv_out.register_forward_hook(lambda *_: pytest.fail("the prediction was computed"))
    features = stream.record(torch.zeros(2, 4, 16, 16), torch.zeros(77, UNET.cross_attention_dim))
    assert list(features) == list(stream.levels)
    for place, feature in features.items():
        level = stream.levels[place]
        assert feature.shape == (2 * (16 >> level) ** 2, UNET.block_out_channels[level])
