"""The text form of Universal Scene Description, as far as a scene without references needs it.

Prims, their properties with what connects to them, and metadata; layers composed of others are refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.numbers import parse_floats, split_words

MAX_PRIMS = 200_000
MAX_DEPTH = 64
# What composes a scene of several layers or of parts of one; none of it is followed.
COMPOSING = ("references", "payload", "subLayers", "inherits", "specializes", "variantSets", "variants")

_DAMAGED = "The USD file is cut short or damaged."
# What repeats is possessive ("++"): a stranger's file must not fill the memory with places to go back to.
_SKIP = re.compile(r"(?:[\s;]++|#[^\n]*+)*+")
_TOKEN = re.compile(
    r'(?P<string>"""(?:[^"\\]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\'\\]++|\\.|\'(?!\'\'))*+\'\'\''
    r'|"(?:[^"\\\n]++|\\.)*+"|\'(?:[^\'\\\n]++|\\.)*+\')'
    r"|(?P<asset>@@@.*?@@@|@[^@\n]*@)|(?P<path><[^>\n]*>)"
    r"|(?P<number>[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf\b|nan\b))"
    r"|(?P<word>[A-Za-z_][\w:.\-]*(?:\[\])?)|(?P<mark>[()\[\]{}=,:])",
    re.DOTALL,
)
_NUMBERS = re.compile(r"\[[-+\d.eE\s,()infa]*\]")
_TO_WORDS = str.maketrans("[](),", "     ")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LIST_OPERATIONS = ("prepend", "append", "add", "delete", "reorder")


@dataclass(frozen=True)
class Asset:
    """The path of a file."""

    path: str


@dataclass(frozen=True)
class PrimPath:
    """Where a prim or a property is in the scene."""

    path: str


Value = None | float | str | Asset | PrimPath | list["Value"] | dict[str, "Value"] | NDArray[np.float64]


@dataclass(frozen=True)
class Property:
    """A value, None where there is none, and what is said about it."""

    value: Value = None
    metadata: Mapping[str, Value] = field(default_factory=dict)


@dataclass
class Prim:
    """A node of the scene.

    Attributes:
        kind: its type, such as ``Mesh``; empty where it has none.
        path: its names from the root on, with slashes.
        metadata: what is said about it; of the root, about the layer.
        properties: by name; a connection's has ``.connect`` at the end.
        children: the prims in it.
    """

    kind: str
    path: str
    metadata: dict[str, Value] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=dict)
    children: list["Prim"] = field(default_factory=list)

    def value(self, name: str) -> Value:
        """A property's value; None where it has none."""
        return self.properties.get(name, Property()).value

    def word(self, name: str) -> str:
        """A property's value as a word; empty where it is none."""
        return as_word(self.value(name))

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """A property's value as the numbers of an array, one after another; None where it is no array of numbers."""
        value = self.value(name)
        return value if isinstance(value, np.ndarray) else None

    def below(self) -> Iterator["Prim"]:
        """All prims in it, at any depth."""
        waiting = list(reversed(self.children))
        while waiting:
            prim = waiting.pop()
            yield prim
            waiting += reversed(prim.children)


def as_word(value: Value) -> str:
    """``value`` if it is a word, which is safe to compare with others; else an empty one."""
    return value if isinstance(value, str) else ""


