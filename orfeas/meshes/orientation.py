"""Faces are wound alike, counter-clockwise outside (conventions §4)."""

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.halfedges import ends, half_edges, label

# Faces, times components that might bound a hollow in them; about a second's work.
MAX_WORK = 20_000_000
# What one component takes at least, in faces.
LEAST_WORK = 1_000


def orient(points: NDArray[np.float64], faces: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[m, 3]`` the faces, turned over where needed.

    Faces joined by ``pairs`` ``[k, 2]`` of sides are wound alike, as far as the surface has two sides. Then components
    that lie inside out are turned outward, but for those that were wound alike to begin with, the other way round than
    the model as a whole, and lie within another: they bound a hollow.
    """
    turned = _turned_to_be_alike(faces, pairs)
    labels = label(pairs // 3, len(faces))
    share = np.bincount(labels, turned) / np.bincount(labels)
    was_alike = (share == 0.0) | (share == 1.0)
    turned &= ~was_alike[labels]
    if component_volumes(points, faces, labels)[was_alike].sum() < 0:
        turned |= was_alike[labels]  # the model as a whole is inside out
    alike = turn_over(faces, turned)
    volumes = component_volumes(points, alike, labels)
    hollows = _hollows(points, alike, labels, volumes, was_alike)
    return turn_over(alike, ((volumes < 0) & ~hollows)[labels])


def turn_over(faces: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """``[m, 3]`` the faces, the ``chosen`` ones wound the other way round."""
    return np.where(chosen[:, None], faces[:, ::-1], faces)


def component_volumes(
    points: NDArray[np.float64], faces: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What each component encloses, negative where it is inside out; an open one is closed towards its middle."""
    size = np.bincount(labels)
    a, b, c = (points[corner] for corner in faces.T)
    middle = np.column_stack([np.bincount(labels, axis) for axis in (a + b + c).T]) / (3 * size[:, None])
    own_middle = middle[labels] if len(size) > 1 else middle
    return np.bincount(labels, np.einsum("ij,ij->i", a - own_middle, np.cross(b - own_middle, c - own_middle))) / 6.0


def outward_volume(points: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    """What closed bodies enclose together when they are turned outward as by :func:`orient`; hollows are taken off."""
    sides = half_edges(faces).pairs()
    volumes = component_volumes(points, orient(points, faces, sides), label(sides // 3, len(faces)))
    return float(volumes.sum())


def _turned_to_be_alike(faces: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which faces to turn over so that every pair of sides runs in opposite directions.

    Each face stands twice in a graph, as it is and turned over; a pair links what goes together. A component with two
    sides then falls into two, and one of the two is the answer. A Möbius strip stays in one, and as it is.
    """
    count = len(faces)
    first, second = (pairs // 3).T
    runs_alike = ends(faces, pairs[:, 0])[:, 0] == ends(faces, pairs[:, 1])[:, 0]  # they have the same two ends
    if not runs_alike.any():
        return np.zeros(count, dtype=np.bool_)
    crossed = np.where(runs_alike, count, 0)
    as_is = np.column_stack([first, second + crossed])
    over = np.column_stack([first + count, second + count - crossed])
    labels = label(np.concatenate([as_is, over]), 2 * count)
    return labels[:count] > labels[count:]


def _hollows(
    points: NDArray[np.float64],
    faces: NDArray[np.int64],
    labels: NDArray[np.int64],
    volumes: NDArray[np.float64],
    was_alike: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which components bound a hollow: they are inside out, were meant so, and lie within another."""
    hollow = np.zeros(len(volumes), dtype=np.bool_)
    candidates = np.flatnonzero((volumes < 0) & was_alike)
    shell = points[faces[volumes[labels] > 0]]
    candidates = candidates[np.argsort(volumes[candidates])][: MAX_WORK // max(len(shell), LEAST_WORK)]
    first = np.unique(labels, return_index=True)[1]
    for candidate in candidates:
        inner = points[faces[first[candidate], 0]]
        hollow[candidate] = winding_number(inner, shell) > 0.5
    return hollow


def winding_number(point: NDArray[np.float64], corners: NDArray[np.float64]) -> float:
    """How often triangles ``[m, 3, 3]`` wind around a point; 1 inside a closed surface, 0 outside.

    The sum of solid angles by the formula of Van Oosterom and Strackee (1983).
    """
    a, b, c = (corners - point).swapaxes(0, 1)
    la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    below = la * lb * lc
    for (p, q), r in zip(((a, b), (b, c), (c, a)), (lc, la, lb), strict=True):
        below = below + np.einsum("ij,ij->i", p, q) * r
    return float(np.arctan2(above, below).sum() / (2.0 * np.pi))
