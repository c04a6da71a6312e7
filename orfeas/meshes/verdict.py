"""What a slicer or a game engine would object to in a mesh, and how to mend it, in plain words."""

from dataclasses import replace

import numpy as np

from orfeas.meshes.orientation import component_volumes, outward_volume
from orfeas.meshes.topology import Topology
from orfeas.records import Finding, MeshReport, Use

# What games of this kind load for one object without care; more wants levels of detail.
GAME_FACES = 100_000
# Slicers get slow beyond it, and no printer resolves it.
PRINT_FACES = 2_000_000
# Of a volume to its surface: a sheet of paper has twenty times as much.
LEAST_VOLUME = 1e-5
# Toys and tea sets have fewer pieces.
MANY_PIECES = 20
# Printers take from about a millimetre to about half a metre; anything else is mostly another unit.
PRINT_SIZE_MM = (1.0, 500.0)


def judge(report: MeshReport, topology: Topology) -> tuple[Finding, ...]:
    """Everything that stands against printing the model, or against using it in a game; nothing for a sound one."""
    encloses_nothing = is_sheet(report, topology)
    return (
        *_holes(report),
        *(_sheet() if encloses_nothing else _inside_out(report)),
        *_winding(report),
        *_crossing(report),
        *_pieces(report),
        *_waste(report),
        *_size(report),
        *_weight(report),
    )


def _holes(report: MeshReport) -> list[Finding]:
    found = []
    if report.boundary_edges:
        found.append(
            Finding(Use.PRINT, f"The surface has holes: {_edges(report.boundary_edges)} open.", "Repair fills them.")
        )
    if report.non_manifold_edges:
        problem = f"{_edges(report.non_manifold_edges)} shared by more than two faces."
        found.append(Finding(Use.PRINT, problem, "Repair parts the surfaces there."))
    return found


def is_sheet(report: MeshReport, topology: Topology) -> bool:
    """Whether the model is flat, or closed and encloses next to nothing; only a thickness makes it printable."""
    if min(report.size_mm) == 0:
        return True
    if not cancels_out(report):
        return False
    points, faces = topology.points, topology.faces[topology.is_whole]
    labels = np.unique(topology.labels[faces[:, 0]], return_inverse=True)[1]
    most_mm3 = float(np.abs(component_volumes(points, faces, labels)).sum())
    if cancels_out(replace(report, volume_mm3=most_mm3)):
        return True
    # Hollows count against what they lie in.
    return cancels_out(replace(report, volume_mm3=outward_volume(points, faces)))


def cancels_out(report: MeshReport) -> bool:
    """Whether the model is closed, and its volume, of which what is inside out takes away, is next to nothing."""
    return report.volume_mm3 is not None and abs(report.volume_mm3) < LEAST_VOLUME * report.area_mm2**1.5


def _sheet() -> list[Finding]:
    fix = "Give it a thickness in a modelling program; a repair cannot know how much."
    return [Finding(Use.PRINT, "It is a sheet: it encloses nothing that could be printed.", fix)]


def _inside_out(report: MeshReport) -> list[Finding]:
    if cancels_out(report):
        problem = "Some of its bodies are inside out."
        return [Finding(use, problem, "Repair turns them over.") for use in (Use.PRINT, Use.GAME)]
    if report.volume_mm3 is not None and report.volume_mm3 < 0:
        problem = "The model is inside out."
        return [Finding(use, problem, "Repair turns it over.") for use in (Use.PRINT, Use.GAME)]
    return []


def _winding(report: MeshReport) -> list[Finding]:
    if report.is_winding_consistent:
        return []
    problem = "Some faces are turned the other way round than their neighbours."
    return [Finding(use, problem, "Repair turns them.") for use in (Use.PRINT, Use.GAME)]


def _crossing(report: MeshReport) -> list[Finding]:
    if not report.crossing_faces:
        return []
    problem = f"The surface passes through itself, at {report.crossing_faces:,} faces."
    fix = "Repair draws them apart where they are few; slicers unite what overlaps, and may leave small gaps there."
    return [Finding(Use.PRINT, problem, fix)]


def _pieces(report: MeshReport) -> list[Finding]:
    if report.components <= MANY_PIECES:
        return []
    problem = f"It is in {report.components:,} pieces; crumbs that touch nothing would be printed in mid-air."
    return [Finding(Use.PRINT, problem, "Repair drops those that are small, as small as you say.")]


def _waste(report: MeshReport) -> list[Finding]:
    if not report.degenerate_faces:
        return []
    count = f"{report.degenerate_faces:,} face{'s have' if report.degenerate_faces > 1 else ' has'} no area."
    return [Finding(Use.GAME, count, "Repair drops those whose corners coincide; fewer faces take care of the rest.")]


def _size(report: MeshReport) -> list[Finding]:
    longest = max(report.size_mm)
    low, high = PRINT_SIZE_MM
    if low <= longest <= high:
        return []
    size = f"{longest:,.3g} mm" if longest < low else f"{longest:,.0f} mm"
    problem = f"Its longest side is {size}, which is seldom meant; the file may be in another unit."
    return [Finding(Use.PRINT, problem, "Give the size in millimetres.")]


def _weight(report: MeshReport) -> list[Finding]:
    found = []
    if report.faces > PRINT_FACES:
        problem = f"{report.faces:,} faces are more than slicers like."
        found.append(Finding(Use.PRINT, problem, f"Ask for {PRINT_FACES:,} faces or fewer."))
    if report.faces > GAME_FACES:
        problem = f"{report.faces:,} faces are many for one object."
        found.append(Finding(Use.GAME, problem, f"Ask for {GAME_FACES:,} faces or fewer."))
    if report.has_texture and not report.has_uv:
        found.append(Finding(Use.GAME, "It has a texture and no UVs to place it with.", "Paint it anew."))
    return found


def _edges(count: int) -> str:
    return f"{count:,} edges are" if count > 1 else "1 edge is"
