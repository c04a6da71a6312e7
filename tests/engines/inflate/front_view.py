"""What a model looks like straight from the front, for comparison with the mask it was made from."""

import numpy as np
import trimesh
from numpy.typing import NDArray


def front_view(mesh: trimesh.Trimesh, height: int, width: int) -> NDArray[np.bool_]:
    """``[height, width]``: the pixels whose centres the faces that face +Z cover; the mesh is in pixels, y up."""
    faces = mesh.faces[mesh.face_normals[:, 2] > 0]
    x, y = mesh.vertices[faces][..., 0], height - mesh.vertices[faces][..., 1]
    left, top = (np.floor(side.min(axis=1)).astype(int) for side in (x, y))
    columns = np.ceil(x.max(axis=1)).astype(int) - left + 1
    rows = np.ceil(y.max(axis=1)).astype(int) - top + 1
    face = np.repeat(np.arange(len(faces)), columns * rows)
    place = np.arange(len(face)) - np.repeat(np.cumsum(columns * rows) - columns * rows, columns * rows)
    column, row = left[face] + place % columns[face], top[face] + place // columns[face]

    def side_of(a: int, b: int) -> NDArray[np.float64]:
        along = (x[face, b] - x[face, a]) * (row + 0.5 - y[face, a])
        return np.asarray(along - (column + 0.5 - x[face, a]) * (y[face, b] - y[face, a]))

    sides = np.stack([side_of(0, 1), side_of(1, 2), side_of(2, 0)])
    is_covered = ((sides >= 0).all(axis=0) | (sides <= 0).all(axis=0)) & (column >= 0) & (row >= 0)
    is_covered &= (column < width) & (row < height)
    view = np.zeros((height, width), dtype=np.bool_)
    view[row[is_covered], column[is_covered]] = True
    return view


def iou(mesh: trimesh.Trimesh, alpha: NDArray[np.uint8]) -> float:
    """Of the front view and the mask, where alpha is at least one half."""
    mask = alpha >= 128
    view = front_view(mesh, *mask.shape)
    return float((view & mask).sum() / (view | mask).sum())
