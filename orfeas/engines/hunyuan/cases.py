"""The case table of marching cubes, derived from the cube instead of copied from anywhere.

Marching cubes (Lorensen and Cline 1987) with the face test of Nielson and Hamann ("The asymptotic decider", 1991): on
a face whose corners alternate between inside and outside, the sign of the bilinear saddle says which pair is joined.
Both cells at a face see the same four values, so they always agree and the surface has no cracks. The contours of the
six faces close to loops, and each loop becomes a fan of triangles. What is left out on purpose is the test inside the
cell (Chernyaev's tunnels): two sheets that pass through one cell stay two sheets.

Corner ``c`` of a cell is ``4·dx + 2·dy + dz``. Edge ``e`` is ``4·axis + n``, the n-th edge along that axis in the order
of its lower corner. Face ``f`` is ``2·axis + side``.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

CORNERS: list[tuple[int, ...]] = list(product((0, 1), repeat=3))
# A loop whose every triangulation would lay a diagonal on a face of the cell gets a vertex in its middle, which the
# table calls by this number: the neighbour could lay the same diagonal, and four triangles would then share it. No
# case has two such loops.
CENTRE = 12


def _number(corner: tuple[int, ...]) -> int:
    return 4 * corner[0] + 2 * corner[1] + corner[2]


def _edges() -> list[tuple[int, int]]:
    """The two corners of each edge, the lower one first."""
    return [
        (_number(corner), _number(corner) + (4, 2, 1)[axis])
        for axis in range(3)
        for corner in CORNERS
        if corner[axis] == 0
    ]


def _faces() -> list[tuple[int, ...]]:
    """The four corners of each face, counter-clockwise seen from outside the cell."""
    faces = []
    for axis, side in product(range(3), (0, 1)):
        loop = []
        for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))[:: 1 if side else -1]:
            corner = [side] * 3
            corner[(axis + 1) % 3], corner[(axis + 2) % 3] = u, v
            loop.append(_number(tuple(corner)))
        faces.append(tuple(loop))
    return faces


EDGES = _edges()
FACES = _faces()
_EDGE_OF = {frozenset(ends): number for number, ends in enumerate(EDGES)}
_FACES_OF_EDGE = [{f for f, face in enumerate(FACES) if set(ends) <= set(face)} for ends in EDGES]


@dataclass(frozen=True)
class CaseTable:
    """What to draw in a cell.

    Attributes:
        row_of: ``[256, 64]`` int64, by the bits of inside corners and the bits of faces whose inside pair is joined.
        triangles: ``[rows, 12, 3]`` int64 edges, or ``CENTRE``; counter-clockwise seen from outside the solid; -1 past
            the row's last triangle.
        centred: ``[rows, 12]`` bool, the edges of the loop that ``CENTRE`` is the mean of; none where it is not used.
    """

    row_of: NDArray[np.int64]
    triangles: NDArray[np.int64]
    centred: NDArray[np.bool_]


def _is_alternating(inside: list[bool]) -> bool:
    return inside[0] == inside[2] != inside[1] == inside[3]


def _face_segments(face: tuple[int, ...], config: int, is_joined: bool) -> list[tuple[int, int]]:
    """Contour pieces on one face, each from an edge to an edge, with the solid to the right seen from outside."""
    inside = [bool(config >> corner & 1) for corner in face]
    edges = [_EDGE_OF[frozenset((face[n], face[(n + 1) % 4]))] for n in range(4)]
    entries = [n for n in range(4) if not inside[n] and inside[(n + 1) % 4]]
    if len(entries) == 2 and is_joined:
        # Around each outside corner: from the edge that ends its stretch of outside to the one that begins it.
        return [(edges[n], edges[(n - 1) % 4]) for n in entries]
    exits = {n: next(m % 4 for m in range(n + 1, n + 4) if inside[m % 4] and not inside[(m + 1) % 4]) for n in entries}
    return [(edges[n], edges[exits[n]]) for n in entries]


def _loops(config: int, joined: int) -> list[list[int]]:
    """The closed polygons of a case, as edges in order, counter-clockwise seen from outside the solid."""
    following = dict(
        segment for f, face in enumerate(FACES) for segment in _face_segments(face, config, bool(joined >> f & 1))
    )
    loops = []
    while following:
        first = min(following)
        loop = [first]
        while (edge := following.pop(loop[-1])) != first:
            loop.append(edge)
        loops.append(loop)
    return loops


def _triangulate(loop: list[int]) -> list[tuple[int, int, int]] | None:
    """Triangles of a polygon whose last side is given, with no diagonal on a face of the cell; None if impossible."""
    if len(loop) < 3:
        return []
    last = len(loop) - 1
    for apex in range(1, last):
        diagonals = [(0, apex)] * (apex > 1) + [(apex, last)] * (apex < last - 1)
        if any(_FACES_OF_EDGE[loop[a]] & _FACES_OF_EDGE[loop[b]] for a, b in diagonals):
            continue
        before, after = _triangulate(loop[: apex + 1]), _triangulate(loop[apex:])
        if before is not None and after is not None:
            return [(loop[0], loop[apex], loop[last]), *before, *after]
    return None


def _draw(config: int, joined: int) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Triangles of a case, and the loop that needed a vertex in its middle (or an empty one)."""
    triangles: list[tuple[int, int, int]] = []
    centred: list[int] = []
    for loop in _loops(config, joined):
        fan = _triangulate(loop)
        if fan is None:
            assert not centred
            fan = [(loop[n - 1], loop[n], CENTRE) for n in range(len(loop))]
            centred = loop
        triangles += fan
    return triangles, centred


@lru_cache(maxsize=1)
def case_table() -> CaseTable:
    """The table, made once on first use (less than 0.1 s)."""
    row_of = np.zeros((256, 64), dtype=np.int64)
    drawings: list[tuple[list[tuple[int, int, int]], list[int]]] = []
    for config in range(256):
        ambiguous = sum(
            1 << f for f, face in enumerate(FACES) if _is_alternating([bool(config >> corner & 1) for corner in face])
        )
        rows: dict[int, int] = {}
        for joined in range(64):
            if joined & ambiguous not in rows:
                rows[joined & ambiguous] = len(drawings)
                drawings.append(_draw(config, joined & ambiguous))
            row_of[config, joined] = rows[joined & ambiguous]
    triangles = np.full((len(drawings), max(len(drawn) for drawn, _ in drawings), 3), -1, dtype=np.int64)
    centred = np.zeros((len(drawings), len(EDGES)), dtype=np.bool_)
    for row, (drawn, loop) in enumerate(drawings):
        triangles[row, : len(drawn)] = np.reshape(drawn, (-1, 3))
        centred[row, loop] = True
    return CaseTable(row_of, triangles, centred)
