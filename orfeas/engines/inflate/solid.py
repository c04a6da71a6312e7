"""From the flat sheet and its height to one closed surface with a front and a back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orfeas.engines.inflate.height import Relief
from orfeas.engines.inflate.sheet import Sheet

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shell:
    """The front half of the solid, with ``n`` vertices; the back is its mirror image in z.

    Attributes:
        points: ``[n, 3]``, z is 0 on the rim and positive elsewhere.
        normals: ``[n, 3]``, outward, of unit length.
        triangles: ``[t, 3]`` int64, counter-clockwise from the front.
        is_rim: ``[n]``, whether front and back share the vertex.
    """

    points: Floats
    normals: Floats
    triangles: Integers
    is_rim: Mask


@dataclass(frozen=True)
class Solid:
    """A closed surface of ``n`` vertices.

    Attributes:
        points: ``[n, 3]``.
        normals: ``[n, 3]``, outward, of unit length.
        triangles: ``[t, 3]`` int64, counter-clockwise from outside.
        is_back: ``[n]``, whether a vertex belongs to the back.
    """

    points: Floats
    normals: Floats
    triangles: Integers
    is_back: Mask


def raise_shell(sheet: Sheet, relief: Relief, depth: float, strips: int) -> Shell:
    """Lift the sheet to z = depth·√u, with ``strips`` rows of triangles for one where it rises from the rim.

    There the surface is steep: points at (j / strips)² of an edge that leaves the rim are at about even heights.
    """
    edges, triangles = _cut_rim_triangles(sheet, strips)
    rim, inner = edges[:, 0], edges[:, 1]
    share = (np.arange(1, strips) / strips) ** 2
    gradient = _sharpened(sheet, relief, edges)
    # Across the rim −u″ is 2 in a ball and in a tube alike.
    bend = sheet.distance[inner, None] ** 2 * share * (1 - share)
    squared = np.concatenate([relief.squared, (relief.squared[inner, None] * share + bend).ravel()])
    flat, gradient = (np.concatenate([at, _between(at[rim], at[inner], share)]) for at in (sheet.points, gradient))
    z = depth * np.sqrt(squared)
    # The surface is where z² − depth²·u is 0, and its normal that function's gradient.
    normals = np.column_stack([-(depth**2) * gradient, 2 * z])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    is_rim = np.zeros(len(flat), dtype=np.bool_)
    is_rim[: len(sheet.points)] = sheet.is_rim
    return Shell(np.column_stack([flat, z]), normals, triangles, is_rim)


def close(shell: Shell, has_seam: bool) -> Solid:
    """Front and back as one surface; with a seam each has rim vertices of its own, at the very same places."""
    number = len(shell.points)
    is_own = np.ones(number, dtype=np.bool_) if has_seam else ~shell.is_rim
    back = np.arange(number)
    back[is_own] = number + np.arange(np.count_nonzero(is_own))
    mirror = np.array([1.0, 1.0, -1.0])
    # Adding zero turns the rim's −0 into 0: equal places in every bit.
    points = np.concatenate([shell.points, shell.points[is_own] * mirror + 0.0])
    normals = np.concatenate([shell.normals, shell.normals[is_own] * mirror + 0.0])
    triangles = np.concatenate([shell.triangles, back[shell.triangles][:, ::-1]])
    is_back = np.arange(len(points)) >= number
    return Solid(points, normals, triangles, is_back)


def _between(start: Floats, end: Floats, share: Floats) -> Floats:
    """``[e × s, c]``: points at the ``s`` shares of the way from ``start`` to ``end`` ``[e, c]``."""
    return (start[:, None] + share[:, None] * (end - start)[:, None]).reshape(-1, start.shape[1])


def _sharpened(sheet: Sheet, relief: Relief, edges: Integers) -> Floats:
    """The gradient with its values on the rim, which are those of the first row's middle, carried out to the rim."""
    rim, inner = edges.T
    number = len(sheet.points)
    depth = np.bincount(rim, sheet.distance[inner], number) / np.maximum(np.bincount(rim, minlength=number), 1)
    length = np.maximum(np.linalg.norm(relief.gradient, axis=1), 1e-12)
    sharpened: Floats = relief.gradient * (1 + depth / length)[:, None]
    return sharpened


def _cut_rim_triangles(sheet: Sheet, strips: int) -> tuple[Integers, Integers]:
    """Divide every triangle that touches the rim into ``strips`` rows along it.

    Returns:
        ``[e, 2]`` the edges that leave the rim, as (rim vertex, inner vertex), each of which gets ``strips − 1`` new
        vertices after the sheet's own, in order; and all triangles.
    """
    on_rim = sheet.is_rim[sheet.triangles]
    count = on_rim.sum(axis=1)
    one, two = sheet.triangles[count == 1], sheet.triangles[count == 2]
    # Turned so that the odd corner comes first.
    one, two = _turned(one, np.argmax(on_rim[count == 1], axis=1)), _turned(two, np.argmin(on_rim[count == 2], axis=1))
    pairs = np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [1, 0]], two[:, [2, 0]]])
    number = len(sheet.points)
    keys, inverse = np.unique(pairs[:, 0] * number + pairs[:, 1], return_inverse=True)
    edges = np.column_stack([keys // number, keys % number])
    new = number + np.arange(len(edges) * (strips - 1)).reshape(len(edges), strips - 1)
    columns = np.column_stack([edges[:, :1], new, edges[:, 1:]])[inverse]
    right, left, first, second = np.split(columns, np.cumsum([len(one), len(one), len(two)]))
    pieces = [sheet.triangles[count == 0]]
    for j in range(strips):
        pieces.append(np.column_stack([right[:, j], right[:, j + 1], left[:, j + 1]]))
        pieces.append(np.column_stack([first[:, j], second[:, j], second[:, j + 1]]))
        if j > 0:
            pieces.append(np.column_stack([right[:, j], left[:, j + 1], left[:, j]]))
        if j < strips - 1:
            pieces.append(np.column_stack([first[:, j], second[:, j + 1], first[:, j + 1]]))
    return edges, np.concatenate(pieces)


def _turned(triangles: Integers, first: Integers) -> Integers:
    """Triangles with corner ``first`` in front, their winding kept."""
    return np.take_along_axis(triangles, (np.arange(3) + first[:, None]) % 3, axis=1)
