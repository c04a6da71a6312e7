"""A solid made hollow, with holes to drain it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.appearance import Appearance, appearance_of, visual_of
from orfeas.meshes.child import ChildFailed, ChildTooSlow, run_child
from orfeas.meshes.halfedges import half_edges, label
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.orientation import component_volumes, winding_number
from orfeas.meshes.printing import drill
from orfeas.meshes.printing.cavity import Cavities, find_cavities, min_wall
from orfeas.meshes.printing.places import Hole, place_holes
from orfeas.meshes.stats import look_into, measure_by
from orfeas.meshes.topology import repeats_a_vertex, topology_of
from orfeas.meshes.verdict import cancels_out, is_sheet
from orfeas.meshes.weld import weld
from orfeas.records import MeshReport

LOGGER = logging.getLogger(__name__)

MAX_HOLES = 8
TIMEOUT_S = 300.0
# Of a volume, for sums of a million parts.
TOLERANCE = 1e-6
# Of a side of the model: a hole in a round bottom takes the lowest point of it.
MAX_LOSS = 0.01
OPEN = "Only a closed model can be hollowed, and this one is not."


@dataclass(frozen=True)
class Hollowed:
    """A model with hollows.

    Attributes:
        mesh: closed; its outside keeps colours, texture and UVs, its inside has one colour.
        wall_mm: how thick its walls are at least.
        cavities: how many hollows there are.
        bodies: of how many bodies the model is.
        solid_bodies: how many of them had no room for a hollow.
        holes: the holes that drain them.
        solid_mm3: the volume before.
        volume_mm3: the volume now.
    """

    mesh: trimesh.Trimesh
    wall_mm: float
    cavities: int
    bodies: int
    solid_bodies: int
    holes: tuple[Hole, ...]
    solid_mm3: float
    volume_mm3: float


@dataclass(frozen=True)
class _Body:
    """Vertices as rows of place, UV and colour; ``place`` is the first vertex at each one's place."""

    rows: NDArray[np.float64]
    faces: NDArray[np.int64]
    place: NDArray[np.int64]


def hollow(
    mesh: trimesh.Trimesh,
    wall_mm: float,
    holes: int = 0,
    hole_mm: float = 3.0,
    timeout_s: float = TIMEOUT_S,
    check: Callable[[], None] = lambda: None,
) -> Hollowed:
    """``mesh`` with all that lies deeper than ``wall_mm`` taken out, and holes straight down out of each hollow.

    Walls are no thinner than ``wall_mm``, and about 6 % thicker; 14 % where the model is over a hundred walls long.
    Where bodies overlap, walls stay along the surfaces of both. Hollows with less room than a ball as wide as a hole,
    or as a wall is thick, stay filled.

    Args:
        mesh: millimetres, Y up (conventions §1), closed and wound outward (§4).
        wall_mm: over 0, and at least a 128th of the model's longest side.
        holes: for each hollow, 0 to 8, at low places where the wall is thin; resin needs two, one of them for air.
            There come fewer where no more fit beside each other.
        hole_mm: how wide they are.
        timeout_s: how long drilling may take.
        check: called several times a second; what it raises stops the work.

    Raises:
        InvalidMesh: it is not closed, too thin to be hollowed, or cannot be drained; or a number in it is not finite.
        InvalidOption: the wall, or the holes, are out of range; or holes are wider than their place, or would take over
            :data:`MAX_LOSS` off a side of the model.
        OutOfMemory: the machine's memory ran out.
    """
    check_corners(np.asarray(mesh.faces), len(mesh.vertices))
    check_points(np.asarray(mesh.vertices, dtype=np.float64))
    before = _measured_to_be_hollowed(mesh)
    check()
    _check_options(wall_mm, holes, hole_mm, max(before.size_mm))
    corners = np.asarray(mesh.vertices, dtype=np.float64)[mesh.faces]
    cavities = find_cavities(corners, wall_mm, _ball_mm3(wall_mm), check)
    if not len(cavities.volumes):
        raise InvalidMesh(f"The model is too thin to be hollowed with walls of {wall_mm:g} mm.")
    if holes:
        cavities = cavities.kept(cavities.volumes >= _ball_mm3(hole_mm))
        if not len(cavities.volumes):
            raise InvalidOption(
                f"Holes of {hole_mm:g} mm are wider than any hollow that walls of {wall_mm:g} mm leave.",
                "drain_hole_mm",
            )
    look = appearance_of(mesh)
    body = _join(mesh, look, cavities)
    check()
    drilled: tuple[Hole, ...] = ()
    if holes:
        drilled = place_holes(corners, cavities, holes, hole_mm / 2.0, check)
        body = _drill(body, drilled, timeout_s, check)
    made = _mesh(body, mesh, look)
    check()
    after = measure_by(*look_into(made), made, crossing_faces=None)
    _check_result(before, after, cavities, drilled)
    _check_size(before, after, hole_mm)
    is_hollow = _hollowed_bodies(mesh, cavities, check)
    bodies, solid = len(is_hollow), int(np.count_nonzero(~is_hollow))
    return Hollowed(made, wall_mm, len(cavities.volumes), bodies, solid, drilled, _volume(before), _volume(after))


