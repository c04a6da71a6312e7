"""Broken meshes are closed: what a slicer asks for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.areas import areas_of
from orfeas.meshes.bounds import find_reach
from orfeas.meshes.fill import fill
from orfeas.meshes.halfedges import HalfEdges, ends, half_edges, label
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.orientation import component_volumes, orient
from orfeas.meshes.topology import repeats_a_vertex, welded
from orfeas.meshes.weld import weld

# Parts of the model's diagonal: gaps up to so wide are drawn together; surfaces that touch are drawn apart so far.
GAP = 1e-5
PARTING = 1e-5
# Of the volume that a surface could enclose at most, a tenth: a ball of area A holds A^1.5 / 10.6.
SHEET = 0.1 / 10.6
# Sheets of waste are peeled off from their rim inward, one ring of faces at a time.
MAX_RINGS = 100


@dataclass(frozen=True)
class _Surface:
    """A mesh that is being repaired.

    Attributes:
        points: ``[n, 3]``, all places different.
        faces: ``[m, 3]`` int64.
        corners: ``[m, 3]`` int64, the corner of the input, ``3 · face + place``, whose look each corner has.
    """

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    corners: NDArray[np.int64]

    @cached_property
    def sides(self) -> HalfEdges:
        """The sides of all faces, by edge."""
        return half_edges(self.faces)

    def kept(self, chosen: NDArray[np.bool_]) -> "_Surface":
        """With the ``chosen`` faces alone."""
        return self if chosen.all() else replace(self, faces=self.faces[chosen], corners=self.corners[chosen])

    def wound(self) -> "_Surface":
        """With its faces wound alike, and outward."""
        faces = orient(self.points, self.faces, self.sides.pairs())
        is_turned = faces[:, 0] != self.faces[:, 0]
        if not is_turned.any():
            return self
        return replace(self, faces=faces, corners=np.where(is_turned[:, None], self.corners[:, ::-1], self.corners))


@dataclass(frozen=True)
class Repaired:
    """What came of a mesh.

    Attributes:
        mesh: closed and consistently wound.
        dropped_faces: how many faces hung free of any solid, or stood alone, and went.
        dropped_sheets: how many pieces had no inside to close, and went.
    """

    mesh: trimesh.Trimesh
    dropped_faces: int
    dropped_sheets: int


def repair(mesh: trimesh.Trimesh, check: Callable[[], None] = lambda: None) -> trimesh.Trimesh:
    """What :func:`repair_and_tell` makes of ``mesh``, without the account; ``check`` may stop it."""
    return repair_and_tell(mesh, check, check).mesh


def repair_and_tell(
    mesh: trimesh.Trimesh, advance: Callable[[], None] = lambda: None, check: Callable[[], None] = lambda: None
) -> Repaired:
    """A closed mesh, consistently wound, as near to ``mesh`` as can be, with its colours, texture and UVs.

    A mesh that is closed and sound already keeps every vertex and face. Holes are filled with triangles between the
    vertices on their rims (:func:`orfeas.meshes.fill.fill`), which look like the rim they begin at. Bodies that overlap
    stay so.

    Args:
        mesh: any unit.
        advance: called after each of five steps; what it raises stops the work.
        check: called again and again where many holes are filled; as ``advance``.

    Raises:
        InvalidMesh: no face is left that could be part of a surface, a number is not finite, or a corner is missing.
    """
    stored = np.asarray(mesh.vertices, dtype=np.float64)
    check_corners(np.asarray(mesh.faces), len(stored))
    check_points(stored)
    # 1. Corners at one place are one vertex, and narrow cracks are closed.
    points, faces = welded(mesh)
    surface = _cleaned(_Surface(points, faces, np.arange(faces.size, dtype=np.int64).reshape(-1, 3)))
    points = surface.points
    reach = float(np.linalg.norm(find_reach(points[surface.faces.ravel()]))) if len(surface.faces) else 0.0
    surface = _without_cracks(surface, GAP * reach)
    advance()
    # 2. Waste is dropped: sheets that hang from a sound surface, and single faces.
    count = len(surface.faces)
    surface = _sound(surface)
    surface = surface.kept(_is_no_crumb(surface.sides))
    dropped = count - len(surface.faces)
    if not len(surface.faces):
        raise InvalidMesh("The model has no surface that could be repaired.")
    advance()
    # 3. Faces are wound alike, and surfaces that touch along an edge are parted there.
    surface = surface.wound()
    pairs = np.concatenate([surface.sides.pairs(), _pair_by_angle(points, surface.faces, surface.sides)])
    points, faces = _part(points, surface.faces, pairs, PARTING * reach)
    advance()
    # 4. Holes are filled, and sheets that closed on themselves go.
    is_free = np.ones(faces.size, dtype=np.bool_)
    is_free[pairs] = False
    free = np.flatnonzero(is_free)
    filled = _filled(replace(surface, points=points, faces=faces), free, check)
    surface, sheets = _without_sheets(filled, len(faces), free)
    advance()
    # 5. Closed components lie outward.
    repaired = _with_look(surface.wound(), mesh)
    advance()
    return Repaired(repaired, dropped, sheets)


def _without_sheets(surface: _Surface, own: int, free: NDArray[np.int64]) -> tuple[_Surface, int]:
    """The surface without components that are no thicker than paper and mostly rim, and their number.

    The first ``own`` faces are old, and the others close the sides ``free`` ``[s]`` of the old ones. Where nothing else
    is there, all stays.
    """
    labels = label(surface.sides.pairs() // 3, len(surface.faces))
    old = np.bincount(labels[:own], minlength=labels.max() + 1)
    rim = np.bincount(labels[free // 3], minlength=labels.max() + 1)
    is_rim = (rim > 0) & (rim >= old)
    if not is_rim.any():
        return surface, 0
    volumes = np.abs(component_volumes(surface.points, surface.faces, labels))
    areas = np.bincount(labels, areas_of(surface.points[surface.faces]))
    is_sheet = is_rim & (volumes < SHEET * areas**1.5)
    if not is_sheet.any() or is_sheet.all():
        return surface, 0
    return surface.kept(~is_sheet[labels]), int(np.count_nonzero(is_sheet))


def _with_look(surface: _Surface, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The surface as a mesh; a vertex whose corners looked different in ``mesh`` becomes several at one place."""
    look = appearance_of(mesh)
    stored = np.asarray(mesh.faces).ravel()[surface.corners.ravel()]
    if look.uv is None and look.colours is None:
        used = np.zeros(len(surface.points), dtype=np.bool_)
        used[surface.faces.ravel()] = True
        first, flat = np.flatnonzero(used), (np.cumsum(used) - 1)[surface.faces.ravel()]
        points, source = surface.points[first], np.zeros(len(first), dtype=np.int64)
    else:
        looks = weld(look.uv if look.uv is not None else np.asarray(look.colours, dtype=np.float64))[1][stored]
        keys = surface.faces.ravel() * (int(looks.max()) + 1) + looks
        _, first, flat = np.unique(keys, return_index=True, return_inverse=True)
        points, source = surface.points[surface.faces.ravel()[first]], stored[first]
    return trimesh.Trimesh(
        vertices=points,
        faces=flat.reshape(-1, 3),
        visual=visual_of(look, source),
        metadata=mesh.metadata,
        process=False,
    )


