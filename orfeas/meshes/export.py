"""Models as the bytes of files, with how they were made in every one."""

import trimesh

from orfeas.errors import InvalidOption
from orfeas.meshes.creases import creased
from orfeas.meshes.provenance import GENERATOR, NOTE, NOTE_FILE, Provenance
from orfeas.meshes.surface import surface_of
from orfeas.meshes.write_3mf import write_3mf
from orfeas.meshes.write_fbx import write_fbx
from orfeas.meshes.write_glb import write_glb
from orfeas.meshes.write_obj import write_obj
from orfeas.meshes.write_ply import write_ply
from orfeas.meshes.write_stl import write_stl
from orfeas.meshes.write_usdz import write_usdz
from orfeas.options import Compression, OutputFormat, RemeshChoice, TextureFormat
from orfeas.records import Json
from orfeas.version import VERSION


def export(
    mesh: trimesh.Trimesh,
    output_format: OutputFormat,
    provenance: Provenance | None,
    texture_format: TextureFormat = TextureFormat.JPEG,
    compression: Compression = Compression.NONE,
) -> bytes:
    """The bytes of a model file; the same mesh and provenance make the same bytes.

    Args:
        mesh: in the working frame, millimetres (conventions §1 to §3); it is not changed.
        output_format: which kind of file; an OBJ comes in a zip with its material and textures.
        provenance: how it was made; None where nobody knows, as of an uploaded model.
        texture_format: of the base colour where the format has textures; maps of numbers are always PNG.
        compression: of the shape in a GLB.

    Raises:
        InvalidOption: a WebP texture or compression in anything but a GLB, or compression of colours on vertices.
        InvalidMesh: the mesh is empty, or a number in it is not finite.
    """
    is_glb = output_format is OutputFormat.GLB
    if texture_format is TextureFormat.WEBP and output_format.holds_textures and not is_glb:
        name = output_format.value.upper()
        raise InvalidOption(f"The texture of {name} cannot be WebP; choose one of png, jpeg.", "texture_format")
    if compression is not Compression.NONE and not is_glb:
        raise InvalidOption("Only a GLB can be compressed; choose none.", "compression")
    surface = surface_of(mesh)
    if compression is not Compression.NONE and surface.material is None and surface.colours is not None:
        # Draco has no room for colours of more than 8 bits, and these are linear.
        raise InvalidOption("A model with colours on its vertices cannot be compressed; choose none.", "compression")
    generator = f"{GENERATOR} {VERSION}"
    note = provenance.to_line() if provenance else ""
    is_quads = provenance is not None and provenance.options.get("remesh") == RemeshChoice.QUADS
    match output_format:
        case OutputFormat.GLB:
            extras: dict[str, Json] = {NOTE: provenance.to_record()} if provenance else {}
            return write_glb(surface, generator, extras, texture_format, compression)
        case OutputFormat.OBJ:
            beside = {NOTE_FILE: provenance.to_json()} if provenance else {}
            return write_obj(surface, generator, beside, texture_format, is_quads)
        case OutputFormat.PLY:
            return write_ply(surface, [generator, *(provenance.to_comments() if provenance else [])], is_quads)
        case OutputFormat.STL:
            return write_stl(surface, provenance.to_header() if provenance else generator)
        case OutputFormat.THREE_MF:
            return write_3mf(surface, generator, note, texture_format)
        case OutputFormat.USDZ:
            return write_usdz(surface, generator, note, texture_format)
        case OutputFormat.FBX:
            return write_fbx(surface, generator, note, texture_format, is_quads)


def export_view(mesh: trimesh.Trimesh) -> bytes:
    """The bytes of a GLB file to look at: edges look as sharp as they are, though vertices are parted for it.

    Raises:
        InvalidMesh: the mesh is empty, or a number in it is not finite.
    """
    return write_glb(creased(surface_of(mesh)), f"{GENERATOR} {VERSION}", {})
