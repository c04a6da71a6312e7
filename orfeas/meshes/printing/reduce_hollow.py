"""A hollow model in fewer faces, with walls that hold."""

from collections.abc import Callable

import numpy as np
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.bounds import find_reach
from orfeas.meshes.crossings import count_crossing_faces
from orfeas.meshes.decimate import decimate
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.repair import repair
from orfeas.meshes.stats import look_into, measure_by
from orfeas.meshes.transfer import transfer_look

# Of a wall: what is thinner counts as thin; and so much more of the surface may be thin than was, at rims of holes.
THIN = 0.8
MORE_THIN = 0.002
# Of a side, and of the material.
SIZE_TOLERANCE, VOLUME_TOLERANCE = 0.01, 0.03
SAMPLES = 4_000


def reduce_hollow(
    mesh: trimesh.Trimesh, wall_mm: float, target_faces: int, check: Callable[[], None] = lambda: None
) -> trimesh.Trimesh | None:
    """``mesh`` in about ``target_faces`` faces, with its look, or None where that would not be sound.

    It is where the model stays closed and of as many bodies, nothing passes through anything, its size stays within a
    hundredth and its material within three, and walls are no thinner than :data:`THIN` of ``wall_mm`` but where they
    were.

    Args:
        mesh: millimetres, as :func:`orfeas.meshes.printing.hollow.hollow` leaves it.
        wall_mm: over 0, how thick its walls were to be.
        target_faces: at least 4.
        check: called often; what it raises stops the work.

    Raises:
        OutOfMemory: the machine's memory ran out.
    """
    made = repair(decimate(mesh, target_faces, check), check)
    topology, extent = look_into(made)
    after = measure_by(topology, extent, made, count_crossing_faces(topology.points, topology.faces, check))
    before = measure_by(*look_into(mesh), mesh, crossing_faces=None)
    if before.volume_mm3 is None or after.volume_mm3 is None or after.crossing_faces != 0:
        return None
    was, is_now = (find_reach(np.asarray(one.vertices, dtype=np.float64)) for one in (mesh, made))
    is_alike = (
        after.components == before.components
        and abs(after.volume_mm3 - before.volume_mm3) <= VOLUME_TOLERANCE * before.volume_mm3
        and bool((np.abs(is_now - was) <= SIZE_TOLERANCE * was).all())
    )
    if not is_alike or _thin_share(made, wall_mm, check) > _thin_share(mesh, wall_mm, check) + MORE_THIN:
        return None
    look = appearance_of(mesh)
    return made if look.uv is None and look.colours is None else transfer_look(mesh, made)


def _thin_share(mesh: trimesh.Trimesh, wall_mm: float, check: Callable[[], None]) -> float:
    return measure_thickness(mesh, THIN * wall_mm, SAMPLES, check).thin_share
