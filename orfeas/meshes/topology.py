"""How a mesh hangs together when corners at one place are one vertex."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from orfeas.meshes.weld import weld


@dataclass(frozen=True)
class Edges:
    """Every edge of a mesh once, by its ends in ascending order.

    Attributes:
        low: ``[e]`` the vertex of lower number.
        high: ``[e]`` the other one.
        faces: ``[e]`` how many faces have the edge.
        forward: ``[e]`` how many of them run along it from ``low`` to ``high``.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    faces: NDArray[np.int64]
    forward: NDArray[np.int64]


@dataclass(frozen=True)
class Topology:
    """A mesh by its places.

    Attributes:
        points: ``[n, 3]``, all different, in the order of their first vertices.
        faces: ``[m, 3]`` int64, in the mesh's order.
        is_whole: ``[m]`` whether a face has three different corners; one that does not has no edges.
        edges: of the whole faces.
        labels: ``[n]`` the number of the connected component each point is in.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    is_whole: NDArray[np.bool_]
    edges: Edges
    labels: NDArray[np.int32]


def topology_of(mesh: trimesh.Trimesh) -> Topology:
    """The topology of ``mesh``, whose numbers are finite; a UV seam parts nothing."""
    return topology_between(*welded(mesh))


def welded(mesh: trimesh.Trimesh) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The places of ``mesh`` ``[n, 3]``, all different, in the order of their first vertices; its faces between them.

    Where no two vertices lie at one place these are the mesh's own arrays; they are not for writing.
    """
    points, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)
    first, inverse = weld(points)
    return (points, faces) if len(first) == len(points) else (points[first], inverse[faces])


def topology_between(points: NDArray[np.float64], faces: NDArray[np.int64]) -> Topology:
    """The topology of ``faces`` ``[m, 3]`` between ``points`` ``[n, 3]``, which are all different."""
    is_whole = ~repeats_a_vertex(faces)
    edges = find_edges(faces if is_whole.all() else faces[is_whole])
    return Topology(points, faces, is_whole, edges, label_vertices(edges, len(points)))


def repeats_a_vertex(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[m]`` whether a face of ``faces`` ``[m, 3]`` has the same vertex at two corners."""
    a, b, c = faces.T
    repeats: NDArray[np.bool_] = (a == b) | (b == c) | (c == a)
    return repeats


def find_edges(faces: NDArray[np.int64]) -> Edges:
    """The edges of ``faces`` ``[m, 3]``, none of which repeats a vertex; there are fewer than 2³¹ vertices."""
    corners = np.ascontiguousarray(faces.T, dtype=np.int32)
    # One number per half-edge that sorts by the edge, then by the direction: the low end, the high end, a bit.
    whole = np.empty((3, len(faces)), dtype=np.int64)
    for keys, start, end in zip(whole, corners, np.roll(corners, -1, axis=0), strict=True):
        keys[:] = np.minimum(start, end)
        keys <<= 31
        keys |= np.maximum(start, end)
        keys <<= 1
        keys |= start < end
    # In place and in bytes where it can be: large arrays are new memory, whose first touch takes longer than the work.
    half: NDArray[np.int64] = whole.ravel()
    half.sort()
    runs_forward = half.astype(np.uint8)
    runs_forward &= 1
    half >>= 1
    is_first = np.ones(len(half), dtype=np.bool_)
    np.not_equal(half[1:], half[:-1], out=is_first[1:])
    begins = np.flatnonzero(is_first)
    low, high = half[begins], half[begins]
    low >>= 31
    high &= 0x7FFF_FFFF
    count = np.diff(begins, append=len(half))
    forward = np.add.reduceat(runs_forward, begins, dtype=np.int64) if len(begins) else count
    return Edges(low, high, count, forward)


def label_vertices(edges: Edges, vertices: int) -> NDArray[np.int32]:
    """``[vertices]`` the number of the connected component each vertex is in."""
    # A vertex hangs on its lowest neighbour, if that is lower, and so on: trees, of few roots. What is left to label
    # are the roots, by the edges between trees.
    low, high = edges.low.astype(np.int32), edges.high.astype(np.int32)
    root = np.arange(vertices, dtype=np.int32)
    root[high[::-1]] = low[::-1]  # of several the last stays, and the edges are in the order of their lower ends
    while not np.array_equal(root, above := root[root]):
        root = above
    is_root = np.zeros(vertices, dtype=np.bool_)
    is_root[root] = True
    tree = (np.cumsum(is_root, dtype=np.int32) - 1)[root]
    one, other = tree[low], tree[high]
    is_between = one != other
    links = one[is_between], other[is_between]
    trees = int(np.count_nonzero(is_root))
    graph = csr_array((np.ones(len(links[0]), dtype=np.int8), links), shape=(trees, trees))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1][tree]
    return labels
