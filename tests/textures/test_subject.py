"""Models set up before the cameras."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.textures.subject import DIAMETER, set_up
from tests.meshes.solids import blob, box
from tests.textures.looking import CPU


def test_any_model_fills_the_same_ball_about_the_middle_of_its_box() -> None:
    mesh = blob()
    for vertices in (mesh.vertices, mesh.vertices * 37.0 + (5.0, -90.0, 2.0)):
        points = set_up(np.asarray(vertices), np.asarray(mesh.faces), CPU).points
        assert float(points.norm(dim=1).max()) == pytest.approx(DIAMETER / 2, abs=1e-5)
        middle = (points.amin(dim=0) + points.amax(dim=0)) / 2
        assert middle.numpy() == pytest.approx(np.zeros(3), abs=1e-6)


def test_a_vertex_that_no_face_uses_does_not_count() -> None:
    cube = box()
    far = np.vstack([cube.vertices, [[np.nan, 1e6, 0.0]]])
    with_far = set_up(far, np.asarray(cube.faces), CPU)
    assert torch.equal(with_far.points[:8], set_up(np.asarray(cube.vertices), np.asarray(cube.faces), CPU).points)


def test_normals_point_outward_and_areas_add_up() -> None:
    subject = set_up(np.asarray(box().vertices), np.asarray(box().faces), CPU)
    side = DIAMETER / 3**0.5
    centres = subject.points[subject.faces].mean(dim=1)
    assert ((centres * subject.normals).sum(dim=1) > 0).all()
    assert subject.normals.norm(dim=1).numpy() == pytest.approx(np.ones(12), abs=1e-6)
    assert float(subject.areas.sum()) == pytest.approx(6 * side**2, rel=1e-5)


@pytest.mark.parametrize(
    ("vertices", "faces", "words"),
    [
        (np.zeros((3, 3)), np.zeros((0, 3), int), "no faces"),
        (np.zeros((3, 3)), np.array([[0, 1, 2]]), "one point"),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), "not finite"),
        (np.eye(3), np.array([[0, 1, 3]]), "do not exist"),
    ],
)
def test_what_is_no_model_is_refused(vertices: NDArray[np.float64], faces: NDArray[np.int64], words: str) -> None:
    with pytest.raises(InvalidMesh, match=words):
        set_up(vertices, faces, CPU)
