"""Instant Meshes as a process of its own: it prints, and a model that it cannot take ends the process.

Run as a script, this file imports nothing of ORFEAS, so that it starts quickly.
"""

import io
import os
import sys

import numpy as np

# Symmetries of directions and of positions (Jakob et al. 2015, section 3): of a grid of squares, and of triangles.
QUADS, TRIANGLES = (4, 4), (6, 3)
# Every quad it lays out comes as four, cut at the middles of its sides; triangles come two to a vertex.
QUADS_PER_VERTEX, TRIANGLES_PER_VERTEX = 4, 2
SMOOTHING_STEPS = 2
# What it may take; half a million triangles of a cube take 1.7 GB. Between surfaces that nearly touch, the library may
# go round in circles, and take all there is.
MAX_BYTES = 4_000_000_000


def bound_memory() -> None:
    """Let this process have no more data than :data:`MAX_BYTES`, where the system has such a bound; Windows has none.

    Not of addresses, of which every thread takes many that it never uses.
    """
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        bound = MAX_BYTES if most == resource.RLIM_INFINITY else min(MAX_BYTES, most)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, most))


def main() -> None:
    """Read a model as an NPZ, and write one of new faces."""
    bound_memory()
    from pynanoinstantmeshes import remesh  # only where a process runs this

    given = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    stdout = os.dup(1)
    os.dup2(2, 1)  # what the library prints is no answer
    quads = bool(given["quads"])
    directions, positions = QUADS if quads else TRIANGLES
    points, faces = remesh(
        given["points"],
        given["faces"],
        max(8, int(given["target"]) // (QUADS_PER_VERTEX if quads else TRIANGLES_PER_VERTEX)),
        rosy=directions,
        posy=positions,
        creaseAngle=float(given["crease_deg"]),
        smooth_iter=SMOOTHING_STEPS,
        deterministic=True,
    )
    made = io.BytesIO()
    np.savez(made, points=points, faces=faces)
    with os.fdopen(stdout, "wb") as answer:
        answer.write(made.getvalue())


if __name__ == "__main__":
    main()
