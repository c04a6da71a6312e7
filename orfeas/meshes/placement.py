"""Models stand on their base, in the middle, at the size that was asked for."""

import numpy as np
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.bounds import find_bounds
from orfeas.meshes.limits import check_points

# Below it, numbers lose their digits; no model in any unit is that small.
SMALLEST = 1e-30


def place(mesh: trimesh.Trimesh, size_mm: float) -> trimesh.Trimesh:
    """A copy of ``mesh`` in its place (conventions §2): longest side ``size_mm``, lowest at y = 0, centred on x and z.

    Vertices that no face uses do not count. Colours, texture and UVs come along.

    Raises:
        InvalidMesh: no faces, not finite, far too large, or all in one point.
    """
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    used = vertices[np.unique(mesh.faces)]
    if not len(used):
        raise InvalidMesh("The model is empty.")
    check_points(used)
    low, high = find_bounds(used)
    longest = float((high - low).max())
    if longest < SMALLEST:
        raise InvalidMesh("All of the model lies in one point.")
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    return trimesh.Trimesh(
        vertices=(vertices - base) * (size_mm / longest),
        faces=np.asarray(mesh.faces).copy(),
        visual=visual_of(appearance_of(mesh), np.arange(len(vertices))),
        metadata=mesh.metadata,
        process=False,
    )
