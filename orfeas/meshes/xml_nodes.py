"""XML files from strangers as small trees: no entities, no document types, nothing fetched, long lists as numbers."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import MAX_VERTICES

MAX_NODES = 500_000
MAX_DEPTH = 100

Row = Callable[[Mapping[str, str]], Sequence[float]]


@dataclass
class XmlNode:
    """An element.

    Attributes:
        name: without its namespace.
        attributes: by name without namespace.
        children: the elements in it that are no rows.
        pieces: the text in it, in pieces.
    """

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["XmlNode"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    _rows: "dict[str, array[float]]" = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All text directly in it."""
        return "".join(self.pieces)

    def child(self, name: str) -> "XmlNode | None":
        """The first element in it of that name."""
        return next(self.every(name), None)

    def every(self, *names: str) -> Iterator["XmlNode"]:
        """The elements in it of those names."""
        return (child for child in self.children if child.name in names)

    def below(self, *names: str) -> Iterator["XmlNode"]:
        """The elements of those names at any depth below."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            if node.name in names:
                yield node
            waiting += reversed(node.children)

    def rows(self, name: str, width: int) -> NDArray[np.float64]:
        """``[n, width]``: the elements in it of that name, as numbers."""
        return np.array(self._rows.get(name, ()), dtype=np.float64).reshape(-1, width)

    def add_row(self, name: str, row: Sequence[float]) -> None:
        """One more element of that name, as numbers."""
        numbers = self._rows.setdefault(name, array("d"))
        numbers.extend(row)
        if len(numbers) > MAX_VERTICES * len(row):
            raise InvalidMesh(f"The model has over {MAX_VERTICES:,} vertices.")


def parse_xml(data: bytes, kind: str, rows: Mapping[str, Row] | None = None) -> XmlNode:
    """The root of a document.

    Args:
        data: the file.
        kind: its format, for messages.
        rows: elements that come in millions, by name: what turns the attributes of one into its numbers, always as
            many. They become rows of the element around them, and hold no elements themselves.

    Raises:
        InvalidMesh: it is no XML, is damaged or too large, or declares a document type, as hostile files do.
    """
    builder = _Builder(kind, rows or {})
    try:
        builder.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _damaged(kind) from error
    return builder.root.children[0]


def parse_whole(text: str, kind: str) -> int:
    """The number in an attribute that counts or numbers something.

    Raises:
        InvalidMesh: it is none, or has over nine digits.
    """
    if not text.isdecimal() or len(text) > 9:
        raise _damaged(kind)
    return int(text)


def _damaged(kind: str) -> InvalidMesh:
    return InvalidMesh(f"The {kind} file is cut short or damaged.")


class _Builder:
    """Elements as they come; ``_open`` are those around the place, a row being None."""

    def __init__(self, kind: str, rows: Mapping[str, Row]) -> None:
        self.root = XmlNode("")
        self._kind = kind
        self._rows = rows
        self._open: list[XmlNode | None] = [self.root]
        self._nodes = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        row = self._rows.get(local)
        around = self._open[-1]
        if around is None or (row is not None and around is self.root):
            raise _damaged(self._kind)  # an element in a row, or a row by itself
        if row is not None:
            around.add_row(local, row(attributes))
            self._open.append(None)
            return
        self._nodes += 1
        if self._nodes > MAX_NODES or len(self._open) > MAX_DEPTH:
            raise InvalidMesh(f"The {self._kind} file has too many parts.")
        node = XmlNode(local, {key.rpartition(" ")[2]: value for key, value in attributes.items()})
        around.children.append(node)
        self._open.append(node)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        around = self._open[-1]
        if around is not None:
            around.pieces.append(text)

    def _refuse(self, *_: object) -> None:
        raise InvalidMesh(f"The {self._kind} file declares a document type, which is not read; export it without.")
