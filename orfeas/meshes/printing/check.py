"""What printing a model comes to: its walls, what hangs over, and its mass."""

import trimesh

from orfeas.meshes.printing.materials import mass_of
from orfeas.meshes.printing.overhang import measure_overhang
from orfeas.meshes.printing.solid import find_solid
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.stats import look_into, measure_by
from orfeas.options import PrintOptions
from orfeas.progress import Progress
from orfeas.records import PrintReport

STEPS = 3


def check_print(mesh: trimesh.Trimesh, options: PrintOptions, progress: Progress) -> PrintReport:
    """Measure what a printer would make of ``mesh`` as it stands; what is inside out is turned outward first.

    Args:
        mesh: millimetres, Y up (conventions §1).
        options: the material, and what counts as thin and as hanging over.
        progress: in an open stage.

    Raises:
        InvalidMesh: it has no surface.
    """
    progress.step(0, STEPS)
    topology, extent = look_into(mesh)
    report = measure_by(topology, extent, mesh, crossing_faces=None)
    solid = find_solid(mesh, topology, report)
    progress.step(1, STEPS)
    walls = mass = None
    if solid.volume_mm3 is not None:
        walls = measure_thickness(solid.mesh, options.min_wall_mm, check=progress.check)
        mass = mass_of(solid.volume_mm3, report.area_mm2, options.material)
    progress.step(2, STEPS)
    overhang = measure_overhang(solid.mesh, options.max_overhang_deg, check=progress.check)
    progress.step(STEPS, STEPS)
    return PrintReport(
        material=options.material.value,
        solid_g=mass.solid_g if mass else None,
        min_wall_mm=options.min_wall_mm,
        thinnest_wall_mm=walls.min_mm if walls else None,
        p5_wall_mm=walls.p5_mm if walls else None,
        thin_share=walls.thin_share if walls else None,
        max_overhang_deg=options.max_overhang_deg,
        overhang_mm2=overhang.area_mm2,
        overhang_share=overhang.area_share,
        support_mm3=overhang.support_mm3,
        plate_mm2=overhang.plate_mm2,
        why_not=solid.why_not,
        notes=solid.notes,
    )
