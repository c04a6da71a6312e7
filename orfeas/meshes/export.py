"""Models as the bytes of files, with how they were made in every one."""

import trimesh

from orfeas.meshes.provenance import GENERATOR, NOTE, NOTE_FILE, Provenance
from orfeas.meshes.surface import surface_of
from orfeas.meshes.write_glb import write_glb
from orfeas.meshes.write_obj import write_obj
from orfeas.meshes.write_ply import write_ply
from orfeas.meshes.write_stl import write_stl
from orfeas.options import OutputFormat
from orfeas.version import VERSION


def export(mesh: trimesh.Trimesh, output_format: OutputFormat, provenance: Provenance | None) -> bytes:
    """The bytes of a model file; the same mesh and provenance make the same bytes.

    Args:
        mesh: in the working frame, millimetres (conventions §1 to §3); it is not changed.
        output_format: GLB, a zip with an OBJ, STL or PLY.
        provenance: how it was made; None where nobody knows, as of an uploaded model.

    Raises:
        InvalidMesh: the mesh is empty, or a number in it is not finite.
    """
    surface = surface_of(mesh)
    generator = f"{GENERATOR} {VERSION}"
    match output_format:
        case OutputFormat.GLB:
            return write_glb(surface, generator, {NOTE: provenance.to_record()} if provenance else {})
        case OutputFormat.OBJ:
            return write_obj(surface, generator, {NOTE_FILE: provenance.to_json()} if provenance else {})
        case OutputFormat.PLY:
            return write_ply(surface, [generator, *(provenance.to_comments() if provenance else [])])
        case OutputFormat.STL:
            return write_stl(surface, provenance.to_header() if provenance else generator)
