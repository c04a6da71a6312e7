"""From the surface of a field to a mesh that can be looked at, printed and edited."""

from collections.abc import Callable

import trimesh

from orfeas.meshes.cleanup import remove_floaters
from orfeas.meshes.decimate import decimate
from orfeas.meshes.repair import repair
from orfeas.meshes.uncross import uncrossed

# Specification §11: components with less than this part of the largest one's faces are dropped.
FLOATER_FRACTION = 0.005


def finish_mesh(mesh: trimesh.Trimesh, target_faces: int, check: Callable[[], None]) -> trimesh.Trimesh:
    """The large components of ``mesh`` with about ``target_faces`` faces, closed, and with a normal at every vertex.

    Up to 400,000 faces, it passes through itself nowhere, as far as moving a few points a little can do that.

    Args:
        mesh: as :func:`orfeas.engines.hunyuan.surface.extract_surface` gives it; where the box cut it, it is filled.
        target_faces: at least 4.
        check: called between the steps and every tenth of a second of the long one; what it raises stops the work.

    Raises:
        InvalidMesh: nothing is left that could be closed.
        OutOfMemory: the machine's memory ran out.
    """
    check()
    mesh = remove_floaters(mesh, FLOATER_FRACTION)
    check()
    mesh = decimate(mesh, target_faces, check)
    check()
    mesh, _ = uncrossed(repair(mesh, check), check)
    return trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_normals=mesh.vertex_normals, process=False)
