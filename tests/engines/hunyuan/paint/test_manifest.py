"""Every name and shape of the published weights, on the meta device, against the specification's tables (§2)."""

import math

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from orfeas.engines.hunyuan.conditioner import Dino
from orfeas.engines.hunyuan.paint.autoencoder import PictureAutoencoder
from orfeas.engines.hunyuan.paint.config import PaintConfig
from orfeas.engines.hunyuan.paint.rrdb import RrdbConfig, RrdbNet
from orfeas.engines.hunyuan.paint.unet import MainStream, ReferenceStream

CONFIG = PaintConfig()

Shapes = dict[str, tuple[int, ...]]

# Channels at each place of a block.
WIDTHS = {
    **{f"down_blocks.{i}.attentions.{j}": c for i, c in enumerate((320, 640, 1280)) for j in range(2)},
    "mid_block.attentions.0": 1280,
    **{f"up_blocks.{i}.attentions.{j}": c for i, c in ((1, 1280), (2, 640), (3, 320)) for j in range(3)},
}


def shapes_of(module: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def values_in(shapes: Shapes) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


def maps(name: str, size: int, context: int) -> Shapes:
    return {
        f"{name}.to_q.weight": (size, size),
        f"{name}.to_k.weight": (size, context),
        f"{name}.to_v.weight": (size, context),
        f"{name}.to_out.0.weight": (size, size),
        f"{name}.to_out.0.bias": (size,),
    }


def shared_block(c: int) -> Shapes:
    found = {**maps("transformer.attn1", c, c), **maps("transformer.attn2", c, 1024)}
    for number in (1, 2, 3):
        found |= {f"transformer.norm{number}.weight": (c,), f"transformer.norm{number}.bias": (c,)}
    found |= {"transformer.ff.net.0.proj.weight": (8 * c, c), "transformer.ff.net.0.proj.bias": (8 * c,)}
    return {**found, "transformer.ff.net.2.weight": (c, 4 * c), "transformer.ff.net.2.bias": (c,)}


def added_to_block(c: int) -> Shapes:
    own, reference = "transformer.attn1.processor", "attn_refview.processor"
    found: Shapes = {f"{own}.to_{name}_mr.weight": (c, c) for name in "qkv"}
    found |= {f"{own}.to_out_mr.0.weight": (c, c), f"{own}.to_out_mr.0.bias": (c,)}
    found |= {f"{reference}.to_v_mr.weight": (c, c), f"{reference}.to_out_mr.0.weight": (c, c)}
    found |= {f"{reference}.to_out_mr.0.bias": (c,)}
    found |= {**maps("attn_multiview", c, c), **maps("attn_refview", c, c)}
    return {**found, **maps("attn_dino", c, 1024)}


def stock_shapes() -> Shapes:
    """diffusers' own network, its blocks wrapped once more."""
    config = CONFIG.unet
    with torch.device("meta"):
        stock = UNet2DConditionModel(
            block_out_channels=config.block_out_channels,
            attention_head_dim=config.attention_head_dim,
            cross_attention_dim=1024,
            use_linear_projection=True,
        )
    return {
        name.replace("transformer_blocks.0.", "transformer_blocks.0.transformer."): shape
        for name, shape in shapes_of(stock).items()
    }


def main_shapes() -> Shapes:
    found = {**stock_shapes(), "conv_in.weight": (320, 12, 3, 3)}
    for place, c in WIDTHS.items():
        found |= {f"{place}.transformer_blocks.0.{name}": shape for name, shape in added_to_block(c).items()}
    found |= {f"learned_text_clip_{name}": (77, 1024) for name in ("albedo", "mr", "ref")}
    found |= {"image_proj_model_dino.proj.weight": (4096, 1536), "image_proj_model_dino.proj.bias": (4096,)}
    return {**found, "image_proj_model_dino.norm.weight": (1024,), "image_proj_model_dino.norm.bias": (1024,)}


def streams() -> tuple[Shapes, Shapes]:
    with torch.device("meta"):
        return shapes_of(MainStream(CONFIG.unet)), shapes_of(ReferenceStream(CONFIG.unet))


def test_both_streams_have_the_names_and_shapes_of_the_release() -> None:
    main, reference = streams()
    assert main == main_shapes()
    assert reference == stock_shapes()
    assert (len(main), values_in(main)) == (1061, 1_096_335_748)
    assert (len(reference), values_in(reference)) == (686, 865_910_724)
    assert (len(main) + len(reference), values_in(main) + values_in(reference)) == (1747, 1_962_246_472)


def test_every_block_has_the_plain_part_and_the_added_one() -> None:
    main, reference = streams()
    for place, c in WIDTHS.items():
        prefix = f"{place}.transformer_blocks.0."
        blocks = [
            {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
            for shapes in (main, reference)
        ]
        assert blocks == [{**shared_block(c), **added_to_block(c)}, shared_block(c)]


def test_each_group_has_as_much_as_the_specification_counts() -> None:
    main, _ = streams()
    marks = {
        "attn_refview": 74_367_360,
        "attn_dino": 50_352_320,
        "attn_multiview": 49_574_080,
        "attn1.processor": 49_574_080,
        "image_proj_model_dino": 6_297_600,
        "learned_text_clip": 236_544,
    }
    counted = {mark: values_in({k: v for k, v in main.items() if mark in k}) for mark in marks}
    assert counted == marks
    plain = {name: shape for name, shape in main.items() if not any(mark in name for mark in marks)}
    assert values_in(plain) == 865_933_764


def test_the_autoencoder_the_encoder_and_the_enlarger_have_as_much_as_their_releases() -> None:
    with torch.device("meta"):
        autoencoder, dino = shapes_of(PictureAutoencoder(CONFIG.vae)), shapes_of(Dino(CONFIG.dino))
        enlarger = shapes_of(RrdbNet(RrdbConfig()))
    assert values_in(autoencoder) == 83_653_863
    assert values_in(dino) == 1_136_480_768
    assert (len(enlarger), values_in(enlarger)) == (702, 16_697_987)
    assert dino["encoder.layer.39.mlp.weights_in.weight"] == (8192, 1536)
