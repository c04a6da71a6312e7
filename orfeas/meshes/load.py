"""Model files from strangers, as one mesh in the working frame."""

import re
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.meshes.archive import list_names, read_entries, read_start
from orfeas.meshes.fbx_nodes import MAGIC as FBX_MAGIC
from orfeas.meshes.glb_container import MAGIC as GLB_MAGIC
from orfeas.meshes.parts import Part, join
from orfeas.meshes.read_3mf import read_3mf
from orfeas.meshes.read_dae import read_dae
from orfeas.meshes.read_fbx import read_fbx
from orfeas.meshes.read_glb import read_glb, read_gltf
from orfeas.meshes.read_obj import read_obj
from orfeas.meshes.read_off import is_off, read_off
from orfeas.meshes.read_ply import read_ply
from orfeas.meshes.read_stl import is_binary_stl, is_text_stl, read_stl
from orfeas.meshes.read_usdz import BINARY_MAGIC, read_usda, read_usdz
from orfeas.meshes.references import Upload

MAX_FILE_BYTES = 512 * 2**20
# How much of a text file is looked at to see whether it is an OBJ.
PEEK_BYTES = 65_536
# What can be read, in words, and by the endings that a file may have; a zip may hold any of them but a zip.
READABLE = "GLB, glTF, OBJ, STL, PLY, 3MF, USDZ, FBX, OFF or DAE"
SCENES = (".usda", ".usdc", ".usd")
MODELS = (".glb", ".gltf", ".obj", ".stl", ".ply", ".fbx", ".off", ".dae", *SCENES)
SUFFIXES = (*MODELS, ".zip", ".3mf", ".usdz")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")

# What repeats is possessive ("++"): a stranger's comments must not be tried in every way that they can be cut.
_COLLADA = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:[^-]++|-(?!->))*+-->\s*+)*+"
    rb"<(?:!DOCTYPE\s++|\w++:)?COLLADA\b"
)
# Of an OBJ without a model: comments, and names of things that are not there.
_NO_OBJ_LINE = re.compile(rb"(?:\s++|#[^\n]*+|(?:mtllib|usemtl|o|g|s)[ \t][^\n]*+)*+")
_OBJ_LINE = re.compile(rb"^[ \t]*(?:v|f|vn|vt)[ \t]+[-+.\d]", re.MULTILINE)


def load_mesh(path: Path) -> trimesh.Trimesh:
    """The model in a file, as one mesh in millimetres, Y up (conventions §3), where the file puts it.

    GLB and glTF are taken as metres with Y up, STL as millimetres with Z up, OBJ, PLY and OFF as millimetres with Y up;
    3MF, USD, FBX and DAE say themselves. A model may lie in a zip with the files that it names; nothing else is opened.
    What a file is, its content says; its name only where the content leaves it open.
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
    if data.startswith(b"PK\3\4"):
        return _read_zip(data)
    return _read_model(data, suffix, Upload())


def _read_model(data: bytes, suffix: str, upload: Upload) -> list[Part]:
    """The parts of a file that is no zip, with ``upload`` around it."""
    start = data[:PEEK_BYTES]
    if not data:
        raise InvalidMesh("The file is empty.")
    if data.startswith(GLB_MAGIC):
        return read_glb(data)
    if data.startswith(FBX_MAGIC):
        return read_fbx(data)
    if re.match(rb"ply\r?\n", data):
        return [read_ply(data)]
    if is_binary_stl(data) or is_text_stl(data):
        return [read_stl(data)]
    if data.startswith((b"#usda ", BINARY_MAGIC)):
        return read_usda(data, upload)
    if _COLLADA.match(start):
        return read_dae(data, upload)
    if start.lstrip()[:1] == b"{" and b'"asset"' in start:
        return read_gltf(data, upload)
    if is_off(data):
        return [read_off(data)]
    if start.startswith(b"; FBX"):
        raise InvalidMesh("The FBX file is of the text form, which cannot be read; export it as binary FBX.")
    if b"\0" not in start and _OBJ_LINE.search(data if suffix == ".obj" else start):
        return read_obj(data, upload)
    if suffix == ".obj" and _NO_OBJ_LINE.fullmatch(data):
        raise InvalidMesh("The model has no faces.")
    if suffix == ".stl" and b"\0" in start:
        return [read_stl(data)]
    raise InvalidMesh(f"The file is not a model that can be read; use {READABLE}.")


def _read_zip(data: bytes) -> list[Part]:
    """A package of 3MF or USDZ, or a model with the files that it names."""
    file = BytesIO(data)
    names = list_names(file)
    if any(name.lower().endswith(".model") for name in names):
        return read_3mf(read_entries(file, lambda name: name.lower().endswith((".model", ".rels", *PICTURES))))
    if names and names[0].lower().endswith(SCENES):
        if not read_start(file, names[0], 6).startswith(b"#usda"):
            raise InvalidMesh("The USDZ holds its scene in the binary form (.usdc), which cannot be read; use GLB.")
        return read_usdz(read_entries(file, lambda name: name == names[0] or name.lower().endswith(PICTURES)))
    models = [name for name in names if name.lower().endswith(MODELS)]
    if len(models) != 1:
        raise InvalidMesh(f"The zip file has {len(models)} models in it; it takes just one.")
    files = read_entries(file, lambda name: name == models[0] or name.lower().endswith((".mtl", ".bin", *PICTURES)))
    return _read_model(files[models[0]], PurePosixPath(models[0]).suffix.lower(), Upload.around(models[0], files))
