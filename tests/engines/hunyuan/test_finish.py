import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from orfeas.engines.hunyuan.finish import finish_mesh
from orfeas.errors import Cancelled
from tests.engines.hunyuan.fields import ball_distance, extract, gyroid, shell, sphere, torus, truncated


def go_on() -> None:
    """Nobody cancels."""


def test_a_torus_keeps_its_shape_with_the_faces_asked_for() -> None:
    whole = extract(torus, 100).mesh
    mesh = finish_mesh(whole, 5000, go_on)
    assert len(mesh.faces) == pytest.approx(5000, rel=0.01)
    assert mesh.is_watertight
    assert mesh.euler_number == 0
    assert mesh.volume == pytest.approx(whole.volume, rel=0.005)


def test_a_cavity_stays_a_cavity() -> None:
    mesh = finish_mesh(extract(shell, 120).mesh, 8000, go_on)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * (0.612**3 - 0.588**3), rel=0.03)


def test_a_floater_goes_and_a_second_body_stays() -> None:
    def balls_with_one_of(radius: float) -> trimesh.Trimesh:
        def distance(points: Tensor) -> Tensor:
            big, small = ball_distance(points, (0.3, 0.3, 0.3), 0.5), ball_distance(points, (-0.6, -0.6, -0.6), radius)
            return torch.maximum(big, small)

        return extract(truncated(distance, 8), 100).mesh

    assert finish_mesh(balls_with_one_of(0.03), 10**6, go_on).body_count == 1
    assert finish_mesh(balls_with_one_of(0.1), 10**6, go_on).body_count == 2


def test_what_the_box_cut_open_is_closed() -> None:
    assert finish_mesh(extract(gyroid, 48).mesh, 10**6, go_on).is_watertight


def test_normals_are_there_and_point_outward() -> None:
    mesh = finish_mesh(extract(sphere, 64).mesh, 2000, go_on)
    away = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    assert (np.einsum("ij,ij->i", mesh.vertex_normals, away) > 0.98).all()


def test_the_surface_itself_is_left_as_it_was() -> None:
    whole = extract(sphere, 64).mesh
    vertices, faces = whole.vertices.copy(), whole.faces.copy()
    finish_mesh(whole, 500, go_on)
    assert np.array_equal(whole.vertices, vertices)
    assert np.array_equal(whole.faces, faces)


def test_cancelling_stops_it() -> None:
    def stop() -> None:
        raise Cancelled("the job was stopped before it was done")

    with pytest.raises(Cancelled):
        finish_mesh(extract(sphere, 40).mesh, 500, stop)
