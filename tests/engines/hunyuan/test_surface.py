import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import KDTree
from skimage.measure import marching_cubes
from torch import Tensor

from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import Field
from orfeas.errors import InvalidImage
from tests.engines.hunyuan.fields import (
    FIELDS,
    decode,
    extract,
    extract_dense,
    gyroid,
    shell,
    sphere,
    tilted_half_space,
    torus,
)

CLOSED = ["sphere", "torus", "two_balls", "sharp_torus", "unbounded_sphere", "crumbs"]


def grid_field(values: Tensor) -> Field:
    """The field with these values at the samples of a box of half side 1, nearest elsewhere."""
    last = len(values) - 1

    def field(points: Tensor) -> Tensor:
        x, y, z = ((points + 1) / 2 * last).round().long().unbind(-1)
        return values[x, y, z]

    return field


def dense_values(field: Field, resolution: int) -> Tensor:
    axis = torch.linspace(-1.01, 1.01, resolution + 1)
    return field(torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1))


@pytest.mark.parametrize("name", [*CLOSED, "tilted_half_space"])
def test_vertices_and_counts_are_those_of_scikit_image(name: str) -> None:
    vertices, faces, _, _ = marching_cubes(dense_values(FIELDS[name], 60).numpy(), 0.0)  # type: ignore[no-untyped-call]  # scikit-image has no types
    welded = trimesh.Trimesh(vertices / 60 * 2.02 - 1.01, faces)
    mesh = extract(FIELDS[name], 60).mesh
    assert len(mesh.faces) == len(welded.faces)
    assert len(mesh.vertices) == len(welded.vertices)
    assert np.max(KDTree(welded.vertices).query(mesh.vertices)[0]) < 2e-5
    assert np.max(KDTree(mesh.vertices).query(welded.vertices)[0]) < 2e-5


@pytest.mark.parametrize("name", [*CLOSED, "shell", "finned_ball"])
def test_a_closed_solid_is_watertight_and_wound_outward(name: str) -> None:
    surface = extract(FIELDS[name], 80)
    assert surface.mesh.is_watertight
    assert surface.mesh.is_winding_consistent
    assert surface.mesh.volume > 0
    assert not surface.is_cut_by_box


def test_normals_of_a_sphere_point_away_from_its_middle() -> None:
    mesh = extract(sphere, 64).mesh
    assert (np.einsum("ij,ij->i", mesh.face_normals, mesh.triangles_center) > 0.55).all()


def test_a_solid_that_reaches_the_box_is_open_exactly_there() -> None:
    surface = extract(gyroid, 64)
    sides, counts = np.unique(surface.mesh.edges_sorted, axis=0, return_counts=True)
    edges = sides[counts == 1]
    ends = np.abs(surface.mesh.vertices[edges])
    assert surface.is_cut_by_box
    assert len(edges) > 0
    assert np.isclose(ends, 1.01, rtol=0, atol=1e-12).any(axis=2).all()


def test_the_inner_wall_of_a_shell_faces_its_cavity() -> None:
    mesh = extract(shell, 180).mesh
    assert mesh.body_count == 2
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * (0.612**3 - 0.588**3), rel=0.01)


def test_a_plane_is_where_it_is() -> None:
    vertices = extract(tilted_half_space, 50).mesh.vertices
    assert np.allclose(vertices @ [0.5, 0.7, 0.2], 0.1, rtol=0, atol=1e-6)


def test_samples_exactly_at_the_level_leave_no_degenerate_triangle() -> None:
    """An octahedron whose corners, edges and faces all pass through samples."""
    surface = extract(lambda p: 0.5 - p.abs().sum(-1), 32, bounds=1.0)
    welded = trimesh.Trimesh(surface.mesh.vertices.astype(np.float32), surface.mesh.faces)
    assert len(welded.vertices) == len(surface.mesh.vertices)
    assert welded.is_watertight
    assert welded.is_volume


@pytest.mark.parametrize("seed", range(4))
def test_pure_noise_gives_a_closed_mesh_in_which_every_edge_has_two_faces(seed: int) -> None:
    """Every case of the table occurs, with and without ambiguous faces."""
    values = torch.randn(21, 21, 21, generator=torch.Generator().manual_seed(seed))
    for side in (0, -1):
        values[side] = values[:, side] = values[:, :, side] = -1.0
    surface = extract_dense(grid_field(values), 20, bounds=1.0)
    assert surface.mesh.is_watertight
    assert surface.mesh.is_winding_consistent
    assert surface.mesh.volume > 0
    assert not surface.is_cut_by_box


@pytest.mark.parametrize(("strength", "bodies"), [(0.5, 2), (2.0, 1)])
def test_diagonal_neighbours_are_joined_where_the_saddle_between_them_is_inside(strength: float, bodies: int) -> None:
    values = torch.full((4, 4, 4), -1.0)
    values[1, 1, 1] = values[2, 2, 1] = strength
    assert extract_dense(grid_field(values), 3, bounds=1.0).mesh.body_count == bodies


def test_vertices_are_the_crossings_of_straight_lines_between_samples() -> None:
    values = torch.full((3, 3, 3), -3.0)
    values[1, 1, 1] = 1.0
    mesh = extract_dense(grid_field(values), 2, bounds=1.0).mesh
    assert sorted(mesh.vertices.tolist()) == sorted(
        (s * np.eye(3)[a]).tolist() for a in range(3) for s in (-0.25, 0.25)
    )


def test_a_field_with_no_inside_is_an_error_in_plain_words() -> None:
    with pytest.raises(InvalidImage, match="No surface"):
        extract(lambda p: torch.full(p.shape[:-1], -1.0), 40)


def test_a_field_with_no_outside_is_the_same_error() -> None:
    with pytest.raises(InvalidImage, match="No surface"):
        extract(lambda p: torch.full(p.shape[:-1], 0.2), 40)


def test_one_row_without_a_surface_is_an_error() -> None:
    with pytest.raises(InvalidImage, match="No surface"):
        extract_surface(decode(lambda p: torch.stack([torus(p[0]), torch.full_like(p[1, :, 0], -1.0)]), 40, rows=2))
