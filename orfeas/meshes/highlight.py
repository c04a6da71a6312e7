"""A mesh with its defects made visible: where it is open, where too many faces meet, and where it crosses itself."""

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.bounds import find_reach
from orfeas.meshes.crossings import MAX_SEARCHED
from orfeas.meshes.decimate import decimate
from orfeas.meshes.topology import Topology

# sRGB: red says open, orange says shared by more than two faces, blue says that a face passes through another.
OPEN = (214, 40, 40, 255)
CROWDED = (245, 140, 20, 255)
CROSSING = (40, 100, 225, 255)
SURFACE = (190, 192, 196, 255)
# Radius of a bar along an edge, as a part of the model's diagonal.
RADIUS = 0.003
# The other side of the surface lies beside it, or the two would share their normals, which cancel out.
APART = 1e-5
# The longest edges are drawn first; a viewer has no use for more.
MAX_EDGES = 20_000
# A larger surface is reduced to be looked at; of so many faces none is known to cross, whose number would change.
MAX_FACES = MAX_SEARCHED
# A bar is a prism with three sides.
_SIDES = np.array([[0, 1, 4, 0, 4, 3], [1, 2, 5, 1, 5, 4], [2, 0, 3, 2, 3, 5]]).reshape(-1, 3)


def highlight(topology: Topology, crossing: NDArray[np.int64] | None) -> trimesh.Trimesh | None:
    """A grey copy of a mesh, a bar along every open and every crowded edge, crossing faces blue; None for a sound mesh.

    It is seen from both sides: viewers leave out what faces away, and faces that are turned the wrong way would look
    like holes.

    Args:
        topology: the mesh's; it has a face.
        crossing: ``[k]`` its faces that pass through others; None where that was not looked for.
    """
    points, faces, edges = topology.points, topology.faces[topology.is_whole], topology.edges
    is_open, is_crowded = edges.faces == 1, edges.faces > 2
    chosen = np.flatnonzero(is_open | is_crowded)
    is_turned = (edges.faces == 2) & (edges.forward != 1)
    is_crossing = np.zeros(len(topology.faces), dtype=np.bool_)
    is_crossing[[] if crossing is None else crossing] = True
    if not len(chosen) and not is_turned.any() and not is_crossing.any():
        return None
    start, end = points[edges.low[chosen]], points[edges.high[chosen]]
    longest = np.argsort(-np.linalg.norm(end - start, axis=1), kind="stable")[:MAX_EDGES]
    reach = float(np.linalg.norm(find_reach(points[faces.ravel()])))
    bars = _bars(start[longest], end[longest], RADIUS * reach)
    shown = trimesh.Trimesh(points, faces, process=False)
    if len(faces) > MAX_FACES:
        shown = decimate(shown, MAX_FACES)
    # A face that is blue has corners of its own, and its neighbours stay grey.
    sides, crossed = np.array(shown.faces), np.flatnonzero(is_crossing[topology.is_whole])
    vertices = np.concatenate([shown.vertices, shown.vertices[sides[crossed].ravel()]])
    sides[crossed] = len(shown.vertices) + np.arange(3 * len(crossed)).reshape(-1, 3)
    colours = np.concatenate(
        [
            np.tile(np.repeat([SURFACE, CROSSING], [len(shown.vertices), 3 * len(crossed)], axis=0), (2, 1)),
            np.repeat(np.where(is_open[chosen[longest], None], OPEN, CROWDED), 6, axis=0),
        ]
    )
    prisms = np.arange(len(longest))[:, None, None] * 6 + _SIDES + 2 * len(vertices)
    return trimesh.Trimesh(
        vertices=np.concatenate([vertices, vertices + reach * APART, bars.reshape(-1, 3)]),
        faces=np.concatenate([sides, sides[:, ::-1] + len(vertices), prisms.reshape(-1, 3)]),
        vertex_colors=colours.astype(np.uint8),
        process=False,
    )


def _bars(start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """``[k, 6, 3]`` the corners of a prism around each edge: three around its start, then three around its end."""
    along = end - start
    across = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
    across *= radius / np.linalg.norm(across, axis=1, keepdims=True)
    upward = np.cross(along, across)
    upward *= radius / np.linalg.norm(upward, axis=1, keepdims=True)
    turns = 2.0 * np.pi * np.arange(3) / 3.0
    ring = across[:, None] * np.cos(turns)[:, None] + upward[:, None] * np.sin(turns)[:, None]
    return np.concatenate([start[:, None] + ring, end[:, None] + ring], axis=1)
