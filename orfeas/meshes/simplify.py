"""Quadric edge collapse (Garland and Heckbert 1997) of bare arrays, also as a process of its own.

fast-simplification holds the interpreter's lock while it works, and keeps its mesh in variables of the process. Run as
a script, this file does the same work elsewhere; it imports nothing of ORFEAS, so that it starts quickly.
"""

import io
import sys
import threading
from typing import BinaryIO

import fast_simplification
import numpy as np
from numpy.typing import NDArray

# How soon the collapse accepts larger errors. 3 takes the same time as the library's own 7 and halves the error; where
# few faces are asked for it stalls, and what it has left goes on with the next.
AGGRESSIONS = (3, 5, 7)
# Of the faces a piece should come to: what may lie along its border, which stays as fine as it is.
MAX_BORDER = 0.25
# The library's mesh is one per process, whoever asks.
_ONE_AT_A_TIME = threading.Lock()


def simplify(
    points: NDArray[np.float64], faces: NDArray[np.int32], target_faces: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Points ``[p, 3]`` and faces ``[m, 3]`` with ``target_faces`` faces or a few less, where the shape allows it.

    Args:
        points: ``[p, 3]``, from about −1 to 1: the collapse compares errors with fixed lengths.
        faces: ``[m, 3]``, more than ``target_faces``.
        target_faces: at least 4.
    """
    for aggression in AGGRESSIONS:
        if len(faces) > target_faces:
            with _ONE_AT_A_TIME:
                points, faces = fast_simplification.simplify(points, faces, target_count=target_faces, agg=aggression)
    return points, faces


def simplify_inside(
    points: NDArray[np.float64], faces: NDArray[np.int32], target_faces: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """As :func:`simplify`, with every point on a border where it was; unchanged where the border alone is too long."""
    if len(faces) <= target_faces:
        return points, faces
    with _ONE_AT_A_TIME:
        fewer_points, fewer = fast_simplification.simplify(
            points, faces, target_count=target_faces, agg=AGGRESSIONS[0], preserve_border=True
        )
    # The border is the same as before, and quicker to count.
    if _count_border(fewer, len(fewer_points)) > MAX_BORDER * target_faces:
        return points, faces
    return fewer_points, fewer


def _count_border(faces: NDArray[np.int32], points: int) -> int:
    """How many edges have one face alone."""
    a, b, c = faces.astype(np.int64).T
    edges = ((a, b), (b, c), (c, a))
    keys = np.sort(np.concatenate([np.minimum(p, q) * points + np.maximum(p, q) for p, q in edges]))
    return int(np.count_nonzero(np.diff(np.flatnonzero(np.diff(keys, prepend=-1)), append=len(keys)) == 1))


def main(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Read a mesh as an NPZ with the faces it should have, simplify it, and write it as another."""
    given = np.load(io.BytesIO(stdin.read()), allow_pickle=False)
    work = simplify_inside if given["keeps_border"] else simplify
    # Copies: the library takes no arrays that cannot be written.
    points, faces = work(np.array(given["points"]), np.array(given["faces"]), int(given["target"]))
    made = io.BytesIO()
    np.savez(made, points=points, faces=faces)
    stdout.write(made.getvalue())


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
