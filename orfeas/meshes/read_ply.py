"""PLY, binary or text (Turk 1994): taken as millimetres with Y up; colours on the vertices."""

import re
import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_counts
from orfeas.meshes.numbers import parse_floats, parse_integers, split_words
from orfeas.meshes.parts import Part
from orfeas.meshes.polygons import fans

MAX_HEADER_BYTES = 2**20
MAX_PROPERTIES = 256
ORDERS = {b"binary_little_endian": "<", b"binary_big_endian": ">", b"ascii": "="}
# Names in the file → numpy's and struct's letter.
TYPES = {
    **dict.fromkeys((b"char", b"int8"), "b"),
    **dict.fromkeys((b"uchar", b"uint8"), "B"),
    **dict.fromkeys((b"short", b"int16"), "h"),
    **dict.fromkeys((b"ushort", b"uint16"), "H"),
    **dict.fromkeys((b"int", b"int32"), "i"),
    **dict.fromkeys((b"uint", b"uint32"), "I"),
    **dict.fromkeys((b"float", b"float32"), "f"),
    **dict.fromkeys((b"double", b"float64"), "d"),
}
CORNERS = ("vertex_indices", "vertex_index")
MAX_CHANNEL = {"B": 255.0, "H": 65_535.0, "f": 1.0, "d": 1.0}
_CUT_SHORT = "The PLY file is cut short."
_DAMAGED = "The PLY file's header is damaged."


@dataclass(frozen=True)
class Property:
    """A number, or where ``count_type`` is not empty, a list with its length before it."""

    name: str
    type: str
    count_type: str = ""


@dataclass(frozen=True)
class Element:
    """So many rows of properties."""

    name: bytes
    count: int
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class Body:
    """What follows the header; ``order`` is its byte order, as numpy and struct write it."""

    data: bytes
    order: str

    def count_at(self, offset: int, count_type: str) -> int:
        """The length of the list at ``offset``.

        Raises:
            InvalidMesh: the file ends before it, or it is not a length.
        """
        try:
            count = int(struct.unpack_from(self.order + count_type, self.data, offset)[0])
        except (struct.error, ValueError, OverflowError) as error:
            raise InvalidMesh(_CUT_SHORT) from error
        if not 0 <= count <= len(self.data):
            raise InvalidMesh("The PLY file has a list of impossible length.")
        return count


def read_ply(data: bytes) -> Part:
    """The vertices, their colours and the faces of a PLY file; polygons become fans of triangles.

    Raises:
        InvalidMesh: it is damaged, cut short, too large, or without faces.
    """
    elements, order, start = _read_header(data)
    body = Body(data[start:], order)
    stored = elements
    if order == ORDERS[b"ascii"]:
        # From here on, a text file is a binary one in which every number is a double.
        body = Body(parse_floats(split_words(body.data), "PLY").tobytes(), order)
        stored = [_in_doubles(element) for element in elements]
    vertices = np.zeros((0, 3))
    colours = None
    faces = np.zeros((0, 3), dtype=np.int64)
    offset = 0
    for element, declared in zip(stored, elements, strict=True):
        if element.name == b"face":
            faces, offset = _read_faces(element, body, offset)
            continue
        rows, offset = _read_rows(element, body, offset)
        if element.name == b"vertex" and rows is not None:
            vertices, colours = _vertices(rows), _colours(rows, declared)
    return Part(vertices, faces, colours=colours)


def _read_header(data: bytes) -> tuple[list[Element], str, int]:
    found = re.search(rb"\nend_header[ \t]*\r?\n", data[:MAX_HEADER_BYTES])
    if found is None:
        raise InvalidMesh(_CUT_SHORT)
    order = ""
    elements: list[Element] = []
    for line in data[: found.start()].split(b"\n"):
        match line.split():
            case [b"format", name, *_]:
                order = ORDERS.get(name, "")
            case [b"element", name, count]:
                elements.append(Element(name, int(parse_integers([count], "PLY")[0]), ()))
            case [b"property", b"list", count_type, kind, name] if elements and {count_type, kind} <= TYPES.keys():
                _add(elements, Property(name.decode("latin-1"), TYPES[kind], TYPES[count_type]))
            case [b"property", kind, name] if elements and kind in TYPES:
                _add(elements, Property(name.decode("latin-1"), TYPES[kind]))
            case [b"element" | b"property", *_]:
                raise InvalidMesh(_DAMAGED)
    if not order or any(element.count < 0 or not element.properties for element in elements):
        raise InvalidMesh(_DAMAGED)
    for element in elements:
        has_lists = any(p.count_type for p in element.properties)
        check_counts(element.count if has_lists else 0, element.count)
    return elements, order, found.end()


def _add(elements: list[Element], added: Property) -> None:
    last = elements[-1]
    if len(last.properties) == MAX_PROPERTIES or added.name in (p.name for p in last.properties):
        raise InvalidMesh(_DAMAGED)
    elements[-1] = replace(last, properties=(*last.properties, added))


