"""Faces by the edges they share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class HalfEdges:
    """The sides of all faces, sorted so that those of one edge follow each other.

    Side ``s`` belongs to face ``s // 3`` and runs from its corner ``s % 3`` to the next.

    Attributes:
        side: ``[3 m]`` the sides, sorted by edge.
        begin: ``[e]`` where in ``side`` each edge begins.
        count: ``[e]`` how many sides it has.
    """

    side: NDArray[np.int64]
    begin: NDArray[np.int64]
    count: NDArray[np.int64]

    def of_edges(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The sides of the ``chosen`` edges, in order."""
        return self.side[np.repeat(chosen, self.count)]

    def count_of_side(self) -> NDArray[np.int64]:
        """``[m, 3]`` how many sides the edge of each side has."""
        counts = np.empty(len(self.side), dtype=np.int64)
        counts[self.side] = np.repeat(self.count, self.count)
        return counts.reshape(-1, 3)

    def pairs(self) -> NDArray[np.int64]:
        """``[k, 2]`` the two sides of every edge that has just two."""
        begin = self.begin[self.count == 2]
        return np.column_stack([self.side[begin], self.side[begin + 1]])


def half_edges(faces: NDArray[np.int64]) -> HalfEdges:
    """The sides of ``faces`` ``[m, 3]``, none of which repeats a vertex."""
    vertices = int(faces.max(initial=0)) + 1
    keys = np.empty(faces.size, dtype=np.int64)
    for corner, (start, end) in enumerate(((0, 1), (1, 2), (2, 0))):
        one, other = faces[:, start], faces[:, end]
        keys[corner::3] = edge_keys(one, other, vertices)
    # A sort that keeps no order takes half the time; edges have mostly two sides, which are put right at once.
    side = np.argsort(keys)
    begin = np.flatnonzero(np.diff(keys[side], prepend=-1))
    count = np.diff(begin, append=len(side))
    pair = begin[count == 2]
    one, other = side[pair], side[pair + 1]
    side[pair], side[pair + 1] = np.minimum(one, other), np.maximum(one, other)
    crowd = np.repeat(count > 2, count)
    side[crowd] = side[crowd][np.lexsort((side[crowd], keys[side[crowd]]))]
    return HalfEdges(side, begin, count)


def edge_keys(one: NDArray[np.int64], other: NDArray[np.int64], vertices: int) -> NDArray[np.int64]:
    """One number for each edge between two of ``vertices``, whichever way it runs: ``low · vertices + high``."""
    keys: NDArray[np.int64] = np.minimum(one, other) * vertices + np.maximum(one, other)
    return keys


def ends(faces: NDArray[np.int64], sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[k, 2]`` the vertices that ``sides`` ``[k]`` run from and to."""
    corners = faces.ravel()
    return np.column_stack([corners[sides], corners[np.where(sides % 3 == 2, sides - 2, sides + 1)]])


def label(links: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """``[count]`` the number of the component each thing is in, joined by ``links`` ``[k, 2]``."""
    ones = np.ones(len(links), dtype=np.int8)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels
