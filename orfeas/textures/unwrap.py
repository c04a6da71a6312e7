"""UV islands for a model, made by uvunwrap or taken from the model itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
import uvunwrap
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.areas import areas_of
from orfeas.meshes.halfedges import half_edges
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.orientation import orient
from orfeas.meshes.weld import weld
from orfeas.progress import Progress
from orfeas.records import counted
from orfeas.textures.rasterize import NO_FACE, rasterize

# Texels around each island; a mipmap of a quarter of the side still has one.
PADDING = 4
TIMEOUT_S = 120.0
POLL_S = 0.02
STEPS = 100
# How far UVs may stray over the border of the texture by rounding.
STRAY = 1e-4
OVERLAP_SIDE_PX = 1024
# The rims of islands share texels in a raster of that size though the islands do not touch.
MOST_OVERLAP = 0.05


@dataclass(frozen=True)
class Layout:
    """A model laid out in a texture, its vertices split along the islands' seams.

    Attributes:
        vertices: ``[n, 3]`` float64, as in the model.
        faces: ``[m, 3]`` int64, the model's in its order; those that were wound otherwise than their neighbours are
            turned over.
        uv: ``[n, 2]`` float64 in [0, 1], origin lower left (conventions §5).
        origin: ``[n]`` int64, the model's vertex that each one is a copy of.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    uv: NDArray[np.float64]
    origin: NDArray[np.int64]


def lay_out(mesh: trimesh.Trimesh, texture_size: int, keep_uv: bool, progress: Progress) -> Layout:
    """The mesh's own UVs if ``keep_uv``, or new ones.

    Args:
        mesh: any unit.
        texture_size: side of the texture in texels.
        keep_uv: whether to paint on the UVs that it came with.
        progress: gets a step for each hundredth; a stage must be open.

    Raises:
        InvalidMesh: as :func:`own_layout` and :func:`unwrap` say.
        Cancelled: the user has stopped the work.
    """
    return own_layout(mesh) if keep_uv else unwrap(mesh.vertices, mesh.faces, texture_size, progress.step)


