import pytest
import torch

from orfeas.engines.hunyuan.paint.guidance import guide, view_factors


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0, 7.5])
def test_a_third_prediction_between_the_two_cancels(scale: float) -> None:
    generator = torch.Generator().manual_seed(3)
    without, reference, whole = torch.randn(3, 2, 4, 4, 8, 8, generator=generator)
    factors = view_factors([0, 45, 200, 350])
    steps = scale * factors.view(1, -1, 1, 1, 1)
    three = without + steps * (reference - without) + steps * (whole - reference)
    assert torch.allclose(guide(without, whole, scale, factors), three, atol=2e-5)


def test_a_scale_of_0_and_of_1_give_one_of_them() -> None:
    without, whole = torch.randn(2, 2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    assert torch.equal(guide(without, whole, 0), without)
    assert torch.allclose(guide(without, whole, 1), whole, atol=1e-6)


def test_views_from_behind_take_twice_as_much() -> None:
    assert view_factors([0, 45, 90, 180, 329]).tolist() == [1, 1.5, 2, 2, 2]
    assert view_factors([345, 359.99]).tolist() == pytest.approx([5 - 345 / 90, 1.0001111], abs=1e-6)
