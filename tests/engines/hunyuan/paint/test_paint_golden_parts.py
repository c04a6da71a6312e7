"""The recorded cases of the texture network's parts: blocks, rotary embedding, voxels and guidance."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.paint.block import BlockContext, PaintBlock, ReferenceBlock
from orfeas.engines.hunyuan.paint.guidance import guide, view_factors
from orfeas.engines.hunyuan.paint.rotary import make_rotation, rotate
from orfeas.engines.hunyuan.paint.voxels import Voxels, find_voxels
from tests.paint_set import PAINT_SET, assert_recorded, posmap, rand, randn, weights

BLOCK: Any = PAINT_SET.cases["block"]
DUAL: Any = PAINT_SET.cases["block_dual"]
HEAD_SIZES = {int(size): resolution for size, resolution in PAINT_SET.cases["rope"]["head_dims"].items()}


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def block_input(case: Mapping[str, Any], name: str) -> Tensor:
    recipe, shape = case["inputs"][name]
    key = recipe.split(" ")[0].rstrip(":")
    if "floor(rand*" in recipe:
        most = int(recipe.partition("floor(rand*")[2].rstrip(")"))
        return torch.from_numpy(rand(key, shape) * most).floor().long()
    return torch.from_numpy(randn(key, shape))


def make_block() -> PaintBlock:
    block = PaintBlock(BLOCK["dim"], BLOCK["heads"], BLOCK["cross_attention_dim"])
    block.load_state_dict(weights(BLOCK["keys"]))
    return block


def by_view(name: str) -> Tensor:
    """An input ``[B, M, N, T, D]``; in the recorded block every view has its own text."""
    x = block_input(BLOCK, name)
    return x.view(BLOCK["B"], BLOCK["n_pbr"], BLOCK["n_views"], *x.shape[1:])


def see_texts(block: PaintBlock, y: Tensor) -> Tensor:
    """The text attention, a row and a view at a time, since each has its own text."""
    texts, seen = by_view("text"), torch.empty_like(y)
    for row in range(y.shape[0]):
        for view in range(y.shape[2]):
            own = block.transformer.attn2.keys_values(texts[row, :, view])
            seen[row, :, view] = block.see_text(y[row : row + 1, :, view : view + 1], own)[0, :, 0]
    return seen


def test_a_block_sees_what_was_recorded() -> None:
    block, h = make_block(), by_view("hidden")
    rows, materials, views = h.shape[:3]
    x = block.transformer.norm1(h)
    material = block.transformer.attn1.see_itself(x)
    assert_recorded(material, "block/attn1", BLOCK)
    features = block_input(BLOCK, "cond")
    contexts = [block.attn_refview.make_context(features[row : row + 1], 1.0) for row in range(rows)]
    seen = [block.attn_refview.see_reference(x[row, 0].flatten(0, 1), context) for row, context in enumerate(contexts)]
    reference = torch.stack(seen)
    assert_recorded(reference, "block/refview", BLOCK)
    rotation = make_rotation(block_input(BLOCK, "voxel")[:, None, None], block.head_size)
    multiview = block.attn_multiview.see_views(x, rotation)
    assert_recorded(multiview.flatten(0, 1).flatten(1, 2), "block/multiview", BLOCK)
    scales = torch.tensor(BLOCK["ref_scale"])[:, None, None, None, None]
    after = h + material + scales * reference.view(h.shape) + BLOCK["mva_scale"] * multiview
    y = block.transformer.norm2(after)
    text = see_texts(block, y)
    assert_recorded(text.flatten(0, 2), "block/attn2", BLOCK)
    tokens = block_input(BLOCK, "dino")
    dino = torch.stack([dino_seen(block, y[row], tokens[row]) for row in range(rows)])
    assert_recorded(dino.flatten(0, 2), "block/dino", BLOCK)
    after = after + text + dino
    out = after + block.transformer.ff(block.transformer.norm3(after))
    assert_recorded(out.flatten(0, 2), "block/out", BLOCK)
    assert (rows, materials, views) == (BLOCK["B"], BLOCK["n_pbr"], BLOCK["n_views"])


def dino_seen(block: PaintBlock, y: Tensor, tokens: Tensor) -> Tensor:
    seen: Tensor = block.attn_dino(y.flatten(0, 2)[None], block.attn_dino.keys_values(tokens[None])).view(y.shape)
    return seen


def test_a_block_as_a_whole_is_its_parts() -> None:
    block, h = make_block(), by_view("hidden")
    features, tokens = block_input(BLOCK, "cond"), block_input(BLOCK, "dino")
    texts = by_view("text")[0, :, 0]
    rows = range(len(h))
    scales = BLOCK["ref_scale"]
    context = BlockContext(
        text=block.transformer.attn2.keys_values(texts),
        dino=tuple(block.attn_dino.keys_values(tokens[row][None]) for row in rows),
        references=tuple(
            block.attn_refview.make_context(features[row][None], scales[row]) if scales[row] else None for row in rows
        ),
        rotation=make_rotation(block_input(BLOCK, "voxel")[:, None, None], block.head_size),
        multiview_scale=BLOCK["mva_scale"],
    )
    out = block(h, context)
    reference = torch.stack(
        [
            block.attn_refview.see_reference(
                block.transformer.norm1(h)[row, 0].flatten(0, 1),
                block.attn_refview.make_context(features[row][None], 1.0),
            ).view(h.shape[1:])
            for row in rows
        ]
    )
    x = block.transformer.norm1(h)
    after = h + block.transformer.attn1.see_itself(x)
    after = after + torch.tensor(scales)[:, None, None, None, None] * reference
    after = after + context.multiview_scale * block.attn_multiview.see_views(x, context.rotation)
    y = block.transformer.norm2(after)
    after = after + block.see_text(y, context.text)
    after = after + torch.stack([dino_seen(block, y[row], tokens[row]) for row in rows])
    whole = after + block.transformer.ff(block.transformer.norm3(after))
    assert torch.allclose(out, whole, atol=BLOCK["atol"], rtol=BLOCK["rtol"])


def test_the_reference_block_records_what_was_recorded() -> None:
    block = ReferenceBlock(BLOCK["dim"], BLOCK["heads"], BLOCK["cross_attention_dim"])
    own = {
        key: tensor
        for key, tensor in weights(BLOCK["keys"]).items()
        if key.startswith("transformer.") and ".processor." not in key
    }
    block.load_state_dict(own)
    h = block_input(DUAL, "hidden")
    recorded = block.record(h)
    assert_recorded(recorded.reshape(DUAL["cond_shape"]), "block_dual/cond", DUAL)
    assert_recorded(block(h, recorded, block_input(DUAL, "text")), "block_dual/out", DUAL)


@pytest.mark.parametrize("head_size", HEAD_SIZES)
def test_queries_are_turned_as_recorded(head_size: int) -> None:
    case, name = PAINT_SET.cases["rope"], f"rope{head_size}"
    index = PAINT_SET.tensor(f"{name}/idx").long()
    rotation = make_rotation(index, head_size)
    assert_recorded(rotation.cos.repeat_interleave(2, -1), f"{name}/cos", case)
    assert_recorded(rotation.sin.repeat_interleave(2, -1), f"{name}/sin", case)
    shape = PAINT_SET.stored[f"{name}/q_rot"].shape
    q = torch.from_numpy(randn(PAINT_SET.own(f"{name}/q"), shape))
    assert_recorded(rotate(q, make_rotation(index[:, None], head_size)), f"{name}/q_rot", case)


@pytest.mark.parametrize("mode", Voxels)
@pytest.mark.parametrize("name", PAINT_SET.names("voxel"))
def test_cells_are_the_recorded_ones(name: str, mode: Voxels) -> None:
    case = PAINT_SET.cases[name]
    recipe, views, size = case["posmap"]
    grids = case["grid_resolutions"]
    levels = find_voxels(torch.from_numpy(posmap(recipe, views, size))[None], grids[0], len(grids), mode)
    for level, (grid, found) in enumerate(zip(grids, levels, strict=True)):
        # The finest level does not depend on the mode, and is stored once.
        want = PAINT_SET.tensor(f"{name}/{mode if level else Voxels.CLEAN}_{grid}").long()
        assert torch.equal(found, want)
        assert case["voxel_resolutions"][level] == size >> level


def test_two_predictions_are_combined_as_three_were() -> None:
    case = PAINT_SET.cases["cfg"]
    shape, views = PAINT_SET.stored["cfg/combined_plain"].shape, len(case["azims"])
    without, _, whole = (torch.from_numpy(randn(PAINT_SET.own(f"cfg/{n}"), shape)) for n in ("uncond", "ref", "full"))
    without, whole = (u.view(-1, views, *u.shape[1:]) for u in (without, whole))
    factors = view_factors(case["azims"])
    assert_recorded(factors.repeat(len(without)), "cfg/view_scale", case)
    assert_recorded(guide(without, whole, case["guidance"]).flatten(0, 1), "cfg/combined_plain", case)
    turned = guide(without, whole, case["guidance"], factors)
    assert_recorded(turned.flatten(0, 1), "cfg/combined_azim", case)
