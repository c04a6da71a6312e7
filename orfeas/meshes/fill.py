"""Holes are closed, by triangles between the vertices on their rims."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.meshes.areas import areas_of
from orfeas.meshes.film import Patches, draw_films
from orfeas.meshes.halfedges import edge_keys, ends, label

# Rims of so many vertices are closed in one piece; of longer ones, so many vertices are chosen first.
MAX_RIM = 200
MIN_RIM = 12
# Triangles that are weighed in all; about three seconds' work. More, and rims are closed in smaller pieces.
MAX_WORK = 20_000_000
# Of longer ones, every fourth vertex is chosen, or fewer: over fewer sides, the surface often has an edge already.
MIN_STEP = 4
# Where the chosen ones cannot be joined, others are chosen so many times.
TURNS = 4
# Of the lengths of a triangle's sides, squared and added, to its area: of areas that are alike, even triangles win.
EVENNESS = 1e-6
# A triangle is next to a line where its area is at most this part of its sides squared and added.
MIN_HEIGHT = 1e-6
# Rims of so many sides are closed by a film; between fewer, plain triangles are even enough.
MIN_FILM = 10
# The least area of a film, of the square of its rim's reach, of which a disc has 0.4; a slit has none to speak of.
MIN_ROUND = 0.02
# Faces of one film; it is coarser than its rim where that would ask for more.
MAX_FILM = 8000
# Faces of all films together; above, all are coarser.
MAX_FILMS = 40_000
# Of its area, what a patch covers in its plane from which on it is flat: it leans by under a degree.
FLAT = 1 - 1e-4
# The area of an even triangle whose sides have length 1.
EVEN_AREA = 3**0.5 / 4
# Of its faces, those next to lines that a film may have, as it does where its rim is jagged.
MAX_LINES = 0.002
# Triangles that are weighed at a time.
CHUNK = 1 << 20


@dataclass(frozen=True)
class Filling:
    """What closes the holes of a surface.

    Attributes:
        points: ``[k, 3]`` new points, in the middle of holes; they are numbered after those of the surface.
        faces: ``[f, 3]``.
        sides: ``[f]`` a side of the surface on the rim that each face closes; the first two corners of a face need not
            be its ends.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    sides: NDArray[np.int64]


@dataclass(frozen=True)
class _Rims:
    """Loops of sides.

    Attributes:
        sides: ``[s]`` the sides.
        start: ``[s]`` the vertices they run from.
        end: ``[s]`` the vertices they run to.
        loop: ``[s]`` which loop each is in, from 0 to l - 1.
        size: ``[l]`` how many sides each loop has.
        runs_round: ``[l]`` whether each vertex of a loop begins one side and ends one.
    """

    sides: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    loop: NDArray[np.int64]
    size: NDArray[np.int64]
    runs_round: NDArray[np.bool_]


