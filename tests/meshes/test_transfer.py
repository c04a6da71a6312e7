import numpy as np
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.decimate import decimate
from orfeas.meshes.stats import measure
from orfeas.meshes.transfer import transfer_look
from tests.meshes.solids import blob, box, coloured_box, textured_ball


def test_a_reduced_mesh_shows_the_same_colours_in_the_same_places() -> None:
    ball = textured_ball(60)
    reduced = decimate(ball, 1500)
    dressed = transfer_look(ball, reduced)
    look = appearance_of(dressed)
    assert look.texture is appearance_of(ball).texture is not None
    assert look.uv is not None
    # In the middle of every face, at the poles too, the texture says what the sphere's own mapping says.
    uv = look.uv[dressed.faces].mean(axis=1)
    x, y, z = np.asarray(dressed.triangles).mean(axis=1).T
    radius = np.sqrt(x * x + y * y + z * z)
    height = 1 - np.arccos(np.clip(y / radius, -1, 1)) / np.pi
    assert np.abs(uv[:, 1] - height).max() < 0.02
    longitude = np.arctan2(-z, x) / (2 * np.pi) % 1.0
    is_clear = (np.hypot(x, z) > 0.3) & (longitude > 0.05) & (longitude < 0.95)
    assert np.abs(uv[:, 0] - longitude)[is_clear].max() < 0.02


def test_no_face_spans_the_seam() -> None:
    ball = textured_ball(60)
    dressed = transfer_look(ball, decimate(ball, 1500))
    uv = appearance_of(dressed).uv
    assert uv is not None
    assert np.ptp(uv[dressed.faces], axis=1).max() < 0.4


def test_the_shape_is_that_of_the_target() -> None:
    ball = textured_ball(60)
    reduced = decimate(ball, 1500)
    dressed = measure(transfer_look(ball, reduced))
    plain = measure(reduced)
    assert dressed.is_watertight
    assert (dressed.faces, dressed.vertices, dressed.volume_mm3) == (plain.faces, plain.vertices, plain.volume_mm3)


def test_colours_on_vertices_go_over() -> None:
    cube = coloured_box()
    finer = box().subdivide()
    colours = appearance_of(transfer_look(cube, trimesh.Trimesh(finer.vertices, finer.faces, process=False))).colours
    assert colours is not None
    expected = (np.asarray(finer.vertices) + 0.5) * [255, 200, 100]
    corners = np.abs(np.abs(finer.vertices) - 0.5).max(axis=1) < 1e-9
    assert np.abs(colours[corners, :3] - expected[corners]).max() <= 1


def test_what_looks_like_nothing_stays_so() -> None:
    look = appearance_of(transfer_look(blob(), decimate(blob(), 500)))
    assert (look.uv, look.colours, look.material) == (None, None, None)
