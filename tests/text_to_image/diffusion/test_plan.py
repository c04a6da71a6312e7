import pytest

from orfeas.text_to_image.diffusion.plan import Placement, make_plans

# FLUX.2 klein 4B and LCM Dreamshaper v7 by their published sizes, in values.
KLEIN = (3_875_000_000, 4_022_000_000, 84_000_000)
DREAMSHAPER = (860_000_000, 123_000_000, 304_000_000, 84_000_000)
GB = 1e9


def test_each_plan_needs_less_than_the_one_before() -> None:
    plans = make_plans(KLEIN, 1024, 2, "cuda")
    assert [plan.placement for plan in plans] == list(Placement)
    assert [plan.needed_bytes for plan in plans] == sorted((plan.needed_bytes for plan in plans), reverse=True)
    assert len({plan.sentence for plan in plans}) == len(plans)


def test_the_default_model_fits_12_gb_a_part_at_a_time() -> None:
    resident, staged = make_plans(KLEIN, 1024, 2, "cuda")
    assert staged.needed_bytes < 11 * GB < resident.needed_bytes < 20 * GB


def test_the_small_model_fits_6_gb_as_a_whole() -> None:
    assert make_plans(DREAMSHAPER, 768, 2, "cuda")[0].needed_bytes < 5.5 * GB


def test_a_larger_picture_needs_more() -> None:
    small, large = (make_plans(KLEIN, size, 2, "cuda")[0].needed_bytes for size in (512, 1024))
    assert small < large


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_memory_that_is_shared_is_not_spared_by_taking_turns(kind: str) -> None:
    assert [plan.placement for plan in make_plans(KLEIN, 1024, 2, kind)] == [Placement.RESIDENT]
