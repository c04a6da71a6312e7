"""FBX, binary 7.x: the unit and the axes that the file declares; textures only where they are in the file.

Skins, animations and layers beyond the first of a kind are passed over.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.fbx_nodes import FbxNode, read_nodes
from orfeas.meshes.limits import check_counts, check_parts
from orfeas.meshes.parts import ROUGHNESS, Part, moved
from orfeas.meshes.polygons import cut
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.texture_file import TextureReader, join_metallic_roughness

MM_PER_CM = 10.0
ROOT = 0
DIFFUSE, METALLIC, SHINE = "DiffuseColor", "ReflectionFactor", "ShininessExponent"
EMISSION = "EmissiveColor"
# The axes in which rotations act one after another, by FBX's number for it.
ROTATION_ORDERS = ("xyz", "xzy", "yzx", "yxz", "zxy", "zyx")
_DAMAGED = "The FBX file is cut short or damaged."
_NO_CORNERS = "The model has faces whose corners do not exist."

Triple = NDArray[np.float64]


def read_fbx(data: bytes) -> list[Part]:
    """The parts of an FBX file, each where its models put it, in the working frame.

    Raises:
        InvalidMesh: it is damaged or too large.
    """
    return list(_Scene(read_nodes(data)).parts())


class _Scene:
    """Objects by their number, and what hangs on what; pictures and materials are read once."""

    def __init__(self, root: FbxNode) -> None:
        self._root = root
        objects = root.child("Objects")
        self._objects: dict[int, FbxNode] = {}
        for node in objects.children if objects is not None else ():
            number = node.integer()
            if number is not None:
                self._objects[number] = node
        self._below: dict[int, list[int]] = defaultdict(list)
        self._feeds: dict[int, list[tuple[str, int]]] = defaultdict(list)
        links = root.child("Connections")
        for link in links.every("C") if links is not None else ():
            child, parent = link.integer(1), link.integer(2)
            if child is None or parent is None:
                raise InvalidMesh(_DAMAGED)
            self._below[parent].append(child)
            if link.text() == "OP":
                self._feeds[parent].append((link.text(3), child))
        self._materials: dict[int, PBRMaterial] = {}
        self._pictures: dict[int, Image.Image] = {}
        self._textures = TextureReader()
        self._geometries: dict[int, list[tuple[int, Part]]] = {}

    def parts(self) -> Iterator[Part]:
        waiting = [(number, self._frame(), 0) for number in self._of_kind(ROOT, "Model")]
        visited = faces = shown = 0
        while waiting:
            number, parent, depth = waiting.pop()
            visited += 1
            check_parts(visited + len(waiting))
            if depth > len(self._objects):
                raise InvalidMesh("The FBX file has a model that contains itself.")
            properties = _properties(self._objects[number])
            placed = parent @ _placement(properties)
            waiting += [(child, placed, depth + 1) for child in self._of_kind(number, "Model")]
            materials = self._of_kind(number, "Material")
            there = placed @ _geometric(properties)
            for geometry in self._of_kind(number, "Geometry"):
                for look, part in self._geometry(geometry):
                    shown, faces = shown + 1, faces + len(part.faces)
                    check_parts(shown)
                    check_counts(faces)
                    material = self._material(materials[look]) if look < len(materials) else None
                    material = material if part.colours is None else None
                    yield moved(Part(part.vertices, part.faces, part.uv, part.colours, material), there)

    def _of_kind(self, number: int, kind: str) -> list[int]:
        """What hangs on an object, of one kind, in order."""
        below = self._below.get(number, ())
        return [child for child in below if child in self._objects and self._objects[child].name == kind]

    def _frame(self) -> NDArray[np.float64]:
        """From the file's frame to the working frame, millimetres (conventions §3)."""
        node = self._root.child("GlobalSettings")
        settings = {} if node is None else _properties(node)
        axes = [
            int(_real(settings, name, default)) for name, default in (("CoordAxis", 0), ("UpAxis", 1), ("FrontAxis", 2))
        ]
        signs = [_real(settings, name, 1) for name in ("CoordAxisSign", "UpAxisSign", "FrontAxisSign")]
        scale = _real(settings, "UnitScaleFactor", 1.0) * MM_PER_CM
        if tuple(axes) not in permutations(range(3)) or not {*signs} <= {-1.0, 1.0} or not scale > 0:
            raise InvalidMesh(_DAMAGED)
        matrix = np.eye(4)
        matrix[:3, :3] = np.eye(3)[axes] * np.array(signs)[:, None] * scale
        return matrix

    def _geometry(self, number: int) -> list[tuple[int, Part]]:
        """A geometry's parts, each with the place of its material among those of the model."""
        if number not in self._geometries:
            self._geometries[number] = list(_read_geometry(self._objects[number]))
        return self._geometries[number]

    def _material(self, number: int) -> PBRMaterial:
        if number in self._materials:
            return self._materials[number]
        properties = _properties(self._objects[number])
        maps = {name: picture for name, child in self._feeds[number] if (picture := self._picture(child)) is not None}
        colour = np.array([_real(properties, DIFFUSE, 1.0, at) for at in range(3)])
        colour = to_linear((colour * _real(properties, "DiffuseFactor", 1.0)).clip(0.0, 1.0))
        glow = np.array([1.0 if EMISSION in maps else _real(properties, EMISSION, 0.0, at) for at in range(3)])
        glow = to_linear((glow * _real(properties, "EmissiveFactor", 1.0)).clip(0.0, 1.0))
        # As Blender turns one into the other.
        metallic, roughness = min(max(_real(properties, METALLIC, 0.0), 0.0), 1.0), ROUGHNESS
        if SHINE in properties:
            roughness = 1.0 - min(max(_real(properties, SHINE, 0.0), 0.0), 100.0) ** 0.5 / 10.0
        both = None
        if METALLIC in maps or SHINE in maps:
            both = join_metallic_roughness(maps.get(METALLIC), maps.get(SHINE))
            metallic, roughness = 1.0 if METALLIC in maps else metallic, 1.0 if SHINE in maps else roughness
        self._materials[number] = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
            # Programs disagree on whether the colour darkens the texture.
            baseColorFactor=[1.0] * 4 if DIFFUSE in maps else [*colour, 1.0],
            baseColorTexture=maps.get(DIFFUSE),
            metallicRoughnessTexture=both,
            metallicFactor=metallic,
            roughnessFactor=roughness,
            normalTexture=maps.get("NormalMap"),
            emissiveTexture=maps.get(EMISSION) if glow.any() else None,
            emissiveFactor=glow.tolist() if glow.any() else None,
        )
        return self._materials[number]

    def _picture(self, texture: int) -> Image.Image | None:
        """The picture in the file that a texture shows; None where it is elsewhere, for nothing else is opened."""
        if texture not in self._objects or self._objects[texture].name != "Texture":
            return None
        for video in self._of_kind(texture, "Video"):
            content = self._objects[video].child("Content")
            data = content.values[0] if content is not None and content.values else None
            if isinstance(data, bytes) and data:
                if video not in self._pictures:
                    self._pictures[video] = self._textures.decode(data)
                return self._pictures[video]
        return None


