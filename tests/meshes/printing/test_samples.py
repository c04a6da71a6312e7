import numpy as np
from scipy.spatial import cKDTree

from orfeas.meshes.printing.samples import spread
from orfeas.meshes.printing.triangles import triangles_of
from tests.meshes.solids import box, slab


def test_every_sample_lies_in_its_face() -> None:
    triangles = triangles_of(box(3.0, (1.0, 2.0, 3.0)))
    samples = spread(triangles.corners, triangles.areas, 1000)
    offset = samples.points - triangles.corners[samples.face, 0]
    np.testing.assert_allclose(np.einsum("ij,ij->i", offset, triangles.normals[samples.face]), 0.0, atol=1e-12)
    assert (samples.points >= triangles.low - 1e-12).all()
    assert (samples.points <= triangles.high + 1e-12).all()


def test_faces_get_samples_by_their_area() -> None:
    triangles = triangles_of(slab(0.1))
    samples = spread(triangles.corners, triangles.areas, 2000)
    share = np.bincount(samples.face, minlength=12) / 2000
    np.testing.assert_allclose(share, triangles.areas / triangles.areas.sum(), atol=1 / 2000)


def test_samples_leave_no_large_gap() -> None:
    triangles = triangles_of(box(1.0))
    samples = spread(triangles.corners, triangles.areas, 2400)
    grid = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 21)] * 2, indexing="ij"), axis=2).reshape(-1, 2)
    side = np.column_stack([grid, np.full(len(grid), 0.5)])
    gap, _ = cKDTree(samples.points).query(side)
    assert np.max(gap) < 0.12  # 20 × 20 samples on a side lie 0.05 apart
