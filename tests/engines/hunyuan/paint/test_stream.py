import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from orfeas.engines.hunyuan.paint.unet import ReferenceStream
from tests.engines.hunyuan.paint.networks import fill
from tests.engines.hunyuan.paint.tiny import UNET


@pytest.mark.parametrize("timestep", [0, 499])
@pytest.mark.parametrize("size", [16, 10])
def test_the_plain_stream_is_the_network_of_diffusers(timestep: int, size: int) -> None:
    stream = ReferenceStream(UNET)
    fill(stream)
    stock = UNet2DConditionModel(
        block_out_channels=UNET.block_out_channels,
        attention_head_dim=UNET.attention_head_dim,
        down_block_types=UNET.down_block_types,
        up_block_types=UNET.up_block_types,
        layers_per_block=UNET.layers_per_block,
        cross_attention_dim=UNET.cross_attention_dim,
        norm_num_groups=UNET.norm_num_groups,
        use_linear_projection=True,
    )
    stock.load_state_dict({name.replace(".transformer.", "."): t for name, t in stream.state_dict().items()})
    stock.train(False)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(2, 4, size, size, generator=generator)
    text = torch.randn(2, 77, UNET.cross_attention_dim, generator=generator)
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
