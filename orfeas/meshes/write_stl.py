"""STL, binary: millimetres, Z up; a soup of triangles, without colours."""

import numpy as np

from orfeas.meshes.surface import Surface

HEADER_BYTES = 80
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_stl(surface: Surface, header: str) -> bytes:
    """The bytes of a binary STL file; ``header`` is ASCII, at most 80 bytes, and does not begin with "solid"."""
    x, y, z = surface.vertices.astype(np.float32).T
    corners = np.column_stack([x, -z, y])[surface.faces]  # conventions §3: Z up
    sides = corners[:, 1:].astype(np.float64) - corners[:, :1]
    normals = np.cross(sides[:, 0], sides[:, 1])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    triangles = np.zeros(len(corners), dtype=TRIANGLE)
    triangles["normal"] = normals / np.where(length > 0, length, 1.0)
    triangles["corners"] = corners
    count = np.array(len(corners), dtype="<u4").tobytes()
    return header.encode("ascii").ljust(HEADER_BYTES)[:HEADER_BYTES] + count + triangles.tobytes()
