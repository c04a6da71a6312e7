"""Mesh files from anywhere: looked at, converted, drawn, and repaired; no job keeps them."""

from pathlib import Path

import trimesh

from orfeas.apart import Apart
from orfeas.conversion import convert_file
from orfeas.files import write_whole
from orfeas.job_files import AS_IT_IS
from orfeas.meshes.crossings import find_crossing_faces
from orfeas.meshes.export import export_view
from orfeas.meshes.highlight import highlight
from orfeas.meshes.load import load_mesh
from orfeas.meshes.mend import Mended, mend
from orfeas.meshes.printing.check import check_print
from orfeas.meshes.printing.prepare import Prepared, prepare
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.meshes.stats import look_into, measure, measure_by
from orfeas.options import OutputFormat, Packing, PrintOptions, RepairOptions, parse_number
from orfeas.pictures.turntable import TurntableOptions, make_turntable
from orfeas.progress import Progress, Stage
from orfeas.records import MeshReport, PrintReport

INSPECT_TIMEOUT_S = 60.0


class MeshFiles:
    """What can be done with a mesh file without a job.

    Args:
        apart: where files are read that may be hostile.
    """

    def __init__(self, apart: Apart) -> None:
        self._apart = apart

    def inspect(self, mesh: Path, progress: Progress) -> MeshReport:
        """Measure a mesh file of any kind that can be read.

        Raises:
            InvalidMesh: it cannot be read.
            Cancelled: the user has stopped the work.
            InternalError: the process that read it crashed, or took longer than a minute.
        """
        with progress.stage(Stage.REPAIR):
            return self._apart.run(inspect_file, progress, INSPECT_TIMEOUT_S, mesh)

    def inspect_print(self, mesh: Path, options: PrintOptions, progress: Progress) -> PrintReport:
        """Measure what printing a mesh file comes to: walls, overhangs, supports and mass.

        Raises:
            InvalidMesh: it cannot be read, or has no surface.
            Cancelled: the user has stopped the work.
            InternalError: the process that read it crashed, or took longer than a minute.
        """
        with progress.stage(Stage.PREPARE):
            return self._apart.run(check_print_file, progress, INSPECT_TIMEOUT_S, mesh, options)

    def inspect_for_view(self, mesh: Path, view: Path, progress: Progress) -> MeshReport:
        """Measure a mesh file, and write a GLB file ``view`` of it for a viewer, its defects marked.

        Raises:
            InvalidMesh: it cannot be read.
            Cancelled: the user has stopped the work.
            InternalError: the process that read it crashed, or took longer than a minute.
        """
        with progress.stage(Stage.REPAIR):
            return self._apart.run(inspect_for_view, progress, INSPECT_TIMEOUT_S, mesh, view)

    def settings_from(self, model: Path) -> Provenance:
        """How a model file was made, from its own metadata.

        Raises:
            InvalidMesh: the file holds none.
        """
        return read_provenance(model)

    def convert(
        self,
        mesh: Path,
        output_format: OutputFormat,
        size_mm: float = 0,
        packing: Packing = AS_IT_IS,
    ) -> bytes:
        """A mesh file's content in another format, with how it was made where the file says so.

        Args:
            mesh: a file of any kind that can be read.
            output_format: what to write.
            size_mm: longest side to scale it to, standing on its base; 0 leaves it as it is.
            packing: how.

        Raises:
            InvalidMesh: it cannot be read.
            InvalidOption: ``size_mm`` is out of range, it cannot be packed so, or has no texture.
        """
        size = parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place")
        return convert_file(mesh, output_format, size, packing)

    def draw_turntable(self, mesh: Path, options: TurntableOptions, progress: Progress) -> bytes:
        """A mesh file's model turning, an animated WebP.

        Raises:
            InvalidMesh: it cannot be read.
            Cancelled: the user has stopped the work.
        """
        return make_turntable(mesh, options, progress)


def load_file(_: Progress, mesh: Path) -> trimesh.Trimesh:
    """As :func:`orfeas.meshes.load.load_mesh`, for a process of its own."""
    return load_mesh(mesh)


def mend_file(progress: Progress, mesh: Path, options: RepairOptions) -> Mended:
    """Read a mesh file and repair what is in it.

    Raises:
        InvalidMesh: it cannot be read, or not be repaired.
    """
    return mend(load_mesh(mesh), options, progress)


def prepare_mesh(progress: Progress, mesh: trimesh.Trimesh, options: RepairOptions) -> Prepared:
    """As :func:`orfeas.meshes.printing.prepare.prepare`, for a process of its own."""
    return prepare(mesh, options, progress)


def check_print_file(progress: Progress, mesh: Path, options: PrintOptions) -> PrintReport:
    """Read a mesh file, and measure what printing it comes to.

    Raises:
        InvalidMesh: it cannot be read, or has no surface.
    """
    return check_print(load_mesh(mesh), options, progress)


def inspect_file(_: Progress, mesh: Path) -> MeshReport:
    """Measure a mesh file.

    Raises:
        InvalidMesh: it cannot be read.
    """
    return measure(load_mesh(mesh))


def inspect_for_view(_: Progress, mesh: Path, view: Path) -> MeshReport:
    """Measure a mesh file, and write a GLB file ``view`` of it that marks what is wrong.

    Raises:
        InvalidMesh: it cannot be read.
    """
    loaded = load_mesh(mesh)
    topology, extent = look_into(loaded)
    crossing = find_crossing_faces(topology.points, topology.faces)
    write_whole(view, export_view(highlight(topology, crossing) or loaded))
    return measure_by(topology, extent, loaded, None if crossing is None else len(crossing))
