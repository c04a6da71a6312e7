"""A model in other forms: another file format, packed, or turning; made once and then kept."""

from dataclasses import replace
from pathlib import Path

import trimesh

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.files import write_whole
from orfeas.job_files import JobFiles
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.maps import longest_side_px, with_smaller_textures
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.options import OutputFormat, Packing, TextureFormat
from orfeas.pictures.turntable import TurntableOptions, make_turntable
from orfeas.progress import Progress
from orfeas.workspace import full_disk_explained


def convert(_: Progress, files: JobFiles, output_format: OutputFormat, packing: Packing) -> Path:
    """The job's model in ``output_format``, converted from its GLB once and then kept. Any process may do it.

    Raises:
        InvalidOption: what is asked for cannot be packed so, or has no texture.
        InternalError: the disk is full.
    """
    path = files.model(output_format, packing)
    if not path.exists():
        provenance = Provenance.from_json(files.provenance.read_bytes())
        data = pack(load_mesh(files.model(OutputFormat.GLB)), output_format, provenance, packing)
        with full_disk_explained():
            write_whole(path, data)
    return path


def turn(files: JobFiles, options: TurntableOptions, progress: Progress) -> Path:
    """The job's model turning, drawn from its GLB once for those options and then kept.

    Raises:
        Cancelled: the user has stopped the work.
    """
    path = files.turntable(options)
    if not path.exists():
        write_whole(path, make_turntable(files.model(OutputFormat.GLB), options, progress))
    return path


def convert_file(mesh: Path, output_format: OutputFormat, size_mm: float, packing: Packing) -> bytes:
    """A mesh file's content in another format, with how it was made where the file says so.

    Args:
        mesh: a file of any kind that can be read.
        output_format: what to write.
        size_mm: longest side to scale it to, standing on its base; 0 leaves it as it is.
        packing: how.

    Raises:
        InvalidMesh: it cannot be read.
        InvalidOption: what is asked for cannot be packed so, or has no texture.
    """
    loaded = load_mesh(mesh)
    placed = place(loaded, size_mm) if size_mm else loaded
    try:
        provenance = read_provenance(mesh)
    except InvalidMesh:
        return pack(placed, output_format, None, packing)  # made elsewhere; nobody knows how
    if size_mm:
        provenance = replace(provenance, options={**provenance.options, "size_mm": size_mm})
    return pack(placed, output_format, provenance, packing)


def pack(mesh: trimesh.Trimesh, output_format: OutputFormat, provenance: Provenance | None, packing: Packing) -> bytes:
    """The mesh in that format, packed so, saying how it was made, as far as it is known, and what the file has of it.

    Raises:
        InvalidOption: it cannot be packed so, or has no texture.
        InvalidMesh: as :func:`orfeas.meshes.export.export`.
    """
    side_px = longest_side_px(mesh)
    if not side_px and (packing.texture_size or packing.texture_format):
        option, kept = ("texture_size", "0") if packing.texture_size else ("texture_format", "keep")
        raise InvalidOption(f"{option} cannot be set for a model without a texture; leave it at {kept}.", option)
    is_reduced = 0 < packing.texture_size < side_px
    if is_reduced:
        mesh = with_smaller_textures(mesh, packing.texture_size)
    if provenance is not None:
        provenance = _packed_as(provenance, output_format, packing.texture_format)
        provenance = _reduced_to(provenance, packing.texture_size) if is_reduced else provenance
    texture_format = packing.texture_format or texture_format_of(provenance)
    return export(mesh, output_format, provenance, texture_format, packing.compression)


def _reduced_to(provenance: Provenance, side_px: int) -> Provenance:
    options = dict(provenance.options)
    if "texture_size" in options:  # a repair has no such option
        options["texture_size"] = side_px
    return replace(provenance, options=options, notes=(*provenance.notes, f"The texture was reduced to {side_px} px."))


def _packed_as(provenance: Provenance, output_format: OutputFormat, texture_format: TextureFormat | None) -> Provenance:
    """The same, for a file in ``output_format``; WebP, which only a GLB can hold, becomes JPEG elsewhere."""
    written = provenance.written_as(output_format)
    is_webp = written.options.get("texture_format") == TextureFormat.WEBP
    if texture_format is None and is_webp and output_format is not OutputFormat.GLB:
        texture_format = TextureFormat.JPEG
    if texture_format is None:
        return written
    return replace(written, options={**written.options, "texture_format": texture_format.value})


def texture_format_of(provenance: Provenance | None) -> TextureFormat:
    """How a file keeps its texture, as it says itself; JPEG where it does not."""
    if provenance is None:
        return TextureFormat.JPEG
    try:
        return TextureFormat(str(provenance.options.get("texture_format", TextureFormat.JPEG)))
    except ValueError:
        return TextureFormat.JPEG  # a word that a stranger's file may hold
