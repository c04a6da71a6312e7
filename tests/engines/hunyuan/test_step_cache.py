import torch

from orfeas.engines.hunyuan.step_cache import StepCache

FIRST = torch.tensor([[[1.0, -1.0], [2.0, -2.0]]])
REST = torch.full((1, 2, 2), 3.0)


def test_an_empty_cache_recalls_nothing() -> None:
    assert StepCache(1.0).recall(FIRST) is None


def test_what_was_kept_is_recalled_where_the_first_block_changed_less_than_the_threshold() -> None:
    cache = StepCache(0.1)
    cache.keep(FIRST, REST)
    assert cache.recall(1.09 * FIRST) is REST
    assert cache.recall(1.11 * FIRST) is None
    assert cache.reused == 1


def test_changes_are_measured_from_what_was_last_computed_and_do_not_creep() -> None:
    cache = StepCache(0.1)
    cache.keep(FIRST, REST)
    assert [cache.recall(FIRST * (1 + 0.04 * step)) is not None for step in range(1, 4)] == [True, True, False]


def test_a_first_block_that_adds_nothing_is_computed_again() -> None:
    cache = StepCache(0.1)
    cache.keep(torch.zeros(1, 2, 2), REST)
    assert cache.recall(torch.zeros(1, 2, 2)) is None
