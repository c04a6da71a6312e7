import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.paint.block import MaterialAttention, PaintBlock, ReferenceAttention, ViewAttention
from orfeas.engines.hunyuan.paint.rotary import make_rotation
from tests.engines.hunyuan.paint.networks import fill

C, HEADS = 32, 2


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


def test_values_of_the_reference_are_read_two_runs_at_a_time() -> None:
    attention = ReferenceAttention(C, HEADS)
    fill(attention)
    features, x, d = draw(1, 5, C), draw(7, C), C // HEADS
    context = attention.make_context(features, 1.0)
    both = torch.cat([attention.to_v(features), attention.processor.to_v_mr(features)], dim=-1)[0]
    runs = both.chunk(2 * HEADS, dim=-1)
    q, k = attention.to_q(x).chunk(HEADS, dim=-1), attention.to_k(features)[0].chunk(HEADS, dim=-1)
    weights = [(q[j] @ k[j].T / d**0.5).softmax(-1) for j in range(HEADS)]
    for material, out in enumerate((attention.to_out[0], attention.processor.to_out_mr[0])):
        want = out(torch.cat([weights[j] @ runs[2 * j + material] for j in range(HEADS)], dim=-1))
        assert torch.allclose(attention.see_reference(x, context)[material], want, atol=1e-5)


def test_the_reference_as_one_would_write_it_is_something_else() -> None:
    attention = ReferenceAttention(C, HEADS)
    fill(attention)
    features, x = draw(1, 5, C), draw(7, C)
    seen = attention.see_reference(x, attention.make_context(features, 1.0))[0]
    plain = attention(x[None], attention.keys_values(features))[0]
    assert (seen - plain).abs().max() > 0.1 * seen.abs().max()


def test_each_material_and_view_sees_only_itself() -> None:
    attention = MaterialAttention(C, HEADS)
    fill(attention)
    x = draw(2, 2, 3, 6, C)
    before = attention.see_itself(x)
    changed = x.clone()
    changed[1, 0, 2] += 1
    is_other = (attention.see_itself(changed) != before).any(dim=-1).any(dim=-1)
    assert is_other.nonzero().tolist() == [[1, 0, 2]]
    swapped = attention.see_itself(x.flip(1)).flip(1)
    assert not torch.allclose(swapped, before, atol=1e-3)


def test_views_of_one_material_see_each_other() -> None:
    attention = ViewAttention(C, HEADS)
    fill(attention)
    x, rotation = draw(1, 2, 3, 4, C), make_rotation(torch.randint(0, 8, (1, 1, 1, 12, 3)), C // HEADS)
    before = attention.see_views(x, rotation)
    changed = x.clone()
    changed[0, 1, 0] += 1
    is_other = (attention.see_views(changed, rotation) != before).any(dim=-1).any(dim=-1)
    assert is_other.tolist() == [[[False] * 3, [True] * 3]]


@pytest.mark.parametrize("size", [32, 64])
def test_a_block_knows_the_size_of_its_heads(size: int) -> None:
    assert PaintBlock(size, HEADS, 24).head_size == size // HEADS
