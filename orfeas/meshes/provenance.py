"""How a model came to be, as every model file carries it.

It holds no time, no job and no machine: the same seed and options make the same bytes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar
from xml.sax.saxutils import unescape

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from orfeas.errors import InvalidMesh
from orfeas.meshes.archive import list_names, read_entries, read_start
from orfeas.meshes.fbx_nodes import MAGIC as FBX_MAGIC
from orfeas.meshes.fbx_nodes import read_nodes
from orfeas.meshes.glb_container import MAGIC, read_document
from orfeas.options import OutputFormat
from orfeas.records import JobKind, Json, Scalar
from orfeas.version import VERSION

GENERATOR = "ORFEAS"
# Under which name it goes: a key of glTF's asset extras, the first word of PLY comments, and the file beside an OBJ.
NOTE = "orfeas"
NOTE_FILE = "orfeas.json"
FBX_PROPERTY = "Original|orfeas"
# Where it is in a package: metadata of this name in a 3MF, custom data of this name in a USD scene.
MODEL_3MF = "3D/3dmodel.model"
METADATA_3MF = "provenance"
SCENE_USDZ = "model.usda"
# Far above what ORFEAS writes; a file may come from anyone.
MAX_BYTES = 65_536
STL_HEADER_BYTES = 80
# Some readers of PLY fail at lines of 256 characters.
COMMENT_CHARACTERS = 200

_STL_HEADER = re.compile(
    rb"ORFEAS (?P<version>\S+) (?P<kind>\S+) (?P<engine>\S+) (?P<revision>\S+)(?P<preview> preview)?"
)
_METADATA = re.compile(rf'<metadata name="\w+:{METADATA_3MF}">([^<]*)</metadata>'.encode("ascii"))
_CUSTOM_DATA = re.compile(rf'\sstring {NOTE} = "((?:[^"\\\n]|\\.)*)"'.encode("ascii"))
_SILENT = "The file does not say how it was made."

Word = Annotated[str, Field(max_length=128)]
Text = Annotated[str, Field(max_length=4096)]
Options = Annotated[Mapping[Word, Scalar], Field(max_length=64)]


@dataclass(frozen=True)
class Provenance:
    """What made a model, and with which settings.

    Attributes:
        kind: what was asked for.
        engine: the engine's name, such as ``inflate``.
        engine_revision: of its code or weights.
        is_preview: whether an engine without learned weights had a part in it.
        options: every effective value under the endpoint's own parameter names, the seed too; empty where the file
            could not hold them (STL).
        prompt: the words it all began with; empty where it began with a picture.
        notes: what happened on the way, in sentences.
        version: ORFEAS's release.
        generator: always ``ORFEAS``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore")

    kind: JobKind
    engine: Word
    engine_revision: Word
    is_preview: bool
    options: Options = field(default_factory=dict)
    prompt: Text = ""
    notes: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    version: Word = VERSION
    generator: Word = GENERATOR

    def written_as(self, output_format: OutputFormat) -> "Provenance":
        """The same, for a file in ``output_format``."""
        return replace(self, options={**self.options, "output_format": output_format.value})

    def to_record(self) -> dict[str, Json]:
        """The JSON object that goes into a file."""
        record: dict[str, Json] = asdict(self)
        return record

    def to_json(self) -> bytes:
        """ASCII, indented, sorted by key: what lies beside the files that have no room for it."""
        return json.dumps(self.to_record(), indent=2, sort_keys=True, allow_nan=False).encode("ascii") + b"\n"

    def to_line(self) -> str:
        """The same as one line of ASCII, for metadata that is text."""
        return json.dumps(self.to_record(), separators=(",", ":"), sort_keys=True, allow_nan=False)

    def to_comments(self) -> list[str]:
        """Short ASCII lines for the header of a PLY file."""
        text = self.to_line()
        starts = range(0, len(text), COMMENT_CHARACTERS)
        return [f"{NOTE} {text[start : start + COMMENT_CHARACTERS]}" for start in starts]

    def to_header(self) -> str:
        """What fits into the 80 ASCII bytes that open an STL file: release, kind, engine, revision, preview or not."""
        start = f"{GENERATOR} {self.version} {self.kind} {self.engine} "
        end = " preview" if self.is_preview else ""
        return start + self.engine_revision[: STL_HEADER_BYTES - len(start) - len(end)] + end

    @classmethod
    def from_json(cls, data: bytes) -> "Provenance":
        """Read what :meth:`to_json` wrote, trusting nothing; fields of later releases are passed over.

        Raises:
            InvalidMesh: it is not that.
        """
        if len(data) > MAX_BYTES:
            raise InvalidMesh("The file's note on how it was made is too long.")
        try:
            return _PARSER.validate_json(data)
        except ValidationError as error:
            raise InvalidMesh("The file's note on how it was made is damaged.") from error


