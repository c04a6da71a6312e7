import numpy as np
import pytest

from orfeas.meshes.areas import areas_of
from tests.meshes.solids import blob


def test_areas_are_half_the_base_times_the_height_however_the_triangles_are_stacked() -> None:
    corners = np.array([[0.0, 0.0, 5.0], [4.0, 0.0, 5.0], [1.0, 3.0, 5.0]])
    assert areas_of(corners) == pytest.approx(6.0)
    scaled = np.arange(6.0).reshape(2, 3, 1, 1) * corners
    assert areas_of(scaled) == pytest.approx(6.0 * np.arange(6.0).reshape(2, 3) ** 2)


def test_areas_agree_with_trimesh() -> None:
    mesh = blob()
    assert areas_of(np.asarray(mesh.triangles)) == pytest.approx(np.asarray(mesh.area_faces), rel=1e-9, abs=1e-15)