def parse_usda(data: bytes) -> Prim:
    """The root of a layer, whose children are the scene's.

    Raises:
        InvalidMesh: it is damaged, too large, or composed of other layers or of parts of itself.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidMesh(_DAMAGED) from error
    if not text.startswith("#usda "):
        raise InvalidMesh(_DAMAGED)
    return _Parser(text).layer()


class _Parser:
    """Reads from one place on; ``_kind`` and ``_text`` are the token there."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._at = 0
        self._start = 0
        self._kind = ""
        self._text = ""
        self._prims = 0
        self._advance()

    def layer(self) -> Prim:
        root = Prim("", "")
        if self._text == "(":
            root.metadata = self._metadata(0)
        while self._kind:
            root.children.append(self._prim("", 0))
        return root

    def _advance(self) -> None:
        skipped = _SKIP.match(self._source, self._at)
        self._start = self._at if skipped is None else skipped.end()
        if self._start == len(self._source):
            self._kind = self._text = ""
            return
        found = _TOKEN.match(self._source, self._start)
        if found is None:
            raise InvalidMesh(_DAMAGED)
        self._kind, self._text, self._at = found.lastgroup or "", found[0], found.end()

    def _take(self, kind: str = "", text: str = "") -> str:
        """The token here, which must be of that kind or that text; goes on to the next."""
        taken = self._text
        if not self._kind or (kind and self._kind != kind) or (text and taken != text):
            raise InvalidMesh(_DAMAGED)
        self._advance()
        return taken

    def _prim(self, parent: str, depth: int) -> Prim:
        self._prims += 1
        if depth > MAX_DEPTH or self._prims > MAX_PRIMS:
            raise InvalidMesh("The USD file has too many parts.")
        if self._take("word") not in ("def", "over", "class"):
            raise InvalidMesh(_DAMAGED)
        kind = self._take("word") if self._kind == "word" else ""
        prim = Prim(kind, f"{parent}/{_unquoted(self._take('string'))}")
        if self._text == "(":
            prim.metadata = self._metadata(depth)
        self._take("mark", "{")
        while self._text != "}":
            if self._text in ("def", "over", "class"):
                prim.children.append(self._prim(prim.path, depth + 1))
            else:
                self._property(prim, depth)
        self._take("mark", "}")
        return prim

    def _property(self, prim: Prim, depth: int) -> None:
        words = [self._take("word")]
        while self._kind == "word":
            words.append(self._take("word"))
        if words[0] == "variantSet":
            raise _composed("variantSets")
        value, metadata = None, {}
        if self._text == "=":
            self._take()
            value = self._value(depth)
        if self._text == "(":
            metadata = self._metadata(depth)
        name = words[-1]
        if not (value is None and name in prim.properties):
            prim.properties[name] = Property(value, metadata)

    def _metadata(self, depth: int) -> dict[str, Value]:
        self._take("mark", "(")
        found: dict[str, Value] = {}
        while self._text != ")":
            if self._kind == "string":
                self._take()  # a comment about the prim
                continue
            name = self._take("word")
            if name in _LIST_OPERATIONS:
                name = self._take("word")
            if name in COMPOSING:
                raise _composed(name)
            self._take("mark", "=")
            found[name] = self._value(depth)
        self._take("mark", ")")
        return found

    def _value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise InvalidMesh("The USD file has too many parts.")
        if self._text == "[":
            return self._array(depth)
        if self._text == "(":
            return self._list("(", ")", depth)
        if self._text == "{":
            return self._dictionary(depth)
        kind, text = self._kind, self._take()
        match kind:
            case "number":
                return float(text)
            case "string":
                return _unquoted(text)
            case "asset":
                return Asset(text.strip("@"))
            case "path":
                return PrimPath(text[1:-1])
            case "word":
                return None if text == "None" else text
        raise InvalidMesh(_DAMAGED)

    def _array(self, depth: int) -> Value:
        numbers = _NUMBERS.match(self._source, self._start)
        if numbers is None:
            return self._list("[", "]", depth)
        self._at = numbers.end()
        self._advance()
        return parse_floats(split_words(numbers[0].translate(_TO_WORDS).encode("ascii")), "USD")

    def _list(self, first: str, last: str, depth: int) -> list[Value]:
        self._take("mark", first)
        found: list[Value] = []
        while self._text != last:
            found.append(self._value(depth + 1))
            if self._text != last:
                self._take("mark", ",")
        self._take("mark", last)
        return found

    def _dictionary(self, depth: int) -> dict[str, Value]:
        """Also the samples of an animation, whose keys are times."""
        self._take("mark", "{")
        found: dict[str, Value] = {}
        while self._text != "}":
            key = self._take()
            while self._kind in ("word", "string"):
                key = self._take()
            self._take("mark")
            found[_unquoted(key) if key[:1] in "\"'" else key] = self._value(depth + 1)
            if self._text == ",":
                self._take()
        self._take("mark", "}")
        return found


def _composed(name: str) -> InvalidMesh:
    return InvalidMesh(f"The USD file is put together with {name}, which are not followed; export it flattened.")


def _unquoted(text: str) -> str:
    marks = 3 if text[:3] in ('"""', "'''") and len(text) >= 6 else 1
    return _ESCAPED.sub(lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[marks:-marks])
