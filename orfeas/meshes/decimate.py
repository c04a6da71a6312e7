"""Fewer faces, nearly the same shape."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import OutOfMemory
from orfeas.meshes import simplify
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.weld import weld

# In this process up to so many faces, which is a tenth of a second in which nothing else runs; above, in a child.
MAX_FACES_HERE = 100_000
CHECK_EVERY_S = 0.1
# What a child ends with that the system killed for want of memory (SIGKILL, as Python tells it).
KILLED = -9


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
    # -P keeps the script's folder out of the child's path, where its modules would hide others of the same names.
    command = [sys.executable, "-P", str(Path(simplify.__file__)), str(target_faces)]
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write(simplify.pack(points, faces))
        stdin.seek(0)
        status = _run(command, stdin, stdout, stderr, check)
        stdout.seek(0)
        stderr.seek(0)
        if status == 0:
            return simplify.unpack(stdout.read())
        errors = stderr.read()
    if status == KILLED or b"MemoryError" in errors:
        raise OutOfMemory(f"The machine's memory ran out while {len(faces):,} faces were reduced to {target_faces:,}.")
    last_line = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
    raise RuntimeError(f"the process that reduces faces ended with {status}: {last_line}")


def _run(command: list[str], stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes], check: Callable[[], None]) -> int:
    with subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr) as child:
        try:
            while True:
                check()
                try:
                    return child.wait(CHECK_EVERY_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            child.kill()  # does nothing to one that has ended
