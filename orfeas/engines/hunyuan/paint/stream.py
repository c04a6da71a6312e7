"""A Stable Diffusion UNet around blocks of our own: diffusers' convolutions, walked through in a flat order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from orfeas.engines.hunyuan.paint.config import LATENT_CHANNELS, UnetConfig

# What a block does with the hidden states ``[K, L, C]`` at its place.
Visit = Callable[[str, Tensor], Tensor]
Block = TypeVar("Block", bound=nn.Module)


class TokenPart(nn.Module):
    """Pictures as tokens for a block, and back: diffusers' ``Transformer2DModel`` with a block of ours."""

    def __init__(self, stock: nn.Module, block: nn.Module) -> None:
        super().__init__()
        self.norm, self.proj_in = stock.get_submodule("norm"), stock.get_submodule("proj_in")
        self.transformer_blocks = nn.ModuleList([block])
        self.proj_out = stock.get_submodule("proj_out")

    def forward(self, x: Tensor, visit: Callable[[Tensor], Tensor]) -> Tensor:
        """``[K, C, h, w]`` to the same, by way of tokens ``[K, h · w, C]`` row by row."""
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        tokens = self.proj_out(visit(self.proj_in(tokens)))
        shown: Tensor = x + tokens.transpose(1, 2).reshape(x.shape)
        return shown


@dataclass(frozen=True)
class Layer:
    """One module on the way through the network.

    Attributes:
        kind: what it is called with.
        module: as diffusers made it, or a :class:`TokenPart`.
        place: of tokens, the name that their block goes by in both streams.
        joins: whether what an earlier layer left is put beside its input.
        leaves: whether its output is left for a later layer.
    """

    kind: Literal["resnet", "tokens", "smaller", "larger"]
    module: nn.Module
    place: str = ""
    joins: bool = False
    leaves: bool = False


class Stream(nn.Module, Generic[Block]):
    """A UNet whose transformer blocks ``make_block(size, heads, context_size)`` makes.

    Attributes:
        config: what it is made of.
        layers: its modules in the order they are called in.
        levels: by place, how often the picture has been halved there.
    """

    def __init__(self, config: UnetConfig, in_channels: int, make_block: Callable[[int, int, int], Block]) -> None:
        super().__init__()
        self.config = config
        stock = _make_stock(config)
        self.conv_in = nn.Conv2d(in_channels, config.block_out_channels[0], 3, padding=1)
        self.time_proj, self.time_embedding = stock.get_submodule("time_proj"), stock.get_submodule("time_embedding")
        self.down_blocks = stock.get_submodule("down_blocks")
        self.mid_block = stock.get_submodule("mid_block")
        self.up_blocks = stock.get_submodule("up_blocks")
        self.conv_norm_out = stock.get_submodule("conv_norm_out")
        self.conv_act, self.conv_out = stock.get_submodule("conv_act"), stock.get_submodule("conv_out")
        self.levels = dict(_find_places(stock))
        self._blocks: tuple[tuple[str, Block], ...] = tuple(
            (place, _replace(self, place, config, level, make_block)) for place, level in self.levels.items()
        )
        self.layers = tuple(_lay_out(self))

    def blocks(self) -> dict[str, Block]:
        """The transformer blocks by place, in the order they are called in."""
        return dict(self._blocks)

    def walk(self, sample: Tensor, timestep: int, visit: Visit, stop_at: str = "") -> Tensor:
        """Through the network.

        Args:
            sample: ``[K, in_channels, h, w]``.
            timestep: the same for all.
            visit: called with the hidden states ``[K, L, C]`` of each place; what it returns goes on.
            stop_at: the place after whose visit to return, with whatever is on its way there.

        Returns:
            ``[K, 4, h, w]``.
        """
        weight = self.conv_in.weight
        times = self.time_proj(torch.full((1,), timestep, device=weight.device))
        time = self.time_embedding(times.to(weight.dtype)).expand(len(sample), -1)
        x: Tensor = self.conv_in(sample)
        left = [x]
        for layer in self.layers:
            if layer.joins:
                x = torch.cat([x, left.pop()], dim=1)
            if layer.kind == "resnet":
                x = layer.module(x, time)
            elif layer.kind == "tokens":
                x = layer.module(x, lambda h, place=layer.place: visit(place, h))
                if layer.place == stop_at:
                    return x
            elif layer.kind == "smaller":
                x = layer.module(x)
            else:
                x = layer.module(x, output_size=left[-1].shape[-2:])
            if layer.leaves:
                left.append(x)
        out: Tensor = self.conv_out(self.conv_act(self.conv_norm_out(x)))
        return out


