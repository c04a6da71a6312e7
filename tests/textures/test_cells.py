"""Surfaces as small pieces."""

import numpy as np
import pytest
import torch

from orfeas.textures.cells import CELLS, Cells, find_links, interpolate_cells, make_cells, mean_over, way_of
from orfeas.textures.texels import Texels
from tests.meshes.solids import blob, slab
from tests.textures.test_bake import laid_out


@pytest.fixture(scope="module")
def texels() -> Texels:
    return laid_out(blob(3000))[2]


@pytest.fixture(scope="module")
def cells(texels: Texels) -> Cells:
    return make_cells(texels)


def everyone(texels: Texels) -> torch.Tensor:
    return torch.arange(len(texels.index))


def test_the_texels_of_a_piece_are_close_and_face_one_way(texels: Texels, cells: Cells) -> None:
    mean, count = mean_over(cells, texels.point, everyone(texels))
    assert (count > 0).all() and int(count.sum()) == len(texels.index)
    assert (texels.point - mean[cells.of_texel]).abs().max() <= cells.size
    for way in range(6):
        chosen = (cells.key[cells.of_texel] % 6) == way
        axis, sign = way // 2, 1 - 2 * (way % 2)
        assert (sign * texels.normal[chosen][:, axis] >= texels.normal[chosen].abs().amax(dim=1) - 1e-6).all()


def test_the_six_ways_are_told_apart() -> None:
    assert way_of(torch.cat([torch.eye(3), -torch.eye(3)])).tolist() == [0, 2, 4, 1, 3, 5]


def test_the_way_is_the_largest_axis_and_of_equal_ones_the_first() -> None:
    normal = torch.randint(-3, 4, (2000, 3), generator=torch.Generator().manual_seed(0)).float()
    axis = normal.abs().argmax(dim=1)
    sign = normal.gather(1, axis[:, None]).squeeze(1) < 0
    assert torch.equal(way_of(normal).long(), 2 * axis + sign)


def test_a_plain_value_stays_plain_and_a_slope_stays_a_slope(texels: Texels, cells: Cells) -> None:
    mean, _ = mean_over(cells, texels.point, everyone(texels))
    values = torch.cat([mean, torch.full((len(mean), 1), 0.25)], dim=1)
    found = interpolate_cells(cells, values, texels.point, texels.normal)
    assert found[:, 3].numpy() == pytest.approx(np.full(len(found), 0.25), abs=1e-5)
    assert (found[:, :3] - texels.point).norm(dim=1).max() < 1.5 * cells.size


def test_links_join_neighbours_once_and_never_two_sides_of_a_wall() -> None:
    texels = laid_out(slab(0.2 / CELLS))[2]
    cells = make_cells(texels)
    geometry, _ = mean_over(cells, torch.cat([texels.point, texels.normal], dim=1), everyone(texels))
    links = find_links(cells, geometry[:, 3:])
    assert len(np.unique(np.sort(links.pairs, axis=1), axis=0)) == len(links.pairs)
    place = geometry[:, :3].numpy()
    assert np.abs(place[links.pairs[:, 0]] - place[links.pairs[:, 1]]).max() <= 2 * cells.size
    way = (cells.key % 6).numpy()[links.pairs]
    assert not ((way // 2)[:, 0] == (way // 2)[:, 1])[way[:, 0] != way[:, 1]].any()
