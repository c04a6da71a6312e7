"""How thick a model's walls are, by rays that cross them from outside to inside."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.printing.rays import cast, ray_grid
from orfeas.meshes.printing.samples import spread
from orfeas.meshes.printing.triangles import triangles_of

# Two lines of a nozzle of 0.4 mm, the thinnest wall that is as strong from either side.
MIN_WALL_MM = 0.8
SAMPLES = 10_000
# Between the rays of a sample and the normal; the middle of five rays is not misled by an edge or a bump nearby.
CONE_DEG = 15.0
# How many of the thinnest places are told.
THINNEST = 50


@dataclass(frozen=True)
class Thickness:
    """Wall thickness at samples spread evenly over the surface, in millimetres.

    Attributes:
        min_mm: the thinnest.
        p5_mm: a twentieth of the surface is thinner.
        median_mm: half of the surface is thinner.
        limit_mm: what counts as thin.
        thin_share: in [0, 1], how much of the surface is thinner than that.
        thinnest: ``[k, 3]`` the thinnest places that are below the limit, thinnest first, in the model's frame.
        thinnest_mm: ``[k]`` how thick they are.
        open_share: in [0, 1], how much of the surface has nothing behind it, as an open model has; it counts nowhere
            else.
    """

    min_mm: float
    p5_mm: float
    median_mm: float
    limit_mm: float
    thin_share: float
    thinnest: NDArray[np.float64]
    thinnest_mm: NDArray[np.float64]
    open_share: float


def measure_thickness(
    mesh: trimesh.Trimesh,
    limit_mm: float = MIN_WALL_MM,
    samples: int = SAMPLES,
    check: Callable[[], None] = lambda: None,
) -> Thickness:
    """How thick ``mesh`` is: an estimate, the same every time.

    From each sample a ray goes inward along the normal, and four at :data:`CONE_DEG` around it; each stops where it
    leaves the solid, and counts by how deep it got. The sample's thickness is the median. That is exact for walls
    whose sides are parallel; a ball of diameter d reads 0.93 d. Places smaller than the samples' spacing may be missed.

    Args:
        mesh: millimetres, wound outward (conventions §4). Bodies that overlap are crossed only to the first end.
        limit_mm: over 0.
        samples: at least 100.
        check: called many times a second; what it raises stops the work.

    Raises:
        InvalidMesh: it has no surface, no inside, a number that is not finite, or a corner that does not exist.
        InvalidOption: the limit is not over 0, or there are too few samples.
    """
    if not limit_mm > 0:
        raise InvalidOption(f"A wall of {limit_mm:g} mm cannot be asked for; it must be over 0.", "limit_mm")
    if samples < 100:
        raise InvalidOption(f"{samples} samples say nothing; at least 100 are needed.", "samples")
    triangles = triangles_of(mesh)
    check()
    grid = ray_grid(triangles.corners, check)
    places = spread(triangles.corners, triangles.areas, samples)
    rays = _cones(-triangles.normals[places.face])
    hits = cast(grid, np.repeat(places.points, len(rays[0]), axis=0), rays.reshape(-1, 3), leaving=True, check=check)
    depths = hits.distance.reshape(samples, -1) * _depth_per_length()
    thickness = np.median(depths, axis=1)
    closed = np.isfinite(thickness)
    if not closed.any():
        raise InvalidMesh("The model has no inside, so its walls have no thickness.")
    known = thickness[closed]
    thin = np.flatnonzero(closed & (thickness < limit_mm))
    thin = thin[np.argsort(thickness[thin], kind="stable")][:THINNEST]
    return Thickness(
        min_mm=float(known.min()),
        p5_mm=float(np.percentile(known, 5)),
        median_mm=float(np.median(known)),
        limit_mm=limit_mm,
        thin_share=float(np.mean(known < limit_mm)),
        thinnest=places.points[thin],
        thinnest_mm=thickness[thin],
        open_share=float(np.mean(~closed)),
    )


def _cones(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[k, 5, 3]`` for each axis ``[k, 3]`` of unit length itself and four directions around it."""
    across = np.cross(axes, np.eye(3)[np.abs(axes).argmin(axis=1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    third = np.cross(axes, across)
    deep, wide = np.cos(np.radians(CONE_DEG)), np.sin(np.radians(CONE_DEG))
    around = [deep * axes + wide * side for side in (across, third, -across, -third)]
    return np.stack([axes, *around], axis=1)


def _depth_per_length() -> NDArray[np.float64]:
    return np.array([1.0, *[float(np.cos(np.radians(CONE_DEG)))] * 4])
