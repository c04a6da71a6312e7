"""Fewer faces, nearly the same shape."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
# From so many on, two processes reduce a half each, to twice the faces that are wanted of the whole; the whole then
# comes down to them. Measured for 1.6 million faces on two cores: 1.7 s instead of 2.9 s, and the same distance.
MIN_FACES_IN_PIECES = 800_000
PIECE_SHARE = 2
# Less would be mostly the border along the cut.
MIN_TARGET_IN_PIECES = 40_000
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
    return reduce_faces(points, faces, target_faces, check)


def reduce_faces(
    points: NDArray[np.float64], faces: NDArray[np.int64], target_faces: int, check: Callable[[], None] = lambda: None
) -> trimesh.Trimesh:
    """As :func:`decimate`, for finite ``points`` ``[n, 3]``, all different, and ``faces`` ``[m, 3]`` between them."""
    if len(faces) > target_faces:
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        scale = float(np.abs(points - middle).max()) or 1.0
        reduced = _Reduced((points - middle) / scale, faces.astype(np.int32))
        if len(faces) >= MIN_FACES_IN_PIECES and len(faces) >= 2 * PIECE_SHARE * target_faces:
            reduced = _simplify_in_pieces(reduced, PIECE_SHARE * max(target_faces, MIN_TARGET_IN_PIECES), check)
        if len(reduced.faces) <= MAX_FACES_HERE:
            reduced = _Reduced(*simplify.simplify(reduced.points, reduced.faces, target_faces))
        else:
            reduced = _simplify_in_child(reduced, target_faces, check)
        points, faces = reduced.points * scale + middle, reduced.faces.astype(np.int64)
    return trimesh.Trimesh(vertices=points, faces=faces, process=False)


@dataclass(frozen=True)
class _Reduced:
    """A mesh within -1 to 1 on its way to fewer faces: ``points`` ``[n, 3]``, ``faces`` ``[m, 3]`` int32."""

    points: NDArray[np.float64]
    faces: NDArray[np.int32]


def _simplify_in_pieces(mesh: _Reduced, target_faces: int, check: Callable[[], None]) -> _Reduced:
    """The mesh with about ``target_faces`` faces, each half by a process of its own; where it is cut it stays fine."""
    axis = int(np.ptp(mesh.points, axis=0).argmax())
    half = len(mesh.faces) // 2
    is_upper = np.zeros(len(mesh.faces), dtype=np.bool_)
    is_upper[np.argpartition(mesh.points[mesh.faces[:, 0], axis], half)[half:]] = True

    def reduce_half(is_own: NDArray[np.bool_]) -> _Reduced:
        used = np.zeros(len(mesh.points), dtype=np.bool_)
        used[mesh.faces[is_own].ravel()] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        half = _Reduced(mesh.points[used], number[mesh.faces[is_own]])
        return _simplify_in_child(half, target_faces // 2, check, keeps_border=True)

    with ThreadPoolExecutor(2) as threads:
        lower, upper = threads.map(reduce_half, (~is_upper, is_upper))
    first, inverse = weld(points := np.concatenate([lower.points, upper.points]))
    faces = inverse[np.concatenate([lower.faces, upper.faces + len(lower.points)])]
    return _Reduced(points[first], faces.astype(np.int32))


def _simplify_in_child(
    mesh: _Reduced, target_faces: int, check: Callable[[], None], keeps_border: bool = False
) -> _Reduced:
    arrays: Arrays = {
        "points": mesh.points,
        "faces": mesh.faces,
        "target": np.array(target_faces),
        "keeps_border": np.array(keeps_border),
    }
    try:
        made = run_child(Path(simplify.__file__), arrays, TIMEOUT_S, check)
    except ChildFailed as error:
        raise RuntimeError(f"the process that reduces faces failed: {error}") from error
    return _Reduced(made["points"], made["faces"])
