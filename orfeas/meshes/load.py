"""Model files from strangers, as one mesh in the working frame."""

import re
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.meshes.archive import read_entries
from orfeas.meshes.glb_container import MAGIC
from orfeas.meshes.parts import Part, join
from orfeas.meshes.read_glb import read_glb
from orfeas.meshes.read_obj import read_obj
from orfeas.meshes.read_ply import read_ply
from orfeas.meshes.read_stl import is_binary_stl, is_text_stl, read_stl

MAX_FILE_BYTES = 512 * 2**20
# How much of a text file is looked at to see whether it is an OBJ.
PEEK_BYTES = 65_536
BESIDE_OBJ = (".obj", ".mtl", ".png", ".jpg", ".jpeg", ".webp")

_UNKNOWN = "The file is not a model that can be read; use GLB, OBJ, STL or PLY."
_OBJ_LINE = re.compile(rb"^[ \t]*(?:v|f|vn|vt)[ \t]+[-+.\d]", re.MULTILINE)


def load_mesh(path: Path) -> trimesh.Trimesh:
    """The model in a file, as one mesh in millimetres, Y up (conventions §3), where the file puts it.

    GLB is taken as metres with Y up, STL as millimetres with Z up, OBJ (also in a zip with its material and texture)
    and PLY as millimetres with Y up. What a file is, its content says; its name only where the content leaves it open.
    Vertices alike in every respect are one, so that a closed model is watertight; normals are not kept. A look shared
    by all parts is kept; several base colours become one texture.

    Raises:
        InvalidMesh: it cannot be read, is empty, has over ten million faces, or numbers that are not finite. The
            message names no path.
    """
    check_mesh_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidMesh("The file cannot be opened.") from error
    # Hostile numbers may overflow on the way; what comes out is checked.
    with np.errstate(all="ignore"):
        return join(_read(data, path.suffix.lower()))


def check_mesh_file(path: Path) -> None:
    """A glance at a file before anybody waits for it.

    Raises:
        InvalidMesh: it cannot be opened, or is too large.
    """
    try:
        size_bytes = path.stat().st_size
        is_file = path.is_file()
    except OSError as error:
        raise InvalidMesh("The file cannot be opened.") from error
    if not is_file:
        raise InvalidMesh("The file cannot be opened.")
    if size_bytes > MAX_FILE_BYTES:
        raise InvalidMesh(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB.")


def _read(data: bytes, suffix: str) -> list[Part]:
    if not data:
        raise InvalidMesh("The file is empty.")
    if data.startswith(MAGIC):
        return read_glb(data)
    if data.startswith(b"PK\3\4"):
        return _read_zip(data)
    if re.match(rb"ply\r?\n", data):
        return [read_ply(data)]
    if is_binary_stl(data) or is_text_stl(data):
        return [read_stl(data)]
    if data.lstrip()[:1] == b"{" and b'"asset"' in data[:PEEK_BYTES]:
        raise InvalidMesh("The file is a glTF in several files; export it as one GLB.")
    if b"\0" not in data[:PEEK_BYTES] and _OBJ_LINE.search(data if suffix == ".obj" else data[:PEEK_BYTES]):
        return read_obj(data, {})
    if suffix == ".stl" and b"\0" in data[:PEEK_BYTES]:
        return [read_stl(data)]
    raise InvalidMesh(_UNKNOWN)


def _read_zip(data: bytes) -> list[Part]:
    entries = read_entries(BytesIO(data), _is_wanted)
    files = {PurePosixPath(name).name.lower(): content for name, content in entries.items()}
    models = [name for name in files if name.endswith(".obj")]
    if len(models) != 1:
        raise InvalidMesh(f"The zip file has {len(models)} OBJ models in it; it takes just one.")
    return read_obj(files.pop(models[0]), files)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(BESIDE_OBJ) and not name.startswith("__MACOSX/")
