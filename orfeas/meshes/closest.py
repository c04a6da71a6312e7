"""The nearest place on a surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.meshes.bounds import find_reach

# Faces looked at for each point; their middles and samples are the nearest.
CANDIDATES = 8
# Samples for every face on average, so that large faces are found by more than their middle.
SAMPLES_PER_FACE = 1
CHUNK = 200_000


@dataclass(frozen=True)
class Places:
    """Places on a surface.

    Attributes:
        face: ``[k]`` int64.
        weights: ``[k, 3]`` barycentrics in [0, 1] that add up to one.
    """

    face: NDArray[np.int64]
    weights: NDArray[np.float64]

    def interpolate(self, values: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
        """``[k, d]`` of ``values`` ``[n, d]`` on the vertices."""
        found: NDArray[np.float64] = np.einsum("ij,ijk->ik", self.weights, values[faces[self.face]])
        return found


@dataclass(frozen=True)
class Candidates:
    """Several places for each of ``k`` points, the nearest not necessarily first.

    Attributes:
        face: ``[k, c]`` int64.
        weights: ``[k, c, 3]`` barycentrics.
        distance: ``[k, c]``, infinite where the face is in another group.
    """

    face: NDArray[np.int64]
    weights: NDArray[np.float64]
    distance: NDArray[np.float64]

    def chosen(self, best: NDArray[np.int64]) -> Places:
        """For each point that of its places with the number in ``best`` ``[k]``."""
        row = np.arange(len(best))
        return Places(self.face[row, best], self.weights[row, best])


class Nearest:
    """Finds the nearest place on a surface for many points; exact where faces are about even.

    Args:
        points: ``[n, 3]``.
        faces: ``[m, 3]``, at least one.
        group: ``[m]`` the number of the group each face is in, where points look for a place in a group of their own.
    """

    def __init__(
        self, points: NDArray[np.float64], faces: NDArray[np.int64], group: NDArray[np.int64] | None = None
    ) -> None:
        self._corners = points[faces]
        self._group = group
        self._face, samples = _samples(self._corners)
        used = points[faces.ravel()]
        # Groups are further apart than anything within one.
        self._apart = 4.0 * float(np.linalg.norm(find_reach(used))) + 1.0
        if group is not None:
            samples = np.column_stack([samples, group[self._face] * self._apart])
        self._tree = cKDTree(samples, balanced_tree=False, compact_nodes=False)

    def find(self, points: NDArray[np.float64]) -> Places:
        """The nearest places for ``points`` ``[k, 3]``."""
        found = [Places(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))]
        for start in range(0, len(points), CHUNK):
            around = self.around(points[start : start + CHUNK])
            found.append(around.chosen(around.distance.argmin(axis=1)))
        return Places(np.concatenate([p.face for p in found]), np.concatenate([p.weights for p in found]))

    def around(self, points: NDArray[np.float64], group: NDArray[np.int64] | None = None) -> Candidates:
        """Places near ``points`` ``[k, 3]``, each in its ``group`` ``[k]`` where there are groups.

        One face may come several times. For more than a few hundred thousand points at a time memory gets short.
        """
        assert (group is None) == (self._group is None), "groups on both sides or on none"
        asked = points if group is None else np.column_stack([points, group * self._apart])
        count = min(CANDIDATES, self._tree.n)
        face = self._face[self._tree.query(asked, k=count, workers=-1)[1].reshape(-1, count)]
        corners = self._corners[face.ravel()]
        weights = closest_weights(np.repeat(points, count, axis=0), corners)
        places = np.einsum("ij,ijk->ik", weights, corners).reshape(-1, count, 3)
        distance = np.linalg.norm(places - points[:, None], axis=2)
        if group is not None and self._group is not None:
            distance = np.where(self._group[face] == group[:, None], distance, np.inf)
        return Candidates(face, weights.reshape(-1, count, 3), distance)


def closest_weights(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[k, 3]`` barycentrics of the nearest place to each of ``points`` ``[k, 3]`` in its triangle ``[k, 3, 3]``."""
    a, b, c = corners.swapaxes(0, 1)
    ab, ac, ap = b - a, c - a, points - a
    aa, bb, cross = _dot(ab, ab), _dot(ac, ac), _dot(ab, ac)
    to_b, to_c = _dot(ap, ab), _dot(ap, ac)
    area = aa * bb - cross * cross
    safe = np.where(area > 0, area, 1.0)
    v, w = (bb * to_b - cross * to_c) / safe, (aa * to_c - cross * to_b) / safe
    inside = np.column_stack([1 - v - w, v, w])
    is_inside = (area > 0) & (inside >= 0).all(axis=1)
    best = np.where(is_inside[:, None], inside, 0.0)
    nearest = np.where(is_inside, -1.0, np.inf)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        start, along = corners[:, first], corners[:, second] - corners[:, first]
        length = _dot(along, along)
        share = np.clip(_dot(points - start, along) / np.where(length > 0, length, 1.0), 0.0, 1.0)
        off = points - start - share[:, None] * along
        distance = _dot(off, off)
        is_nearer = distance < nearest
        nearest = np.where(is_nearer, distance, nearest)
        row = np.zeros_like(inside)
        row[:, first], row[:, second] = 1 - share, share
        best = np.where(is_nearer[:, None], row, best)
    return best


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    products: NDArray[np.float64] = np.einsum("ij,ij->i", one, other)
    return products


def _samples(corners: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Faces ``[s]`` and places ``[s, 3]`` on them: every middle, and more on faces that are larger than most."""
    count = len(corners)
    a, b, c = corners.swapaxes(0, 1)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    total = float(areas.sum())
    share = areas / total if total > 0 else np.zeros(count)
    extra = np.minimum(share * SAMPLES_PER_FACE * count, 10_000).astype(np.int64)
    face = np.concatenate([np.arange(count), np.repeat(np.arange(count), extra)])
    rng = np.random.default_rng(0)
    u, v = rng.random((2, len(face)))
    is_over = u + v > 1
    u, v = np.where(is_over, 1 - u, u), np.where(is_over, 1 - v, v)
    u[:count], v[:count] = 1 / 3, 1 / 3
    own = corners[face]
    return face, own[:, 0] * (1 - u - v)[:, None] + own[:, 1] * u[:, None] + own[:, 2] * v[:, None]
