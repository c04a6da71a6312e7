import gc
import weakref

import pytest
import torch

from orfeas.engines.hunyuan.stepping import run_within_memory
from orfeas.errors import OutOfMemory


class Layout:
    """What is on the device, and how much of it there is."""

    def __init__(self, size: int) -> None:
        self.size = size


def halve(layout: Layout) -> Layout | None:
    return Layout(layout.size // 2) if layout.size > 1 else None


def work_within(most: int, layout: Layout) -> int:
    if layout.size > most:
        raise torch.OutOfMemoryError("out of memory")
    return layout.size


def test_work_that_fits_is_done_once() -> None:
    layout = Layout(8)
    assert run_within_memory(layout, lambda used: work_within(8, used), halve) == (8, layout)


def test_work_steps_down_until_it_fits() -> None:
    result, layout = run_within_memory(Layout(8), lambda used: work_within(2, used), halve)
    assert (result, layout.size) == (2, 2)


def test_nothing_less_is_told_in_words() -> None:
    with pytest.raises(OutOfMemory, match="Choose a lower quality"):
        run_within_memory(Layout(8), lambda used: work_within(0, used), halve)


def test_other_errors_are_not_for_less_memory() -> None:
    def fail(layout: Layout) -> int:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        run_within_memory(Layout(8), fail, halve)


def test_what_did_not_fit_is_let_go_before_the_next_is_made() -> None:
    held: list[weakref.ref[Layout]] = []

    def work(layout: Layout) -> int:
        big = Layout(100)
        held.append(weakref.ref(big))
        return work_within(4, layout)

    def step_down(layout: Layout) -> Layout | None:
        gc.collect()
        assert held[-1]() is None
        return halve(layout)

    assert run_within_memory(Layout(8), work, step_down)[0] == 4
