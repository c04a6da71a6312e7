"""Faces that pass through each other are drawn apart, where moving a few points a little is enough."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.crossings import crossings_deeper, find_crossings_soon, is_within_a_body, planes, touch_depth
from orfeas.meshes.halfedges import label
from orfeas.meshes.weld import weld

Points = NDArray[np.float64]
Pairs = NDArray[np.int64]

# Of all faces: where more of them cross, it is no accident of a collapse, but how the model is.
MAX_SHARE = 0.05
# More take long to draw apart, a minute for ten thousand.
MAX_PAIRS = 1000
# Of the mean length of a point's edges: it moves no further.
TRAVEL = 0.5
# Steps of one kind, after which points that are still in each other's way go back.
ROUNDS = 12
# How much more than the way out a push is: it is shared among the faces around a point.
PUSH = 1.1
# Of what counts as a touch: so far apart, faces are apart for sure.
CLEAR = 10.0


@dataclass(frozen=True)
class Uncrossed:
    """What came of faces that passed through each other.

    Attributes:
        points: ``[n, 3]``, most of them exactly where they were; the faces name them as before.
        before: pairs of faces that passed through each other; None where it would have taken long to look.
        left: pairs that still do; None as above.
        left_faces: faces that still pass through others of their own body; None as above.
    """

    points: Points
    before: int | None
    left: int | None
    left_faces: int | None


@dataclass(frozen=True)
class _Tangle:
    """Points that may move, and the faces that can get in their way.

    Attributes:
        points: ``[n, 3]`` where they were.
        faces: ``[f, 3]``.
        group: ``[n]`` points with the same number move, or go back, together; those with −1 stay.
        limit: ``[n]`` how far each may move.
        depth: how deep faces may reach into each other and only touch.
        foreign: ``[k]`` keys of the pairs that are left alone.
    """

    points: Points
    faces: NDArray[np.int64]
    group: NDArray[np.int64]
    limit: NDArray[np.float64]
    depth: float
    foreign: NDArray[np.int64]

    def crossings(self, points: Points, check: Callable[[], None]) -> Pairs:
        """The pairs of ``faces`` that cross with the points there, but for the foreign."""
        pairs = crossings_deeper(points, self.faces, self.depth, check)
        return pairs[~np.isin(_keys(pairs, len(self.faces)), self.foreign)]

    def concerned(self, pairs: Pairs) -> NDArray[np.bool_]:
        """``[n]`` the points of all groups that have a corner in ``pairs``."""
        groups = self.group[self.faces[pairs]].ravel()
        return np.isin(self.group, groups[groups >= 0])

    def tried(self, move: Callable[[Points, Pairs], Points], start: Points, check: Callable[[], None]) -> Points:
        """``start`` with those groups moved, a step at a time, that come free, and nothing else."""
        now, pairs = start, self.crossings(start, check)
        for _ in range(ROUNDS):
            if not len(pairs):
                return now
            way = move(now, pairs) - self.points
            length = np.linalg.norm(way, axis=1)
            share = np.divide(self.limit, length, out=np.ones_like(length), where=length > self.limit)
            now = np.where(self.concerned(pairs)[:, None], self.points + share[:, None] * way, now)
            pairs = self.crossings(now, check)
        # What goes back may be in the way of what has moved, which goes back, too.
        while (back := self.concerned(pairs) & (now != start).any(axis=1)).any():
            now = np.where(back[:, None], start, now)
            pairs = self.crossings(now, check)
        return now

    def pushed(self, points: Points, pairs: Pairs) -> Points:
        """The points with both faces of each pair pushed apart, along the normal of one, on the shortest way out."""
        corners = points[self.faces]
        normals = planes(tuple(corners.swapaxes(0, 1)))[0]
        # Either face can go back through the other's plane, to either side.
        through, plane = np.concatenate([pairs, pairs[:, ::-1]] * 2).T
        across = normals[plane] * np.repeat([1.0, -1.0], 2 * len(pairs))[:, None]
        heights = np.einsum("ijk,ik->ij", corners[through] - corners[plane, :1], across)
        best = heights.max(axis=1).reshape(4, -1).argmin(axis=0) * len(pairs) + np.arange(len(pairs))
        through, plane, across, heights = (
            self.faces[through[best]],
            self.faces[plane[best]],
            across[best],
            heights[best],
        )
        half, clear = PUSH / 2, CLEAR * self.depth
        back = np.where(heights > self.depth, -(half * heights + clear), 0.0)
        is_shared = (plane[:, :, None] == through[:, None, :]).any(axis=2)
        ahead = np.where(is_shared, 0.0, half * heights.max(axis=1, keepdims=True) + clear)
        corner, step = np.concatenate([through, plane]), np.concatenate([back, ahead])
        ways = (step[:, :, None] * np.tile(across, (2, 1))[:, None]).reshape(-1, 3)
        count = np.maximum(np.bincount(corner.ravel(), step.ravel() != 0, len(points)), 1)
        return points + _sums(corner.ravel(), ways, len(points)) / count[:, None]

    def relaxed(self, points: Points) -> Points:
        """Points half way to the mean of their neighbours; without the groups' it means nothing."""
        corners = points[self.faces]
        others = corners.sum(axis=1, keepdims=True) - corners
        count = 2 * np.bincount(self.faces.ravel(), minlength=len(points))
        sums = _sums(self.faces.ravel(), others.reshape(-1, 3), len(points))
        return np.where((count > 0)[:, None], (points + sums / np.maximum(count, 1)[:, None]) / 2, points)