def _check_options(wall_mm: float, holes: int, hole_mm: float, size_mm: float) -> None:
    thinnest = min_wall(size_mm)
    if not thinnest <= wall_mm < np.inf:
        raise InvalidOption(
            f"Walls of this model can be {thinnest:.2f} mm thick or more, not {wall_mm:g}.", "hollow_mm"
        )
    if not 0 <= holes <= MAX_HOLES:
        raise InvalidOption(f"Each hollow can have 0 to {MAX_HOLES} holes, not {holes}.", "drain_holes")
    if holes and not 0 < hole_mm < size_mm:
        raise InvalidOption(f"Holes of {hole_mm:g} mm do not fit a model of {size_mm:.3g} mm.", "drain_hole_mm")


def _measured_to_be_hollowed(mesh: trimesh.Trimesh) -> MeshReport:
    if not len(mesh.faces):
        raise InvalidMesh(OPEN)
    topology, extent = look_into(mesh)
    # How many faces cross matters to nobody here, and takes long to find.
    report = measure_by(topology, extent, mesh, crossing_faces=None)
    if is_sheet(report, topology):
        raise InvalidMesh("The model is a sheet and cannot be hollowed; give it a thickness in a modelling program.")
    if report.volume_mm3 is None:
        raise InvalidMesh(OPEN)
    if report.volume_mm3 <= 0 or cancels_out(report):
        raise InvalidMesh("The model is inside out; repair it before it is hollowed.")
    return report


def _ball_mm3(width_mm: float) -> float:
    return width_mm**3 * float(np.pi) / 6.0


def _volume(report: MeshReport) -> float:
    assert report.volume_mm3 is not None, "a model that was checked is closed"
    return report.volume_mm3


def _join(mesh: trimesh.Trimesh, look: Appearance, cavities: Cavities) -> _Body:
    """The model with its cavities' surfaces, which look like its first vertex."""
    outer = np.asarray(mesh.vertices, dtype=np.float64)
    extra = [array.astype(np.float64) for array in (look.uv, look.colours) if array is not None]
    rows = np.column_stack([outer, *extra])
    lining = np.column_stack([cavities.points, np.tile(rows[0, 3:], (len(cavities.points), 1))])
    first, inverse = weld(outer)
    place = np.concatenate([first[inverse], len(outer) + np.arange(len(lining))])
    kept = np.asarray(mesh.faces, dtype=np.int64)
    kept = kept[~repeats_a_vertex(place[kept])]  # they bound nothing, and Manifold takes none
    faces = np.concatenate([kept, cavities.faces + len(outer)])
    return _Body(np.concatenate([rows, lining]), faces, place)