def _cleaned(surface: _Surface) -> _Surface:
    """Without faces that repeat a vertex, and with one of those that have the same three."""
    surface = surface.kept(~repeats_a_vertex(surface.faces))
    is_first = np.zeros(len(surface.faces), dtype=np.bool_)
    is_first[weld(np.sort(surface.faces, axis=1).astype(np.float64))[0]] = True
    return surface.kept(is_first)


def _without_cracks(surface: _Surface, gap: float) -> _Surface:
    """The surface, with vertices on boundaries that lie within ``gap`` of each other made one."""
    sides = surface.sides
    rim = np.unique(ends(surface.faces, sides.of_edges(sides.count == 1)))
    if not len(rim) or gap == 0:
        return surface
    close = cKDTree(surface.points[rim]).query_pairs(gap, output_type="ndarray")
    if not len(close):
        return surface
    labels = label(close, len(rim))
    first = np.unique(labels, return_index=True)[1]
    stands_for = np.arange(len(surface.points))
    stands_for[rim] = rim[first[labels]]
    return _cleaned(replace(surface, faces=stands_for[surface.faces]))


def _sound(surface: _Surface) -> _Surface:
    """The surface without faces that are too many at an edge and hang free on another side."""
    for _ in range(MAX_RINGS):
        sides = surface.sides
        crowded = sides.count > 2
        if not crowded.any():
            return surface
        free = (sides.count_of_side() == 1).sum(axis=1)
        crowd = sides.of_edges(crowded)
        sizes = sides.count[crowded]
        edge = np.repeat(np.arange(len(sizes)), sizes)
        # The freest first, and of those the smallest; so many of an edge as it has too many.
        order = np.lexsort((areas_of(surface.points[surface.faces])[crowd // 3], -free[crowd // 3], edge))
        rank = np.arange(len(crowd)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        face = crowd[order] // 3
        dropped = face[(rank < np.repeat(sizes - 2, sizes)) & (free[face] > 0)]
        if not len(dropped):
            return surface
        is_kept = np.ones(len(surface.faces), dtype=np.bool_)
        is_kept[dropped] = False
        surface = surface.kept(is_kept)
    return surface


def _is_no_crumb(sides: HalfEdges) -> NDArray[np.bool_]:
    """``[m]`` whether a face shares an edge with another; all of them where none does."""
    one, two, three = (sides.count_of_side() == 1).T
    is_crumb: NDArray[np.bool_] = one & two & three
    return ~is_crumb if not is_crumb.all() else is_crumb


def _pair_by_angle(points: NDArray[np.float64], faces: NDArray[np.int64], sides: HalfEdges) -> NDArray[np.int64]:
    """``[k, 2]`` sides of crowded edges that bound the same wedge of material, seen along the edge.

    Looking along an edge, with angles that grow counter-clockwise, the outside of a face that runs away from the viewer
    lies towards greater angles. So material begins at a face that runs backward, and ends at the next, if that runs
    forward.
    """
    crowded = sides.count > 2
    if not crowded.any():
        return np.zeros((0, 2), dtype=np.int64)
    sizes = sides.count[crowded]
    side = sides.of_edges(crowded)
    start, end = ends(faces, side).T
    runs_forward = start < end
    low = points[np.minimum(start, end)]
    along = points[np.maximum(start, end)] - low
    across = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
    upward = np.cross(along, across) / np.linalg.norm(along, axis=1, keepdims=True)
    third = points[faces[side // 3, (side + 2) % 3]] - low
    angle = np.arctan2(np.einsum("ij,ij->i", third, upward), np.einsum("ij,ij->i", third, across))
    edge = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((~runs_forward, angle, edge))
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    is_free = np.ones(len(side), dtype=np.bool_)
    while True:
        # Neighbours are paired and taken away, until no edge has sides of both directions left.
        order = order[is_free[order]]
        begins = np.diff(edge[order], prepend=-1) > 0
        following = np.roll(order, -1)
        following[np.roll(begins, -1)] = order[begins]  # around the edge, from the last to the first
        bounds_material = ~runs_forward[order] & runs_forward[following]
        if not bounds_material.any():
            return np.concatenate(pairs)
        pair = np.column_stack([order, following])[bounds_material]
        is_free[pair] = False
        pairs.append(side[pair])


def _part(
    points: NDArray[np.float64], faces: NDArray[np.int64], pairs: NDArray[np.int64], distance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and faces in which only ``pairs`` ``[k, 2]`` of sides are joined.

    Vertices that were one, and are several now, move ``distance`` into their own surface, so that they stay several in
    a file that knows points by their place alone.
    """
    first, second = pairs.T
    first_end, second_end = (side - side % 3 + (side + 1) % 3 for side in (first, second))
    alike = faces.ravel()[first] == faces.ravel()[second]
    links = np.concatenate(
        [
            np.column_stack([first, np.where(alike, second, second_end)]),
            np.column_stack([first_end, np.where(alike, second_end, second)]),
        ]
    )
    labels = label(links, faces.size)
    # Numbered in the order of the vertices they come from.
    keys, numbers = np.unique(faces.ravel() * faces.size + labels, return_inverse=True)
    source = keys // faces.size
    faces = numbers.reshape(-1, 3)
    points = points[source]
    is_several = np.bincount(source, minlength=1)[source] > 1
    middles = np.repeat(points[faces].mean(axis=1), 3, axis=0)
    count = np.bincount(faces.ravel(), minlength=len(points))
    inward = np.column_stack([np.bincount(faces.ravel(), axis, len(points)) for axis in middles.T]) / count[:, None]
    inward -= points
    length = np.linalg.norm(inward, axis=1)
    share = np.minimum(distance / np.where(length > 0, length, np.inf), 0.1)
    return points + np.where(is_several, share, 0.0)[:, None] * inward, faces


def _filled(surface: _Surface, free: NDArray[np.int64], check: Callable[[], None]) -> _Surface:
    """The surface with every loop of the sides ``free`` ``[s]`` closed."""
    filling = fill(surface.points, surface.faces, free, check)
    # All corners look like the near side: what lies between two looks in a texture may be anything.
    own, sides = surface.corners.ravel(), filling.sides
    near, far = own[sides - sides % 3 + (sides + 1) % 3], own[sides]
    return _Surface(
        np.concatenate([surface.points, filling.points]),
        np.concatenate([surface.faces, filling.faces]),
        np.concatenate([surface.corners, np.column_stack([near, far, far])]),
    )
