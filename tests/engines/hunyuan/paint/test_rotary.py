import torch

from orfeas.engines.hunyuan.paint.rotary import make_rotation, rotate


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_token_at_the_origin_stays_as_it_is() -> None:
    q = draw(1, 1, 4, 32)
    assert torch.equal(rotate(q, make_rotation(torch.zeros(4, 3, dtype=torch.long), 32)), q)


def test_lengths_stay_and_products_depend_on_the_distance_alone() -> None:
    q, k = draw(2, 64)
    places = torch.tensor([[3, 40, 7], [100, 40, 30]])
    moved = places + torch.tensor([11, 5, 2])
    products = []
    for index in (places, moved):
        turned_q = rotate(q[None], make_rotation(index[:1], 64))
        turned_k = rotate(k[None], make_rotation(index[1:], 64))
        assert torch.allclose(turned_q.norm(), q.norm(), atol=1e-4)
        products.append((turned_q * turned_k).sum())
    assert (products[0] - products[1]).abs() < 1e-3
    assert (products[0] - (q * k).sum()).abs() > 1e-2


def test_each_axis_turns_its_own_components() -> None:
    q = draw(1, 64)
    for axis, components in enumerate((range(24), range(24, 48), range(48, 64))):
        index = torch.zeros(1, 3, dtype=torch.long)
        index[0, axis] = 5
        is_turned = rotate(q, make_rotation(index, 64))[0] != q[0]
        assert not is_turned[[c for c in range(64) if c not in components]].any()
        assert is_turned[list(components)].any()


def test_half_precision_comes_back_as_it_came() -> None:
    q = draw(1, 2, 16).to(torch.bfloat16)
    index = torch.tensor([[1, 2, 3], [4, 5, 6]])
    turned = rotate(q, make_rotation(index, 16))
    assert turned.dtype is torch.bfloat16
    assert torch.equal(turned, rotate(q.float(), make_rotation(index, 16)).to(torch.bfloat16))
