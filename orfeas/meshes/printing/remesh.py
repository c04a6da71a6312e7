"""The same shape in new, even faces: triangles of one size, or quads that follow the form."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import EngineUnavailable, InvalidMesh, InvalidOption, OutOfMemory
from orfeas.meshes.child import ChildFailed, ChildTooSlow, run_child
from orfeas.meshes.decimate import decimate
from orfeas.meshes.printing import instant
from orfeas.meshes.repair import repair
from orfeas.meshes.stats import look_into, measure_by
from orfeas.meshes.topology import repeats_a_vertex, topology_of
from orfeas.meshes.verdict import is_sheet
from orfeas.options import RemeshChoice

LOGGER = logging.getLogger(__name__)

PACKAGE = "pynanoinstantmeshes"
TIMEOUT_S = 300.0
MIN_FACES, MAX_FACES = 100, 500_000
# Of the volume; with less the new faces are too large for the model.
LEAST_VOLUME = 0.7
# The library's time grows with the faces that it is given; so many for each new one tell it all of the shape.
INPUT_PER_FACE, INPUT_FACES = 10, 50_000
# Mean thickness by the length of new edges. Measured below twice that, no plate and no rod keeps enough of its volume,
# and the library may lose itself between two sides that are so near, and fill the memory.
LEAST_THICKNESS = 0.15
# What the library may cut its input into, with all sides below half a new edge: squares of the longest sides of faces,
# by that of half an edge. Half a million triangles of a cube come to 3.5 million; a rod of 1000 by 1 mm in a thousand
# to as many, and it takes some 300 bytes for each.
MAX_CUT = 6_000_000


@dataclass(frozen=True)
class Remeshed:
    """A model in new faces, without colours, texture and UVs.

    Attributes:
        mesh: its triangles; a quad is two, one after the other, and quads come first.
        quads: ``[k, 4]`` the corners of each quad, counter-clockwise outside, or None where triangles were asked for.
    """

    mesh: trimesh.Trimesh
    quads: NDArray[np.int64] | None


def can_remesh() -> bool:
    """Whether the library is installed; it has no build for Linux on ARM and for Macs with Intel's processors."""
    return find_spec(PACKAGE) is not None


def remesh(
    mesh: trimesh.Trimesh,
    pattern: RemeshChoice,
    target_faces: int,
    crease_deg: float | None = None,
    timeout_s: float = TIMEOUT_S,
    check: Callable[[], None] = lambda: None,
) -> Remeshed:
    """The shape of ``mesh`` in about ``target_faces`` even faces, by Instant Meshes (Jakob et al. 2015).

    Colours, texture and UVs are left behind, and details smaller than a face. What comes is closed: where quads left
    it open, some of them give way to triangles. The model is repaired first, and reduced where it has very many more
    faces than asked for. The library works in a process of its own.

    Args:
        mesh: any unit.
        pattern: triangles or quads; ``none`` is for who calls this.
        target_faces: quads or triangles, 100 to 500,000; there come a few percent more or less.
        crease_deg: edges sharper than that are kept, or None to let all be rounded a little.
        timeout_s: how long it may take.
        check: called every tenth of a second; what it raises stops the work at once.

    Raises:
        EngineUnavailable: the library is not installed.
        InvalidMesh: it has no surface, a number is not finite, it is a sheet, its faces are too long for new ones so
            small, the library could make nothing of it, or it is finer than the new faces.
        InvalidOption: the faces or the angle are out of range.
        OutOfMemory: the machine's memory ran out, or the library wanted more than it may have.
    """
    _require(target_faces, crease_deg)
    sound = repair(decimate(mesh, max(INPUT_FACES, INPUT_PER_FACE * target_faces), check), check)
    check()
    _require_room(sound, pattern, target_faces)
    check()
    points, faces = np.asarray(sound.vertices), np.asarray(sound.faces)
    low, reach = points.min(axis=0), float(np.ptp(points, axis=0).max())
    arrays = {
        "points": ((points - low) / reach).astype(np.float32),
        "faces": faces.astype(np.uint32),
        "quads": np.array(pattern is RemeshChoice.QUADS),
        "target": np.array(target_faces),
        "crease_deg": np.array(crease_deg or 0.0),
    }
    try:
        made = run_child(Path(instant.__file__), arrays, timeout_s, check)
    except ChildTooSlow as error:
        raise InvalidMesh(f"It took too long to give the model even faces: over {timeout_s:.0f} seconds.") from error
    except OutOfMemory as error:
        most = f"which may take {instant.MAX_BYTES / 1e9:.0f} GB where there is so much"
        raise OutOfMemory(f"The memory ran out for even faces, {most}; fewer of them may work.") from error
    except ChildFailed as error:
        LOGGER.warning("even faces failed: %s", error)
        raise InvalidMesh("The model could not be given even faces. Fewer or more faces may work.") from error
    remeshed = _read(made["points"].astype(np.float64) * reach + low, made["faces"].astype(np.int64), pattern)
    kept = float(abs(remeshed.mesh.volume) / max(abs(sound.volume), np.finfo(np.float64).tiny))
    if kept < LEAST_VOLUME:
        raise InvalidMesh(
            f"The model is finer than its new faces, which would keep {kept:.0%} of its volume; ask for more faces."
        )
    return remeshed


