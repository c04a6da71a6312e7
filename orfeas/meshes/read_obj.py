"""OBJ and MTL (Wavefront): taken as millimetres with Y up. No file they name is ever opened but those handed in."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import check_counts, check_parts
from orfeas.meshes.numbers import parse_floats, parse_integers
from orfeas.meshes.parts import ROUGHNESS, Part
from orfeas.meshes.references import Upload
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.texture_file import TextureReader, join_metallic_roughness

COLOUR_MAP, METALLIC_MAP, ROUGHNESS_MAP = b"map_Kd", b"map_Pm", b"map_Pr"
# Comments and empty lines, so many and as many again as there are others.
MOST_IDLE_LINES = 1_000_000
# Triangles turned from words into numbers at a time.
BATCH = 100_000


class _Faces:
    """The corners of triangles with one material, ``(v, vt)`` each, counted from 0; −1 is "none"."""

    def __init__(self) -> None:
        self._words: list[bytes] = []
        self._batches: list[NDArray[np.int64]] = []

    def add(self, corners: Sequence[bytes]) -> int:
        """Cut a polygon into a fan of triangles; how many it makes."""
        for second, third in pairwise(corners[1:]):
            self._words += (corners[0], second, third)
        if len(self._words) >= 3 * BATCH:
            self._flush()
        return max(len(corners) - 2, 0)

    def corners(self) -> NDArray[np.int64]:
        """``[3 m, 2]``."""
        self._flush()
        return np.concatenate([np.zeros((0, 2), dtype=np.int64), *self._batches])

    def _flush(self) -> None:
        if self._words:
            self._batches.append(_parse_corners(self._words) - 1)
            self._words = []


class _Rows:
    """The numbers of lines of one kind, of which there are ``least`` in each."""

    def __init__(self, kind: bytes, least: int) -> None:
        self._kind = kind
        self._least = least
        self._lines: list[bytes] = []
        self._batches: list[NDArray[np.float64]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: bytes) -> None:
        """One more, with its kind in front."""
        self._lines.append(line)
        self._count += 1
        if len(self._lines) == BATCH:
            self._flush()

    def numbers(self) -> NDArray[np.float64]:
        """``[n, k]``: all numbers where each line has as many, else the ``least`` first ones."""
        self._flush()
        width = min((batch.shape[1] for batch in self._batches), default=self._least)
        return np.concatenate([np.zeros((0, width)), *(batch[:, :width] for batch in self._batches)])

    def _flush(self) -> None:
        if self._lines:
            self._batches.append(self._parse(self._lines))
            self._lines = []

    def _parse(self, lines: Sequence[bytes]) -> NDArray[np.float64]:
        width = len(lines[0].split())
        words = b" ".join(lines).split()
        if width > self._least and words[::width].count(self._kind) == len(lines) and len(words) == width * len(lines):
            del words[::width]
            return parse_floats(words, "OBJ").reshape(-1, width - 1)
        rows = [line.split()[1 : self._least + 1] for line in lines]
        if any(len(row) < self._least for row in rows):
            raise InvalidMesh("The OBJ file has a point with too few numbers.")
        return parse_floats([word for row in rows for word in row], "OBJ").reshape(-1, self._least)


def read_obj(data: bytes, upload: Upload) -> list[Part]:
    """The parts of an OBJ file, one per material.

    Args:
        data: the OBJ file.
        upload: where the MTL files and pictures that it names may be; nothing else is looked at.

    Raises:
        InvalidMesh: it is damaged or too large, or names a file outside of ``upload``.
    """
    places = _Rows(b"v", 3)
    texels = _Rows(b"vt", 2)
    groups: dict[bytes, _Faces] = {}
    libraries: list[bytes] = []
    current = b""
    triangles = 0
    check_counts(data.count(b"\nf "), max(data.count(b"\nv "), data.count(b"\nvt ")))
    if data.count(b"\n") > MOST_IDLE_LINES + 2 * (data.count(b"\nv") + data.count(b"\nf")):
        raise InvalidMesh("Most of the OBJ file's lines say nothing about a model.")
    for line in BytesIO(data.replace(b"\\\n", b" ")):
        kind, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        if kind == b"v":
            places.add(line)
        elif kind == b"vt":
            texels.add(line)
        elif kind == b"f":
            check_counts(triangles + rest.count(b" "))
            corners = rest.split()
            if b"-" in rest:
                corners = [_from_start(corner, len(places), len(texels)) for corner in corners]
            triangles += groups.setdefault(current, _Faces()).add(corners)
            check_parts(len(groups))
        elif kind == b"usemtl":
            current = rest.strip()
        elif kind == b"mtllib":
            libraries.append(rest.strip())
    vertices, uv = places.numbers(), texels.numbers()[:, :2]
    materials: dict[bytes, PBRMaterial] = {}
    for library in libraries:
        materials |= read_mtl(upload.find(_text(library)) or b"", upload)
    return [_part(faces.corners(), vertices, uv, materials.get(name)) for name, faces in groups.items()]


def read_mtl(data: bytes, upload: Upload) -> dict[bytes, PBRMaterial]:
    """The materials of an MTL file, by name: diffuse colour, metallic, roughness, and their pictures from ``upload``.

    Raises:
        InvalidMesh: a number or a picture is damaged, or a picture lies outside of ``upload``.
    """
    materials: dict[bytes, PBRMaterial] = {}
    maps: dict[bytes, dict[bytes, Image.Image]] = {}
    pictures: dict[bytes, Image.Image] = {}
    textures = TextureReader()
    name = b""
    for line in data.splitlines():
        kind, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        words = rest.split()
        if kind == b"newmtl":
            name = rest.strip()
            materials[name] = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
                baseColorFactor=[1.0, 1.0, 1.0, 1.0]
            )
            maps[name] = {}
        elif name not in materials:
            continue
        elif kind == b"Kd" and len(words) == 3:
            materials[name].baseColorFactor = [*to_linear(_fractions(words)), 1.0]
        elif kind == b"Pm" and len(words) == 1:
            materials[name].metallicFactor = float(_fractions(words)[0])
        elif kind == b"Pr" and len(words) == 1:
            materials[name].roughnessFactor = float(_fractions(words)[0])
        elif kind in (COLOUR_MAP, METALLIC_MAP, ROUGHNESS_MAP) and (file := _find_picture(rest, upload)) is not None:
            if file not in pictures:
                pictures[file] = textures.decode(file)
            maps[name][kind] = pictures[file]
    for name, material in materials.items():
        _add_maps(material, maps[name])
    return materials


def _add_maps(material: PBRMaterial, maps: Mapping[bytes, Image.Image]) -> None:
    if COLOUR_MAP in maps:
        # Programs disagree on whether Kd darkens the texture; many write 0.8 or 0.4 and mean nothing by it.
        material.baseColorFactor = [1.0, 1.0, 1.0, 1.0]
        material.baseColorTexture = maps[COLOUR_MAP]
    if METALLIC_MAP in maps or ROUGHNESS_MAP in maps:
        material.metallicRoughnessTexture = join_metallic_roughness(maps.get(METALLIC_MAP), maps.get(ROUGHNESS_MAP))

    # What the file does not say is left to its map, or else matt and no metal.
    if material.metallicFactor is None:
        material.metallicFactor = float(METALLIC_MAP in maps)
    if material.roughnessFactor is None:
        material.roughnessFactor = 1.0 if ROUGHNESS_MAP in maps else ROUGHNESS


def _fractions(words: Sequence[bytes]) -> NDArray[np.float64]:
    """``[n]``, between 0 and 1."""
    return np.nan_to_num(parse_floats(words, "MTL")).clip(0.0, 1.0)


def _text(words: bytes) -> str:
    return words.decode("utf-8", "replace").strip()


def _find_picture(words: bytes, upload: Upload) -> bytes | None:
    """The picture that a map names, after its options if there are some; names may have spaces."""
    whole = _text(words)
    last = whole.rpartition(" ")[2] if whole.startswith("-") else whole
    return upload.find(last)


def _from_start(corner: bytes, places: int, texels: int) -> bytes:
    """A corner counted from 1 on, where it was counted back from the end of what had come so far."""
    numbers = corner.split(b"/")
    for at, count in enumerate((places, texels)[: len(numbers)]):
        if numbers[at].startswith(b"-"):
            number = int(parse_integers([numbers[at]], "OBJ")[0]) + count + 1
            numbers[at] = str(max(number, 0)).encode("ascii")
    return b"/".join(numbers)


def _parse_corners(words: Sequence[bytes]) -> NDArray[np.int64]:
    """``[n, 2]`` of "v", "v/vt", "v//vn" or "v/vt/vn", counted from 1; 0 is "none"."""
    text = b" ".join(words)
    slashes = {word.count(b"/") for word in words}
    gaps = text.count(b"//")
    if len(slashes) == 1 and gaps in (0, len(words)):
        numbers = parse_integers(text.replace(b"/", b" ").split(), "OBJ")
        width = slashes.pop() + 1 - bool(gaps)
        if len(numbers) == width * len(words):
            pairs = numbers.reshape(-1, width)[:, :2]
            return np.column_stack([pairs[:, 0], np.zeros(len(pairs), np.int64)]) if width == 1 or gaps else pairs
    # Corners of several kinds.
    each = [(*word.split(b"/"), b"0")[:2] for word in words]
    return parse_integers([number or b"0" for pair in each for number in pair], "OBJ").reshape(-1, 2)


def _part(
    corners: NDArray[np.int64], places: NDArray[np.float64], uv: NDArray[np.float64], material: PBRMaterial | None
) -> Part:
    place, texel = corners.T
    if (place < 0).any() or (place >= len(places)).any() or (texel >= len(uv)).any():
        raise InvalidMesh("The model has faces whose corners do not exist.")
    has_uv = len(uv) > 0 and bool((texel >= 0).all())
    key = place * (len(uv) + 1) + (texel if has_uv else 0)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    rows = places[place[first]]
    colours = None
    if rows.shape[1] == 6 and (material is None or material.baseColorTexture is None):
        opaque = np.ones((len(rows), 1))
        colours = (np.nan_to_num(np.hstack([rows[:, 3:], opaque])).clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
    return Part(
        vertices=rows[:, :3],
        faces=inverse.reshape(-1, 3),
        uv=uv[texel[first]] if has_uv else None,
        colours=colours,
        material=material if colours is None else None,
    )
