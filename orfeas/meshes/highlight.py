"""A mesh with its defects made visible: where it is open, and where too many faces meet."""

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.bounds import find_reach
from orfeas.meshes.decimate import decimate
from orfeas.meshes.topology import topology_of

# sRGB: red says open, orange says shared by more than two faces.
OPEN = (214, 40, 40, 255)
CROWDED = (245, 140, 20, 255)
SURFACE = (190, 192, 196, 255)
# Radius of a bar along an edge, as a part of the model's diagonal.
RADIUS = 0.003
# The other side of the surface lies beside it, or the two would share their normals, which cancel out.
APART = 1e-5
# The longest edges are drawn first; a viewer has no use for more.
MAX_EDGES = 20_000
# A larger surface is reduced to be looked at.
MAX_FACES = 400_000
# A bar is a prism with three sides.
_SIDES = np.array([[0, 1, 4, 0, 4, 3], [1, 2, 5, 1, 5, 4], [2, 0, 3, 2, 3, 5]]).reshape(-1, 3)


def highlight(mesh: trimesh.Trimesh) -> trimesh.Trimesh | None:
    """A grey copy of ``mesh`` with a bar along every open and every crowded edge; None for a sound mesh.

    It is seen from both sides: viewers leave out what faces away, and faces that are turned the wrong way would look
    like holes.

    Args:
        mesh: finite, with a face. It is not changed.
    """
    topology = topology_of(mesh)
    points, faces, edges = topology.points, topology.faces[topology.is_whole], topology.edges
    is_open, is_crowded = edges.faces == 1, edges.faces > 2
    chosen = np.flatnonzero(is_open | is_crowded)
    is_turned = (edges.faces == 2) & (edges.forward != 1)
    if not len(chosen) and not is_turned.any():
        return None
    start, end = points[edges.low[chosen]], points[edges.high[chosen]]
    longest = np.argsort(-np.linalg.norm(end - start, axis=1), kind="stable")[:MAX_EDGES]
    reach = float(np.linalg.norm(find_reach(points[faces.ravel()])))
    bars = _bars(start[longest], end[longest], RADIUS * reach)
    colours = np.where(is_open[chosen[longest], None], OPEN, CROWDED)
    shown = trimesh.Trimesh(points, faces, process=False)
    if len(faces) > MAX_FACES:
        shown = decimate(shown, MAX_FACES)
    corners = 2 * len(shown.vertices)
    prisms = np.arange(len(longest))[:, None, None] * 6 + _SIDES + corners
    return trimesh.Trimesh(
        vertices=np.concatenate([shown.vertices, shown.vertices + reach * APART, bars.reshape(-1, 3)]),
        faces=np.concatenate([shown.faces, shown.faces[:, ::-1] + len(shown.vertices), prisms.reshape(-1, 3)]),
        vertex_colors=np.concatenate([np.tile(SURFACE, (corners, 1)), np.repeat(colours, 6, axis=0)]).astype(np.uint8),
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