def unwrap(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    texture_size: int,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> Layout:
    """Cut a model into islands, flatten and pack them; the same model gives the same layout.

    Args:
        vertices: ``[n, 3]``, in any unit.
        faces: ``[m, 3]``.
        texture_size: side of the texture in texels, for which the islands are kept apart.
        step: told fifty times a second how far it is, of a hundred; what it raises stops the work.

    Raises:
        InvalidMesh: no faces, corners that do not exist, numbers that are not finite, nothing that could be flattened,
            or not done in two minutes.
    """
    points, corners = np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    if not len(corners):
        raise InvalidMesh("The model has no faces.")
    check_corners(corners, len(points))
    check_points(points[np.unique(corners)])
    first, place = weld(np.nan_to_num(points))
    oriented = _orient(points[first], place[corners])
    atlas = _run(points[first], oriented, texture_size, step)
    uv = np.frombuffer(atlas.uv, dtype=np.float32).reshape(-1, 2).astype(np.float64)
    if not uv.any():
        raise InvalidMesh("The model's faces have no area.")
    origin = first[np.frombuffer(atlas.xref, dtype=np.uint32)]
    split = np.frombuffer(atlas.indices, dtype=np.uint32).reshape(-1, 3).astype(np.int64)
    return Layout(points[origin], split, uv, origin)


def own_layout(mesh: trimesh.Trimesh) -> Layout:
    """The UVs that a model came with, if each place of the texture belongs to one place of the model.

    Raises:
        InvalidMesh: it has none, they leave the texture, a face has no area in it, or faces overlap there; the message
            says which.
    """
    uv = appearance_of(mesh).uv
    faces = np.asarray(mesh.faces, dtype=np.int64)
    if uv is None:
        raise InvalidMesh("The model has no UVs of its own; do not ask to keep them, and new ones are made.")
    if not len(faces):
        raise InvalidMesh("The model has no faces.")
    check_corners(faces, len(mesh.vertices))
    flaw = _find_flaw(np.asarray(mesh.vertices, dtype=np.float64), faces, uv)
    if flaw:
        raise InvalidMesh(
            f"The model's own UVs cannot be painted on: {flaw} Do not ask to keep them, and new ones are made."
        )
    return Layout(np.array(mesh.vertices), faces.copy(), np.clip(uv, 0.0, 1.0), np.arange(len(mesh.vertices)))


def _orient(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The faces wound alike and outward: where they are not, the unwrapper makes an island of almost every face."""
    is_whole = (faces != faces[:, [1, 2, 0]]).all(axis=1)
    whole = faces[is_whole]
    result = faces.copy()
    if len(whole):
        result[is_whole] = orient(points, whole, half_edges(whole).pairs())
    return result


def _run(
    points: NDArray[np.float64], faces: NDArray[np.int64], texture_size: int, step: Callable[[int, int], None]
) -> uvunwrap.OutputMesh:
    deadline = time.monotonic() + TIMEOUT_S
    # In single precision a model far from the origin would lose its form, and a tiny one its areas.
    used = points[np.unique(faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    reach = float((high - low).max())
    if reach == 0.0:
        raise InvalidMesh("All of the model lies in one point.")
    try:
        mesh = uvunwrap.Mesh(((points - low) / reach).astype(np.float32), faces.astype(np.uint32))
        job = uvunwrap.start([mesh], page_size=texture_size, padding=PADDING)
        try:
            done = 0
            while not job.done:
                done = max(done, _done(job.progress, done))
                step(done, STEPS)
                if time.monotonic() > deadline:
                    raise InvalidMesh(
                        f"The model could not be unwrapped in {TIMEOUT_S:.0f} seconds; repair it, or reduce its faces."
                    )
                time.sleep(POLL_S)
        finally:
            job.cancel()
        return job.result().meshes[0]
    except uvunwrap.UnwrapError as error:
        raise InvalidMesh("The model's surface could not be unwrapped; repair it first.") from error


def _done(told: uvunwrap.Progress | None, before: int) -> int:
    """Steps of the flattening, which takes nearly all the time; what comes after it is told by no number."""
    return min(STEPS, STEPS * told.done // told.total) if told is not None and told.total else before


def _find_flaw(vertices: NDArray[np.float64], faces: NDArray[np.int64], uv: NDArray[np.float64]) -> str:
    """What is wrong with UVs ``[n, 2]``, as a sentence; empty where nothing is."""
    corners = uv[faces]
    if not np.isfinite(corners).all():
        return "some are not finite numbers."
    if corners.min() < -STRAY or corners.max() > 1 + STRAY:
        return "they reach beyond the texture."
    has_area = areas_of(vertices[faces]) > 0
    flat = areas_of(np.pad(corners, ((0, 0), (0, 0), (0, 1))))
    if not has_area.any():
        return "no face of it has any area."
    if (flat[has_area] <= 0).any():
        flattened = int(np.count_nonzero(flat[has_area] <= 0))
        return f"{counted(flattened, 'face')} {'has' if flattened == 1 else 'have'} no area in the texture."
    overlap = _overlap(faces, uv, float(flat.sum()))
    return f"{overlap:.0%} of the texture is used more than once." if overlap > MOST_OVERLAP else ""


def _overlap(faces: NDArray[np.int64], uv: NDArray[np.float64], area: float) -> float:
    """The share of the faces' ``area`` in the texture for which there is no texel of their own."""
    place = np.column_stack([2 * uv - 1, np.zeros(len(uv))]).astype(np.float32)
    side = OVERLAP_SIDE_PX
    raster = rasterize(torch.from_numpy(place), torch.from_numpy(faces), side, side, "centres")
    covered = float((raster.face != NO_FACE).sum()) / side**2
    return max(0.0, 1 - covered / area)
