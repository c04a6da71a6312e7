import numpy as np
import pytest
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.highlight import CROWDED, OPEN, RADIUS, SURFACE, highlight
from tests.meshes.solids import blob, box, joined, soup, textured_ball, with_faces, without_faces


def colours_of(mesh: trimesh.Trimesh) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    colours = appearance_of(mesh).colours
    assert colours is not None
    return colours


@pytest.mark.parametrize("mesh", [box(), blob(), textured_ball(), soup(box())])
def test_a_sound_mesh_has_nothing_to_show(mesh: trimesh.Trimesh) -> None:
    assert highlight(mesh) is None


def test_a_bar_lies_along_every_open_edge() -> None:
    shown = highlight(without_faces(box(2.0), 0))
    assert shown is not None
    bars = (colours_of(shown) == OPEN).all(axis=1)
    assert np.count_nonzero(bars) == 3 * 6
    ends = np.asarray(shown.vertices)[bars].reshape(-1, 2, 3, 3).mean(axis=2)
    missing = np.asarray(box(2.0).triangles)[0]
    wanted = {frozenset(map(tuple, pair)) for pair in (missing[[0, 1]], missing[[1, 2]], missing[[2, 0]])}
    assert {frozenset(map(tuple, pair)) for pair in ends.round(9).tolist()} == wanted
    radius = RADIUS * np.sqrt(12.0)
    around = np.asarray(shown.vertices)[bars].reshape(-1, 2, 3, 3) - ends[:, :, None]
    assert np.linalg.norm(around, axis=3) == pytest.approx(radius)


def test_an_edge_of_several_faces_has_another_colour() -> None:
    shown = highlight(joined(box(), box(at=(1.0, 1.0, 0.0))))
    assert shown is not None
    assert np.count_nonzero((colours_of(shown) == CROWDED).all(axis=1)) == 6
    assert not (colours_of(shown) == OPEN).all(axis=1).any()


def test_faces_turned_the_wrong_way_are_seen_too() -> None:
    faces = np.array(box().faces)
    faces[0] = faces[0][::-1]
    shown = highlight(with_faces(box(), faces))
    assert shown is not None
    assert (colours_of(shown) == SURFACE).all()
    assert shown.area == pytest.approx(2 * box().area)


def test_the_surface_itself_is_shown_in_grey_from_both_sides() -> None:
    broken = without_faces(box(), 0)
    shown = highlight(broken)
    assert shown is not None
    grey = (colours_of(shown) == SURFACE).all(axis=1)
    assert grey[np.asarray(shown.faces)].all(axis=1).sum() == 2 * len(broken.faces)
    sides = np.asarray(shown.triangles)[grey[np.asarray(shown.faces)].all(axis=1)]
    front, back = sides[: len(broken.faces)], sides[len(broken.faces) :]
    assert back == pytest.approx(front[:, ::-1], abs=1e-4)
    assert not np.array_equal(back, front[:, ::-1])


def test_bars_are_wound_outward() -> None:
    shown = highlight(without_faces(box(), 0))
    assert shown is not None
    bars = np.asarray(shown.triangles)[-6:]
    middle = bars.reshape(-1, 3).mean(axis=0)
    normals = np.cross(bars[:, 1] - bars[:, 0], bars[:, 2] - bars[:, 0])
    assert (np.einsum("ij,ij->i", normals, bars.mean(axis=1) - middle) > 0).all()
