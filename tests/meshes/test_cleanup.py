import numpy as np
import pytest
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.cleanup import keep_faces, remove_floaters
from orfeas.meshes.stats import measure
from tests.meshes.solids import blob, box, coloured_box, joined, soup, textured_ball


def test_small_pieces_go_and_large_ones_stay() -> None:
    second = trimesh.Trimesh(blob(1200).vertices + 10.0, blob(1200).faces, process=False)
    mesh = joined(box(0.1, (5, 5, 5)), blob(2000), second, box(0.1, (-5, 0, 0)))
    cleaned = remove_floaters(mesh, 0.05)
    assert measure(cleaned).components == 2
    assert len(cleaned.faces) == len(blob(2000).faces) + len(blob(1200).faces)
    assert len(cleaned.vertices) == measure(cleaned).vertices


def test_the_measure_is_the_largest_piece_and_not_the_whole() -> None:
    # Ten cubes of equal size are a tenth of the whole each.
    mesh = joined(*(box(at=(3.0 * n, 0, 0)) for n in range(10)))
    assert len(remove_floaters(mesh, 1.0).faces) == 120


@pytest.mark.parametrize("min_fraction", [0.0, 0.5, 1.0])
def test_a_seam_parts_nothing(min_fraction: float) -> None:
    assert len(remove_floaters(textured_ball(), min_fraction).faces) == len(textured_ball().faces)
    assert len(remove_floaters(soup(box()), min_fraction).faces) == 12


def test_the_mesh_given_is_not_changed() -> None:
    mesh = joined(blob(), box(0.1, (5, 5, 5)))
    vertices, faces = np.array(mesh.vertices), np.array(mesh.faces)
    remove_floaters(mesh, 0.1)
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(mesh.faces, faces)


def test_uvs_come_along_with_the_faces_that_are_kept() -> None:
    mesh = textured_ball()
    kept = np.arange(len(mesh.faces)) % 3 == 0
    part = keep_faces(mesh, kept)
    before, after = appearance_of(mesh), appearance_of(part)
    assert before.uv is not None and after.uv is not None
    assert np.array_equal(after.uv[part.faces], before.uv[mesh.faces[kept]])
    assert np.array_equal(part.vertices[part.faces], mesh.vertices[mesh.faces[kept]])
    assert after.texture is before.texture


def test_colours_come_along_with_the_faces_that_are_kept() -> None:
    mesh = coloured_box()
    kept = np.arange(12) < 2
    part = keep_faces(mesh, kept)
    before, after = appearance_of(mesh).colours, appearance_of(part).colours
    assert before is not None and after is not None
    assert np.array_equal(after[part.faces], before[mesh.faces[kept]])
