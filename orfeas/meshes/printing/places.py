"""Where to drill, so that hollows drain."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.printing.cavity import Cavities
from orfeas.meshes.printing.rays import RayGrid, cast, ray_grid

# A hole starts in the lowest part of a hollow, this much of its height.
LOW = 0.1
# Of the places there, so many are looked at.
CANDIDATES = 500
# Walls so much thicker than the thinnest below a hollow are as good to drill through.
ALIKE = 1.25
# In radii: how far up into a hollow a hole reaches, and how far out below the model, where nothing else is near.
INTO, OUT = 1.0, 2.0
# Parts of a radius that a hole's sides may come nearer to the outside than a wall is thick.
INTO_WALL = 0.5
# Parts of the wall beside a hollow that holes leave of it.
LEFT = 0.5
# In radii: so far the axes of holes are from each other, which leaves a bar between them.
BESIDE = 2.5


@dataclass(frozen=True)
class Hole:
    """A vertical round hole, in the model's frame.

    Attributes:
        x_mm: of its axis.
        z_mm: of its axis.
        from_mm: the height of its lower end, outside of the model.
        to_mm: the height of its upper end, in a hollow.
        radius_mm: half its width.
    """

    x_mm: float
    z_mm: float
    from_mm: float
    to_mm: float
    radius_mm: float

    @property
    def volume_mm3(self) -> float:
        """Of the whole of it, some of which is air."""
        return float(np.pi) * self.radius_mm**2 * (self.to_mm - self.from_mm)


def place_holes(
    corners: NDArray[np.float64], cavities: Cavities, count: int, radius: float, check: Callable[[], None]
) -> tuple[Hole, ...]:
    """``count`` holes for each hollow, or as many as fit: at low places, through thin walls, far from each other.

    Args:
        corners: ``[m, 3, 3]`` the solid's surface.
        cavities: in it.
        count: at least 1.
        radius: of the holes.
        check: called often.

    Raises:
        InvalidMesh: a hollow has no way out downward.
        InvalidOption: nowhere at a hollow's bottom is room for a hole so wide.
    """
    grid = ray_grid(corners, check)
    holes: list[Hole] = []
    for number in range(len(cavities.volumes)):
        bounds = cavities.points[np.unique(cavities.faces[cavities.number == number])]
        holes += _of_one(grid, cavities, bounds, count, radius, check)
    return tuple(holes)


def _of_one(
    grid: RayGrid,
    cavities: Cavities,
    bounds: NDArray[np.float64],
    count: int,
    radius: float,
    check: Callable[[], None],
) -> list[Hole]:
    low, high = float(bounds[:, 1].min()), float(bounds[:, 1].max())
    places = bounds[bounds[:, 1] <= low + LOW * (high - low)]
    places = places[:: -(-len(places) // CANDIDATES)]
    down = np.broadcast_to(np.array([0.0, -1.0, 0.0]), places.shape)
    depth = cast(grid, places, down, leaving=True, check=check).distance
    if not np.isfinite(depth).any():
        raise InvalidMesh("A hollow has no way out downward, so it cannot be drained.")
    # Where a ball as wide as the hole fits above, its sides stay clear of the outside, by half a wall at least.
    room, _ = cavities.tree.query(places + np.array([0.0, radius, 0.0]))
    wall, _ = cavities.tree.query(places)
    roomy = (room - wall >= INTO_WALL * radius) & (room - radius >= LEFT * wall)
    usable = np.isfinite(depth) & roomy
    if not usable.any():
        raise InvalidOption(
            f"Holes of {2 * radius:g} mm are wider than the bottom of a hollow has room for; choose narrower ones.",
            "drain_hole_mm",
        )
    thin = np.flatnonzero(usable & (depth <= ALIKE * depth[usable].min()))
    holes = []
    for index in thin[_far_apart(places[thin][:, [0, 2]], count, BESIDE * radius)]:
        bottom = places[index] - np.array([0.0, depth[index], 0.0])
        below = cast(grid, bottom[None], down[:1], start=1e-3 * radius, check=check).distance[0]
        top = places[index, 1] + min(INTO * radius, (high - low) / 2)
        end = bottom[1] - min(OUT * radius, below / 2)
        holes.append(Hole(float(bottom[0]), float(bottom[2]), float(end), float(top), radius))
    return holes


def _far_apart(places: NDArray[np.float64], count: int, least: float) -> list[int]:
    """Which ``count`` of places ``[k, 2]`` to take: the one nearest their middle, then always the farthest from those.

    Fewer where no more are over ``least`` from each other.
    """
    chosen = [int(np.linalg.norm(places - places.mean(axis=0), axis=1).argmin())]
    gap = np.linalg.norm(places - places[chosen[0]], axis=1)
    while len(chosen) < count and gap.max() > least:
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return chosen