def _properties(node: FbxNode) -> dict[str, Sequence[object]]:
    """The values of an object's properties by name."""
    table = node.child("Properties70")
    return {} if table is None else {row.text(): row.values[4:] for row in table.every("P")}


def _real(properties: dict[str, Sequence[object]], name: str, default: float, at: int = 0) -> float:
    values = properties.get(name, ())
    value = values[at] if len(values) > at else default
    if not isinstance(value, bool | int | float) or not np.isfinite(value):
        raise InvalidMesh(_DAMAGED)
    return float(value)


def _vector(properties: dict[str, Sequence[object]], name: str, default: float = 0.0) -> Triple:
    return np.array([_real(properties, name, default, at) for at in range(3)])


def _shift(vector: Triple) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = vector
    return matrix


def _stretch(vector: Triple) -> NDArray[np.float64]:
    return np.diag([*vector, 1.0])


def _turn(degrees: Triple, order: str = "xyz") -> NDArray[np.float64]:
    """``[4, 4]``: about the axes in ``order``, the first one first."""
    matrix = np.eye(4)
    for axis in order:
        number = "xyz".index(axis)
        first, second = [other for other in range(3) if other != number]
        cosine, sine = np.cos(np.radians(degrees[number])), np.sin(np.radians(degrees[number]))
        sine = -sine if axis == "y" else sine
        step = np.eye(4)
        step[[first, first, second, second], [first, second, first, second]] = cosine, -sine, sine, cosine
        matrix = step @ matrix
    return matrix


