"""What hangs over, and the supports it would need."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from orfeas.errors import InvalidOption
from orfeas.meshes.printing.rays import cast, ray_grid
from orfeas.meshes.printing.samples import spread
from orfeas.meshes.printing.triangles import triangles_of

# From the vertical: the usual default of slicers, since each line then rests on half of the one below it.
MAX_ANGLE_DEG = 45.0
# A first layer; what lies within it lies on the plate.
PLATE_MM = 0.2
SAMPLES = 20_000
# Parts of the model's diagonal: rays start so far below the surface, and meet no face around them.
START = 1e-5


@dataclass(frozen=True)
class Overhang:
    """What hangs over more than the limit and does not lie on the plate.

    Attributes:
        limit_deg: the steepest allowed, measured from the vertical.
        area_mm2: all that hangs over.
        area_share: in [0, 1], how much of the model's surface that is.
        over_plate_mm2: the part with nothing but the plate below it.
        over_model_mm2: the part with some of the model below it; supports there leave marks.
        support_mm3: the space straight below, down to the plate or the model; supports fill a tenth to a fifth of it.
        plate_mm2: what lies on the plate.
    """

    limit_deg: float
    area_mm2: float
    area_share: float
    over_plate_mm2: float
    over_model_mm2: float
    support_mm3: float
    plate_mm2: float


def measure_overhang(
    mesh: trimesh.Trimesh,
    limit_deg: float = MAX_ANGLE_DEG,
    samples: int = SAMPLES,
    check: Callable[[], None] = lambda: None,
) -> Overhang:
    """What hangs over in ``mesh`` as it stands, on a plate at its lowest point; the same every time.

    Areas are exact. How they divide, and the supports, are estimates by rays that go straight down from samples; what
    lies within another body needs no support, and counts as neither.

    Args:
        mesh: millimetres, Y up (conventions §1, §2), wound outward (§4).
        limit_deg: in (0, 90).
        samples: at least 100.
        check: called many times a second; what it raises stops the work.

    Raises:
        InvalidMesh: it has no surface, a number is not finite, or a corner does not exist.
        InvalidOption: the limit or the samples are out of range.
    """
    if not 0 < limit_deg < 90:
        raise InvalidOption(f"An overhang's limit lies between 0 and 90 degrees, not at {limit_deg:g}.", "limit_deg")
    if samples < 100:
        raise InvalidOption(f"{samples} samples say nothing; at least 100 are needed.", "samples")
    triangles = triangles_of(mesh)
    check()
    plate = triangles.low[1]
    lies = (triangles.corners[:, :, 1] <= plate + PLATE_MM).all(axis=1)
    down = -triangles.normals[:, 1]
    hangs = (down > np.sin(np.radians(limit_deg)) + 1e-9) & ~lies
    area = float(triangles.areas[hangs].sum())
    over_plate = over_model = support = 0.0
    if area > 0:
        places = spread(triangles.corners[hangs], triangles.areas[hangs], samples)
        flat = down[hangs][places.face]
        rays = np.broadcast_to(np.array([0.0, -1.0, 0.0]), places.points.shape)
        grid = ray_grid(triangles.corners, check)
        hits = cast(grid, places.points, rays, start=START * triangles.diagonal, check=check)
        is_over_plate = hits.face < 0
        is_over_model = ~is_over_plate & (triangles.normals[hits.face, 1] > 0)
        gap = np.where(is_over_plate, places.points[:, 1] - plate, np.where(is_over_model, hits.distance, 0.0))
        over_plate = area * float(is_over_plate.mean())
        over_model = area * float(is_over_model.mean())
        support = area * float((gap * flat).mean())
    return Overhang(
        limit_deg=limit_deg,
        area_mm2=area,
        area_share=area / float(triangles.areas.sum()),
        over_plate_mm2=over_plate,
        over_model_mm2=over_model,
        support_mm3=support,
        plate_mm2=float(triangles.areas[lies & (down > 0)].sum()),
    )
