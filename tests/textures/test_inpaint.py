"""Filling what no camera saw."""

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from orfeas.errors import Cancelled, InvalidMesh
from orfeas.progress import Progress
from orfeas.textures.bake import Paint, bake
from orfeas.textures.cells import CELLS
from orfeas.textures.inpaint import fill
from orfeas.textures.texels import Texels
from tests.meshes.solids import blob, box, joined, slab
from tests.textures.test_bake import laid_out, six_sides


@pytest.fixture(scope="module")
def texels() -> Texels:
    return laid_out(blob(3000), 512)[2]


def painted_where(texels: Texels, is_painted: torch.Tensor, values: torch.Tensor) -> Paint:
    return Paint(torch.where(is_painted[:, None], values, 0.0), is_painted)


def test_a_slope_of_colour_is_carried_over_a_hole(texels: Texels) -> None:
    values = texels.point + 0.5
    is_hole = (texels.point[:, 2] > 0) & (texels.point[:, :2].norm(dim=1) < 0.15)
    filled = fill(texels, painted_where(texels, ~is_hole, values), Progress())
    assert 0.005 < is_hole.float().mean() < 0.2
    # Height over a bulge is not what surrounds it; what runs across is.
    assert (filled - values)[is_hole][:, :2].abs().max() < 0.04


def test_a_single_colour_fills_everything(texels: Texels) -> None:
    is_painted = texels.point[:, 2] > 0.1
    colour = torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0]).expand(len(is_painted), 5)
    filled = fill(texels, painted_where(texels, is_painted, colour), Progress())
    assert (filled - colour).abs().max() < 2e-3


def test_painted_texels_keep_their_values_and_no_value_is_beyond_them(texels: Texels) -> None:
    is_painted = texels.point[:, 0] > 0
    values = torch.rand(len(is_painted), 3, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    before = painted_where(texels, is_painted, values)
    filled = fill(texels, before, Progress())
    assert torch.equal(filled[is_painted], values[is_painted])
    assert torch.equal(before.values, torch.where(is_painted[:, None], values, 0.0))
    assert filled.min() >= 0.249 and filled.max() <= 0.751


def test_a_seam_does_not_show(texels: Texels) -> None:
    is_painted = texels.point[:, 1] > 0.05
    filled = fill(texels, painted_where(texels, is_painted, texels.point + 0.5), Progress())
    open_ = (~is_painted).nonzero().squeeze(1)
    place = torch.cat([texels.point, texels.normal * 0.05], dim=1)[open_].numpy()
    pairs = KDTree(place).query_pairs(0.004, output_type="ndarray")
    columns = texels.index[open_] % texels.side_px
    rows = texels.index[open_] // texels.side_px
    step = torch.maximum(
        (columns[pairs[:, 0]] - columns[pairs[:, 1]]).abs(), (rows[pairs[:, 0]] - rows[pairs[:, 1]]).abs()
    )
    jump = (filled[open_][pairs[:, 0]] - filled[open_][pairs[:, 1]]).abs().amax(dim=1)
    across, within = jump[step > 8], jump[step <= 2]
    assert len(across) > 30
    assert across.max() < 0.03
    assert across.mean() < 2 * within.mean() + 1e-3


def test_colour_does_not_leak_through_a_thin_wall() -> None:
    texels = laid_out(slab(0.3 / CELLS))[2]
    front, back = texels.normal[:, 2] > 0.5, texels.normal[:, 2] < -0.5
    is_painted = (front | back) & (texels.point[:, 0].abs() > 0.1)
    values = torch.where(front[:, None], torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 0, 1]))
    filled = fill(texels, painted_where(texels, is_painted, values), Progress())
    assert (filled[front] - values[front]).abs().max() < 0.01
    assert (filled[back] - values[back]).abs().max() < 0.01


def test_a_body_without_any_paint_takes_that_of_the_nearest() -> None:
    texels = laid_out(joined(box(), box(0.5, (0.0, 0.0, 2.0))))[2]
    is_small = texels.face >= 12
    red = torch.tensor([1.0, 0.0, 0.0]).expand(len(is_small), 3)
    filled = fill(texels, painted_where(texels, ~is_small, red), Progress())
    assert (filled - red).abs().max() < 1e-3


def test_a_model_of_which_nothing_was_painted_is_refused(texels: Texels) -> None:
    nothing = torch.zeros(len(texels.index), dtype=torch.bool)
    with pytest.raises(InvalidMesh, match="turn it"):
        fill(texels, painted_where(texels, nothing, texels.point), Progress())


def test_nothing_open_is_nothing_to_do(texels: Texels) -> None:
    values = texels.point + 0.5
    paint = Paint(values, torch.ones(len(values), dtype=torch.bool))
    assert torch.equal(fill(texels, paint, Progress()), values)


def test_after_filling_no_texel_is_left_open() -> None:
    _, subject, texels = laid_out(joined(blob(3000), box(0.4, (0.0, 1.6, 0.0))))
    paint = bake(subject, texels, six_sides(), Progress())
    assert 0.5 < paint.is_painted.float().mean() < 1.0
    filled = fill(texels, paint, Progress())
    # Every colour that was painted holds at least one channel of 30; zero would be a hole.
    assert np.isfinite(filled.numpy()).all()
    assert (255 * filled.amin(dim=1) > 29).all()


def test_it_stops_when_asked(texels: Texels) -> None:
    with pytest.raises(Cancelled):
        fill(
            texels,
            painted_where(texels, texels.point[:, 0] > 0, texels.point),
            Progress(is_cancelled=lambda: True),
        )
