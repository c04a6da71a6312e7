"""A mesh from anywhere is made ready: stray parts and inner shells gone, closed, and with as many faces as wanted."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.cleanup import keep_faces
from orfeas.meshes.crossings import count_crossing_faces
from orfeas.meshes.decimate import Reducer, decimate
from orfeas.meshes.orientation import component_volumes, winding_number
from orfeas.meshes.repair import Repaired, repair, repair_and_tell
from orfeas.meshes.stats import Extent, look_into, measure_by
from orfeas.meshes.topology import Topology, topology_of
from orfeas.meshes.transfer import transfer_look
from orfeas.meshes.uncross import Uncrossed, uncrossed
from orfeas.meshes.verdict import cancels_out
from orfeas.options import RemeshChoice, RepairOptions
from orfeas.progress import Progress
from orfeas.records import MeshReport

# Measured, parts gone, reduced, repaired in five, shells gone, look laid on, measured again.
STEPS = 11
# Times the faces asked for; a few more may be left where a repair has parted surfaces.
MOST_OVER = 1.02
# Faces, times shells that might lie within others; about a second's work.
MAX_WORK = 20_000_000
# Corners of a shell that must all lie within another.
TRIED = 12


@dataclass(frozen=True)
class Mended:
    """What came of a mesh.

    Attributes:
        mesh: ready, in the input's place and unit.
        before: measures of the input.
        notes: sentences for the user: what was done, and what could not be.
    """

    mesh: trimesh.Trimesh
    before: MeshReport
    notes: tuple[str, ...]


def mend(mesh: trimesh.Trimesh, options: RepairOptions, progress: Progress) -> Mended:
    """``mesh``, ready to be printed.

    Colours, texture and UVs come along: where faces are reduced, those of the nearest place on the surface.

    Args:
        mesh: finite, with a face; millimetres.
        options: ``target_faces``, ``min_part`` and ``keep_shells`` are used; nothing is reduced where ``remesh`` makes
            faces anew.
        progress: in an open stage.

    Raises:
        InvalidMesh: there is no surface that could be repaired.
        OutOfMemory: the machine's memory ran out.
    """
    with ThreadPoolExecutor(1) as aside:
        return _mend(mesh, options, progress, aside)


def _mend(mesh: trimesh.Trimesh, options: RepairOptions, progress: Progress, aside: Executor) -> Mended:
    """As :func:`mend`; the input is measured ``aside``, while the rest goes on."""
    steps = iter(range(STEPS + 1))

    def advance() -> None:
        progress.step(next(steps), STEPS)

    is_wanted = options.target_faces > 0 and options.remesh is RemeshChoice.NONE
    with Reducer(len(mesh.faces), options.target_faces if is_wanted else len(mesh.faces)) as reducer:
        advance()
        topology, extent = look_into(mesh)
        measured = aside.submit(_measured, topology, extent, mesh, progress.check)
        advance()
        # 1. Stray parts go.
        is_small, dropped = find_small_parts(topology, options.min_part)
        advance()
        # 2. Fewer faces, before the repair, which opens the edges that this pinches.
        original = mesh
        kept = topology.faces[~is_small] if dropped else topology.faces
        is_reduced = is_wanted and options.target_faces < len(kept)
        if is_reduced:
            mesh = reducer.reduce(topology.points, kept, progress.check)
        elif dropped:
            mesh = keep_faces(mesh, ~is_small)
    advance()
    # 3. Closed and wound.
    repaired = repair_and_tell(mesh, advance, progress.check)
    mesh = repaired.mesh
    if is_reduced and len(mesh.faces) > MOST_OVER * options.target_faces:  # large holes took many to fill
        mesh = repair(decimate(mesh, options.target_faces, progress.check), progress.check)
    notes = _told(repaired)
    # 4. Shells within others go.
    if not options.keep_shells:
        mesh, shells, is_sure = drop_inner_shells(mesh, progress.check)
        notes += _told_of_shells(shells, is_sure)
    advance()
    # 5. Where it passes through itself a little, it is drawn apart.
    mesh, made = uncrossed(mesh, progress.check)
    notes += _told_of_crossings(made)
    # 6. The look of what was reduced.
    if is_reduced:
        mesh = _with_look_of(original, is_small, mesh)
    advance()
    before = measured.result()
    told = (
        *_told_of_parts(dropped, before.components, options.min_part),
        *notes,
        *_changes(before, measure_by(*look_into(mesh), mesh, None)),
    )
    advance()
    return Mended(mesh, before, told or ("There was nothing to repair.",))


def _measured(topology: Topology, extent: Extent, mesh: trimesh.Trimesh, check: Callable[[], None]) -> MeshReport:
    """What :func:`orfeas.meshes.stats.measure` tells of ``mesh``; ``check`` may stop it."""
    return measure_by(topology, extent, mesh, count_crossing_faces(topology.points, topology.faces, check))


def _with_look_of(original: trimesh.Trimesh, is_gone: NDArray[np.bool_], mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """``mesh`` with the look of the faces of ``original`` that are not gone."""
    look = appearance_of(original)
    if is_gone.any() and (look.uv is not None or look.colours is not None):
        original = keep_faces(original, ~is_gone)
    return transfer_look(original, mesh)


def find_small_parts(topology: Topology, min_part: float) -> tuple[NDArray[np.bool_], int]:
    """``[m]`` the faces of parts whose diagonal is below the share ``min_part`` of the largest's; how many parts."""
    parts = _parts(topology)
    diagonals = np.linalg.norm(parts.high - parts.low, axis=1)
    is_small = diagonals < min_part * diagonals.max()
    return is_small[parts.labels], int(np.count_nonzero(is_small))


