import torch

from orfeas.engines.hunyuan.config import DenoiserConfig, ShapeConfig
from orfeas.engines.hunyuan.plan import Placement, make_plans, measure

GB = 1e9
RELEASE = make_plans(ShapeConfig(), torch.bfloat16)


def test_plans_come_from_the_fastest_to_the_smallest() -> None:
    assert [plan.placement for plan in RELEASE] == list(Placement)
    needed = [plan.needed_bytes for plan in RELEASE]
    assert needed == sorted(needed, reverse=True)
    assert len(set(needed)) == len(needed)


def test_the_release_keeps_its_targets() -> None:
    resident, staged, streamed = (plan.needed_bytes for plan in RELEASE)
    assert resident <= 10 * GB
    assert staged <= 8 * GB
    assert streamed <= 6 * GB


def test_only_the_smallest_plan_splits_the_rows() -> None:
    assert [plan.is_split for plan in RELEASE] == [False, False, True]


def test_every_plan_says_what_it_means() -> None:
    assert len({plan.sentence for plan in RELEASE}) == len(RELEASE)


def test_the_release_measures_what_its_specification_says() -> None:
    sizes = measure(ShapeConfig())
    assert (sizes.denoiser, sizes.conditioner) == (3_050_758_720, 304_368_640)
    assert round(sizes.decoder / 1e6, 1) == 214.2
    assert sizes.experts == 6 * sizes.layer == 6 * 8 * (2 * 2048 * 8192 + 8192 + 2048)


def test_a_model_without_experts_can_be_planned() -> None:
    plans = make_plans(ShapeConfig(model=DenoiserConfig(num_moe_layers=0)), torch.float16)
    assert plans[2].needed_bytes < plans[1].needed_bytes
