"""A triangulation of the subject's inside, conforming to its outline."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

from orfeas.engines.inflate.rim import Rim

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Distances from the outline, in spacings: of the first ring of inner points, and of the lattice from all others.
RING, CLEARANCE = 0.7, 0.7
# A point in the middle of a limb keeps off both sides by this share of the limb's width.
MIDDLE = 0.3
RASTER_PER_SPACING = 3.0
MAX_RASTER_SIDE = 4096


@dataclass(frozen=True)
class Sheet:
    """A flat triangle mesh with ``n`` vertices; each of its boundaries is a simple closed curve.

    Attributes:
        points: ``[n, 2]``.
        triangles: ``[t, 3]`` int64, counter-clockwise, none with all three corners on the rim.
        is_rim: ``[n]``, whether a vertex lies on a boundary.
        distance: ``[n]``, from the outline.
    """

    points: Floats
    triangles: Integers
    is_rim: Mask
    distance: Floats


def triangulate(rim: Rim, spacing_px: float) -> Sheet:
    """Fill the rim with triangles of about ``spacing_px`` a side.

    Delaunay triangulation of the rim, a ring of points inside it, points along the middle of limbs too thin for a ring,
    and a lattice of equilateral triangles for the rest.
    """
    inner = _inner_points(rim, spacing_px)
    points = np.concatenate([rim.points, inner])
    triangles = _inside(Delaunay(points), rim)
    points, triangles, is_rim = _split_chords(points, triangles)
    used, flat = np.unique(triangles, return_inverse=True)
    points, is_rim, triangles = points[used], is_rim[used], flat.reshape(-1, 3)
    distance = np.where(is_rim, 0.0, cKDTree(rim.outline).query(points)[0])
    return Sheet(points, triangles, is_rim, distance)


def _inner_points(rim: Rim, spacing_px: float) -> Floats:
    outline = cKDTree(rim.outline)
    depth = RING * np.minimum(rim.lengths, spacing_px)
    ring = rim.points + depth[:, None] * rim.inward
    ring = ring[outline.query(ring)[0] > 0.95 * depth]
    ring = _thinned(ring, 0.5 * spacing_px)
    middle = _limb_middles(rim, spacing_px)
    if len(ring) and len(middle):
        middle = middle[cKDTree(ring).query(middle)[0] > 0.4 * spacing_px]
    near = np.concatenate([ring, middle])
    lattice = _lattice(rim, spacing_px)
    lattice = lattice[outline.query(lattice, distance_upper_bound=1.5 * spacing_px)[0] > CLEARANCE * spacing_px]
    if len(near):
        gap = cKDTree(near).query(lattice, distance_upper_bound=spacing_px)[0]
        lattice = lattice[gap > CLEARANCE * spacing_px]
    inner = np.concatenate([near, lattice])
    return inner[~_in_diametral_circles(rim, inner)]


def _thinned(points: Floats, least: float) -> Floats:
    """``points`` without the later one of every two closer than ``least``."""
    if not len(points):
        return points
    pairs = cKDTree(points).query_pairs(least, output_type="ndarray")
    dropped = np.zeros(len(points), dtype=np.bool_)
    # Greedy by index: a point dropped already drops no other; alternate members of a crowded run survive.
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if not dropped[first]:
            dropped[second] = True
    return points[~dropped]


def _limb_middles(rim: Rim, spacing_px: float) -> Floats:
    """Midpoints of the short edges that cross from one side of the outline to another, within the subject."""
    triangles = _inside(Delaunay(rim.points), rim)
    edges = find_edges(triangles).ends
    is_side = (rim.following[edges[:, 0]] == edges[:, 1]) | (rim.following[edges[:, 1]] == edges[:, 0])
    a, b = rim.points[edges[~is_side]].transpose(1, 0, 2)
    length, middle = np.linalg.norm(b - a, axis=1), (a + b) / 2
    is_short = length < 2.5 * spacing_px
    length, middle = length[is_short], middle[is_short]
    distance = cKDTree(rim.outline).query(middle)[0]
    return _thinned(middle[distance > MIDDLE * length], 0.3 * spacing_px)


def _lattice(rim: Rim, spacing_px: float) -> Floats:
    """The points of a lattice of equilateral triangles that lie within the outline."""
    low, high = rim.points.min(axis=0), rim.points.max(axis=0)
    rows = np.arange(low[1], high[1], spacing_px * np.sqrt(3) / 2)
    columns = np.arange(low[0], high[0] + spacing_px, spacing_px)
    x, y = np.meshgrid(columns, rows)
    x[1::2] -= spacing_px / 2
    lattice = np.column_stack([x.ravel(), y.ravel()])
    pixel = max(spacing_px / RASTER_PER_SPACING, float((high - low).max()) / MAX_RASTER_SIDE)
    raster = np.zeros(np.ceil((high - low) / pixel).astype(int)[::-1] + 3, dtype=np.uint8)
    scaled = np.round((rim.points - low) / pixel * 16).astype(np.int32)
    cv2.fillPoly(raster, [scaled[loop] for loop in _loops(rim.following)], 1, shift=4)
    column, row = np.clip(np.round((lattice - low) / pixel).astype(int), 0, np.array(raster.shape)[::-1] - 1).T
    inside: Floats = lattice[raster[row, column] > 0]
    return inside


def _loops(following: Integers) -> list[Integers]:
    """The polygons as runs of points; each is stored in order and ends where it returns to its first point."""
    ends = np.flatnonzero(following <= np.arange(len(following))) + 1
    return np.split(np.arange(len(following)), ends[:-1])


def _in_diametral_circles(rim: Rim, points: Floats) -> Mask:
    middle, radius = (rim.points + rim.points[rim.following]) / 2, rim.lengths / 2
    inside = np.zeros(len(points), dtype=np.bool_)
    for hits in cKDTree(points).query_ball_point(middle, radius):
        inside[hits] = True
    return inside


@dataclass(frozen=True)
class Edges:
    """The ``e`` edges of ``t`` triangles.

    Attributes:
        ends: ``[e, 2]``, the lower vertex first.
        of_triangle: ``[t, 3]``, the edges from corner 0 to 1, from 1 to 2 and from 2 to 0.
        is_boundary: ``[e]``, whether only one triangle has the edge.
    """

    ends: Integers
    of_triangle: Integers
    is_boundary: Mask


def find_edges(triangles: Integers) -> Edges:
    """The edges of ``[t, 3]`` triangles, each once."""
    start, end = triangles, np.roll(triangles, -1, axis=1)
    number = int(triangles.max()) + 1
    keys = np.minimum(start, end) * number + np.maximum(start, end)
    unique, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    ends = np.column_stack([unique // number, unique % number])
    return Edges(ends, inverse.reshape(-1, 3), counts == 1)


def _inside(delaunay: Delaunay, rim: Rim) -> Integers:
    """The triangles to the left of the rim.

    The rim's sides cut the triangulation into pieces; each is inside or outside as most of its sides say.
    """
    triangles = delaunay.simplices.astype(np.int64)
    a, b, c = delaunay.points[triangles].transpose(1, 0, 2)
    is_clockwise = (b - a)[:, 0] * (c - a)[:, 1] < (b - a)[:, 1] * (c - a)[:, 0]
    number, count = len(rim.points), len(triangles)
    following = np.full(len(delaunay.points), -1)
    following[:number] = rim.following
    # The neighbour k of a triangle lies across from corner k.
    start = np.where(is_clockwise[:, None], triangles[:, [2, 0, 1]], triangles[:, [1, 2, 0]])
    end = np.where(is_clockwise[:, None], triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]])
    is_left, is_right = following[start] == end, following[end] == start
    is_open = ~is_left & ~is_right & (delaunay.neighbors >= 0)
    rows = np.broadcast_to(np.arange(count)[:, None], is_open.shape)[is_open]
    graph = coo_array((np.ones(len(rows), np.int8), (rows, delaunay.neighbors[is_open])), shape=(count, count))
    pieces, piece = connected_components(graph, directed=False)
    vote = is_left.sum(axis=1) - is_right.sum(axis=1)
    is_inside = np.bincount(piece, vote, minlength=pieces) > 0
    triangles = np.where(is_clockwise[:, None], triangles[:, [0, 2, 1]], triangles)
    return triangles[is_inside[piece]]


def _split_chords(points: Floats, triangles: Integers) -> tuple[Floats, Integers, Mask]:
    """Halve every edge that joins two points of the boundary without being part of it.

    Front and back share the boundary's vertices, so such an edge would be shared by four faces, and the solid would
    have no thickness along it.
    """
    edges = find_edges(triangles)
    is_rim = np.zeros(len(points), dtype=np.bool_)
    is_rim[edges.ends[edges.is_boundary]] = True
    is_chord = ~edges.is_boundary & is_rim[edges.ends].all(axis=1)
    new = np.full(len(edges.ends), -1)
    new[is_chord] = len(points) + np.arange(np.count_nonzero(is_chord))
    points = np.concatenate([points, points[edges.ends[is_chord]].mean(axis=1)])
    is_rim = np.concatenate([is_rim, np.zeros(len(points) - len(is_rim), dtype=np.bool_)])
    return points, split(triangles, new[edges.of_triangle]), is_rim


def split(triangles: Integers, middles: Integers) -> Integers:
    """Divide triangles at the middles of their edges; ``middles`` ``[t, 3]`` has −1 where an edge stays whole."""
    number = (middles >= 0).sum(axis=1)
    pieces = [triangles[number == 0]]
    # Turned so that the first edge is divided and, of two, the second is too.
    turn = np.argmax(middles >= 0, axis=1)
    turn = np.where((number == 2) & (middles[:, 0] >= 0) & (middles[:, 2] >= 0), 2, turn)
    order = (np.arange(3) + turn[:, None]) % 3
    a, b, c = np.take_along_axis(triangles, order, axis=1).T
    p, q, r = np.take_along_axis(middles, order, axis=1).T
    templates = {
        1: [(a, p, c), (p, b, c)],
        2: [(a, p, c), (p, q, c), (p, b, q)],
        3: [(a, p, r), (p, b, q), (r, q, c), (p, q, r)],
    }
    for count, template in templates.items():
        at = number == count
        pieces.extend(np.column_stack([corner[at] for corner in corners]) for corners in template)
    return np.concatenate(pieces)
