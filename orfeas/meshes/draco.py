"""Geometry packed with Draco (Google, bitstream 2.2), as KHR_draco_mesh_compression has it in a glTF."""

from collections.abc import Mapping
from dataclasses import dataclass

import DracoPy
import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_counts

EXTENSION = "KHR_draco_mesh_compression"
# A position is off by at most a 130,000th of the model's longest side.
POSITION_BITS, UV_BITS, NORMAL_BITS = 16, 14, 10
LEVEL = 7
MAGIC = b"DRACO"
# Of the bitstream; those before it have their counts elsewhere and in another form. Every encoder since 2017 writes it.
VERSION = b"\2\2"
# A model takes half a byte a face and more; what claims far less is there to keep us busy.
MOST_PER_BYTE = 200

_HEADER_BYTES = 11
_EDGEBREAKER = 1
_HAS_METADATA = 0x80
_DAMAGED = "The glTF file's Draco data is damaged."


@dataclass(frozen=True)
class Packed:
    """Encoded triangles.

    Attributes:
        data: the bitstream.
        ids: the number of each attribute in it, by glTF's name.
        vertices: how many it has.
        faces: how many it has.
    """

    data: bytes
    ids: Mapping[str, int]
    vertices: int
    faces: int


@dataclass(frozen=True)
class Unpacked:
    """Decoded triangles: ``faces`` ``[m, 3]``, and arrays ``[n, k]`` by their number in the bitstream."""

    faces: NDArray[np.int64]
    arrays: Mapping[int, NDArray[np.float64]]


def pack(
    positions: NDArray[np.float32],
    normals: NDArray[np.float64],
    uv: NDArray[np.float64] | None,
    faces: NDArray[np.int64],
) -> Packed:
    """Triangles with positions ``[n, 3]``, normals ``[n, 3]`` and UVs ``[n, 2]``, rounded and in another order."""
    data = DracoPy.encode(
        positions,
        faces.astype(np.uint32),
        normals=normals,
        tex_coord=uv,
        quantization_bits=POSITION_BITS,
        tex_coord_quantization_bits=UV_BITS,
        normal_quantization_bits=NORMAL_BITS,
        compression_level=LEVEL,
    )
    decoded = DracoPy.decode(data)
    names = {"POSITION": DracoPy.AttributeType.POSITION, "NORMAL": DracoPy.AttributeType.NORMAL}
    if uv is not None:
        names["TEXCOORD_0"] = DracoPy.AttributeType.TEX_COORD
    number_of = {attribute["attribute_type"]: attribute["unique_id"] for attribute in decoded.attributes}
    ids = {name: int(number_of[kind]) for name, kind in names.items()}
    return Packed(data, ids, len(decoded.points), len(decoded.faces))


def unpack(data: bytes) -> Unpacked:
    """The triangles in a bitstream.

    Raises:
        InvalidMesh: it is damaged, of another version, or has too many of them, which is seen before any is decoded.
    """
    _check_header(data)
    try:
        decoded = DracoPy.decode(data)
    except (DracoPy.FileTypeException, ValueError, MemoryError) as error:
        raise InvalidMesh(_DAMAGED) from error
    arrays = {a["unique_id"]: np.asarray(a["data"], dtype=np.float64) for a in decoded.attributes}
    faces = getattr(decoded, "faces", None)
    if faces is None or any(array.ndim != 2 for array in arrays.values()):
        raise InvalidMesh(_DAMAGED)
    return Unpacked(np.asarray(faces, dtype=np.int64), arrays)


def _check_header(data: bytes) -> None:
    """Look at the counts that the decoder would reserve memory for."""
    if data.startswith(MAGIC) and len(data) >= _HEADER_BYTES and data[5:7] != VERSION:
        raise InvalidMesh(
            "The glTF file's Draco data is of another version than 2.2; export it again, or without Draco."
        )
    if len(data) < _HEADER_BYTES or not data.startswith(MAGIC) or data[7] != 1 or data[10] & _HAS_METADATA:
        raise InvalidMesh(_DAMAGED)
    # The way it was encoded, which says what stands in front of the counts, and in which order those come.
    is_edgebreaker = data[8] == _EDGEBREAKER
    first, at = _read_count(data, _HEADER_BYTES + is_edgebreaker)
    second, _ = _read_count(data, at)
    vertices, faces = (first, second) if is_edgebreaker else (second, first)
    check_counts(faces, vertices)
    if max(faces, vertices) > MOST_PER_BYTE * len(data):
        raise InvalidMesh(_DAMAGED)


def _read_count(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, at + place + 1
    raise InvalidMesh(_DAMAGED)
