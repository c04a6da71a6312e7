import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.placement import place
from tests.meshes.solids import coloured_box, textured_ball


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1, 10_000),
    st.tuples(*[st.floats(0.01, 100)] * 3),
    st.tuples(*[st.floats(-1000, 1000)] * 3),
)
def test_the_longest_side_is_the_size_and_it_stands_in_the_middle(
    size_mm: float, extents: tuple[float, float, float], at: tuple[float, float, float]
) -> None:
    mesh = trimesh.creation.box(extents=extents)
    mesh.apply_translation(at)
    low, high = place(mesh, size_mm).bounds
    assert (high - low).max() == pytest.approx(size_mm, rel=1e-9)
    assert low[1] == pytest.approx(0.0, abs=1e-9 * size_mm)
    assert (low + high)[[0, 2]] == pytest.approx([0.0, 0.0], abs=1e-9 * size_mm)


def test_proportions_stay() -> None:
    placed = place(trimesh.creation.box(extents=[1, 2, 4]), 100)
    assert placed.extents == pytest.approx([25.0, 50.0, 100.0])


def test_the_mesh_given_is_not_changed() -> None:
    mesh = textured_ball()
    vertices, uv = np.array(mesh.vertices), np.array(appearance_of(mesh).uv)
    placed = place(mesh, 100)
    placed.vertices += 1.0
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(appearance_of(mesh).uv, uv)  # type: ignore[arg-type]  # both are arrays


def test_the_texture_comes_along() -> None:
    mesh = textured_ball()
    before, after = appearance_of(mesh), appearance_of(place(mesh, 100))
    assert after.texture is before.texture
    assert np.array_equal(after.uv, before.uv)  # type: ignore[arg-type]  # both are arrays


def test_colours_come_along() -> None:
    mesh = coloured_box()
    assert np.array_equal(appearance_of(place(mesh, 3)).colours, appearance_of(mesh).colours)  # type: ignore[arg-type]  # arrays


def test_vertices_no_face_uses_do_not_move_it() -> None:
    cube = trimesh.creation.box()
    mesh = trimesh.Trimesh(np.vstack([cube.vertices, [[9.0, -9.0, 9.0]]]), cube.faces, process=False)
    assert place(mesh, 10).vertices[:8].min(axis=0) == pytest.approx([-5.0, 0.0, -5.0])


def test_a_model_without_faces_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="empty"):
        place(trimesh.Trimesh([[0, 0, 0]], np.zeros((0, 3), int), process=False), 10)


def test_a_model_in_one_point_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="one point"):
        place(trimesh.Trimesh(np.ones((3, 3)), [[0, 1, 2]], process=False), 10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_model_with_points_that_are_not_finite_is_refused(bad: float) -> None:
    mesh = trimesh.Trimesh(np.array([[0, 0, 0], [1, 0, 0], [0, bad, 0]]), [[0, 1, 2]], process=False)
    with pytest.raises(InvalidMesh, match="not finite"):
        place(mesh, 10)
