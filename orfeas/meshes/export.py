"""Models as the bytes of files, with how they were made in every one."""

import trimesh

from orfeas.errors import InvalidOption
from orfeas.meshes.provenance import GENERATOR, NOTE, NOTE_FILE, Provenance
from orfeas.meshes.surface import surface_of
from orfeas.meshes.write_glb import write_glb
from orfeas.meshes.write_obj import write_obj
from orfeas.meshes.write_ply import write_ply
from orfeas.meshes.write_stl import write_stl
from orfeas.options import OutputFormat, TextureFormat
from orfeas.version import VERSION


def export(
    mesh: trimesh.Trimesh,
    output_format: OutputFormat,
    provenance: Provenance | None,
    texture_format: TextureFormat = TextureFormat.JPEG,
) -> bytes:
    """The bytes of a model file; the same mesh and provenance make the same bytes.

    Args:
        mesh: in the working frame, millimetres (conventions §1 to §3); it is not changed.
        output_format: GLB, a zip with an OBJ, STL or PLY.
        provenance: how it was made; None where nobody knows, as of an uploaded model.
        texture_format: of the base colour in a GLB or OBJ; maps of numbers are always PNG.

    Raises:
        InvalidOption: a WebP texture for an OBJ, whose readers do not know it.
        InvalidMesh: the mesh is empty, or a number in it is not finite.
    """
    surface = surface_of(mesh)
    generator = f"{GENERATOR} {VERSION}"
    match output_format:
        case OutputFormat.GLB:
            return write_glb(surface, generator, {NOTE: provenance.to_record()} if provenance else {}, texture_format)
        case OutputFormat.OBJ:
            if texture_format is TextureFormat.WEBP:
                raise InvalidOption("The texture of an OBJ cannot be WebP; choose one of png, jpeg.", "texture_format")
            return write_obj(
                surface, generator, {NOTE_FILE: provenance.to_json()} if provenance else {}, texture_format
            )
        case OutputFormat.PLY:
            return write_ply(surface, [generator, *(provenance.to_comments() if provenance else [])])
        case OutputFormat.STL:
            return write_stl(surface, provenance.to_header() if provenance else generator)
