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
    first, inverse = weld(mesh.vertices)
    points, faces = np.asarray(mesh.vertices, dtype=np.float64)[first], inverse[np.asarray(mesh.faces)]
    is_whole = ~repeats_a_vertex(faces)
    edges = find_edges(faces if is_whole.all() else faces[is_whole], len(points))
    return Topology(points, faces, is_whole, edges, label_vertices(edges, len(points)))


def repeats_a_vertex(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[m]`` whether a face of ``faces`` ``[m, 3]`` has the same vertex at two corners."""
    a, b, c = faces.T
    repeats: NDArray[np.bool_] = (a == b) | (b == c) | (c == a)
    return repeats


def find_edges(faces: NDArray[np.int64], vertices: int) -> Edges:
    """The edges of ``faces`` ``[m, 3]``, none of which repeats a vertex; there are ``vertices`` vertices."""
    a, b, c = faces.T
    # One number per half-edge that sorts by the edge, then by the direction.
    half = np.concatenate(
        [
            (np.minimum(start, end) * vertices + np.maximum(start, end)) * 2 + (start < end)
            for start, end in ((a, b), (b, c), (c, a))
        ]
    )
    half.sort()
    edge = half >> 1
    begins = np.flatnonzero(np.diff(edge, prepend=-1))
    low, high = np.divmod(edge[begins], max(vertices, 1))
    count = np.diff(begins, append=len(edge))
    forward = np.add.reduceat(half & 1, begins) if len(begins) else count
    return Edges(low, high, count, forward)


def label_vertices(edges: Edges, vertices: int) -> NDArray[np.int32]:
    """``[vertices]`` the number of the connected component each vertex is in."""
    # The edges are in the order of their lower ends: the rows of a matrix as they stand.
    rows = np.searchsorted(edges.low, np.arange(vertices + 1))
    ones = np.ones(len(edges.low), dtype=np.int8)
    graph = csr_array((ones, edges.high, rows), shape=(vertices, vertices))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels
