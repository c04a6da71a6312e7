"""What of a model is solid, so that its walls and its mass can be measured."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.boxes import overlapping
from orfeas.meshes.halfedges import half_edges, label
from orfeas.meshes.orientation import component_volumes, orient
from orfeas.meshes.topology import Topology
from orfeas.meshes.verdict import is_sheet
from orfeas.records import MeshReport

INSIDE_OUT = "What is inside out was measured turned outward; repair turns it."
OVERLAP = "Bodies that overlap count twice."
# Of a box's sides: bodies that only touch do not overlap.
TOUCH = 1e-6


@dataclass(frozen=True)
class Solid:
    """The bodies of a model, or why there are none.

    Attributes:
        mesh: wound outward (conventions §4); as it was where ``why_not`` says something.
        volume_mm3: of all bodies, each for itself; None where there are none.
        why_not: why nothing is solid, as half a sentence.
        notes: sentences on what was done, and on what the volume leaves open.
    """

    mesh: trimesh.Trimesh
    volume_mm3: float | None = None
    why_not: str = ""
    notes: tuple[str, ...] = ()


def find_solid(mesh: trimesh.Trimesh, topology: Topology, report: MeshReport) -> Solid:
    """The bodies of ``mesh``, whose ``topology`` and ``report`` are given, turned outward where they are not."""
    if is_sheet(report, topology):
        return Solid(mesh, why_not="it is a sheet")
    if report.volume_mm3 is None:
        return Solid(mesh, why_not=_why_not(report))
    faces = topology.faces[topology.is_whole]
    sides = half_edges(faces).pairs()
    labels = label(sides // 3, len(faces))
    volumes = component_volumes(topology.points, faces, labels)
    notes: tuple[str, ...] = ()
    if (volumes < 0).any():
        outward = orient(topology.points, faces, sides)
        if (outward != faces).any():
            faces, notes = outward, (INSIDE_OUT,)
            volumes = component_volumes(topology.points, faces, labels)
            mesh = trimesh.Trimesh(topology.points, faces, process=False)
    corners = topology.points[faces]
    if _do_boxes_overlap(corners, labels, volumes > 0):
        notes += (OVERLAP,)
    return Solid(mesh, float(volumes.sum()), notes=notes)


def _why_not(report: MeshReport) -> str:
    if report.non_manifold_edges and not report.boundary_edges:
        return "more than two of its faces share an edge"
    if report.is_watertight:
        return "some of its faces are turned the other way round"
    return "it is not closed"


def _do_boxes_overlap(corners: NDArray[np.float64], labels: NDArray[np.int64], is_body: NDArray[np.bool_]) -> bool:
    """Whether the boxes around any two bodies overlap; components that bound a hollow are none."""
    if np.count_nonzero(is_body) < 2:
        return False
    low, high = np.full((len(is_body), 3), np.inf), np.full((len(is_body), 3), -np.inf)
    np.minimum.at(low, labels, corners.min(axis=1))
    np.maximum.at(high, labels, corners.max(axis=1))
    low, high = low[is_body], high[is_body]
    margin = TOUCH * (high - low)
    return any(len(pairs) > 0 for pairs in overlapping(low + margin, high - margin))
