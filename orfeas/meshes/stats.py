"""Measures of a mesh: what a slicer or a game engine would want to know."""

from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.verdict import judge
from orfeas.meshes.weld import weld
from orfeas.records import MeshReport

# A face is degenerate where its height is at most this part of its longest edge.
MIN_HEIGHT = 1e-6


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


def measure(mesh: trimesh.Trimesh) -> MeshReport:
    """Measure a mesh in millimetres; it must be finite and have a face.

    Vertices are counted, and edges joined, by position: a UV seam is no boundary, and a vertex no face uses does not
    count. A face with two corners at one place is degenerate and has no edges. Components are joined by a shared
    vertex. The volume is None where it would mean nothing (not watertight, or not consistently wound), and negative
    where the mesh is inside out.
    """
    faces_as_stored = np.asarray(mesh.faces)
    first, inverse = weld(mesh.vertices)
    points = np.asarray(mesh.vertices)[first]
    faces = inverse[faces_as_stored]
    used = np.zeros(len(points), dtype=np.bool_)
    used[faces.ravel()] = True
    solid = faces[~repeats_a_vertex(faces)]
    edges = find_edges(solid, len(points))
    is_pair = edges.faces == 2
    is_watertight = len(solid) > 0 and bool(is_pair.all())
    is_winding_consistent = bool((edges.forward[is_pair] == 1).all())
    a, b, c = points[faces.T] - points[used].mean(axis=0)
    normals = np.cross(b - a, c - a)
    twice_areas = np.linalg.norm(normals, axis=1)
    longest = np.max([_squared(b - a), _squared(c - b), _squared(a - c)], axis=0)
    six_volumes = np.einsum("ij,ij->", a, normals)
    look = appearance_of(mesh)
    report = MeshReport(
        vertices=int(np.count_nonzero(used)),
        faces=len(faces),
        components=len(np.unique(label_vertices(edges, len(points))[used])),
        is_watertight=is_watertight,
        is_winding_consistent=is_winding_consistent,
        euler_number=int(np.count_nonzero(used)) - len(edges.low) + len(solid),
        boundary_edges=int(np.count_nonzero(edges.faces == 1)),
        non_manifold_edges=int(np.count_nonzero(edges.faces > 2)),
        degenerate_faces=int(np.count_nonzero(twice_areas <= MIN_HEIGHT * longest)),
        volume_mm3=float(six_volumes) / 6.0 if is_watertight and is_winding_consistent else None,
        area_mm2=float(twice_areas.sum()) / 2.0,
        size_mm=_size(points[used]),
        has_uv=look.uv is not None,
        has_texture=look.texture is not None,
        materials=look.materials,
    )
    return replace(report, findings=judge(report))


def repeats_a_vertex(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``[m]`` whether a face of ``faces`` ``[m, 3]`` has the same vertex at two corners."""
    repeats: NDArray[np.bool_] = (faces == faces[:, [1, 2, 0]]).any(axis=1)
    return repeats


def find_edges(faces: NDArray[np.int64], vertices: int) -> Edges:
    """The edges of ``faces`` ``[m, 3]``, none of which repeats a vertex; there are ``vertices`` vertices."""
    start = faces.ravel()
    end = faces[:, [1, 2, 0]].ravel()
    # One number per half-edge that sorts by the edge, then by the direction.
    keys = np.minimum(start, end) * vertices + np.maximum(start, end)
    half = np.sort(keys * 2 + (start < end))
    edge = half >> 1
    begins = np.flatnonzero(np.diff(edge, prepend=-1))
    low, high = np.divmod(edge[begins], max(vertices, 1))
    count = np.diff(begins, append=len(edge))
    forward = np.add.reduceat(half & 1, begins) if len(begins) else count
    return Edges(low, high, count, forward)


def label_vertices(edges: Edges, vertices: int) -> NDArray[np.int32]:
    """``[vertices]`` the number of the connected component each vertex is in."""
    ones = np.ones(len(edges.low), dtype=np.int8)
    graph = csr_array((ones, (edges.low, edges.high)), shape=(vertices, vertices))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _squared(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.einsum("ij,ij->i", sides, sides)
    return lengths


def _size(points: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = np.ptp(points, axis=0)
    return float(x), float(y), float(z)