def _hollowed_bodies(mesh: trimesh.Trimesh, cavities: Cavities, check: Callable[[], None]) -> NDArray[np.bool_]:
    """Whether a hollow lies in each body of ``mesh``; what bounds an older hollow is none."""
    topology = topology_of(mesh)
    faces = topology.faces[topology.is_whole]
    labels = label(half_edges(faces).pairs() // 3, len(faces))
    volumes = component_volumes(topology.points, faces, labels)
    order = np.argsort(labels, kind="stable")
    bodies = np.split(topology.points[faces[order]], np.cumsum(np.bincount(labels))[:-1])
    bodies = [corners for corners, volume in zip(bodies, volumes, strict=True) if volume > 0]
    if len(bodies) == 1:
        return np.ones(1, dtype=np.bool_)
    _, first = np.unique(cavities.number, return_index=True)
    inside = cavities.points[cavities.faces[first, 0]]
    found = np.zeros(len(bodies), dtype=np.bool_)
    for number, corners in enumerate(bodies):
        check()
        near = ((inside > corners.min(axis=(0, 1))) & (inside < corners.max(axis=(0, 1)))).all(axis=1)
        found[number] = any(winding_number(point, corners) > 0.5 for point in inside[near])
    return found


def _drill(body: _Body, holes: tuple[Hole, ...], timeout_s: float, check: Callable[[], None]) -> _Body:
    tools = [(hole.x_mm, hole.z_mm, hole.from_mm, hole.to_mm, hole.radius_mm) for hole in holes]
    arrays = {
        "rows": body.rows,
        "faces": body.faces,
        "place": body.place,
        "lining": body.rows[0, 3:],
        "holes": np.array(tools),
    }
    try:
        made = run_child(Path(drill.__file__), arrays, timeout_s, check)
    except ChildTooSlow as error:
        raise InvalidMesh(f"It took too long to drill the holes: over {timeout_s:.0f} seconds.") from error
    except ChildFailed as error:
        LOGGER.warning("drilling failed: %s", error)
        raise InvalidMesh("The holes could not be drilled; fewer, or none, may work.") from error
    if "error" in made:
        raise InvalidMesh(
            f"The holes could not be drilled: the surface is not sound ({made['error']}); repair it first."
        )
    rows = made["rows"].astype(np.float64)
    return _Body(rows, made["faces"].astype(np.int64), np.arange(len(rows)))


def _mesh(body: _Body, mesh: trimesh.Trimesh, look: Appearance) -> trimesh.Trimesh:
    uv = None if look.uv is None else body.rows[:, 3:5]
    colours = None if look.colours is None else np.clip(np.round(body.rows[:, -4:]), 0, 255).astype(np.uint8)
    look = Appearance(look.material, look.texture, uv, colours, look.materials)
    return trimesh.Trimesh(
        vertices=body.rows[:, :3],
        faces=body.faces,
        visual=visual_of(look, np.arange(len(body.rows))),
        metadata=mesh.metadata,
        process=False,
    )


def _check_result(before: MeshReport, after: MeshReport, cavities: Cavities, holes: tuple[Hole, ...]) -> None:
    """Refuse what is not a closed body with just that taken out of it."""
    if after.volume_mm3 is None:
        raise InvalidMesh("The model could not be hollowed: its surface did not stay closed.")
    removed = _volume(before) - after.volume_mm3
    hollows = float(cavities.volumes.sum())
    slack = TOLERANCE * _volume(before)
    drilled = sum(hole.volume_mm3 for hole in holes)
    if not hollows - slack <= removed <= hollows + drilled + slack:
        raise InvalidMesh(f"The model could not be hollowed: {removed:.4g} mm³ went, not {hollows:.4g}.")
    if holes and after.components > before.components:
        raise InvalidMesh("The holes do not reach all hollows; other walls, or wider holes, may do.")


def _check_size(before: MeshReport, after: MeshReport, hole_mm: float) -> None:
    """Refuse what holes have made smaller."""
    for was, is_now in zip(before.size_mm, after.size_mm, strict=True):
        if is_now < (1.0 - MAX_LOSS) * was:
            raise InvalidOption(
                f"Holes of {hole_mm:g} mm would take the model from {was:.1f} to {is_now:.1f} mm; choose narrower.",
                "drain_hole_mm",
            )
