"""STL, binary or text: a soup of triangles, taken as millimetres with Z up."""

import re

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_counts
from orfeas.meshes.numbers import parse_floats
from orfeas.meshes.parts import Part
from orfeas.meshes.write_stl import HEADER_BYTES, TRIANGLE

_PREFIX_BYTES = HEADER_BYTES + 4
_VERTEX = re.compile(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)


def is_binary_stl(data: bytes) -> bool:
    """Whether the length is just what its count of triangles asks for; many begin with "solid" all the same."""
    return len(data) > _PREFIX_BYTES and len(data) == _PREFIX_BYTES + _count(data) * TRIANGLE.itemsize


def is_text_stl(data: bytes) -> bool:
    """Whether it begins like the text form and has a facet in it."""
    return (
        data[:256].lstrip()[:5].lower() == b"solid" and re.search(rb"facet\s", data[:4096], re.IGNORECASE) is not None
    )


def read_stl(data: bytes) -> Part:
    """The triangles of an STL file, in the working frame.

    Raises:
        InvalidMesh: it is cut short, empty or too large.
    """
    corners = _read_text(data) if is_text_stl(data) and not is_binary_stl(data) else _read_binary(data)
    x, y, z = corners.reshape(-1, 3).T
    vertices = np.column_stack([x, z, -y])  # conventions §3: from Z up
    return Part(vertices, np.arange(len(vertices)).reshape(-1, 3))


def _count(data: bytes) -> int:
    return int.from_bytes(data[HEADER_BYTES:_PREFIX_BYTES], "little")


def _read_binary(data: bytes) -> NDArray[np.float64]:
    if len(data) < _PREFIX_BYTES:
        raise InvalidMesh("The STL file is cut short.")
    count = _count(data)
    if len(data) < _PREFIX_BYTES + count * TRIANGLE.itemsize:
        raise InvalidMesh(
            "The file is cut short, or no STL: it is shorter than the number of triangles in it asks for."
        )
    check_counts(count)
    triangles = np.frombuffer(data, dtype=TRIANGLE, count=count, offset=_PREFIX_BYTES)
    return triangles["corners"].astype(np.float64)


def _read_text(data: bytes) -> NDArray[np.float64]:
    check_counts(0, data.count(b"vertex"))
    numbers = parse_floats((word for found in _VERTEX.finditer(data) for word in found.groups()), "STL")
    if len(numbers) % 9:
        raise InvalidMesh("The STL file is cut short.")
    return numbers
