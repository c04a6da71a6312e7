import torch

from orfeas.engines.hunyuan.pages import SamplePages

CPU = torch.device("cpu")


def some_samples(count: int, rows: int, resolution: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    row = torch.randint(rows, (1, count), generator=random)
    return torch.cat([row, torch.randint(resolution + 1, (3, count), generator=random)])


def test_positions_undo_reserve_for_any_resolution_and_page() -> None:
    for resolution in (1, 7, 8, 13, 100):
        for page in (1, 2, 4, 8):
            pages = SamplePages(3, resolution, page, CPU)
            samples = some_samples(50, 3, resolution)
            assert torch.equal(pages.positions(pages.reserve(samples, (0,)).flatten()), samples)


def test_a_sample_has_one_slot_and_two_samples_have_two() -> None:
    pages = SamplePages(2, 5, 4, CPU)
    every = torch.cartesian_prod(torch.arange(2), *[torch.arange(6)] * 3).T
    slots = pages.reserve(every, (0,)).flatten()
    assert len(torch.unique(slots)) == 2 * 6**3
    assert torch.equal(pages.reserve(every, (0,)).flatten(), slots)


def test_a_block_is_indexed_by_its_offsets_along_x_y_and_z() -> None:
    pages = SamplePages(1, 20, 4, CPU)
    block = pages.reserve(torch.tensor([[0], [3], [7], [11]]), (0, 2, 4))
    assert block.shape == (3, 3, 3, 1)
    assert pages.positions(block[1, 2, 0])[:, 0].tolist() == [0, 5, 11, 11]


def test_what_falls_outside_is_put_on_the_border() -> None:
    pages = SamplePages(1, 10, 4, CPU)
    block = pages.reserve(torch.tensor([[0], [8], [10], [0]]), (0, 4))
    assert pages.positions(block[1, 1, 1])[:, 0].tolist() == [0, 10, 10, 4]


def test_new_pages_move_no_value() -> None:
    pages = SamplePages(1, 64, 4, CPU)
    first = pages.reserve(some_samples(20, 1, 16), (0,)).flatten()
    pages.values[first] = torch.arange(20.0)
    before = pages.values[first].clone()
    pages.reserve(some_samples(200, 1, 64), (0, 1))
    assert torch.equal(pages.values[first], before)
    assert not pages.is_known.any()


def test_only_pages_that_were_asked_for_take_memory() -> None:
    pages = SamplePages(1, 512, 8, CPU)
    pages.reserve(torch.tensor([[0, 0], [3, 500], [3, 500], [3, 500]]), (0, 1))
    assert len(pages.values) == 2 * 8**3


def test_marked_slots_come_back_once_and_in_order() -> None:
    pages = SamplePages(1, 8, 8, CPU)
    pages.reserve(torch.zeros(4, 1, dtype=torch.int64), (0,))
    pages.mark(torch.tensor([[5, 3], [3, 9]]))
    assert pages.take_marked().tolist() == [3, 5, 9]
    assert pages.take_marked().tolist() == []