def _make_stock(config: UnetConfig) -> nn.Module:
    stock: nn.Module = UNet2DConditionModel(
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        use_linear_projection=True,
        block_out_channels=config.block_out_channels,
        attention_head_dim=config.attention_head_dim,
        down_block_types=config.down_block_types,
        up_block_types=config.up_block_types,
        layers_per_block=config.layers_per_block,
        cross_attention_dim=config.cross_attention_dim,
        norm_num_groups=config.norm_num_groups,
        norm_eps=config.norm_eps,
    )
    return stock


def _children(module: nn.Module, name: str) -> list[nn.Module]:
    """The modules in a list of a module; diffusers has ``None``, or nothing, where there are none."""
    found = getattr(module, name, None)
    return list(found.children()) if isinstance(found, nn.Module) else []


def _find_places(stock: nn.Module) -> Iterator[tuple[str, int]]:
    """Where the attentions are and how often the picture has been halved, in the order they are called in."""
    downs, ups = _children(stock, "down_blocks"), _children(stock, "up_blocks")
    last = len(downs) - 1
    for level, block in enumerate(downs):
        yield from ((f"down_blocks.{level}.attentions.{j}", level) for j in range(len(_children(block, "attentions"))))
    middle = _children(stock.get_submodule("mid_block"), "attentions")
    yield from ((f"mid_block.attentions.{j}", last) for j in range(len(middle)))
    for i, block in enumerate(ups):
        yield from ((f"up_blocks.{i}.attentions.{j}", last - i) for j in range(len(_children(block, "attentions"))))


def _replace(
    stream: nn.Module, place: str, config: UnetConfig, level: int, make_block: Callable[[int, int, int], Block]
) -> Block:
    """Put a block of ours at a place."""
    block = make_block(config.block_out_channels[level], config.attention_head_dim[level], config.cross_attention_dim)
    parent, _, number = place.rpartition(".")
    attentions = stream.get_submodule(parent)
    assert isinstance(attentions, nn.ModuleList)
    attentions[int(number)] = TokenPart(attentions[int(number)], block)
    return block


def _lay_out(stream: nn.Module) -> Iterator[Layer]:
    """The order of diffusers' own forward pass."""
    for i, block in enumerate(_children(stream, "down_blocks")):
        attentions = _children(block, "attentions")
        for j, resnet in enumerate(_children(block, "resnets")):
            yield Layer("resnet", resnet, leaves=not attentions)
            if attentions:
                yield Layer("tokens", attentions[j], f"down_blocks.{i}.attentions.{j}", leaves=True)
        for smaller in _children(block, "downsamplers"):
            yield Layer("smaller", smaller, leaves=True)
    middle = stream.get_submodule("mid_block")
    first, *others = _children(middle, "resnets")
    yield Layer("resnet", first)
    for j, (tokens, resnet) in enumerate(zip(_children(middle, "attentions"), others, strict=True)):
        yield Layer("tokens", tokens, f"mid_block.attentions.{j}")
        yield Layer("resnet", resnet)
    for i, block in enumerate(_children(stream, "up_blocks")):
        attentions = _children(block, "attentions")
        for j, resnet in enumerate(_children(block, "resnets")):
            yield Layer("resnet", resnet, joins=True)
            if attentions:
                yield Layer("tokens", attentions[j], f"up_blocks.{i}.attentions.{j}")
        for larger in _children(block, "upsamplers"):
            yield Layer("larger", larger)
