"""3MF packages: the unit that they declare, Z up.

Core specification 1.3, and of the extensions: colours, textures and base materials, and parts in files of their own.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.frames import MM_PER_METRE, TO_Y_UP
from orfeas.meshes.limits import check_corners, check_counts, check_parts
from orfeas.meshes.parts import ROUGHNESS, Part, moved
from orfeas.meshes.references import Upload
from orfeas.meshes.texture_file import TextureReader
from orfeas.meshes.xml_nodes import XmlNode, parse_whole, parse_xml

MM_PER_UNIT = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "inch": 25.4,
    "foot": 304.8,
    "meter": MM_PER_METRE,
}
NONE = -1.0
GREY = 0xCCCCCCFF
_COLOUR = re.compile("#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?")
_DAMAGED = "The 3MF file is cut short or damaged."


def _vertex(a: Mapping[str, str]) -> tuple[float, ...]:
    return float(a["x"]), float(a["y"]), float(a["z"])


def _triangle(a: Mapping[str, str]) -> tuple[float, ...]:
    """Three corners, the group of the look, and the look of each corner; −1 is "none"."""
    look = a.get("p1", NONE)
    corners = float(a["v1"]), float(a["v2"]), float(a["v3"])
    return *corners, float(a.get("pid", NONE)), float(look), float(a.get("p2", look)), float(a.get("p3", look))


def _colour(a: Mapping[str, str]) -> tuple[float]:
    digits = _COLOUR.fullmatch(a["color"] if "color" in a else a["displaycolor"])
    if digits is None:
        raise ValueError("not a colour")
    return (float(int(digits[1] + (digits[2] or "FF"), 16)),)


ROWS = {
    "vertex": _vertex,
    "triangle": _triangle,
    "color": _colour,
    "tex2coord": lambda a: (float(a["u"]), float(a["v"])),
    "base": lambda a: _colour(a) if "displaycolor" in a else (float(GREY),),
}


@dataclass(frozen=True)
class _Group:
    """What the corners of triangles may look like: colours ``[n, 4]`` uint8 sRGB, or UVs ``[n, 2]`` in a texture."""

    colours: NDArray[np.uint8] | None = None
    uv: NDArray[np.float64] | None = None
    material: PBRMaterial | None = None


def read_3mf(files: Mapping[str, bytes]) -> list[Part]:
    """The parts that a package's build shows, each where its transforms put it.

    Args:
        files: the package's models, relationships and pictures, by their path in it.

    Raises:
        InvalidMesh: it is damaged, too large, or refers to what is not in it.
    """
    names = [name for name in files if name.lower().endswith(".model")]
    models = {f"/{name}".lower(): parse_xml(files[name], "3MF", ROWS) for name in names}
    return list(_Package(models, Upload(files), f"/{_root_name(files, names)}".lower()).parts())


def _root_name(files: Mapping[str, bytes], names: list[str]) -> str:
    """The path of the model that the package begins with."""
    if "_rels/.rels" in files:
        for link in parse_xml(files["_rels/.rels"], "3MF").every("Relationship"):
            if link.attributes.get("Type", "").endswith("/3dmodel"):
                return link.attributes.get("Target", "").lstrip("/")
    if not names:
        raise InvalidMesh("The 3MF file has no model in it.")
    return names[0]


class _Package:
    """Models by their path in lower case, with a slash in front; looks are read once, if something has them."""

    def __init__(self, models: Mapping[str, XmlNode], upload: Upload, root: str) -> None:
        if root not in models:
            raise InvalidMesh("The 3MF file's model is not in it.")
        self._models = models
        self._upload = upload
        self._root = root
        self._groups: dict[tuple[str, str], _Group] = {}
        self._pictures = TextureReader()
        self._objects = {
            (path, node.attributes.get("id", "")): node
            for path, model in models.items()
            for resources in model.every("resources")
            for node in resources.every("object")
        }

    def parts(self) -> Iterator[Part]:
        model = self._models[self._root]
        unit = model.attributes.get("unit", "millimeter")
        if unit not in MM_PER_UNIT:
            raise InvalidMesh(f"The 3MF file is in {unit[:20]}, a unit that it cannot have.")
        scale = np.diag([MM_PER_UNIT[unit]] * 3 + [1.0])
        items = [item for build in model.every("build") for item in build.every("item")]
        waiting = [(item, self._root, TO_Y_UP["Z"] @ scale, 0) for item in reversed(items)]
        faces = vertices = shown = 0
        while waiting:
            reference, path, matrix, depth = waiting.pop()
            if depth > len(self._objects):
                raise InvalidMesh("The 3MF file has a part that contains itself.")
            path = reference.attributes.get("path", path).lower()
            node = self._objects.get((path, reference.attributes.get("objectid", "")))
            if node is None:
                raise InvalidMesh("The 3MF file refers to a part of itself that is not there.")
            placed = matrix @ _matrix(reference.attributes.get("transform"))
            components = node.child("components")
            inside = [] if components is None else list(components.every("component"))
            waiting += [(component, path, placed, depth + 1) for component in reversed(inside)]
            shown += 1
            check_parts(shown + len(waiting))
            mesh = node.child("mesh")
            if mesh is not None and node.attributes.get("type", "model") in ("model", "surface", "solidsupport"):
                points, triangles = _mesh(mesh)
                faces, vertices = faces + len(triangles), vertices + len(points)
                check_counts(faces, vertices)
                for part in self._looks(node, path, points, triangles):
                    yield moved(part, placed)

    def _looks(
        self, node: XmlNode, path: str, points: NDArray[np.float64], triangles: NDArray[np.float64]
    ) -> Iterator[Part]:
        """The triangles of one object, by the group of their look."""
        corners = triangles[:, :3].astype(np.int64)
        check_corners(corners, len(points))
        own = node.attributes.get("pid", "")
        default = parse_whole(node.attributes.get("pindex", "0"), "3MF")
        groups, looks = triangles[:, 3], triangles[:, 4:]
        # Each of the two falls back to the object's (core specification, 4.1.4.2).
        looks = np.where(looks[:, :1] == NONE, float(default), looks).astype(np.int64)
        for number in np.unique(groups):
            is_in = groups == number
            name = own if number == NONE else f"{number:.0f}"
            group = self._group(path, name) if name else _Group()
            yield _part(points, corners[is_in], looks[is_in], group)

    def _group(self, path: str, name: str) -> _Group:
        if (path, name) not in self._groups:
            self._groups[path, name] = self._read_group(path, name)
        return self._groups[path, name]

    def _read_group(self, path: str, name: str) -> _Group:
        node = self._resource(path, name)
        if node is None:
            raise InvalidMesh("The 3MF file refers to a look that is not there.")
        if node.name == "texture2dgroup":
            texture = self._resource(path, node.attributes.get("texid", ""))
            data = None if texture is None else self._upload.find("." + texture.attributes.get("path", ""))
            if data is None:
                raise InvalidMesh("The 3MF file refers to a texture that is not there.")
            material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
                baseColorTexture=self._pictures.decode(data), metallicFactor=0.0, roughnessFactor=ROUGHNESS
            )
            return _Group(uv=node.rows("tex2coord", 2), material=material)
        row = {"colorgroup": "color", "basematerials": "base"}.get(node.name)
        if row is None:
            return _Group()  # composites and the like, which say nothing about colour
        packed = node.rows(row, 1).ravel().astype(np.uint32)
        return _Group(colours=packed.astype(">u4").view(np.uint8).reshape(-1, 4))

    def _resource(self, path: str, name: str) -> XmlNode | None:
        for resources in self._models[path].every("resources"):
            for node in resources.children:
                if node.name != "object" and node.attributes.get("id") == name:
                    return node
        return None


def _mesh(mesh: XmlNode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points ``[n, 3]``, and triangles ``[m, 7]`` as :func:`_triangle` has them."""
    vertices, triangles = mesh.child("vertices"), mesh.child("triangles")
    if vertices is None or triangles is None:
        raise InvalidMesh(_DAMAGED)
    points, corners = vertices.rows("vertex", 3), triangles.rows("triangle", 7)
    if not (np.abs(corners) < 2**53).all():
        raise InvalidMesh("The 3MF file has something other than a number where a number belongs.")
    return points, corners


def _part(points: NDArray[np.float64], corners: NDArray[np.int64], looks: NDArray[np.int64], group: _Group) -> Part:
    vertices = points[corners.ravel()]
    faces = np.arange(len(vertices)).reshape(-1, 3)
    choices = group.uv if group.uv is not None else group.colours
    if choices is None:
        return Part(vertices, faces)
    if not 0 <= looks.min(initial=0) <= looks.max(initial=0) < len(choices):
        raise InvalidMesh("The 3MF file refers to a look that is not there.")
    if group.uv is not None:
        return Part(vertices, faces, uv=group.uv[looks.ravel()], material=group.material)
    assert group.colours is not None
    return Part(vertices, faces, colours=group.colours[looks.ravel()])


def _matrix(text: str | None) -> NDArray[np.float64]:
    """``[4, 4]`` that acts on columns, of twelve numbers that act on rows."""
    if text is None:
        return np.eye(4)
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError as error:
        raise InvalidMesh(_DAMAGED) from error
    if len(numbers) != 12 or not all(map(math.isfinite, numbers)):
        raise InvalidMesh(_DAMAGED)
    matrix = np.eye(4)
    matrix[:3] = np.array(numbers).reshape(4, 3).T
    return matrix