def drop_inner_shells(mesh: trimesh.Trimesh, check: Callable[[], None]) -> tuple[trimesh.Trimesh, int, bool]:
    """The mesh without closed shells that lie in others and bound no hollow, how many went, and whether that is all.

    Args:
        mesh: closed and wound outward, as :func:`orfeas.meshes.repair.repair` leaves it.
        check: called for each shell that is looked at; what it raises stops the work.
    """
    parts = _parts(topology_of(mesh))
    labels, low, high = parts.labels, parts.low, parts.high
    count = len(low)
    if count == 1:
        return mesh, 0, True
    points, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    corners = points[faces]
    volumes = component_volumes(points, faces, labels)
    order = np.argsort(labels, kind="stable")
    begin = np.searchsorted(labels[order], np.arange(count + 1))
    is_inner = np.zeros(count, dtype=np.bool_)
    work, is_sure = 0, True
    for shell in np.argsort(volumes):
        around = np.flatnonzero((volumes > volumes[shell]) & (low <= low[shell]).all(1) & (high >= high[shell]).all(1))
        if volumes[shell] <= 0 or not len(around):
            continue
        check()
        wall = corners[np.isin(labels, around)]
        own = corners[order[begin[shell] : begin[shell + 1]], 0]
        tried = own[np.linspace(0, len(own) - 1, min(len(own), TRIED)).astype(np.int64)]
        work += len(wall) * len(tried)
        if work > MAX_WORK:
            is_sure = False
            break
        is_inner[shell] = all(winding_number(point, wall) > 0.5 for point in tried)
    if not is_inner.any():
        return mesh, 0, is_sure
    return keep_faces(mesh, ~is_inner[labels]), int(np.count_nonzero(is_inner)), is_sure


@dataclass(frozen=True)
class _Parts:
    """The pieces of a mesh, which are joined by a shared place.

    Attributes:
        labels: ``[m]`` the number of the part each face is in, from 0 to k - 1.
        low: ``[k, 3]`` the lowest corner of each part.
        high: ``[k, 3]`` the highest.
    """

    labels: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _parts(topology: Topology) -> _Parts:
    labels = topology.labels[topology.faces[:, 0]]
    is_part = np.bincount(labels, minlength=int(topology.labels.max()) + 1) > 0  # no face may begin at a place
    order = np.argsort(topology.labels, kind="stable")
    places = topology.points[order]
    begin = np.searchsorted(topology.labels[order], np.arange(len(is_part)))
    low, high = np.minimum.reduceat(places, begin), np.maximum.reduceat(places, begin)
    return _Parts((np.cumsum(is_part) - 1)[labels], low[is_part], high[is_part])


def _told_of_parts(dropped: int, parts: int, min_part: float) -> list[str]:
    """How many parts went, and which."""
    share = f"smaller than {100 * min_part:g} % of the largest"
    return [f"{dropped:,} of {parts:,} parts were dropped, {share}."] if dropped else []


def _told(repaired: Repaired) -> list[str]:
    """What a repair took away."""
    notes = []
    if repaired.dropped_faces:
        went = "1 face hung" if repaired.dropped_faces == 1 else f"{repaired.dropped_faces:,} faces hung"
        notes.append(f"{went} free of any solid, and went.")
    if repaired.dropped_sheets:
        sheets = "1 loose sheet" if repaired.dropped_sheets == 1 else f"{repaired.dropped_sheets:,} loose sheets"
        notes.append(f"{sheets} without an inside went.")
    return notes


def _told_of_shells(dropped: int, is_sure: bool) -> list[str]:
    """Which shells went, and whether others may have been overlooked."""
    notes = []
    if not is_sure:
        notes.append("There are too many shells to look into all of them; some may lie inside others.")
    if dropped:
        were = "shell inside the model was" if dropped == 1 else "shells inside the model were"
        notes.append(f"{dropped:,} {were} dropped.")
    return notes


def _told_of_crossings(made: Uncrossed) -> list[str]:
    """Which faces were drawn apart, and which were not."""
    notes = []
    freed = (made.before or 0) - (made.left or 0)
    if freed:
        pairs = "1 pair of faces that passed" if freed == 1 else f"{freed:,} pairs of faces that passed"
        notes.append(f"{pairs} through each other {'was' if freed == 1 else 'were'} drawn apart.")
    if made.left_faces:
        notes.append(
            f"{made.left_faces:,} faces still pass through others; "
            "they are too many, or reach too deep, to be drawn apart."
        )
    return notes


def _changes(before: MeshReport, after: MeshReport) -> tuple[str, ...]:
    """What became of the defects, and an honest word on what is left."""
    notes = []
    if before.boundary_edges and not after.boundary_edges:
        notes.append(f"The holes were closed; {_edges(before.boundary_edges)} had been open.")
    if before.non_manifold_edges and not after.non_manifold_edges:
        notes.append(f"Surfaces that shared an edge were parted, at {_edges(before.non_manifold_edges)}.")
    if not before.is_winding_consistent and after.is_winding_consistent:
        notes.append("Faces that were turned the wrong way round were turned over.")
    if not after.is_watertight:
        notes.append(
            f"It is still not watertight: {_edges(after.boundary_edges)} open, "
            f"{_edges(after.non_manifold_edges)} shared by more than two faces."
        )
    if cancels_out(before) and not cancels_out(after):
        notes.append("Bodies that were inside out were turned over.")
    elif before.volume_mm3 is not None and before.volume_mm3 < 0:
        notes.append("The model was inside out, and was turned over.")
    return tuple(notes)


def _edges(count: int) -> str:
    return "1 edge" if count == 1 else f"{count:,} edges"
