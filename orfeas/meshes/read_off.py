"""OFF, text (Geomview): taken as millimetres with Y up; colours on the vertices, those on faces are passed over."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_counts
from orfeas.meshes.numbers import parse_floats, parse_integers
from orfeas.meshes.parts import Part
from orfeas.meshes.polygons import cut

# The letters say what else a vertex has: texture coordinates, colours, normals, a fourth coordinate, others.
_HEADER = re.compile(rb"\s*(?P<texture>ST)?C?(?P<normal>N)?(?P<more>4?n?)OFF(?=\s)(?P<binary>[ \t]+BINARY)?")
# Lines turned into numbers at a time.
BATCH = 100_000
_UNEVEN = "The OFF file has a point with too few numbers, or with too many."
_CUT_SHORT = "The OFF file is cut short."


def is_off(data: bytes) -> bool:
    """Whether it begins as an OFF file does."""
    return _HEADER.match(data[:256]) is not None


def read_off(data: bytes) -> Part:
    """The vertices, their colours and the faces of an OFF file; polygons are cut into triangles.

    Raises:
        InvalidMesh: it is damaged, cut short, too large, or not of the plain form.
    """
    header = _HEADER.match(data)
    if header is None or header["texture"] or header["more"] or header["binary"]:
        raise InvalidMesh("The OFF file is of a form that cannot be read; export it as plain OFF, as OBJ or as GLB.")
    lines = _lines(data[header.end() :])
    counts = parse_integers(next(lines, b"").split()[:2], "OFF")
    if len(counts) < 2 or counts.min() < 0:
        raise InvalidMesh(_CUT_SHORT)
    vertices, polygons = counts.tolist()
    check_counts(polygons, vertices)
    pieces = list(map(_rows, _batches(lines, vertices)))
    if len({piece.shape[1] for piece in pieces}) > 1:
        raise InvalidMesh(_UNEVEN)
    rows = np.concatenate(pieces) if pieces else np.zeros((0, 3))
    sizes: list[int] = []
    corners = [_corners(batch, sizes) for batch in _batches(lines, polygons)]
    faces = np.concatenate([np.zeros(0, dtype=np.int64), *corners])[cut(np.array(sizes, dtype=np.int64))]
    return Part(rows[:, :3], faces, colours=_colours(rows[:, 6 if header["normal"] else 3 :]))


def _lines(text: bytes) -> Iterator[bytes]:
    """Those that say something, without comments."""
    for line in BytesIO(text):
        said = line.partition(b"#")[0].strip()
        if said:
            yield said


def _batches(lines: Iterator[bytes], count: int) -> Iterator[list[bytes]]:
    for start in range(0, count, BATCH):
        batch = list(islice(lines, min(BATCH, count - start)))
        if len(batch) < min(BATCH, count - start):
            raise InvalidMesh(_CUT_SHORT)
        yield batch


def _rows(batch: list[bytes]) -> NDArray[np.float64]:
    width = len(batch[0].split())
    # A bar after each line shows whether all have as many numbers.
    words = b" | ".join([*batch, b""]).split()
    if width < 3 or len(words) != (width + 1) * len(batch) or words[width :: width + 1].count(b"|") != len(batch):
        raise InvalidMesh(_UNEVEN)
    del words[width :: width + 1]
    return parse_floats(words, "OFF").reshape(-1, width)


def _corners(batch: list[bytes], sizes: list[int]) -> NDArray[np.int64]:
    """The corners of polygons, one after another; how many each has goes to the end of ``sizes``."""
    words: list[bytes] = []
    counts = parse_integers([line.split(None, 1)[0] for line in batch], "OFF").tolist()
    for line, count in zip(batch, counts, strict=True):
        corners = line.split()[1 : max(count, 0) + 1]
        if len(corners) != count:
            raise InvalidMesh(_CUT_SHORT)
        words += corners
    sizes += counts
    return parse_integers(words, "OFF")


def _colours(numbers: NDArray[np.float64]) -> NDArray[np.uint8] | None:
    """``[n, 4]`` uint8 of three or four numbers each: of 255 if any is above 1, else of 1."""
    if numbers.shape[1] not in (3, 4):
        return None
    whole = numbers / (255.0 if numbers.max(initial=0.0) > 1.0 else 1.0)
    if whole.shape[1] == 3:
        whole = np.column_stack([whole, np.ones(len(whole))])
    return (np.nan_to_num(whole).clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