def uncrossed(mesh: trimesh.Trimesh, check: Callable[[], None] = lambda: None) -> tuple[trimesh.Trimesh, Uncrossed]:
    """``mesh`` after :func:`uncross`, with its look, and what came of it; the same mesh where nothing moved."""
    first, inverse = weld(mesh.vertices)
    points = np.asarray(mesh.vertices, dtype=np.float64)[first]
    made = uncross(points, inverse[np.asarray(mesh.faces)], check)
    if made.before == made.left:
        return mesh, made
    moved = trimesh.Trimesh(made.points[inverse], mesh.faces, visual=mesh.visual, metadata=mesh.metadata, process=False)
    return moved, made


def uncross(points: Points, faces: NDArray[np.int64], check: Callable[[], None] = lambda: None) -> Uncrossed:
    """Draw faces that pass through each other apart, as a collapse of edges leaves them now and then.

    Their corners alone move, no further than half the mean length of their edges: away from each other, or, where that
    does not help, toward the mean of their neighbours. What does not come free returns exactly to where it was. Bodies
    that overlap stay so, and where over a thousand pairs or a twentieth of all faces cross, or it would take long to
    find them, as above 400,000 faces, all stays.

    Args:
        points: ``[n, 3]``, finite; any unit.
        faces: ``[m, 3]``, vertices at one place being one.
        check: called every few hundredths of a second; what it raises stops the work.
    """
    pairs = find_crossings_soon(points, faces, check)
    if pairs is None:
        return Uncrossed(points, None, None, None)
    own = pairs[is_within_a_body(faces, pairs)] if len(pairs) else pairs
    if not len(own) or len(pairs) > MAX_PAIRS or len(np.unique(pairs)) > MAX_SHARE * len(faces):
        return Uncrossed(points, len(pairs), len(pairs), len(np.unique(own)))
    tangle = _tangle(points, faces, pairs, own, check)
    now = tangle.tried(tangle.pushed, points, check)
    now = tangle.tried(lambda at, _: tangle.relaxed(at), now, check)
    left = len(crossings_deeper(now, tangle.faces, tangle.depth, check))
    return Uncrossed(now, len(pairs), left, len(np.unique(tangle.crossings(now, check))))


def _tangle(points: Points, faces: NDArray[np.int64], pairs: Pairs, own: Pairs, check: Callable[[], None]) -> _Tangle:
    """What may move, to draw the ``own`` of all ``pairs`` apart."""
    corners = faces[own].reshape(-1, 6)
    group = label(np.column_stack([np.repeat(corners[:, 0], 5), corners[:, 1:].ravel()]), len(points))
    is_free = np.zeros(len(points), dtype=np.bool_)
    is_free[corners] = True
    group = np.where(is_free, group, -1)
    sides = np.linalg.norm(points[faces] - points[np.roll(faces, -1, axis=1)], axis=2)
    around = sides + np.roll(sides, 1, axis=1)  # the two sides that meet at each corner
    count = np.maximum(2 * np.bincount(faces.ravel(), minlength=len(points)), 1)
    limit = TRAVEL * np.bincount(faces.ravel(), around.ravel(), len(points)) / count
    near = _near(points[faces], group[faces].max(axis=1), float(limit[is_free].max()), check)
    near[pairs] = True
    number = np.cumsum(near) - 1
    foreign = np.setdiff1d(_keys(number[pairs], int(number[-1]) + 1), _keys(number[own], int(number[-1]) + 1))
    return _Tangle(points, faces[near], group, limit, touch_depth(points, faces), foreign)


def _near(
    corners: NDArray[np.float64], group: NDArray[np.int64], travel: float, check: Callable[[], None]
) -> NDArray[np.bool_]:
    """``[m]`` which faces, of ``corners`` ``[m, 3, 3]``, can be in the way of those in a ``group`` ``[m]``."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    near = group >= 0
    for number in np.unique(group[near]):
        check()
        lowest, highest = low[group == number].min(axis=0) - travel, high[group == number].max(axis=0) + travel
        near |= ((low <= highest) & (high >= lowest)).all(axis=1)
    return near


def _keys(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """A number for each pair of numbers below ``count``."""
    return pairs[:, 0] * count + pairs[:, 1]


def _sums(index: NDArray[np.int64], rows: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``[count, 3]`` the sum of the ``rows`` that have each ``index``."""
    return np.column_stack([np.bincount(index, axis, count) for axis in rows.T])
