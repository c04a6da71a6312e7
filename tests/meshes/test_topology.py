"""How a mesh hangs together, held against counting one edge after the other."""

from collections import defaultdict

import numpy as np
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from orfeas.meshes.topology import find_edges, label_vertices, repeats_a_vertex, topology_of, welded
from tests.meshes.solids import blob, box, joined, textured_ball

VERTICES = 9
FACES = st.lists(st.permutations(range(VERTICES)).map(lambda order: order[:3]), max_size=20)


def counted(faces: NDArray[np.int64]) -> dict[tuple[int, int], tuple[int, int]]:
    """How many faces have each edge, by its ends in ascending order, and how many run along it so."""
    found: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for face in faces.tolist():
        for start, end in zip(face, [*face[1:], face[0]], strict=True):
            found[min(start, end), max(start, end)].append(start < end)
    return {edge: (len(runs), sum(runs)) for edge, runs in found.items()}


@given(FACES)
def test_every_edge_is_found_once_in_order_with_its_faces(chosen: list[list[int]]) -> None:
    faces = np.array(chosen, dtype=np.int64).reshape(-1, 3)
    edges = find_edges(faces)
    found = zip(*(numbers.tolist() for numbers in (edges.low, edges.high, edges.faces, edges.forward)), strict=True)
    rows = {(low, high): (count, forward) for low, high, count, forward in found}
    assert rows == counted(faces)
    assert list(rows) == sorted(rows)


def test_an_edge_of_more_faces_than_a_byte_counts() -> None:
    fan = np.array([[0, 1, 2 + number] for number in range(600)])
    edges = find_edges(fan)
    assert (edges.faces[0], edges.forward[0]) == (600, 600)


def test_vertices_of_high_number_keep_their_edges() -> None:
    high = 2**31 - 4
    edges = find_edges(np.array([[high, high + 1, high + 2], [high + 2, high + 1, 0]]))
    assert list(zip(edges.low.tolist(), edges.high.tolist(), edges.faces.tolist(), strict=True)) == [
        (0, high + 1, 1),
        (0, high + 2, 1),
        (high, high + 1, 1),
        (high, high + 2, 1),
        (high + 1, high + 2, 2),
    ]


@given(FACES)
def test_vertices_that_edges_join_have_one_label(chosen: list[list[int]]) -> None:
    faces = np.array(chosen, dtype=np.int64).reshape(-1, 3)
    groups = [{vertex} for vertex in range(VERTICES)]
    for face in chosen:
        joining = [group for group in groups if group & set(face)]
        groups = [group for group in groups if not group & set(face)] + [set().union(*joining)]
    labels = label_vertices(find_edges(faces), VERTICES)
    assert len(np.unique(labels)) == len(groups)
    assert all(len(np.unique(labels[sorted(group)])) == 1 for group in groups)


def test_a_seam_parts_nothing() -> None:
    ball = textured_ball()
    topology = topology_of(ball)
    assert len(topology.points) < len(ball.vertices)
    assert (topology.edges.faces == 2).all()
    assert len(np.unique(topology.labels)) == 1
    assert np.array_equal(topology.points[topology.faces], np.asarray(ball.vertices)[ball.faces])


def test_each_body_has_a_label() -> None:
    topology = topology_of(joined(box(), box(at=(5, 0, 0)), box(at=(9, 0, 0))))
    assert len(np.unique(topology.labels)) == 3


def test_what_has_nothing_to_weld_is_not_copied() -> None:
    mesh = blob()
    points, faces = welded(mesh)
    assert np.shares_memory(points, mesh.vertices)
    assert np.shares_memory(faces, mesh.faces)


def test_a_face_with_two_corners_at_one_place_has_no_edges() -> None:
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]], [[0, 1, 2], [0, 1, 3]], process=False)
    topology = topology_of(mesh)
    assert topology.is_whole.tolist() == [True, False]
    assert len(topology.edges.low) == 3
    assert repeats_a_vertex(topology.faces).tolist() == [False, True]