def _require(target_faces: int, crease_deg: float | None) -> None:
    """Refuse options that are out of range, and work without the library."""
    if not MIN_FACES <= target_faces <= MAX_FACES:
        problem = f"target_faces cannot be {target_faces:,} with remesh"
        raise InvalidOption(f"{problem}; from {MIN_FACES} to {MAX_FACES:,} faces can be made anew.", "target_faces")
    if crease_deg is not None and not 0 < crease_deg < 180:
        raise InvalidOption(f"Edges of {crease_deg:g} degrees cannot be kept; 0 to 180 is the range.", "crease_deg")
    if not can_remesh():
        raise EngineUnavailable(
            f"Even faces need the package {PACKAGE}, which is not installed here. It has builds for Linux and Windows "
            "on x86-64, and for Macs with Apple's processors.",
            "remesh",
        )


def _require_room(mesh: trimesh.Trimesh, pattern: RemeshChoice, target_faces: int) -> None:
    """Refuse a repaired model of which the library would make nothing, or only with very much memory."""
    topology, extent = look_into(mesh)
    # How many faces cross matters to nobody here, and takes long to find.
    if is_sheet(measure_by(topology, extent, mesh, crossing_faces=None), topology):
        raise InvalidMesh(
            "The model is a sheet and cannot be given even faces; give it a thickness in a modelling program."
        )
    edge = _edge_length(extent.area_mm2, pattern, target_faces)
    if 2 * abs(extent.volume_mm3) < LEAST_THICKNESS * edge * extent.area_mm2:
        raise InvalidMesh("The model is far thinner than its new faces are wide; ask for more faces.")
    corners = topology.points[topology.faces]
    longest = np.linalg.norm(corners - corners[:, [1, 2, 0]], axis=2).max(axis=1)
    if np.maximum((2 * longest / edge) ** 2, 1.0).sum() > MAX_CUT:
        raise InvalidMesh(
            "The model has faces that are too long and narrow to be cut into new ones so small; ask for fewer faces, "
            "or divide the long ones in a modelling program."
        )


def _edge_length(area: float, pattern: RemeshChoice, target_faces: int) -> float:
    """How long the sides of new faces are, as the library lays them out: squares, four quads each, or triangles."""
    if pattern is RemeshChoice.QUADS:
        return float(np.sqrt(instant.QUADS_PER_VERTEX * area / target_faces))
    return float(np.sqrt(4 / np.sqrt(3) * area / target_faces))


def _read(points: NDArray[np.float64], faces: NDArray[np.int64], pattern: RemeshChoice) -> Remeshed:
    if not len(faces) or not np.isfinite(points).all():
        raise InvalidMesh("The model could not be given even faces: nothing came of it. More faces may work.")
    if pattern is RemeshChoice.QUADS:
        faces = _cut_well(points, faces)
        triangles = np.stack([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
        mesh = trimesh.Trimesh(points, triangles, process=False)
        edges = topology_of(mesh).edges
        if ((edges.faces == 2) & (edges.forward == 1)).all() and not repeats_a_vertex(triangles).any():
            return Remeshed(mesh, faces)
        return _with_quads_first(repair(trimesh.Trimesh(points, triangles, process=False)))
    return Remeshed(repair(trimesh.Trimesh(points, faces[~repeats_a_vertex(faces)], process=False)), None)


def _cut_well(points: NDArray[np.float64], quads: NDArray[np.int64]) -> NDArray[np.int64]:
    """The quads ``[k, 4]``, each begun at the corner from which it is cut into the two triangles that are less thin."""
    a, b, c, d = points[quads.T]
    normals = np.cross(c - a, d - b)
    least = [
        np.minimum(*(np.einsum("ij,ij->i", np.cross(q - p, r - p), normals) for p, q, r in triangles))
        for triangles in (((a, b, c), (a, c, d)), ((b, c, d), (b, d, a)))
    ]
    return np.where((least[1] > least[0])[:, None], np.roll(quads, -1, axis=1), quads)


def _with_quads_first(mesh: trimesh.Trimesh) -> Remeshed:
    """``mesh`` with its quads, two triangles each that follow each other, before the triangles that have no fellow."""
    faces = np.asarray(mesh.faces)
    first, second = faces[:-1], faces[1:]
    is_pair = (first[:, 0] == second[:, 0]) & (first[:, 2] == second[:, 1]) & (first[:, 1] != second[:, 2])
    begins = np.flatnonzero(is_pair)
    begins = begins[np.diff(begins, prepend=-2) > 1]  # a triangle is in one quad alone
    is_single = np.ones(len(faces), dtype=np.bool_)
    is_single[begins] = is_single[begins + 1] = False
    pairs = np.stack([faces[begins], faces[begins + 1]], axis=1)
    ordered = np.concatenate([pairs.reshape(-1, 3), faces[is_single]])
    quads = np.column_stack([pairs[:, 0], pairs[:, 1, 2]])
    return Remeshed(trimesh.Trimesh(mesh.vertices, ordered, process=False), quads)
