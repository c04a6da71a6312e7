"""A model laid on its best flat side, for printing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from orfeas.meshes.printing.fit import stand, used_vertices
from orfeas.meshes.printing.overhang import MAX_ANGLE_DEG
from orfeas.meshes.printing.triangles import PIECE, Triangles, pieces, triangles_of

# Candidates: the hull of the points that are farthest in so many directions, spread evenly.
DIRECTIONS = 1000
# Sides of the model itself that are tried too, and those of the hull; the largest of each.
MAX_SIDES = 24
# Normals within so much of each other are one side.
SAME_DEG = 2.0
# Parts of the model's diagonal: what lies within it of the plate touches it.
CONTACT = 2e-3
# Normals are grouped by rounding their parts to so many steps, which is about a degree.
CELLS = 50
# Two sides, or overhangs, are as good as each other up to so much; and a model that stands on so much of the best
# side's area stands well.
ALIKE, STANDS_WELL = 0.95, 0.8
# Less contact than this part of the surface is no flat side, but the tip of something round.
MIN_CONTACT = 5e-3
# How far within the side's outline the weight must lie, as a part of the model's diagonal.
STABLE = 5e-3
DOWN = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True)
class Oriented:
    """A model on its best side.

    Attributes:
        mesh: it, in its place (conventions §2), with its colours, texture and UVs.
        rotation: ``[3, 3]`` what it was turned by; exactly the identity where it stood well already.
        contact_mm2: how much of its surface lies flat on the plate.
        overhang_mm2: how much hangs over more than 45 degrees, within a degree.
    """

    mesh: trimesh.Trimesh
    rotation: NDArray[np.float64]
    contact_mm2: float
    overhang_mm2: float


@dataclass(frozen=True)
class _Pose:
    """One side down: ``down`` is its direction in the model's frame; ``is_stable`` whether the model stands so."""

    down: NDArray[np.float64]
    contact: float
    overhang: float
    height: float
    is_stable: bool


def orient_for_printing(mesh: trimesh.Trimesh, check: Callable[[], None] = lambda: None) -> Oriented:
    """``mesh`` with its largest flat side down, on which it stands by itself; the same every time.

    Of sides about as large, that with the least overhang is chosen, then the one on which the model is lowest. A model
    that stands well as it is stays so; so does one that can stand on no side better.

    Args:
        mesh: millimetres, wound outward (conventions §4).
        check: called several times a second; what it raises stops the work.

    Raises:
        InvalidMesh: it has no surface, a number is not finite, or a corner does not exist.
    """
    triangles = triangles_of(mesh)
    check()
    points = used_vertices(mesh)
    weight = _centre_of_mass(triangles)
    groups = _group(triangles)
    poses = []
    for down in _candidates(points, groups, check):
        poses.append(_pose(down, points, triangles, groups, weight))
        check()
    best = _best(poses, MIN_CONTACT * float(triangles.areas.sum()))
    rotation = np.eye(3) if best.down is DOWN else _straight(points, _turn(best.down))
    return Oriented(stand(mesh, rotation), rotation, best.contact, best.overhang)


@dataclass(frozen=True)
class _Groups:
    """Faces whose normals are alike, within about a degree.

    ``faces`` of group ``g`` are those from ``begin[g]`` to ``begin[g + 1]``; ``normals`` is the mean of each group's,
    and ``areas`` their sum.
    """

    faces: NDArray[np.int64]
    begin: NDArray[np.int64]
    normals: NDArray[np.float64]
    areas: NDArray[np.float64]


def _best(poses: list[_Pose], min_contact: float) -> _Pose:
    """The first pose is the model's own."""
    poses = [pose if pose.contact >= min_contact else replace(pose, contact=0.0) for pose in poses]
    own, stable = poses[0], [pose for pose in poses if pose.is_stable]
    if not stable:
        return own
    most = max(pose.contact for pose in stable)
    if own.is_stable and own.contact >= STANDS_WELL * most:
        return own
    large = [pose for pose in stable if pose.contact >= ALIKE * most]
    least = min(pose.overhang for pose in large)
    clear = [pose for pose in large if pose.overhang * ALIKE <= least]
    return min(clear, key=lambda pose: pose.height)


def _candidates(points: NDArray[np.float64], groups: _Groups, check: Callable[[], None]) -> list[NDArray[np.float64]]:
    """Directions to lay down: the model's own, its largest sides, and those of its hull."""
    sides = [DOWN]
    largest = np.argsort(-groups.areas, kind="stable")[: 20 * MAX_SIDES]
    for normals, areas in ((groups.normals[largest], groups.areas[largest]), _hull_sides(points, check)):
        sides += _merge(normals, areas, sides)
    return sides


