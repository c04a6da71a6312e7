import numpy as np
import pytest
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.crossings import find_crossing_faces
from orfeas.meshes.highlight import CROSSING, CROWDED, OPEN, RADIUS, SURFACE, highlight
from orfeas.meshes.topology import topology_of
from tests.meshes.solids import blob, box, joined, soup, textured_ball, with_faces, without_faces


def marked(mesh: trimesh.Trimesh) -> trimesh.Trimesh | None:
    topology = topology_of(mesh)
    return highlight(topology, find_crossing_faces(topology.points, topology.faces))


def colours_of(mesh: trimesh.Trimesh) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    colours = appearance_of(mesh).colours
    assert colours is not None
    return colours


@pytest.mark.parametrize("mesh", [box(), blob(), textured_ball(), soup(box())])
def test_a_sound_mesh_has_nothing_to_show(mesh: trimesh.Trimesh) -> None:
    assert marked(mesh) is None


def test_a_bar_lies_along_every_open_edge() -> None:
    shown = marked(without_faces(box(2.0), 0))
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
    shown = marked(joined(box(), box(at=(1.0, 1.0, 0.0))))
    assert shown is not None
    assert np.count_nonzero((colours_of(shown) == CROWDED).all(axis=1)) == 6
    assert not (colours_of(shown) == OPEN).all(axis=1).any()


def test_faces_turned_the_wrong_way_are_seen_too() -> None:
    faces = np.array(box().faces)
    faces[0] = faces[0][::-1]
    shown = marked(with_faces(box(), faces))
    assert shown is not None
    assert (colours_of(shown) == SURFACE).all()
    assert shown.area == pytest.approx(2 * box().area)


def test_the_surface_itself_is_shown_in_grey_from_both_sides() -> None:
    broken = without_faces(box(), 0)
    shown = marked(broken)
    assert shown is not None
    grey = (colours_of(shown) == SURFACE).all(axis=1)
    assert grey[np.asarray(shown.faces)].all(axis=1).sum() == 2 * len(broken.faces)
    sides = np.asarray(shown.triangles)[grey[np.asarray(shown.faces)].all(axis=1)]
    front, back = sides[: len(broken.faces)], sides[len(broken.faces) :]
    assert back == pytest.approx(front[:, ::-1], abs=1e-4)
    assert not np.array_equal(back, front[:, ::-1])


def test_bars_are_wound_outward() -> None:
    shown = marked(without_faces(box(), 0))
    assert shown is not None
    bars = np.asarray(shown.triangles)[-6:]
    middle = bars.reshape(-1, 3).mean(axis=0)
    normals = np.cross(bars[:, 1] - bars[:, 0], bars[:, 2] - bars[:, 0])
    assert (np.einsum("ij,ij->i", normals, bars.mean(axis=1) - middle) > 0).all()


def pierced() -> trimesh.Trimesh:
    """A box whose first corner is drawn out through the side across from it."""
    points = np.array(box().vertices)
    points[0] = -2.5 * points[0] + (0.1, 0.02, 0.03)
    return trimesh.Trimesh(points, box().faces, process=False)


def test_faces_that_pass_through_others_are_blue_on_both_sides_and_no_others() -> None:
    mesh = pierced()
    crossing = find_crossing_faces(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    assert crossing is not None
    assert 0 < len(crossing) < len(mesh.faces)
    shown = marked(mesh)
    assert shown is not None
    blue = (colours_of(shown) == CROSSING).all(axis=1)[np.asarray(shown.faces)]
    assert (blue.all(axis=1) == blue.any(axis=1)).all()
    wanted = np.isin(np.arange(len(mesh.faces)), crossing)
    assert blue.all(axis=1).tolist() == [*wanted, *wanted]
    assert shown.triangles[: len(mesh.faces)] == pytest.approx(mesh.triangles)


def test_where_crossings_were_not_looked_for_nothing_is_blue() -> None:
    assert highlight(topology_of(pierced()), None) is None
    shown = highlight(topology_of(without_faces(pierced(), 5)), None)
    assert shown is not None
    assert not (colours_of(shown) == CROSSING).all(axis=1).any()
