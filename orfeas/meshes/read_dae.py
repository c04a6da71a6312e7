"""COLLADA (.dae) 1.4 and 1.5 (Khronos 2008): the unit and the axis that the file declares.

Triangles and polygons with their UVs, colours, diffuse looks and places; skins, animations and splines are passed over.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.frames import MM_PER_METRE, TO_Y_UP
from orfeas.meshes.limits import check_counts, check_parts
from orfeas.meshes.numbers import parse_floats, parse_integers, split_words
from orfeas.meshes.parts import ROUGHNESS, Part, moved
from orfeas.meshes.polygons import cut
from orfeas.meshes.references import Upload
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.texture_file import TextureReader
from orfeas.meshes.xml_nodes import XmlNode, parse_whole, parse_xml

PRIMITIVES = ("triangles", "polylist", "polygons")
_DAMAGED = "The DAE file is cut short or damaged."
_MISSING = "The DAE file refers to a part of itself that is not there."


@dataclass(frozen=True)
class _Input:
    """An array ``[n, k]`` that corners point into, with the number at ``offset`` of each."""

    values: NDArray[np.float64]
    offset: int


def read_dae(data: bytes, upload: Upload) -> list[Part]:
    """The parts of a scene, each where its nodes put it, in the working frame.

    Raises:
        InvalidMesh: it is damaged, too large, or refers to files outside ``upload``.
    """
    return list(_Document(parse_xml(data, "DAE"), upload).parts())


class _Document:
    def __init__(self, root: XmlNode, upload: Upload) -> None:
        if root.name != "COLLADA":
            raise InvalidMesh(_DAMAGED)
        self._root = root
        self._upload = upload
        self._textures = TextureReader()
        self._ids = {node.attributes["id"]: node for node in root.below(*_NAMED) if "id" in node.attributes}
        self._materials: dict[str, PBRMaterial] = {}
        self._geometries: dict[str, list[tuple[str, Part]]] = {}

    def parts(self) -> Iterator[Part]:
        shown = faces = vertices = 0
        for instance, placed in self._instances():
            looks = {
                bound.attributes.get("symbol", ""): bound.attributes.get("target", "")
                for bound in instance.below("instance_material")
            }
            for symbol, part in self._geometry(instance.attributes.get("url", "")):
                shown, faces, vertices = shown + 1, faces + len(part.faces), vertices + len(part.vertices)
                check_parts(shown)
                check_counts(faces, vertices)
                material = self._material(looks[symbol]) if symbol in looks and part.colours is None else None
                yield moved(Part(part.vertices, part.faces, part.uv, part.colours, material), placed)

    def _find(self, url: str) -> XmlNode:
        if not url.startswith("#"):
            raise InvalidMesh("The DAE file refers to other files; export it with everything in it.")
        if url[1:] not in self._ids:
            raise InvalidMesh(_MISSING)
        return self._ids[url[1:]]

    def _frame(self) -> NDArray[np.float64]:
        """From the file's frame to the working frame, millimetres."""
        asset = self._root.child("asset")
        unit = None if asset is None else asset.child("unit")
        axis = None if asset is None else asset.child("up_axis")
        metres = _number(unit.attributes.get("meter", "1")) if unit is not None else 1.0
        name = "Y_UP" if axis is None else axis.text.strip()
        up = TO_Y_UP.get(name.removesuffix("_UP"))
        if up is None or not metres > 0:
            raise InvalidMesh(_DAMAGED)
        return up @ np.diag([metres * MM_PER_METRE] * 3 + [1.0])

    def _instances(self) -> Iterator[tuple[XmlNode, NDArray[np.float64]]]:
        """Every geometry that the scene shows, with the matrix ``[4, 4]`` of its place."""
        scene = self._root.child("scene")
        shown = None if scene is None else scene.child("instance_visual_scene")
        if shown is None:
            raise InvalidMesh("The DAE file has no scene.")
        waiting = [(node, self._frame(), 0) for node in self._find(shown.attributes.get("url", "")).every("node")]
        visited = 0
        while waiting:
            node, parent, depth = waiting.pop()
            visited += 1
            check_parts(visited + len(waiting))
            if depth > len(self._ids):
                raise InvalidMesh("The DAE file has a node that contains itself.")
            placed = parent @ _placement(node)
            inside = list(node.every("node"))
            inside += [self._find(link.attributes.get("url", "")) for link in node.every("instance_node")]
            waiting += [(child, placed, depth + 1) for child in inside]
            for instance in node.every("instance_geometry"):
                yield instance, placed

    def _geometry(self, url: str) -> list[tuple[str, Part]]:
        """A geometry's parts, each with the symbol of its material."""
        if url not in self._geometries:
            found = []
            mesh = self._find(url).child("mesh")
            for primitive in () if mesh is None else mesh.every(*PRIMITIVES):
                found.append((primitive.attributes.get("material", ""), self._part(primitive)))
                check_counts(sum(len(part.faces) for _, part in found))
            self._geometries[url] = found
        return self._geometries[url]

    def _part(self, primitive: XmlNode) -> Part:
        inputs, stride = self._inputs(primitive)
        if "POSITION" not in inputs:
            raise InvalidMesh("The DAE file has a part without points.")
        lists = [parse_integers(_words(node), "DAE") for node in primitive.every("p")]
        numbers = np.concatenate([np.zeros(0, dtype=np.int64), *lists])
        if len(numbers) % stride:
            raise InvalidMesh(_DAMAGED)
        corners = numbers.reshape(-1, stride)
        if primitive.name == "triangles":
            sizes = np.full(len(corners) // 3, 3)
        elif primitive.name == "polygons":
            sizes = np.array([len(one) // stride for one in lists], dtype=np.int64)
        else:
            counts = primitive.child("vcount")
            sizes = parse_integers(_words(counts), "DAE") if counts is not None else np.zeros(0, dtype=np.int64)
        # Each by itself first: sums of huge ones come out small.
        if not 0 <= sizes.min(initial=0) <= sizes.max(initial=0) <= len(corners) or sizes.sum() > len(corners):
            raise InvalidMesh(_DAMAGED)
        corners = corners[cut(sizes).ravel()]
        points = _pick(inputs["POSITION"], corners, 3)
        uv = _pick(inputs["TEXCOORD"], corners, 2) if "TEXCOORD" in inputs else None
        colours = _encoded(_pick(inputs["COLOR"], corners, 3)) if "COLOR" in inputs else None
        return Part(points, np.arange(len(points)).reshape(-1, 3), uv, colours)

    def _inputs(self, primitive: XmlNode) -> tuple[dict[str, _Input], int]:
        """What corners point into, by meaning, the first of each; and how many numbers a corner has."""
        found: dict[str, _Input] = {}
        stride = 1
        for node in primitive.every("input"):
            offset = parse_whole(node.attributes.get("offset", "0"), "DAE")
            stride = max(stride, offset + 1)
            semantic, source = node.attributes.get("semantic", ""), node.attributes.get("source", "")
            if semantic == "VERTEX":
                for below in self._find(source).every("input"):
                    name = below.attributes.get("semantic", "")
                    found.setdefault(name, _Input(self._source(below.attributes.get("source", "")), offset))
            elif semantic in ("TEXCOORD", "COLOR"):
                found.setdefault(semantic, _Input(self._source(source), offset))
        return found, stride

    def _source(self, url: str) -> NDArray[np.float64]:
        """``[n, k]``."""
        source = self._find(url)
        array = source.child("float_array")
        accessor = next(source.below("accessor"), None)
        if array is None or accessor is None:
            raise InvalidMesh(_DAMAGED)
        numbers = parse_floats(_words(array), "DAE")
        width = parse_whole(accessor.attributes.get("stride", "1"), "DAE")
        start = parse_whole(accessor.attributes.get("offset", "0"), "DAE")
        count = parse_whole(accessor.attributes.get("count", "0"), "DAE")
        if not width or start + count * width > len(numbers):
            raise InvalidMesh(_DAMAGED)
        return numbers[start : start + count * width].reshape(-1, width)

    def _material(self, url: str) -> PBRMaterial:
        if url not in self._materials:
            self._materials[url] = self._read_material(self._find(url))
        return self._materials[url]

    def _read_material(self, node: XmlNode) -> PBRMaterial:
        instance = node.child("instance_effect")
        effect = self._find(instance.attributes.get("url", "")) if instance is not None else XmlNode("effect")
        params = {param.attributes.get("sid", ""): param for param in effect.below("newparam")}
        diffuse = next(effect.below("diffuse"), XmlNode("diffuse"))
        colour, texture = diffuse.child("color"), diffuse.child("texture")
        factor = [1.0, 1.0, 1.0, 1.0]
        if colour is not None:
            rgba = parse_floats(_words(colour), "DAE")
            if len(rgba) not in (3, 4):
                raise InvalidMesh(_DAMAGED)
            factor = [*to_linear(np.nan_to_num(rgba[:3]).clip(0.0, 1.0)), 1.0]
        picture = None
        if texture is not None:
            data = self._picture(texture.attributes.get("texture", ""), params)
            picture = None if data is None else self._textures.decode(data)
        return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
            baseColorTexture=picture, baseColorFactor=factor, metallicFactor=0.0, roughnessFactor=ROUGHNESS
        )

    def _picture(self, name: str, params: Mapping[str, XmlNode]) -> bytes | None:
        """The file of an image, by way of a sampler and, in 1.4, a surface; None where it was not uploaded."""
        for _ in range(2):
            if name in params:
                link = next(params[name].below("source", "init_from", "instance_image"), None)
                name = "" if link is None else link.attributes.get("url", link.text).strip().removeprefix("#")
        image = self._ids.get(name)
        link = None if image is None else next(image.below("init_from"), None)
        if link is None:
            return None
        reference = link.child("ref")
        return self._upload.find((link if reference is None else reference).text, is_uri=True)


# The elements that others refer to.
_NAMED = ("geometry", "source", "vertices", "material", "effect", "image", "node", "visual_scene")


def _pick(given: _Input, corners: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """``[n, width or more]``: the rows that corners ``[n, stride]`` point to."""
    index = corners[:, given.offset]
    if given.values.shape[1] < width or not 0 <= index.min(initial=0) <= index.max(initial=-1) < len(given.values):
        if len(index):
            raise InvalidMesh("The model has faces whose corners do not exist.")
        return np.zeros((0, width))
    return given.values[index] if width == 3 and given.values.shape[1] == 4 else given.values[index, :width]


def _encoded(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    """``[n, 4]`` uint8 of numbers up to 1, taken as sRGB."""
    alpha = colours[:, 3:4] if colours.shape[1] >= 4 else np.ones((len(colours), 1))
    return (np.nan_to_num(np.hstack([colours[:, :3], alpha])).clip(0.0, 1.0) * 255.0).round().astype(np.uint8)


def _placement(node: XmlNode) -> NDArray[np.float64]:
    """``[4, 4]``: the node's transformations, one after another."""
    matrix = np.eye(4)
    for step in node.every("matrix", "translate", "rotate", "scale", "lookat", "skew"):
        numbers = parse_floats(_words(step), "DAE")
        matrix = matrix @ _step(step.name, numbers)
    return matrix


def _step(name: str, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    match name, len(numbers):
        case "matrix", 16:
            matrix = numbers.reshape(4, 4)
        case "translate", 3:
            matrix[:3, 3] = numbers
        case "scale", 3:
            matrix[:3, :3] = np.diag(numbers)
        case "rotate", 4:
            matrix[:3, :3] = rotation(numbers[:3], math.radians(numbers[3]))
        case _:
            raise InvalidMesh(f"The DAE file places a part by {name}, which cannot be read.")
    return matrix


def rotation(axis: NDArray[np.float64], angle_rad: float) -> NDArray[np.float64]:
    """``[3, 3]`` about ``axis`` ``[3]`` of any length (Rodrigues); none for an axis of no length."""
    length = float(np.linalg.norm(axis))
    if not length > 0 or not math.isfinite(angle_rad):
        return np.eye(3)
    x, y, z = axis / length
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: NDArray[np.float64] = (
        np.eye(3) + math.sin(angle_rad) * cross + (1.0 - math.cos(angle_rad)) * (cross @ cross)
    )
    return turned


def _words(node: XmlNode) -> Iterator[bytes]:
    return split_words(node.text.encode("utf-8"))


def _number(text: str) -> float:
    return float(parse_floats([text.encode()], "DAE")[0])
