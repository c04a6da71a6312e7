"""The look of one surface, laid on another near to it."""

from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.closest import CHUNK, Nearest
from orfeas.meshes.halfedges import label
from orfeas.meshes.weld import weld


def transfer_look(source: trimesh.Trimesh, target: trimesh.Trimesh) -> trimesh.Trimesh:
    """``target`` with the colours, or the texture and UVs, of the nearest places on ``source``.

    The texture stays as it is. A face takes its UVs from the surroundings of one place alone, that nearest to its
    middle, so that none spans the unused space between charts; at seams it may reach as far over a chart's border as
    it reaches over the seam.

    Args:
        source: with at least one face.
        target: of about the same shape, in the same place.
    """
    look = appearance_of(source)
    points, faces = np.asarray(target.vertices, dtype=np.float64), np.asarray(target.faces)
    stored, own = np.asarray(source.vertices, dtype=np.float64), np.asarray(source.faces)
    if look.uv is not None:
        uv = _corner_uvs(points[faces], stored, own, look.uv)
        vertex, first, flat = _split(faces, uv)
        points, faces = points[vertex], flat
        look = replace(look, uv=uv.reshape(-1, 2)[first])
    elif look.colours is not None:
        found = Nearest(stored, own).find(points).interpolate(look.colours.astype(np.float64), own)
        look = replace(look, colours=(found + 0.5).astype(np.uint8))
    visual = visual_of(look, np.arange(len(points)))
    return trimesh.Trimesh(vertices=points, faces=faces, visual=visual, metadata=source.metadata, process=False)


def _corner_uvs(
    corners: NDArray[np.float64], points: NDArray[np.float64], faces: NDArray[np.int64], uv: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``[m, 3, 2]`` UVs for triangles ``[m, 3, 3]`` near the surface of ``points``, ``faces`` and ``uv``."""
    middles = corners.mean(axis=1)
    places = Nearest(points, faces).find(middles)
    at_middle, slopes = places.interpolate(uv, faces), _slopes(points[faces[places.face]], uv[faces[places.face]])
    # Where a corner's UV would be if the chart went on as it does in the middle.
    expected = at_middle[:, None] + np.einsum("mci,mij->mcj", corners - middles[:, None], slopes)
    reach = np.linalg.norm(expected - at_middle[:, None], axis=2)
    scale = np.linalg.norm(slopes, axis=(1, 2)) / np.sqrt(2.0)
    charts = _charts(points, uv, faces)
    nearest = Nearest(points, faces, charts)
    found: NDArray[np.float64] = np.empty_like(expected)
    for start in range(0, len(corners), CHUNK // 3):
        part = slice(start, start + CHUNK // 3)
        around = nearest.around(corners[part].reshape(-1, 3), np.repeat(charts[places.face[part]], 3))
        uvs = np.einsum("kcj,kcjd->kcd", around.weights, uv[faces[around.face]])
        off = np.linalg.norm(uvs - expected[part].reshape(-1, 1, 2), axis=2)
        per_length = np.repeat(scale[part], 3)[:, None]
        cost = around.distance + off / np.where(per_length > 0, per_length, 1.0)
        best = cost.argmin(axis=1)
        row = np.arange(len(best))
        # A chart may meet itself along a seam; then the near places are on the far side of it, far away in UV.
        is_near = off[row, best] <= reach[part].ravel()
        found[part] = np.where(is_near[:, None], uvs[row, best], expected[part].reshape(-1, 2)).reshape(-1, 3, 2)
    return found


def _slopes(corners: NDArray[np.float64], uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[m, 3, 2]`` how UVs ``[m, 3, 2]`` grow along x, y and z within triangles ``[m, 3, 3]``; 0 without area."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    edges = np.stack([one, other], axis=1)
    gram = edges @ edges.swapaxes(1, 2)
    determinant = np.linalg.det(gram)
    is_flat = determinant <= 1e-12 * np.trace(gram, axis1=1, axis2=2) ** 2
    inverse = np.linalg.inv(np.where(is_flat[:, None, None], np.eye(2), gram))
    rows = np.stack([uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]], axis=1)
    slopes: NDArray[np.float64] = edges.swapaxes(1, 2) @ inverse @ rows
    slopes[is_flat] = 0.0
    return slopes


def _split(
    faces: NDArray[np.int64], uv: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Vertices that have one UV each: which vertex each is of, a corner that has it, and the faces ``[m, 3]``."""
    first, inverse = weld(np.column_stack([faces.ravel(), uv.reshape(-1, 2)]))
    return faces.ravel()[first], first, inverse.reshape(-1, 3)


def _charts(points: NDArray[np.float64], uv: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[m]`` the chart of each face: those joined by vertices alike in place and UV are in one."""
    alike = weld(np.column_stack([points, uv]))[1][faces]
    links = np.concatenate([alike[:, :2], alike[:, 1:]])
    charts: NDArray[np.int64] = label(links, int(alike.max()) + 1)[alike[:, 0]]
    return np.unique(charts, return_inverse=True)[1]
