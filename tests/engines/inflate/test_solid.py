import numpy as np
import pytest
import trimesh

from orfeas.engines.inflate.height import inflate
from orfeas.engines.inflate.rim import place_rim
from orfeas.engines.inflate.sheet import triangulate
from orfeas.engines.inflate.silhouette import trace
from orfeas.engines.inflate.solid import Shell, close, raise_shell
from tests.images.drawings import picture

RADIUS_PX = 0.35 * 512


def shell_of(name: str, strips: int = 3, depth: float = 1.0, spacing_px: float = 6.0) -> Shell:
    sheet = triangulate(place_rim(trace(np.asarray(picture(name))[..., 3], 192), spacing_px), spacing_px)
    return raise_shell(sheet, inflate(sheet), depth, strips)


@pytest.mark.parametrize("strips", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["disc", "mug", "stick_figure", "wheel"])
def test_a_closed_solid_is_a_manifold(name: str, strips: int) -> None:
    solid = close(shell_of(name, strips), has_seam=False)
    mesh = trimesh.Trimesh(solid.points, solid.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.area_faces.min() > 0


def test_strips_add_faces_only_at_the_rim() -> None:
    plain, cut = shell_of("disc", 1), shell_of("disc", 4)
    at_rim = plain.is_rim[plain.triangles].any(axis=1).sum()
    assert len(cut.triangles) == len(plain.triangles) + 6 * at_rim


@pytest.mark.parametrize("depth", [1.0, 0.5])
def test_every_vertex_of_a_ball_is_on_the_ball(depth: float) -> None:
    points = shell_of("disc", depth=depth).points - [256, 256, 0]
    assert np.linalg.norm(points / [1, 1, depth], axis=1) == pytest.approx(RADIUS_PX, rel=0.012)


def test_the_normals_of_a_ball_are_its_radii() -> None:
    shell = shell_of("disc")
    radii = (shell.points - [256, 256, 0]) / RADIUS_PX
    assert (shell.normals * radii).sum(axis=1).min() > 0.995
    assert np.linalg.norm(shell.normals, axis=1) == pytest.approx(1)


# A key's teeth have corners, where a shared normal leans away from both faces.
@pytest.mark.parametrize("name", ["cat", "mug", "hand"])
def test_normals_agree_with_the_faces_around_them(name: str) -> None:
    solid = close(shell_of(name), has_seam=False)
    mesh = trimesh.Trimesh(solid.points, solid.triangles, process=False)
    agreement = (mesh.face_normals * solid.normals[solid.triangles].mean(axis=1)).sum(axis=1)
    assert np.quantile(agreement, 0.01) > 0.9


def test_a_seam_gives_both_sides_rim_vertices_at_the_same_places_in_every_bit() -> None:
    shell = shell_of("mug")
    with_seam, without = close(shell, has_seam=True), close(shell, has_seam=False)
    assert len(with_seam.points) - len(without.points) == shell.is_rim.sum()
    front, back = with_seam.points[: len(shell.points)], with_seam.points[len(shell.points) :]
    assert front[shell.is_rim].tobytes() == back[shell.is_rim].tobytes()
    assert (front[~shell.is_rim, 2] > 0).all()
    assert (back[:, 2] == -front[:, 2]).all()
    assert with_seam.is_back.tolist() == [False] * len(front) + [True] * len(back)


def test_normals_are_continuous_over_the_seam() -> None:
    shell = shell_of("cat")
    solid = close(shell, has_seam=True)
    front, back = np.split(solid.normals, 2)
    assert np.abs(front - back)[shell.is_rim].max() < 1e-9