@dataclass(frozen=True)
class _Extras:
    orfeas: Provenance


@dataclass(frozen=True)
class _Asset:
    extras: _Extras


@dataclass(frozen=True)
class _Document:
    asset: _Asset


_PARSER = TypeAdapter(Provenance)
_GLTF_PARSER = TypeAdapter(_Document)


def read_provenance(path: Path) -> Provenance:
    """How a model file was made, in any format written here (STL: without the options), or the note beside it (JSON).

    Raises:
        InvalidMesh: the file does not say, or what it says is damaged.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except OSError as error:
        raise InvalidMesh("The file cannot be opened.") from error


def _read(file: BinaryIO) -> Provenance:
    start = file.read(4)
    file.seek(0)
    if start == MAGIC:
        return _from_gltf(read_document(file))
    if start.startswith(b"PK"):
        note = _from_zip(file)
    elif start.startswith(FBX_MAGIC[:4]):
        note = _from_properties(file.read())
    elif start.startswith(b"ply"):
        note = _from_comments(file.read(2 * MAX_BYTES))
    elif start.startswith(b"{"):
        note = file.read(MAX_BYTES + 1)
    else:
        return _from_header(file.read(STL_HEADER_BYTES))
    if not note:
        raise InvalidMesh(_SILENT)
    return Provenance.from_json(note)


def _from_gltf(document: bytes) -> Provenance:
    try:
        return _GLTF_PARSER.validate_json(document).asset.extras.orfeas
    except ValidationError as error:
        raise InvalidMesh(_SILENT) from error


def _from_zip(file: BinaryIO) -> bytes | None:
    """The note beside an OBJ, in the metadata of a 3MF, or in the custom data of a USD scene."""
    names = list_names(file)
    if MODEL_3MF in names:
        found = _METADATA.search(read_start(file, MODEL_3MF, 2 * MAX_BYTES))
        return None if found is None else unescape(found[1].decode("latin-1")).encode("latin-1")
    if names[:1] == [SCENE_USDZ]:
        found = _CUSTOM_DATA.search(read_start(file, SCENE_USDZ, 2 * MAX_BYTES))
        return None if found is None else re.sub(rb"\\(.)", rb"\1", found[1])
    return read_entries(file, lambda name: name == NOTE_FILE, MAX_BYTES).get(NOTE_FILE)


def _from_properties(data: bytes) -> bytes | None:
    header = read_nodes(data, "FBXHeaderExtension").child("FBXHeaderExtension")
    scene = None if header is None else header.child("SceneInfo")
    table = None if scene is None else scene.child("Properties70")
    for row in () if table is None else table.every("P"):
        if row.text() == FBX_PROPERTY:
            return row.text(4).encode("utf-8")
    return None


def _from_comments(start: bytes) -> bytes:
    head = start.partition(b"\nend_header")[0]
    mark = f"comment {NOTE} ".encode("ascii")
    return b"".join(line.removeprefix(mark) for line in head.split(b"\n") if line.startswith(mark))


def _from_header(header: bytes) -> Provenance:
    found = _STL_HEADER.match(header)
    if found is None:
        raise InvalidMesh(_SILENT)
    words = found.groupdict()
    try:
        return Provenance(
            kind=JobKind(words["kind"].decode("ascii")),
            engine=words["engine"].decode("ascii"),
            engine_revision=words["revision"].decode("ascii"),
            is_preview=words["preview"] is not None,
            version=words["version"].decode("ascii"),
        )
    except ValueError as error:
        raise InvalidMesh(_SILENT) from error
