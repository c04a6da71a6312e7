"""Measures of a mesh: what a slicer or a game engine would want to know."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.bounds import find_reach
from orfeas.meshes.crossings import count_crossing_faces
from orfeas.meshes.topology import Topology, topology_between, welded
from orfeas.meshes.verdict import judge
from orfeas.records import MeshReport

# A face is degenerate where its height is at most this part of its longest edge.
MIN_HEIGHT = 1e-6
# Faces that are measured at a time: their numbers stay in a core's own memory.
CHUNK = 1 << 14


@dataclass(frozen=True)
class Extent:
    """How large a surface is; ``degenerate_faces`` have next to no height."""

    area_mm2: float
    volume_mm3: float
    degenerate_faces: int


def measure(mesh: trimesh.Trimesh, check: Callable[[], None] = lambda: None) -> MeshReport:
    """Measure a mesh in millimetres; it must be finite and have a face.

    Vertices are counted, and edges joined, by position: a UV seam is no boundary, and a vertex no face uses does not
    count. A face with two corners at one place is degenerate and has no edges. Components are joined by a shared
    vertex. The volume is None where it would mean nothing (not watertight, or not consistently wound), and negative
    where the mesh is inside out.

    Args:
        mesh: as above.
        check: called every few hundredths of a second while crossing faces are looked for, which takes up to two
            seconds; what it raises stops the work.
    """
    topology, extent = look_into(mesh)
    crossing_faces = count_crossing_faces(topology.points, topology.faces, check)
    return measure_by(topology, extent, mesh, crossing_faces)


def look_into(mesh: trimesh.Trimesh) -> tuple[Topology, Extent]:
    """What :func:`measure` rests on, found side by side; ``mesh`` must be finite and have a face."""
    points, faces = welded(mesh)
    with ThreadPoolExecutor(1) as aside:
        extent = aside.submit(_extent, points, faces)
        return topology_between(points, faces), extent.result()


def measure_by(topology: Topology, extent: Extent, mesh: trimesh.Trimesh, crossing_faces: int | None) -> MeshReport:
    """What :func:`measure` tells, where all that :func:`look_into` finds, and how many faces cross, is known."""
    points, faces, edges = topology.points, topology.faces, topology.edges
    used = np.zeros(len(points), dtype=np.bool_)
    used[faces.ravel()] = True
    vertices, whole = int(np.count_nonzero(used)), int(np.count_nonzero(topology.is_whole))
    is_pair = edges.faces == 2
    is_watertight = whole > 0 and bool(is_pair.all())
    is_winding_consistent = bool((edges.forward[is_pair] == 1).all())
    look = appearance_of(mesh)
    report = MeshReport(
        vertices=vertices,
        faces=len(faces),
        components=int(np.count_nonzero(np.bincount(topology.labels[used]))),
        is_watertight=is_watertight,
        is_winding_consistent=is_winding_consistent,
        euler_number=vertices - len(edges.low) + whole,
        boundary_edges=int(np.count_nonzero(edges.faces == 1)),
        non_manifold_edges=int(np.count_nonzero(edges.faces > 2)),
        degenerate_faces=extent.degenerate_faces,
        volume_mm3=extent.volume_mm3 if is_watertight and is_winding_consistent else None,
        area_mm2=extent.area_mm2,
        size_mm=_size(points if vertices == len(points) else points[used]),
        has_uv=look.uv is not None,
        has_texture=look.texture is not None,
        materials=look.materials,
        crossing_faces=crossing_faces,
    )
    return replace(report, findings=judge(report, topology))


def _extent(points: NDArray[np.float64], faces: NDArray[np.int64]) -> Extent:
    """Areas and volumes of ``faces`` ``[m, 3]``; whatever the place of the mesh, its volume is exact to rounding."""
    # By columns: NumPy takes three times as long for rows of three.
    x, y, z = np.ascontiguousarray((points - points[faces[0]].mean(axis=0)).T)
    twice_area = six_volumes = 0.0
    degenerate = 0
    for start in range(0, len(faces), CHUNK):
        a, b, c = (np.stack([x[corner], y[corner], z[corner]]) for corner in faces[start : start + CHUNK].T)
        one, other, third = b - a, c - a, c - b
        normals = np.stack([one[i] * other[j] - one[j] * other[i] for i, j in ((1, 2), (2, 0), (0, 1))])
        twice_areas = np.sqrt(_squared(normals))
        longest = np.maximum(np.maximum(_squared(one), _squared(other)), _squared(third))
        twice_area += float(twice_areas.sum())
        six_volumes += float(np.einsum("ij,ij->", a, normals))
        degenerate += int(np.count_nonzero(twice_areas <= MIN_HEIGHT * longest))
    return Extent(twice_area / 2.0, six_volumes / 6.0, degenerate)


def _squared(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[k]`` the squared lengths of ``sides`` ``[3, k]``."""
    x, y, z = sides
    squares: NDArray[np.float64] = x * x + y * y + z * z
    return squares


def _size(points: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = find_reach(points)
    return float(x), float(y), float(z)
