"""Round holes through a closed surface, exactly, as a process of its own.

The library (Manifold) keeps the interpreter's lock while it works. Run as a script, this file imports nothing of
ORFEAS, so that it starts quickly.
"""

import io
import sys

import manifold3d
import numpy as np
from numpy.typing import NDArray

SEGMENTS = 32


def main() -> None:
    """Read a model and holes as an NPZ, and write the model with the holes.

    In: ``rows`` ``[n, 3 + p]`` places and what else vertices carry, ``faces`` ``[m, 3]``, ``place`` ``[n]`` the first
    vertex at each one's place, ``lining`` ``[p]`` what the holes' vertices carry, ``holes`` ``[k, 5]`` x, z, from y, to
    y, radius. Out: ``rows`` and ``faces``, or ``error``.
    """
    given = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    twin = np.flatnonzero(given["place"] != np.arange(len(given["place"])))
    body = manifold3d.Manifold(
        manifold3d.Mesh64(
            np.ascontiguousarray(given["rows"], dtype=np.float64),
            np.ascontiguousarray(given["faces"], dtype=np.uint64),
            merge_from_vert=twin.astype(np.uint64),
            merge_to_vert=given["place"][twin].astype(np.uint64),
        )
    )
    made = io.BytesIO()
    if body.status() != manifold3d.Error.NoError:
        np.savez(made, error=np.array(body.status().name))
    else:
        for x, z, low, high, radius in given["holes"]:
            tool = manifold3d.Manifold.cylinder(high - low, radius, circular_segments=SEGMENTS)
            body -= _lined(tool.rotate((-90.0, 0.0, 0.0)).translate((x, low, z)), given["lining"])
        cut = body.to_mesh64()
        np.savez(made, rows=cut.vert_properties, faces=cut.tri_verts)
    sys.stdout.buffer.write(made.getvalue())


def _lined(tool: manifold3d.Manifold, lining: NDArray[np.float64]) -> manifold3d.Manifold:
    mesh = tool.to_mesh64()
    rows = np.hstack([mesh.vert_properties[:, :3], np.tile(lining, (len(mesh.vert_properties), 1))])
    return manifold3d.Manifold(manifold3d.Mesh64(np.ascontiguousarray(rows), mesh.tri_verts.astype(np.uint64)))


if __name__ == "__main__":
    main()
