import pytest
import torch

from orfeas.engines.hunyuan.paint.config import PaintConfig
from orfeas.engines.hunyuan.paint.plan import Placement, make_plans, measure

GB = 1e9


def test_the_networks_are_counted_as_published() -> None:
    sizes = measure(PaintConfig())
    assert sizes.painter + sizes.reference == 1_962_246_472
    assert (sizes.dino, sizes.autoencoder) == (1_136_480_768, 83_653_863)


# Specification §13: the main stream's weights and the activations of an evaluation.
@pytest.mark.parametrize(
    ("views", "view_size", "placement", "activations_gb"),
    [(6, 512, Placement.STAGED, 2.9), (6, 512, Placement.SPLIT, 2.0), (8, 768, Placement.SPLIT, 3.8)],
)
def test_a_plan_asks_for_what_the_specification_counted(
    views: int, view_size: int, placement: Placement, activations_gb: float
) -> None:
    plan = make_plans(PaintConfig(), views, view_size, torch.float16)[placement]
    assert plan.placement is placement
    assert plan.needed_bytes / GB == pytest.approx(2.19 + activations_gb, rel=0.05)


def test_each_plan_needs_less_than_the_one_before_and_says_what_it_is() -> None:
    plans = make_plans(PaintConfig(), 6, 512, torch.float16)
    needed = [plan.needed_bytes for plan in plans]
    assert needed == sorted(needed, reverse=True)
    assert len({plan.sentence for plan in plans}) == len(plans)
