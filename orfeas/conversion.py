"""A model in other forms: another file format, packed, or turning; made once and then kept."""

from dataclasses import replace
from pathlib import Path

from orfeas.errors import InvalidMesh
from orfeas.files import write_whole
from orfeas.job_files import JobFiles
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.options import Compression, OutputFormat, TextureFormat
from orfeas.pictures.turntable import TurntableOptions, make_turntable
from orfeas.progress import Progress


def convert(files: JobFiles, output_format: OutputFormat) -> Path:
    """The job's model in ``output_format``, converted from its GLB once and then kept."""
    path = files.model(output_format)
    if not path.exists():
        provenance = written_as(Provenance.from_json(files.provenance.read_bytes()), output_format)
        data = export(
            load_mesh(files.model(OutputFormat.GLB)), output_format, provenance, texture_format_of(provenance)
        )
        write_model(data, output_format, files)
    return path


def make_form(_: Progress, files: JobFiles, output_format: OutputFormat, compression: Compression) -> Path:
    """The job's model in ``output_format``, or its GLB packed; made once and then kept. Any process may do it."""
    return compress(files) if compression is Compression.DRACO else convert(files, output_format)


def turn(files: JobFiles, options: TurntableOptions, progress: Progress) -> Path:
    """The job's model turning, drawn from its GLB once for those options and then kept.

    Raises:
        Cancelled: the user has stopped the work.
    """
    path = files.turntable(options)
    if not path.exists():
        write_whole(path, make_turntable(files.model(OutputFormat.GLB), options, progress))
    return path


def compress(files: JobFiles) -> Path:
    """The job's GLB with its shape packed by Draco, made once and then kept."""
    if not files.compressed.exists():
        provenance = Provenance.from_json(files.provenance.read_bytes()).written_as(OutputFormat.GLB)
        mesh = load_mesh(files.model(OutputFormat.GLB))
        texture_format = texture_format_of(provenance)
        write_whole(files.compressed, export(mesh, OutputFormat.GLB, provenance, texture_format, Compression.DRACO))
    return files.compressed


def convert_file(mesh: Path, output_format: OutputFormat, size_mm: float, compression: Compression) -> bytes:
    """A mesh file's content in another format, with how it was made where the file says so.

    Args:
        mesh: a file of any kind that can be read.
        output_format: what to write.
        size_mm: longest side to scale it to, standing on its base; 0 leaves it as it is.
        compression: of the shape in a GLB.

    Raises:
        InvalidMesh: it cannot be read.
        InvalidOption: what is asked for cannot be compressed.
    """
    loaded = load_mesh(mesh)
    placed = place(loaded, size_mm) if size_mm else loaded
    try:
        provenance = written_as(read_provenance(mesh), output_format)
    except InvalidMesh:
        return export(placed, output_format, None, compression=compression)  # made elsewhere; nobody knows how
    if size_mm:
        provenance = replace(provenance, options={**provenance.options, "size_mm": size_mm})
    return export(placed, output_format, provenance, texture_format_of(provenance), compression)


def written_as(provenance: Provenance, output_format: OutputFormat) -> Provenance:
    """The same, for a file in ``output_format``; WebP, which only a GLB can hold, becomes JPEG elsewhere."""
    written = provenance.written_as(output_format)
    if output_format is OutputFormat.GLB or written.options.get("texture_format") != TextureFormat.WEBP:
        return written
    return replace(written, options={**written.options, "texture_format": TextureFormat.JPEG.value})


def texture_format_of(provenance: Provenance) -> TextureFormat:
    """How a file keeps its texture, as it says itself."""
    try:
        return TextureFormat(str(provenance.options.get("texture_format", TextureFormat.JPEG)))
    except ValueError:
        return TextureFormat.JPEG  # a word that a stranger's file may hold


def write_model(data: bytes, output_format: OutputFormat, files: JobFiles) -> None:
    """Write the model's bytes where they belong, whole or not at all."""
    write_whole(files.model(output_format), data)
