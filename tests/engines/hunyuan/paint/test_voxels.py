import numpy as np
import torch

from orfeas.engines.hunyuan.paint.voxels import Voxels, find_voxels
from tests.paint_set import posmap


def test_a_flat_wall_stands_where_it_is_at_every_level() -> None:
    maps = torch.full((1, 1, 3, 64, 64), 0.5)
    levels = find_voxels(maps, 8, 3)
    assert [level.shape for level in levels] == [(1, 64, 3), (1, 16, 3), (1, 4, 3)]
    for level, cells in enumerate(levels):
        assert torch.all(cells == round(0.5 * ((64 >> level) - 1)))


def test_cells_come_view_by_view_row_by_row() -> None:
    maps = torch.full((1, 2, 3, 16, 16), 0.25)
    maps[0, 1, :, 8:, :8] = 0.75
    (cells,) = find_voxels(maps, 2, 1)
    assert (cells[0, :, 0] > 7).tolist() == [False] * 6 + [True, False]


def test_a_cell_that_is_almost_empty_stands_at_the_origin() -> None:
    maps = torch.ones(1, 1, 3, 16, 16)
    maps[0, 0, :, 0, :3] = 0.5
    maps[0, 0, :, 8, :4] = 0.5
    (cells,) = find_voxels(maps, 2, 1)
    assert cells[0].amax(dim=1).tolist() == [0, 0, 8, 0]


def test_only_the_first_level_is_the_same_in_both_readings() -> None:
    maps = torch.from_numpy(posmap("voxels", 2, 64))[None]
    clean, compat = find_voxels(maps, 8, 3), find_voxels(maps, 8, 3, Voxels.COMPAT)
    assert torch.equal(clean[0], compat[0])
    assert [torch.equal(*pair) for pair in zip(clean[1:], compat[1:], strict=True)] == [False, False]
    assert compat[1].double().mean() < clean[1].double().mean()


def test_the_maps_stay_as_they_were() -> None:
    maps = torch.from_numpy(posmap("voxels", 1, 32))[None]
    before = maps.numpy().copy()
    find_voxels(maps, 4, 2, Voxels.COMPAT)
    assert np.array_equal(maps.numpy(), before)
