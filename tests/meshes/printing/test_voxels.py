import numpy as np
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.meshes.printing.voxels import grid_around, spread_box, winding
from tests.meshes.solids import box, inverted, joined


def nothing() -> None:
    pass


def test_overlapping_bodies_count_twice_and_hollows_not_at_all() -> None:
    bodies = joined(box(4.0), box(4.0, (2.0, 0.0, 0.0)), inverted(box(1.0)))
    corners = np.asarray(bodies.vertices)[bodies.faces]
    grid = grid_around(corners.min(axis=(0, 1)), corners.max(axis=(0, 1)), 0.1)
    counts = winding(corners, grid, nothing)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=3) * grid.cell + grid.low

    def within(side: float, x: float = 0.0) -> np.typing.NDArray[np.int64]:
        return np.asarray((np.abs(places - (x, 0.0, 0.0)) < side / 2).all(axis=3), dtype=np.int64)

    np.testing.assert_array_equal(counts, within(4.0) + within(4.0, 2.0) - within(1.0))


@given(cells=st.integers(3, 12), shift=st.tuples(*[st.sampled_from([0.0, 0.25, 0.5])] * 3))
@settings(max_examples=20, deadline=None)
def test_no_column_slips_through_where_points_lie_on_edges(cells: int, shift: tuple[float, float, float]) -> None:
    # A cube of whole cells, whose vertices, edges and diagonals lie just on columns of the grid.
    cube = trimesh.creation.box(extents=[float(cells)] * 3)
    corners = np.asarray(cube.vertices + np.array(shift))[cube.faces]
    grid = grid_around(corners.min(axis=(0, 1)), corners.max(axis=(0, 1)), 0.5)
    counts = winding(corners, grid, nothing)
    assert set(np.unique(counts)) == {0, 1}
    assert (counts[:, -1] == 0).all()
    assert abs(int(counts.sum()) - (2 * cells) ** 3) <= (2 * cells + 1) ** 3 - (2 * cells) ** 3


@given(st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_a_box_is_spread_to_just_its_radius(radius: int) -> None:
    mask = np.zeros((24, 24, 24), dtype=np.bool_)
    mask[12, 3, 20] = True
    grown = spread_box(mask, radius)
    x, y, z = np.ogrid[:24, :24, :24]
    np.testing.assert_array_equal(grown, (abs(x - 12) <= radius) & (abs(y - 3) <= radius) & (abs(z - 20) <= radius))