def _merge(
    normals: NDArray[np.float64], areas: NDArray[np.float64], known: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """The largest groups of normals alike, as the mean of each, without those that are ``known``."""
    near = np.cos(np.radians(SAME_DEG))
    found: list[NDArray[np.float64]] = []
    left = np.ones(len(normals), dtype=np.bool_)
    for index in np.argsort(-areas, kind="stable"):
        if len(found) == MAX_SIDES:
            break
        if not left[index]:
            continue
        alike = left & (normals @ normals[index] >= near)
        left &= ~alike
        mean = (normals[alike] * areas[alike, None]).sum(axis=0)
        mean /= np.linalg.norm(mean)
        if all(mean @ other < np.cos(np.radians(SAME_DEG / 8)) for other in [*known, *found]):
            found.append(mean)
    return found


def _group(triangles: Triangles) -> _Groups:
    cells = np.round(triangles.normals * CELLS).astype(np.int64) + CELLS
    side = 2 * CELLS + 1
    keys = (cells[:, 0] * side + cells[:, 1]) * side + cells[:, 2]
    faces = np.argsort(keys, kind="stable")
    begin = np.flatnonzero(np.diff(keys[faces], prepend=-1))
    weighted = triangles.normals * triangles.areas[:, None]
    sums = np.add.reduceat(weighted[faces], begin)
    areas = np.add.reduceat(triangles.areas[faces], begin)
    normals = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return _Groups(faces, np.append(begin, len(faces)), normals, areas)


def _hull_sides(
    points: NDArray[np.float64], check: Callable[[], None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normals of the hull's faces and their areas; the hull is that of the farthest points in many directions."""
    directions = _even_directions(DIRECTIONS).astype(np.float32)
    middle = points.mean(axis=0)
    farthest, where = np.full(DIRECTIONS, -np.inf, dtype=np.float32), np.zeros(DIRECTIONS, dtype=np.int64)
    for part in pieces(len(points), PIECE // 2):
        reach = directions @ (points[part] - middle).astype(np.float32).T
        at = reach.argmax(axis=1)
        value = reach[np.arange(DIRECTIONS), at]
        where = np.where(value > farthest, part.start + at, where)
        farthest = np.maximum(farthest, value)
        check()
    extremes = points[np.unique(where)]
    try:
        hull = ConvexHull(extremes)
    except QhullError:  # all in one plane, whose side the model's own faces tell
        return np.zeros((0, 3)), np.zeros(0)
    a, b, c = extremes[hull.simplices].swapaxes(0, 1)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
    return hull.equations[:, :3], areas


def _even_directions(count: int) -> NDArray[np.float64]:
    """``[count, 3]`` on a sphere, along a Fibonacci spiral."""
    height = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    angle = np.pi * (1.0 + 5.0**0.5) * np.arange(count)
    ring = np.sqrt(1.0 - height**2)
    return np.column_stack([ring * np.cos(angle), height, ring * np.sin(angle)])


def _centre_of_mass(triangles: Triangles) -> NDArray[np.float64]:
    """Of the solid; of the surface where that encloses nothing."""
    origin = (triangles.low + triangles.high) / 2
    a, b, c = (triangles.corners - origin).swapaxes(0, 1)
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    sums = a + b + c
    centre = (volumes[:, None] * sums).sum(axis=0) / (4.0 * volumes.sum()) if volumes.sum() > 0 else np.full(3, np.nan)
    if not np.isfinite(centre).all() or (np.abs(centre) > triangles.high - origin).any():
        centre = (triangles.areas[:, None] * sums).sum(axis=0) / (3.0 * triangles.areas.sum())
    return centre + origin


def _pose(
    down: NDArray[np.float64],
    points: NDArray[np.float64],
    triangles: Triangles,
    groups: _Groups,
    weight: NDArray[np.float64],
) -> _Pose:
    depth = points @ down
    lowest = depth.max()
    touches = lowest - CONTACT * triangles.diagonal
    facing = groups.normals @ down
    near = np.flatnonzero(facing >= np.cos(np.radians(2.0 * SAME_DEG)))
    faces = np.concatenate([groups.faces[:0], *(groups.faces[groups.begin[g] : groups.begin[g + 1]] for g in near)])
    flat = faces[triangles.normals[faces] @ down >= np.cos(np.radians(SAME_DEG))]
    lies = flat[(triangles.corners[flat] @ down >= touches).all(axis=1)]
    contact = float(triangles.areas[lies].sum())
    hangs = float(groups.areas[facing > np.sin(np.radians(MAX_ANGLE_DEG)) + 1e-9].sum())
    return _Pose(
        down=down,
        contact=contact,
        overhang=max(0.0, hangs - contact),
        height=float(lowest - depth.min()),
        is_stable=_stands(points[depth >= touches], weight, down, STABLE * triangles.diagonal),
    )


def _stands(
    touching: NDArray[np.float64], weight: NDArray[np.float64], down: NDArray[np.float64], margin: float
) -> bool:
    """Whether the weight lies over the outline of the points that touch the plate, by at least the margin."""
    across = np.cross(down, np.eye(3)[np.abs(down).argmin()])
    across /= np.linalg.norm(across)
    plane = np.stack([across, np.cross(down, across)], axis=1)
    flat = (touching - weight) @ plane
    if len(flat) < 3:
        return False
    try:
        outline = ConvexHull(flat)
    except QhullError:  # it would stand on a line
        return False
    return bool((outline.equations[:, 2] <= -margin).all())


def _straight(points: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """``rotation``, and then about the vertical until the box around the model is smallest, and longest along X."""
    ground = points @ rotation[[0, 2]].T
    try:
        ground = ground[ConvexHull(ground).vertices]
    except QhullError:  # seen from above it is a line, along which any direction will do
        return rotation
    sides = np.roll(ground, -1, axis=0) - ground
    x, z = (sides / np.linalg.norm(sides, axis=1, keepdims=True)).T
    length, width = np.ptp(ground @ np.stack([x, z]), axis=0), np.ptp(ground @ np.stack([-z, x]), axis=0)
    best = np.argmin(length * width)
    cosine, sine = (x[best], z[best]) if length[best] >= width[best] else (-z[best], x[best])
    turn: NDArray[np.float64] = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]]) @ rotation
    return turn


def _turn(down: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[3, 3]`` the shortest turn that takes ``down`` to −Y; about X where that is half a turn."""
    cosine = float(down @ DOWN)
    if cosine < -1.0 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    axis = np.cross(down, DOWN)
    x, y, z = axis
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    rotation: NDArray[np.float64] = np.eye(3) + skew + skew @ skew / (1.0 + cosine)
    return rotation
