"""Fewer faces, nearly the same shape."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes import simplify
from orfeas.meshes.child import Arrays, ChildFailed, run_child
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.weld import weld

# In this process up to so many faces, which is a tenth of a second in which nothing else runs; above, in a child.
MAX_FACES_HERE = 100_000
TIMEOUT_S = 600.0


def decimate(mesh: trimesh.Trimesh, target_faces: int, check: Callable[[], None] = lambda: None) -> trimesh.Trimesh:
    """A mesh of about ``target_faces`` faces with the shape of ``mesh``; colours, texture and UVs are left behind.

    A closed mesh stays closed but for rare pinched edges, which :func:`orfeas.meshes.repair.repair` opens. One that has
    no more faces than that already comes back as it is, with its seams closed.

    Args:
        mesh: any unit; with at least one face.
        target_faces: at least 4.
        check: called every tenth of a second, for large meshes; what it raises stops the work at once.

    Raises:
        InvalidMesh: a number is not finite, or a corner does not exist.
        OutOfMemory: the machine's memory ran out.
    """
    stored = np.asarray(mesh.vertices, dtype=np.float64)
    check_corners(np.asarray(mesh.faces), len(stored))
    check_points(stored)
    first, inverse = weld(stored)
    points, faces = stored[first], inverse[np.asarray(mesh.faces)]
    check()
    if len(faces) > target_faces:
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        scale = float(np.abs(points - middle).max()) or 1.0
        unit, corners = (points - middle) / scale, faces.astype(np.int32)
        if len(faces) <= MAX_FACES_HERE:
            points, corners = simplify.simplify(unit, corners, target_faces)
        else:
            points, corners = _simplify_in_child(unit, corners, target_faces, check)
        points, faces = points * scale + middle, corners.astype(np.int64)
    return trimesh.Trimesh(vertices=points, faces=faces, process=False)


def _simplify_in_child(
    points: NDArray[np.float64], faces: NDArray[np.int32], target_faces: int, check: Callable[[], None]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    arrays: Arrays = {"points": points, "faces": faces, "target": np.array(target_faces)}
    try:
        made = run_child(Path(simplify.__file__), arrays, TIMEOUT_S, check)
    except ChildFailed as error:
        raise RuntimeError(f"the process that reduces faces failed: {error}") from error
    return made["points"], made["faces"]