def fill(
    points: NDArray[np.float64],
    faces: NDArray[np.int64],
    sides: NDArray[np.int64],
    check: Callable[[], None] = lambda: None,
) -> Filling:
    """What closes every loop of ``sides`` ``[s]``, each vertex of which lies on one loop alone.

    A loop is closed by triangles between its vertices, of the smallest area together (Barequet and Sharir 1995) where
    it is not long and there are not many; none makes an edge that the surface has already, and a loop of two is closed
    as it is. Within larger ones that are not flat these become a film, as fine as the rim where that makes not too many
    faces in all (:func:`orfeas.meshes.film.draw_films`). Where a loop cannot be closed so, as on a surface with one
    side, a fan around a new point in the middle does.

    Args:
        points: ``[n, 3]``, finite, all different; any unit.
        faces: ``[m, 3]``.
        sides: ``3 · face + corner`` each.
        check: called again and again; what it raises stops the work.
    """
    rims = _rims(faces, sides)
    is_fan = (rims.size > 2) & ~rims.runs_round
    known = _edge_keys(faces, len(points))
    most = _most_at_once(rims.size)
    closed = [np.zeros((0, 3), dtype=np.int64)]
    following = np.zeros(len(points), dtype=np.int64)
    following[rims.start] = rims.end
    first = np.unique(rims.loop, return_index=True)[1]
    for size in np.unique(rims.size[(rims.size > 2) & rims.runs_round]):
        loops = np.flatnonzero((rims.size == size) & rims.runs_round)
        orders = np.empty((len(loops), size), dtype=np.int64)
        orders[:, 0] = rims.start[first[loops]]
        for place in range(1, size):
            orders[:, place] = following[orders[:, place - 1]]
        step = max(1, CHUNK // min(int(size), most) ** 2)
        is_open = np.ones(len(loops), dtype=np.bool_)
        for turn in range(TURNS):
            for rows in np.array_split(np.flatnonzero(is_open), -(-np.count_nonzero(is_open) // step)):
                check()
                found = _close(points, np.roll(orders[rows], turn, axis=1), known, most)
                is_open[rows] = (found < 0).any(axis=(1, 2))
                closed.append(found[~is_open[rows]].reshape(-1, 3))
            if not is_open.any():
                break
        is_fan[loops[is_open]] = True
    parts = [_fans(points, rims, is_fan), *_patches(points, np.concatenate(closed), rims, known, check)]
    return _joined(parts, len(points))


def _most_at_once(sizes: NDArray[np.int64]) -> int:
    """Up to how many vertices a rim is closed in one piece, so that all of ``sizes`` ``[l]`` take seconds."""
    most = MAX_RIM
    while most > MIN_RIM and (sizes[sizes <= most].astype(np.float64) ** 3).sum() / 6 > MAX_WORK:
        most = most * 3 // 4
    return most


def _rims(faces: NDArray[np.int64], sides: NDArray[np.int64]) -> _Rims:
    start, end = ends(faces, sides).T
    vertices, flat = np.unique(np.column_stack([start, end]), return_inverse=True)
    links = flat.reshape(-1, 2)
    loop = label(links, len(vertices))[links[:, 0]]
    size = np.bincount(loop)
    # On a surface with one side, sides may meet head on; then they do not run round.
    begins_one = np.bincount(links[:, 0], minlength=1)[links[:, 0]] == 1
    return _Rims(sides, start, end, loop, size, np.bincount(loop, begins_one) == size)


def _edge_keys(faces: NDArray[np.int64], points: int) -> NDArray[np.int64]:
    """One number for each edge of the surface, sorted."""
    a, b, c = faces.T
    edges = ((a, b), (b, c), (c, a))
    return np.sort(np.concatenate([edge_keys(p, q, points) for p, q in edges]))


def _close(
    points: NDArray[np.float64], orders: NDArray[np.int64], known: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """``[l, n - 2, 3]`` what closes loops ``[l, n]`` of vertices in their sides' order; −1 where nothing can."""
    if orders.shape[1] <= most:
        return _close_short(points, orders, known)
    return np.stack([_close_long(points, order, known, most) for order in orders])


def _close_long(
    points: NDArray[np.float64], order: NDArray[np.int64], known: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """``[n - 2, 3]`` as :func:`_close`, for one loop: between some of its vertices, and from those to the others."""
    size = len(order)
    step = max(MIN_STEP, -(-size // most))
    nothing = np.full((size - 2, 3), -1, dtype=np.int64)
    chosen, parts = [0], []
    while chosen[-1] < size - 1:
        begin = chosen[-1]
        # Over so many sides, or a few more or less, where the surface has an edge there already.
        for end in (min(begin + span, size - 1) for span in sorted(range(1, 2 * step), key=lambda n: abs(n - step))):
            if end - begin == 1:
                break
            if end - begin == size - 1 or _is_known(order[[begin]], order[[end]], known, len(points)).any():
                continue
            part = _close(points, order[None, begin : end + 1], known, most)[0]
            if (part >= 0).all():
                parts.append(part)
                break
        chosen.append(end)
    if len(chosen) == size:
        return nothing
    across = _close(points, order[None, chosen], known, most)[0]
    return np.concatenate([across, *parts]) if (across >= 0).all() else nothing


def _close_short(points: NDArray[np.float64], rim: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """As :func:`_close`, in one piece."""
    count, size = rim.shape
    cost = np.zeros((count, size, size))
    through = np.zeros((count, size, size), dtype=np.int64)
    places = points[rim]
    for gap in range(2, size):
        low = np.arange(size - gap)[:, None]
        middle, high = low + np.arange(1, gap), low + gap
        total = cost[:, low, middle] + cost[:, middle, high]
        corners = np.broadcast_arrays(places[:, low], places[:, middle], places[:, high])
        total += _weigh(np.stack(corners, axis=-2))
        best = total.argmin(axis=2)
        low, high = low[:, 0], high[:, 0]
        least = np.take_along_axis(total, best[..., None], axis=2)[..., 0]
        if gap < size - 1:
            least[_is_known(rim[:, low], rim[:, high], known, len(points))] = np.inf
        cost[:, low, high] = least
        through[:, low, high] = best + low + 1
    made = _read_off(through)
    return np.where(np.isfinite(cost[:, 0, -1])[:, None, None], np.take_along_axis(rim[:, None], made, axis=2), -1)


def _weigh(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[…]`` what triangles ``[…, 3, 3]`` cost; those next to lines are taken where nothing else is left."""
    areas, squares = areas_of(corners), _squares(corners)
    return areas + np.where(areas <= MIN_HEIGHT * squares, 1.0, EVENNESS) * squares


def _squares(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[…]`` the sides of triangles ``[…, 3, 3]``, squared and added."""
    sides = corners - np.roll(corners, 1, axis=-2)
    squares: NDArray[np.float64] = np.einsum("...ij,...ij->...", sides, sides)
    return squares


def _is_known(
    one: NDArray[np.int64], other: NDArray[np.int64], known: NDArray[np.int64], points: int
) -> NDArray[np.bool_]:
    """Whether the surface has an edge between two vertices."""
    keys = edge_keys(one, other, points)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.bool_] = known[place] == keys
    return found


def _read_off(through: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[l, n - 2, 3]`` the triangles, by places on the rim, wound against it; every loop has as many."""
    count, size = through.shape[:2]
    rows = np.arange(count)
    low, high = np.zeros((count, size), dtype=np.int64), np.full((count, size), size - 1)
    waiting = np.ones(count, dtype=np.int64)
    made = np.empty((count, size - 2, 3), dtype=np.int64)
    for step in range(size - 2):
        waiting -= 1
        begin, end = low[rows, waiting], high[rows, waiting]
        middle = through[rows, begin, end]
        made[:, step] = np.column_stack([end, middle, begin])
        for one, other in ((begin, middle), (middle, end)):
            low[rows, waiting], high[rows, waiting] = one, other
            waiting += other - one > 1
    return made


def _patches(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    rims: _Rims,
    known: NDArray[np.int64],
    check: Callable[[], None],
) -> list[Filling]:
    """What becomes of ``triangles`` ``[m, 3]`` that close loops: films in large ones, and the others as they are."""
    loop_of, side_from = np.zeros((2, len(points)), dtype=np.int64)
    loop_of[rims.start], side_from[rims.start] = rims.loop, rims.sides
    loop = loop_of[triangles[:, 0]]
    steps = np.bincount(rims.loop, np.linalg.norm(points[rims.end] - points[rims.start], axis=1)) / rims.size
    areas = np.bincount(loop, areas_of(points[triangles]), len(rims.size)).astype(np.float64)
    is_round = (rims.size >= MIN_FILM) & (areas > MIN_ROUND * _reaches(points, rims) ** 2)
    is_film = (is_round & (_flat_areas(points, triangles, loop, len(areas)) < FLAT * areas))[loop]
    films = []
    if is_film.any():
        wanted = _lengths(steps, areas, np.unique(loop[is_film]))
        drawn = _films(points, Patches(points, triangles[is_film], loop[is_film]), wanted, known, check)
        corners = drawn.points[drawn.faces]
        is_line = ~(areas_of(corners) > MIN_HEIGHT * _squares(corners))
        is_spoilt = (np.bincount(drawn.hole, is_line) > MAX_LINES * np.bincount(drawn.hole))[drawn.hole]
        is_film &= ~np.isin(loop, drawn.hole[is_spoilt])
        films = [_film_filling(drawn, ~is_spoilt, rims, len(points))]
    plain = triangles[~is_film]
    return [Filling(np.zeros((0, 3)), plain, side_from[plain[:, 2]]), *films]


def _reaches(points: NDArray[np.float64], rims: _Rims) -> NDArray[np.float64]:
    """``[l]`` the diagonal of the box around each rim."""
    order = np.argsort(rims.loop, kind="stable")
    places, begin = points[rims.start[order]], np.cumsum(rims.size) - rims.size
    reaches: NDArray[np.float64] = np.linalg.norm(
        np.maximum.reduceat(places, begin) - np.minimum.reduceat(places, begin), axis=1
    )
    return reaches


def _flat_areas(
    points: NDArray[np.float64], triangles: NDArray[np.int64], loop: NDArray[np.int64], loops: int
) -> NDArray[np.float64]:
    """``[loops]`` what the triangles cover in the plane that they face on the whole; all of their area if flat."""
    a, b, c = points[triangles.T]
    normals = np.cross(b - a, c - a) / 2.0
    sums = np.column_stack([np.bincount(loop, axis, loops) for axis in normals.T])
    covered: NDArray[np.float64] = np.linalg.norm(sums, axis=1)
    return covered


def _lengths(steps: NDArray[np.float64], areas: NDArray[np.float64], loops: NDArray[np.int64]) -> NDArray[np.float64]:
    """``[l]`` how long edges in films over ``loops`` should be: as the ``steps`` along their rims, or longer."""
    wanted: NDArray[np.float64] = np.maximum(steps, np.sqrt(areas / (EVEN_AREA * MAX_FILM)))
    faces = (areas[loops] / (EVEN_AREA * wanted[loops] ** 2)).sum()
    together: NDArray[np.float64] = wanted * max(1.0, float(faces / MAX_FILMS) ** 0.5)
    return together


def _film_filling(films: Patches, chosen: NDArray[np.bool_], rims: _Rims, points: int) -> Filling:
    """The ``chosen`` faces of films; each looks like the nearest side of its own rim."""
    faces, hole = films.faces[chosen], films.hole[chosen]
    # Rims lie far apart where a fourth coordinate is theirs alone.
    away = 10.0 * float(np.linalg.norm(np.ptp(films.points[:points], axis=0)))
    tree = cKDTree(np.column_stack([films.points[rims.start], away * rims.loop]))
    nearest = tree.query(np.column_stack([films.points[faces].mean(axis=1), away * hole]))[1]
    used = np.unique(faces[faces >= points])
    number = np.arange(len(films.points))
    number[used] = points + np.arange(len(used))
    return Filling(films.points[used], number[faces], rims.sides[nearest])


def _films(
    points: NDArray[np.float64],
    patches: Patches,
    length: NDArray[np.float64],
    known: NDArray[np.int64],
    check: Callable[[], None],
) -> Patches:
    """As :func:`orfeas.meshes.film.draw_films`, which is given the points that matter alone."""
    used = np.unique(patches.faces)
    place = np.full(len(points), -1)
    place[used] = np.arange(len(used))
    low, high = place[np.stack(np.divmod(known, len(points)))]
    own = (low * len(used) + high)[(low >= 0) & (high >= 0)]
    drawn = draw_films(Patches(points[used], place[patches.faces], patches.hole), length, own, check)
    new = drawn.points[len(used) :]
    number = np.concatenate([used, len(points) + np.arange(len(new))])
    return Patches(np.concatenate([points, new]), number[drawn.faces], drawn.hole)


def _joined(parts: Sequence[Filling], points: int) -> Filling:
    """All parts, each of which numbers its new points after ``points`` of the surface."""
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    faces = [part.faces + (part.faces >= points) * start for part, start in zip(parts, starts, strict=False)]
    return Filling(
        np.concatenate([part.points for part in parts]),
        np.concatenate(faces),
        np.concatenate([part.sides for part in parts]),
    )


def _fans(points: NDArray[np.float64], rims: _Rims, is_fan: NDArray[np.bool_]) -> Filling:
    """A triangle from each side of the chosen loops to their middle."""
    number = len(points) + np.cumsum(is_fan) - 1
    middles = np.column_stack([np.bincount(rims.loop, axis) for axis in points[rims.start].T]) / rims.size[:, None]
    own = is_fan[rims.loop]
    fans = np.column_stack([rims.end, rims.start, number[rims.loop]])
    return Filling(middles[is_fan], fans[own], rims.sides[own])
