"""A model that is done: put in its place, measured and written; what is large, in a process of its own."""

from dataclasses import dataclass, replace

import trimesh

from orfeas.apart import Apart
from orfeas.conversion import convert
from orfeas.files import write_whole
from orfeas.job_files import THUMBNAIL_PX, JobFiles, write_thumbnail
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.creases import can_be_creased
from orfeas.meshes.export import export, export_view
from orfeas.meshes.maps import textures_of
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import Provenance
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat, Packing, TextureFormat
from orfeas.pictures.turntable import make_portrait
from orfeas.progress import Progress, Stage
from orfeas.records import JobKind, MeshReport
from orfeas.workspace import drop_parts, full_disk_explained

# Below both, all of it takes at most 0.8 s of a server's processor, 0.15 s without textures and another format; handing
# it to a process takes 0.05 s, and starting one 1.3 s. Measured.
LARGE_FACES = 50_000
LARGE_PIXELS = 4 * 2**20
TIMEOUT_S = 600.0
# Measures, GLB, other format, picture.
STEPS = 4
# A pair of shoes or a tea set is meant; more pieces than this are mostly a cut-out that went wrong.
MANY_PIECES = 4


@dataclass(frozen=True)
class Model:
    """A model that is done, and what is to become of it.

    Attributes:
        mesh: in the working frame (conventions §1, §2).
        size_mm: its longest side when it stands in its place; 0 leaves it as it is.
        output_format: of the file beside the GLB.
        texture_format: of its base colour.
        provenance: how it was made so far; what is noted while it is saved comes after its notes.
    """

    mesh: trimesh.Trimesh
    size_mm: float
    output_format: OutputFormat
    texture_format: TextureFormat
    provenance: Provenance


@dataclass(frozen=True)
class Saved:
    """The measures of a model that was saved, and all its notes."""

    mesh: MeshReport
    notes: tuple[str, ...]


def save(model: Model, files: JobFiles, apart: Apart, progress: Progress) -> Saved:
    """Put a model in its place, measure it, and write its GLB, the other format and the thumbnail.

    The files are the same wherever that is done; files that were not finished are gone when this ends.

    Raises:
        Cancelled: the user has stopped the work; within a second where it is large, else after the step it is at.
        OrfeasError: ``InvalidMesh`` and ``InvalidOption`` as :func:`orfeas.meshes.export.export`; as the process ends.
    """
    with progress.stage(Stage.SAVE):
        if not is_large(model.mesh):
            return write_files(progress, model, files)
        try:
            return apart.run(write_files, progress, TIMEOUT_S, model, files)
        finally:
            drop_parts(files.folder)


def is_large(mesh: trimesh.Trimesh) -> bool:
    """Whether saving the mesh may take longer than a user who presses Stop should wait."""
    material = appearance_of(mesh).material
    maps = () if material is None else textures_of(material).values()
    return len(mesh.faces) >= LARGE_FACES or sum(image.width * image.height for image in maps) >= LARGE_PIXELS


def write_files(progress: Progress, model: Model, files: JobFiles) -> Saved:
    """As :func:`save`, in the process and the stage that it is called in."""
    progress.step(0, STEPS)
    placed = place(model.mesh, model.size_mm) if model.size_mm else model.mesh
    report = measure(placed, progress.check)
    provenance = replace(model.provenance, notes=(*model.provenance.notes, *_warnings(report, model)))
    progress.step(1, STEPS)
    with full_disk_explained():
        # The GLB comes last: where it is, everything a conversion and the page need is.
        write_whole(files.provenance, provenance.to_json())
        if provenance.kind is JobKind.REPAIR and can_be_creased(
            len(placed.faces), has_uv=appearance_of(placed).uv is not None
        ):
            write_whole(files.view, export_view(placed))
        glb = export(placed, OutputFormat.GLB, provenance.written_as(OutputFormat.GLB), model.texture_format)
        write_whole(files.model(OutputFormat.GLB), glb)
        progress.step(2, STEPS)
        convert(progress, files, model.output_format, Packing())
        progress.step(3, STEPS)
        write_thumbnail(make_portrait(placed, THUMBNAIL_PX, progress.check), files)
    progress.step(4, STEPS)
    return Saved(report, provenance.notes)


def _warnings(report: MeshReport, model: Model) -> tuple[str, ...]:
    """What the user should know; a repaired mesh has the pieces that it had."""
    pieces = () if model.provenance.kind is JobKind.REPAIR else _warn_of_pieces(report)
    return (*pieces, *_warn_of_colours(report, model.output_format))


def _warn_of_pieces(report: MeshReport) -> tuple[str, ...]:
    if report.components <= MANY_PIECES:
        return ()
    sentence = (
        f"The model came out in {report.components} pieces. If the picture shows fewer, keep its background, "
        "or take one with more room around the object."
    )
    return (sentence,)


def _warn_of_colours(report: MeshReport, output_format: OutputFormat) -> tuple[str, ...]:
    if report.has_texture and output_format is OutputFormat.STL:
        return ("An STL holds no colours; the GLB and the 3MF of this job have the texture.",)
    return ()
