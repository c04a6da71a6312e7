"""The tree of nodes that a binary FBX file is, versions 7.0 to 7.7; after Blender's description of it (2013)."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh

MAGIC = b"Kaydara FBX Binary  \0\x1a\0"
WRITTEN_VERSION = 7400
OLDEST, NEWEST = 7000, 7999
# From this version on, offsets and counts are of 64 bits.
WIDE = 7500
# Scenes of tens of thousands of parts stay below both.
MAX_NODES = 2_000_000
MAX_DEPTH = 64
MAX_ARRAY_BYTES = 512 * 2**20
DEFLATE_LEVEL = 2

# Readers by Autodesk check this identifier against the time of creation and the footer; these three belong together.
FILE_ID = bytes.fromhex("28b32aebb624ccc2bfc8b02aa92bfcf1")
CREATION_TIME = "1970-01-01 10:00:00:000"
_FOOTER_ID = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_FOOTER_MAGIC = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")

_NARROW_HEAD, _WIDE_HEAD = struct.Struct("<IIIB"), struct.Struct("<QQQB")
_ARRAY_HEAD = struct.Struct("<III")
_SCALARS = {b"Y": struct.Struct("<h"), b"C": struct.Struct("<?"), b"B": struct.Struct("<b"), b"I": struct.Struct("<i")}
_SCALARS |= {b"F": struct.Struct("<f"), b"D": struct.Struct("<d"), b"L": struct.Struct("<q")}
_ARRAYS = {b"f": "<f4", b"d": "<f8", b"i": "<i4", b"l": "<i8", b"b": "?", b"c": "<i1"}
_CUT_SHORT = "The FBX file is cut short or damaged."

Value = bool | int | float | str | bytes | np.int64 | NDArray[np.generic]


@dataclass(frozen=True)
class FbxNode:
    """A name, values, and nodes below it.

    Written, an ``int`` is of 32 bits, a ``numpy.int64`` and a ``float`` of 64; ``str`` is text, ``bytes`` are raw.
    """

    name: str
    values: Sequence[Value] = ()
    children: Sequence["FbxNode"] = field(default=())

    def child(self, name: str) -> "FbxNode | None":
        """The first node below of that name."""
        return next((node for node in self.children if node.name == name), None)

    def every(self, name: str) -> Iterator["FbxNode"]:
        """All nodes below of that name."""
        return (node for node in self.children if node.name == name)

    def text(self, at: int = 0) -> str:
        """The value at that place if it is text, else nothing."""
        return value if len(self.values) > at and isinstance(value := self.values[at], str) else ""

    def integer(self, at: int = 0) -> int | None:
        """The value at that place if it is a whole number."""
        value = self.values[at] if len(self.values) > at else None
        return value if isinstance(value, int) else None

    def array(self) -> NDArray[np.generic] | None:
        """The first value if it is an array."""
        return value if self.values and isinstance(value := self.values[0], np.ndarray) else None


def write_nodes(nodes: Sequence[FbxNode]) -> bytes:
    """The bytes of a file with ``nodes`` at its top; arrays are of float64, int32 or int64, and are deflated."""
    out = bytearray(MAGIC + struct.pack("<I", WRITTEN_VERSION))
    for node in nodes:
        _write_node(node, out)
    out += bytes(_NARROW_HEAD.size)
    out += _FOOTER_ID + bytes(4)
    out += bytes(16 - len(out) % 16)
    out += struct.pack("<I", WRITTEN_VERSION) + bytes(120) + _FOOTER_MAGIC
    return bytes(out)


def _write_node(node: FbxNode, out: bytearray) -> None:
    start = len(out)
    name = node.name.encode("ascii")
    out += bytes(_NARROW_HEAD.size) + name
    values = b"".join(_value(value) for value in node.values)
    out += values
    for child in node.children:
        _write_node(child, out)
    if node.children or not node.values:
        out += bytes(_NARROW_HEAD.size)
    _NARROW_HEAD.pack_into(out, start, len(out), len(node.values), len(values), len(name))


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"C" + struct.pack("<?", value)
    if isinstance(value, int):
        return b"I" + struct.pack("<i", value)
    if isinstance(value, np.int64):
        return b"L" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"D" + struct.pack("<d", value)
    if isinstance(value, str):
        text = value.encode("utf-8")
        return b"S" + struct.pack("<I", len(text)) + text
    if isinstance(value, bytes):
        return b"R" + struct.pack("<I", len(value)) + value
    kind = next(kind for kind, dtype in _ARRAYS.items() if np.dtype(dtype) == value.dtype)
    data = zlib.compress(np.ascontiguousarray(value).tobytes(), DEFLATE_LEVEL)
    return kind + _ARRAY_HEAD.pack(value.size, 1, len(data)) + data


def read_nodes(data: bytes, wanted: str = "") -> FbxNode:
    """The whole tree below a node without a name; only the top's nodes called ``wanted``, where that is given.

    Raises:
        InvalidMesh: it is damaged, of a version that is not known here, or too large.
    """
    if len(data) < len(MAGIC) + 4 or not data.startswith(MAGIC):
        raise InvalidMesh(_CUT_SHORT)
    version = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little")
    if not OLDEST <= version <= NEWEST:
        raise InvalidMesh(f"The FBX file is of version {version}; only versions 7000 to 7700 can be read.")
    return _Reader(data, version >= WIDE, wanted).read()


class _Reader:
    """Goes through a file once; counts nodes and the bytes of arrays as it goes."""

    def __init__(self, data: bytes, is_wide: bool, wanted: str) -> None:
        self._data = data
        self._head = _WIDE_HEAD if is_wide else _NARROW_HEAD
        self._wanted = wanted
        self._nodes = 0
        self._room = MAX_ARRAY_BYTES

    def read(self) -> FbxNode:
        try:
            return FbxNode("", (), self._read_list(len(MAGIC) + 4, len(self._data), 0))
        except (struct.error, UnicodeDecodeError, ValueError) as error:
            raise InvalidMesh(_CUT_SHORT) from error

    def _read_list(self, at: int, end: int, depth: int) -> list[FbxNode]:
        """The nodes from ``at`` up to an empty one or ``end``."""
        if depth > MAX_DEPTH:
            raise InvalidMesh("The FBX file is nested too deeply.")
        found = []
        while at < end:
            node_end, count, length, name_length = self._head.unpack_from(self._data, at)
            if node_end == 0:
                break
            start = at + self._head.size
            values_end = start + name_length + length
            self._nodes += 1
            if not values_end <= node_end <= end or self._nodes > MAX_NODES:
                raise InvalidMesh(_CUT_SHORT)
            name = self._data[start : start + name_length].decode("ascii")
            if depth or not self._wanted or name == self._wanted:
                values = self._read_values(start + name_length, values_end, count)
                found.append(FbxNode(name, values, self._read_list(values_end, node_end, depth + 1)))
            at = node_end
        else:
            # Nodes at the top and lists below end with an empty node; values alone may do without.
            if depth == 0:
                raise InvalidMesh(_CUT_SHORT)
        return found

    def _read_values(self, at: int, end: int, count: int) -> list[Value]:
        values: list[Value] = []
        if count > end - at:
            raise InvalidMesh(_CUT_SHORT)
        for _ in range(count):
            kind = self._data[at : at + 1]
            at += 1
            if kind in _SCALARS:
                values.append(_SCALARS[kind].unpack_from(self._data, at)[0])
                at += _SCALARS[kind].size
            elif kind in (b"S", b"R"):
                stop = at + 4 + int.from_bytes(self._data[at : at + 4], "little")
                content = self._data[at + 4 : stop]
                values.append(content.decode("utf-8", "replace") if kind == b"S" else content)
                at = stop
            elif kind in _ARRAYS:
                array, at = self._read_array(_ARRAYS[kind], at, end)
                values.append(array)
            else:
                raise InvalidMesh(_CUT_SHORT)
            if at > end:
                raise InvalidMesh(_CUT_SHORT)
        return values

    def _read_array(self, kind: str, at: int, end: int) -> tuple[NDArray[np.generic], int]:
        count, is_packed, length = _ARRAY_HEAD.unpack_from(self._data, at)
        at += _ARRAY_HEAD.size
        size = count * np.dtype(kind).itemsize
        self._room -= size
        if at + length > end or (not is_packed and length != size):
            raise InvalidMesh(_CUT_SHORT)
        if self._room < 0:
            raise InvalidMesh("The FBX file holds too much once unpacked.")
        content = self._data[at : at + length]
        if is_packed:
            try:
                # One byte more than it says, so that one that lies is found out.
                content = zlib.decompressobj().decompress(content, size + 1)
            except zlib.error as error:
                raise InvalidMesh(_CUT_SHORT) from error
        if len(content) != size:
            raise InvalidMesh(_CUT_SHORT)
        return np.frombuffer(content, dtype=kind), at + length