def _placement(properties: dict[str, Sequence[object]]) -> NDArray[np.float64]:
    """``[4, 4]``: where a model stands on the one above it (Autodesk, "Computing transformation matrices")."""
    order = int(_real(properties, "RotationOrder", 0))
    if not 0 <= order < len(ROTATION_ORDERS):
        raise InvalidMesh("The FBX file turns a part in a way that cannot be read.")
    turning, scaling = _vector(properties, "RotationPivot"), _vector(properties, "ScalingPivot")
    placed: NDArray[np.float64] = (
        _shift(_vector(properties, "Lcl Translation") + _vector(properties, "RotationOffset"))
        @ _shift(turning)
        @ _turn(_vector(properties, "PreRotation"))
        @ _turn(_vector(properties, "Lcl Rotation"), ROTATION_ORDERS[order])
        @ _turn(_vector(properties, "PostRotation")).T
        @ _shift(-turning)
        @ _shift(_vector(properties, "ScalingOffset"))
        @ _shift(scaling)
        @ _stretch(_vector(properties, "Lcl Scaling", 1.0))
        @ _shift(-scaling)
    )
    return placed


def _geometric(properties: dict[str, Sequence[object]]) -> NDArray[np.float64]:
    """``[4, 4]``: where a model's own geometry stands on it."""
    placed: NDArray[np.float64] = (
        _shift(_vector(properties, "GeometricTranslation"))
        @ _turn(_vector(properties, "GeometricRotation"))
        @ _stretch(_vector(properties, "GeometricScaling", 1.0))
    )
    return placed


def _numbers(node: FbxNode, name: str) -> NDArray[np.generic] | None:
    child = node.child(name)
    return None if child is None else child.array()


def _read_geometry(node: FbxNode) -> Iterator[tuple[int, Part]]:
    coordinates, stored = _numbers(node, "Vertices"), _numbers(node, "PolygonVertexIndex")
    if coordinates is None or stored is None:
        return  # a curve, or nothing
    if len(coordinates) % 3 or stored.dtype.kind != "i":
        raise InvalidMesh(_DAMAGED)
    points = coordinates.astype(np.float64).reshape(-1, 3)
    signed = stored.astype(np.int64)
    # The last corner of a polygon is stored as its complement.
    ends = np.flatnonzero(signed < 0)
    places = np.where(signed < 0, ~signed, signed)
    if len(places) and places.max() >= len(points):
        raise InvalidMesh(_NO_CORNERS)
    sizes = np.diff(ends, prepend=-1)
    corners = cut(sizes)
    uv = _layer(node, "LayerElementUV", "UV", "UVIndex", 2, places)
    rgba = _layer(node, "LayerElementColor", "Colors", "ColorIndex", 4, places)
    colours = None
    if rgba is not None:
        colours = (np.nan_to_num(rgba).clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
    polygon = np.repeat(np.arange(len(sizes)), sizes)
    looks = _looks(node, len(sizes))
    look_of_face = looks[polygon[corners[:, 0]]]
    for look in np.unique(look_of_face):
        flat = corners[look_of_face == look].ravel()
        yield (
            int(look),
            Part(
                vertices=points[places[flat]],
                faces=np.arange(len(flat)).reshape(-1, 3),
                uv=None if uv is None else uv[flat],
                colours=None if colours is None else colours[flat],
            ),
        )


def _looks(node: FbxNode, polygons: int) -> NDArray[np.int64]:
    """``[polygons]``: which of the model's materials each has."""
    layer = node.child("LayerElementMaterial")
    materials = None if layer is None else _numbers(layer, "Materials")
    if layer is None or materials is None or materials.dtype.kind != "i":
        return np.zeros(polygons, dtype=np.int64)
    if _word(layer, "MappingInformationType") == "ByPolygon" and len(materials) == polygons:
        return materials.astype(np.int64).clip(min=0)
    return np.full(polygons, max(int(materials[0]), 0) if len(materials) else 0)


def _word(node: FbxNode, name: str) -> str:
    child = node.child(name)
    return "" if child is None else child.text()


def _layer(
    node: FbxNode, kind: str, name: str, index_name: str, width: int, places: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """``[corners, width]``: the first layer of a kind, for every corner; None where there is none."""
    layer = node.child(kind)
    values = None if layer is None else _numbers(layer, name)
    if layer is None or values is None or len(values) % width:
        return None
    rows = values.astype(np.float64).reshape(-1, width)
    mapping = _word(layer, "MappingInformationType")
    if mapping == "ByPolygonVertex":
        index = np.arange(len(places))
    elif mapping in ("ByVertice", "ByVertex"):
        index = places
    else:
        return None
    if _word(layer, "ReferenceInformationType") != "Direct":
        named = _numbers(layer, index_name)
        if named is None or named.dtype.kind != "i" or index.max(initial=-1) >= len(named):
            raise InvalidMesh(_DAMAGED)
        index = named.astype(np.int64)[index]
    if not 0 <= index.min(initial=0) <= index.max(initial=0) < max(len(rows), 1) or not len(rows):
        raise InvalidMesh(_DAMAGED)
    return rows[index]
