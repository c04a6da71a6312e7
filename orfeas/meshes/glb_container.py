"""The two chunks of a GLB file: its JSON document and its binary buffer (glTF 2.0, section 4.4)."""

import struct
from typing import BinaryIO

from orfeas.errors import InvalidMesh

MAGIC = b"glTF"
JSON_CHUNK = b"JSON"
BINARY_CHUNK = b"BIN\0"
# Scenes of tens of thousands of parts stay below it.
MAX_JSON_BYTES = 16 * 2**20

_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")


def join_chunks(document: bytes, buffer: list[bytes]) -> bytes:
    """A GLB file of an ASCII JSON document and the parts of its buffer, each a multiple of four bytes long."""
    document += b" " * (-len(document) % 4)
    length = sum(map(len, buffer))
    total = _HEADER.size + 2 * _CHUNK.size + len(document) + length
    header = _HEADER.pack(MAGIC, 2, total) + _CHUNK.pack(len(document), JSON_CHUNK)
    return b"".join([header, document, _CHUNK.pack(length, BINARY_CHUNK), *buffer])


def read_document(file: BinaryIO) -> bytes:
    """The JSON document of a GLB file that is open at its start; leaves it open at the end of that chunk.

    Raises:
        InvalidMesh: it is not GLB version 2, is cut short, or has a document too large to be one.
    """
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size or not head.startswith(MAGIC):
        raise InvalidMesh("The GLB file is cut short.")
    version = _HEADER.unpack(head)[1]
    if version != 2:
        raise InvalidMesh(f"The GLB file is of version {version}; only version 2 can be read.")
    length = _chunk_length(file, JSON_CHUNK)
    if length is None:
        raise InvalidMesh("The GLB file does not begin with its description.")
    if length > MAX_JSON_BYTES:
        raise InvalidMesh("The GLB file's description is too large.")
    return _read_exactly(file, length)


def read_buffer(file: BinaryIO) -> bytes:
    """The binary buffer of a GLB file that is open at the end of its document; empty where it has none.

    Raises:
        InvalidMesh: it is cut short.
    """
    length = _chunk_length(file, BINARY_CHUNK)
    return b"" if length is None else _read_exactly(file, length)


def _chunk_length(file: BinaryIO, kind: bytes) -> int | None:
    head = file.read(_CHUNK.size)
    if not head:
        return None
    if len(head) < _CHUNK.size:
        raise InvalidMesh("The GLB file is cut short.")
    length, found = _CHUNK.unpack(head)
    return int(length) if found == kind else None


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise InvalidMesh("The GLB file is cut short.")
    return data
