"""PLY, binary: millimetres, Y up; one vertex per place, with its colour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.polygons import polygons_of
from orfeas.meshes.srgb import to_linear, to_srgb
from orfeas.meshes.surface import Surface


def write_ply(surface: Surface, comments: Sequence[str], is_quads: bool = False) -> bytes:
    """The bytes of a binary PLY file; ``comments`` are ASCII lines.

    Where ``is_quads``, faces are quads again, if all can be: trimesh reads no binary file with faces of several sizes.
    """
    fields: list[tuple[str, str]] = [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")]
    if surface.colours is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
    vertices = np.zeros(len(surface.points), dtype=np.dtype(fields))
    columns = [surface.points, surface.normals]
    if surface.colours is not None:
        columns.append(_colours_of_points(surface.colours, surface))
    for name, column in zip(vertices.dtype.names or (), np.column_stack(columns).T, strict=True):
        vertices[name] = column
    polygons = polygons_of(surface.faces, is_quads)
    faces = _rows(surface.place[polygons[0] if len(polygons) == 1 else surface.faces])
    types = {"<f4": "float", "u1": "uchar"}
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {comment}" for comment in comments),
        f"element vertex {len(vertices)}",
        *(f"property {types[kind]} {name}" for name, kind in fields),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    header = "".join(f"{line}\n" for line in lines).encode("ascii")
    return header + vertices.tobytes() + faces.tobytes()


def _rows(polygons: NDArray[np.int64]) -> NDArray[np.void]:
    """Polygons ``[k, n]`` as they are stored, each behind its length."""
    corners = polygons.shape[1]
    rows = np.empty(len(polygons), dtype=[("count", "u1"), ("corners", "<i4", corners)])
    rows["count"] = corners
    rows["corners"] = polygons
    return rows


def _colours_of_points(colours: NDArray[np.uint8], surface: Surface) -> NDArray[np.float64]:
    """``[p, 4]`` in [0, 255]: where a seam's two sides differ, the mean of their light (conventions §6)."""
    light = np.column_stack([to_linear(colours[:, :3] / 255.0), colours[:, 3] / 255.0])
    points = len(surface.points)
    total = np.column_stack([np.bincount(surface.place, channel, minlength=points) for channel in light.T])
    mean = total / np.bincount(surface.place, minlength=points)[:, None]
    return np.round(np.column_stack([to_srgb(mean[:, :3]), mean[:, 3]]) * 255.0)
