"""PLY, binary: millimetres, Y up; one vertex per place, with its colour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.srgb import to_linear, to_srgb
from orfeas.meshes.surface import Surface

FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def write_ply(surface: Surface, comments: Sequence[str]) -> bytes:
    """The bytes of a binary PLY file; ``comments`` are ASCII lines."""
    fields: list[tuple[str, str]] = [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")]
    if surface.colours is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
    vertices = np.zeros(len(surface.points), dtype=np.dtype(fields))
    columns = [surface.points, surface.normals]
    if surface.colours is not None:
        columns.append(_colours_of_points(surface.colours, surface))
    for name, column in zip(vertices.dtype.names or (), np.column_stack(columns).T, strict=True):
        vertices[name] = column
    faces = np.empty(len(surface.faces), dtype=FACE)
    faces["count"] = 3
    faces["corners"] = surface.place[surface.faces]
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
    return "".join(f"{line}\n" for line in lines).encode("ascii") + vertices.tobytes() + faces.tobytes()


def _colours_of_points(colours: NDArray[np.uint8], surface: Surface) -> NDArray[np.float64]:
    """``[p, 4]`` in [0, 255]: where a seam's two sides differ, the mean of their light (conventions §6)."""
    light = np.column_stack([to_linear(colours[:, :3] / 255.0), colours[:, 3] / 255.0])
    points = len(surface.points)
    total = np.column_stack([np.bincount(surface.place, channel, minlength=points) for channel in light.T])
    mean = total / np.bincount(surface.place, minlength=points)[:, None]
    return np.round(np.column_stack([to_srgb(mean[:, :3]), mean[:, 3]]) * 255.0)
