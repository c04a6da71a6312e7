"""Quadric edge collapse (Garland and Heckbert 1997) of bare arrays, also as a process of its own.

fast-simplification holds the interpreter's lock while it works, and keeps its mesh in variables of the process. Run as
a script, this file does the same work elsewhere; it imports nothing of ORFEAS, so that it starts quickly.
"""

import sys
import threading
from typing import BinaryIO

import fast_simplification
import numpy as np
from numpy.typing import NDArray

# How soon the collapse accepts larger errors. 3 takes the same time as the library's own 7 and halves the error; where
# few faces are asked for it stalls, and what it has left goes on with the next.
AGGRESSIONS = (3, 5, 7)
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


def pack(points: NDArray[np.float64], faces: NDArray[np.int32]) -> bytes:
    """Both arrays as bytes that :func:`unpack` reads."""
    return np.array([len(points), len(faces)], dtype=np.int64).tobytes() + points.tobytes() + faces.tobytes()


def unpack(data: bytes) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Points ``[p, 3]`` and faces ``[m, 3]`` out of what :func:`pack` made."""
    writable = bytearray(data)  # the library takes no other
    count = int(np.frombuffer(writable, dtype=np.int64, count=1)[0])
    points = np.frombuffer(writable, dtype=np.float64, count=3 * count, offset=16)
    faces = np.frombuffer(writable, dtype=np.int32, offset=16 + points.nbytes)
    return points.reshape(-1, 3), faces.reshape(-1, 3)


def main(stdin: BinaryIO, stdout: BinaryIO, target_faces: int) -> None:
    """Simplify what comes in, and send it out."""
    stdout.write(pack(*simplify(*unpack(stdin.read()), target_faces)))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
