"""What printing a model comes to: its walls, what hangs over, and its mass."""

import trimesh

from orfeas.meshes.printing.materials import mass_of
from orfeas.meshes.printing.overhang import measure_overhang
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.stats import measure
from orfeas.options import PrintOptions
from orfeas.progress import Progress
from orfeas.records import PrintReport

STEPS = 3


def check_print(mesh: trimesh.Trimesh, options: PrintOptions, progress: Progress) -> PrintReport:
    """Measure what a printer would make of ``mesh`` as it stands.

    Args:
        mesh: millimetres, Y up (conventions §1), wound outward (§4).
        options: the material, and what counts as thin and as hanging over.
        progress: in an open stage.

    Raises:
        InvalidMesh: it has no surface, or no inside.
    """
    progress.step(0, STEPS)
    report = measure(mesh)
    progress.step(1, STEPS)
    walls = measure_thickness(mesh, options.min_wall_mm, check=progress.check)
    progress.step(2, STEPS)
    overhang = measure_overhang(mesh, options.max_overhang_deg, check=progress.check)
    progress.step(STEPS, STEPS)
    has_volume = report.volume_mm3 is not None and report.volume_mm3 > 0
    mass = mass_of(report.volume_mm3, report.area_mm2, options.material) if has_volume and report.volume_mm3 else None
    return PrintReport(
        material=options.material.value,
        solid_g=mass.solid_g if mass else None,
        min_wall_mm=options.min_wall_mm,
        thinnest_wall_mm=walls.min_mm,
        p5_wall_mm=walls.p5_mm,
        thin_share=walls.thin_share,
        max_overhang_deg=options.max_overhang_deg,
        overhang_mm2=overhang.area_mm2,
        overhang_share=overhang.area_share,
        support_mm3=overhang.support_mm3,
        plate_mm2=overhang.plate_mm2,
    )