def _in_doubles(element: Element) -> Element:
    properties = (replace(p, type="d", count_type="d" if p.count_type else "") for p in element.properties)
    return replace(element, properties=tuple(properties))


def _read_rows(element: Element, body: Body, offset: int) -> tuple[NDArray[np.void] | None, int]:
    """The rows of an element, and where they end; no rows where they differ in length, for no one needs those."""
    rows = _equal_rows(element, body, offset)
    if rows is None:
        return None, _walk(element, body, offset, "")[1]
    return rows, offset + rows.nbytes


def _read_faces(element: Element, body: Body, offset: int) -> tuple[NDArray[np.int64], int]:
    """``[m, 3]``, and where the element ends."""
    corners = next((p for p in element.properties if p.name in CORNERS and p.count_type), None)
    if corners is None:
        raise InvalidMesh("The PLY file's faces have no corners.")
    rows = _equal_rows(element, body, offset)
    if rows is not None:
        check_counts(0, rows[corners.name].size)
        return fans([_whole(rows[corners.name])]), offset + rows.nbytes
    lists, end = _walk(element, body, offset, corners.name)
    check_counts(0, int(lists[:, 1].sum()))
    kind = np.dtype(body.order + corners.type)
    octets = np.frombuffer(body.data, dtype=np.uint8)
    polygons = []
    for count in np.unique(lists[:, 1]):
        starts = lists[lists[:, 1] == count, 0]
        taken = octets[starts[:, None] + np.arange(count * kind.itemsize)]
        polygons.append(_whole(taken.view(kind)))
    return fans(polygons), end


def _equal_rows(element: Element, body: Body, offset: int) -> NDArray[np.void] | None:
    """The rows as one array, if every list in them is as long as in the first row; so it is in almost every file."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    counts: dict[str, int] = {}
    at = offset
    for p in element.properties:
        if p.count_type:
            count = body.count_at(at, p.count_type) if element.count else 0
            counts[_length_of(p.name)] = count
            fields.append((_length_of(p.name), body.order + p.count_type))
            fields.append((p.name, body.order + p.type, (count,)))
            at += struct.calcsize(p.count_type) + count * struct.calcsize(p.type)
        else:
            fields.append((p.name, body.order + p.type))
            at += struct.calcsize(p.type)
    if element.count and at > len(body.data):
        raise InvalidMesh(_CUT_SHORT)
    row = np.dtype(fields)
    if offset + element.count * row.itemsize > len(body.data):
        if not counts:
            raise InvalidMesh(_CUT_SHORT)
        return None
    rows = np.frombuffer(body.data, dtype=row, count=element.count, offset=offset)
    return rows if all((rows[name] == count).all() for name, count in counts.items()) else None


def _length_of(name: str) -> str:
    return f"length of {name}"


def _walk(element: Element, body: Body, offset: int, wanted: str) -> tuple[NDArray[np.int64], int]:
    """``[count, 2]`` the offset and length of the wanted list in every row, and where the element ends."""
    found = np.zeros((element.count, 2), dtype=np.int64)
    for row in range(element.count):
        for p in element.properties:
            if not p.count_type:
                offset += struct.calcsize(p.type)
                continue
            count = body.count_at(offset, p.count_type)
            offset += struct.calcsize(p.count_type)
            if p.name == wanted:
                found[row] = offset, count
            offset += count * struct.calcsize(p.type)
        if offset > len(body.data):
            raise InvalidMesh(_CUT_SHORT)
    return found, offset


def _whole(values: NDArray[np.generic]) -> NDArray[np.int64]:
    if values.dtype.kind == "f" and not (np.abs(values) < 2**53).all():
        raise InvalidMesh("The PLY file has something other than a number where a number belongs.")
    return values.astype(np.int64)


def _vertices(rows: NDArray[np.void]) -> NDArray[np.float64]:
    try:
        return np.column_stack([rows[axis].astype(np.float64) for axis in ("x", "y", "z")])
    except ValueError as error:
        raise InvalidMesh("The PLY file's vertices have no place.") from error


def _colours(rows: NDArray[np.void], declared: Element) -> NDArray[np.uint8] | None:
    """``[n, 4]`` uint8; whole numbers count to the end of their range, others to one."""
    kinds = {p.name: p.type for p in declared.properties if not p.count_type}
    if not all(kinds.get(name) in MAX_CHANNEL for name in ("red", "green", "blue")):
        return None
    channels = [np.asarray(rows[name], np.float64) / MAX_CHANNEL[kinds[name]] for name in ("red", "green", "blue")]
    has_alpha = kinds.get("alpha") in MAX_CHANNEL
    channels.append(rows["alpha"] / MAX_CHANNEL[kinds["alpha"]] if has_alpha else np.ones(len(rows)))
    return (np.nan_to_num(np.column_stack(channels)).clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
