"""The inflated sheet with as many triangles as the solid is to have faces."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orfeas.engines.inflate.height import Relief, inflate
from orfeas.engines.inflate.rim import place_rim
from orfeas.engines.inflate.sheet import Sheet, find_edges, split, triangulate
from orfeas.engines.inflate.silhouette import Silhouette
from orfeas.progress import Progress

Floats = NDArray[np.float64]

# Beyond this many faces triangulating and solving take longer than a second; larger models are divided smoothly.
MAX_SOLVED_FACES = 300_000
# How many faces a model has before its steep part at the rim gets two rows of triangles, and three.
TWO_STRIPS, THREE_STRIPS = 1_000, 6_000
ATTEMPTS = 4
AIM = 0.97
# For a unit of spacing: triangles in a unit of area; points and triangles along a unit of outline, as drawings have.
FILL, RIM_POINTS, RIM_TRIANGLES = 4 / 3**0.5, 1.15, 2.3


@dataclass(frozen=True)
class Shape:
    """A sheet, how far it bulges, and how many rows of triangles it gets where it rises from the rim."""

    sheet: Sheet
    relief: Relief
    strips: int


def shape(silhouette: Silhouette, target_faces: int, progress: Progress) -> Shape:
    """Triangulate and inflate the silhouette; the closed solid has at most ``target_faces``, if that can be.

    An outline whose parts are thin or come near each other needs a number of faces of its own.

    Args:
        silhouette: with at least one curve.
        target_faces: of the whole solid, front and back.
        progress: in an open stage.
    """
    levels = 0
    while target_faces / 4**levels > MAX_SOLVED_FACES:
        levels += 1
    strips = 1 + (target_faces >= TWO_STRIPS) + (target_faces >= THREE_STRIPS)
    spacing_px = _first_spacing(silhouette, AIM * target_faces, levels, strips)
    for attempt in range(1, ATTEMPTS + 1):
        progress.step(attempt - 1, ATTEMPTS + 1)
        sheet = triangulate(place_rim(silhouette, spacing_px), spacing_px)
        faces = _count_faces(sheet, levels, strips)
        if faces <= target_faces:
            break
        spacing_px *= float(np.sqrt(faces / (AIM * target_faces)))
        # Where a wider spacing alone does not do it, the outline takes up the faces: spare some at the rim.
        strips = max(1, strips - attempt // 2)
    progress.step(ATTEMPTS, ATTEMPTS + 1)
    relief = inflate(sheet)
    for _ in range(levels):
        progress.check()
        sheet, relief = _divide(sheet, relief)
    progress.step(ATTEMPTS + 1, ATTEMPTS + 1)
    return Shape(sheet, relief, strips)


def _first_spacing(silhouette: Silhouette, faces: float, levels: int, strips: int) -> float:
    """The spacing at which an outline without thin parts gets ``faces``: a / s² + b / s = faces, solved for s."""
    length = sum(float(np.linalg.norm(loop - np.roll(loop, 1, axis=0), axis=1).sum()) for loop in silhouette.loops)
    a = 2 * 4**levels * FILL * silhouette.area_px
    b = 2 * length * (2**levels * (2 * strips - 2) * RIM_TRIANGLES + 4**levels * RIM_POINTS)
    return float((b + np.sqrt(b * b + 4 * a * faces)) / (2 * faces))


def _count_faces(sheet: Sheet, levels: int, strips: int) -> int:
    """Of the closed solid that a sheet will make."""
    at_rim = int(np.count_nonzero(sheet.is_rim[sheet.triangles].any(axis=1)))
    return int(2 * (4**levels * len(sheet.triangles) + 2**levels * (2 * strips - 2) * at_rim))


def _divide(sheet: Sheet, relief: Relief) -> tuple[Sheet, Relief]:
    """Divide every triangle into four; new heights are cubic between the old ones."""
    edges = find_edges(sheet.triangles)
    a, b = edges.ends.T
    along = sheet.points[b] - sheet.points[a]
    mean = (relief.squared[a] + relief.squared[b]) / 2
    bulge = np.einsum("ec,ec->e", relief.gradient[a] - relief.gradient[b], along) / 8
    squared = np.where(edges.is_boundary, 0.0, np.maximum(mean + bulge, mean / 2))

    def halved(values: Floats) -> Floats:
        return np.concatenate([values, (values[a] + values[b]) / 2])

    divided = Sheet(
        points=halved(sheet.points),
        triangles=split(sheet.triangles, len(sheet.points) + edges.of_triangle),
        is_rim=np.concatenate([sheet.is_rim, edges.is_boundary]),
        distance=halved(sheet.distance),
    )
    return divided, Relief(np.concatenate([relief.squared, squared]), halved(relief.gradient))
