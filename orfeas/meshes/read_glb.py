"""GLTF 2.0, in one binary file or in a zip: metres, Y up. Nothing outside what was uploaded is ever opened."""

import base64
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes import gltf
from orfeas.meshes.draco import EXTENSION, unpack
from orfeas.meshes.frames import MM_PER_METRE
from orfeas.meshes.glb_container import read_buffer, read_document
from orfeas.meshes.limits import check_counts, check_parts
from orfeas.meshes.parts import Part, moved
from orfeas.meshes.references import Upload
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.texture_file import TextureReader

# Required extensions that are known here, or change neither a point nor what is read of the look.
HARMLESS = (
    "KHR_materials_",
    "KHR_lights_punctual",
    "KHR_texture_transform",
    "KHR_mesh_quantization",
    "EXT_texture_webp",
    EXTENSION,
)
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
TRIANGLES, STRIP, FAN = 4, 5, 6
_CUT_SHORT = "The glTF file is cut short."
_NOT_AS_SAID = "The glTF file's Draco data is not what the file says it is."
_DATA_URI = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100}){0,4};base64,")
# A document that holds its buffer and its pictures itself.
MAX_DOCUMENT_BYTES = 256 * 2**20

Thing = TypeVar("Thing")


def read_glb(data: bytes) -> list[Part]:
    """The parts of a GLB file's scene, each where its node puts it, in the working frame.

    Lines, points, skins and animations are passed over.

    Raises:
        InvalidMesh: it is damaged, too large, refers to other files, or needs an extension that is not known here.
    """
    file = BytesIO(data)
    document = gltf.parse_document(read_document(file))
    return _Reader(document, Upload(), read_buffer(file)).parts()


def read_gltf(data: bytes, upload: Upload) -> list[Part]:
    """The parts of a glTF document's scene, as :func:`read_glb`; its buffers and pictures are in it or in ``upload``.

    Raises:
        InvalidMesh: as there, and where it refers to a file that was not uploaded.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvalidMesh("The glTF file's description is too large; export it as a GLB.")
    return _Reader(gltf.parse_document(data), upload, None).parts()


class _Reader:
    """One document and its buffers; pictures and materials are read once, and only if something uses them.

    ``chunk`` is the buffer that the document does not name, which a GLB has.
    """

    def __init__(self, document: gltf.Document, upload: Upload, chunk: bytes | None) -> None:
        for name in document.extensions_required:
            if not name.startswith(HARMLESS):
                raise InvalidMesh(f"The glTF file uses {name}, which cannot be read; export it without.")
        self._document = document
        self._upload = upload
        self._chunk = chunk
        self._buffers: dict[int, bytes] = {}
        self._materials: dict[int, PBRMaterial] = {}
        self._pictures: dict[int, Image.Image] = {}
        self._textures = TextureReader()
        self._parts: dict[int, Part] = {}

    def parts(self) -> list[Part]:
        """Every triangle primitive, once for each node that shows it."""
        shown = []
        faces = vertices = 0
        for mesh, placed in self._placed_meshes():
            for primitive in mesh.primitives:
                if primitive.mode >= TRIANGLES:
                    faces += self._count_faces(primitive)
                    vertices += self._count_vertices(primitive)
                    check_counts(faces, vertices)
                    shown.append((primitive, placed))
                    check_parts(len(shown))
        return [_move(self._part(primitive), placed) for primitive, placed in shown]

    def _placed_meshes(self) -> Iterator[tuple[gltf.Mesh, NDArray[np.float64]]]:
        """Each mesh of the scene with the matrix ``[4, 4]`` of its node."""
        nodes = self._document.nodes
        if self._document.scenes:
            roots = _at(self._document.scenes, self._document.scene or 0).nodes
        else:
            children = {child for node in nodes for child in node.children}
            roots = [index for index in range(len(nodes)) if index not in children]
        waiting = [(root, np.eye(4)) for root in reversed(roots)]
        seen: set[int] = set()
        while waiting:
            index, parent = waiting.pop()
            if index in seen:
                raise InvalidMesh("The glTF file has a node in two places of its scene.")
            seen.add(index)
            node = _at(nodes, index)
            placed = parent @ _matrix(node)
            waiting += [(child, placed) for child in reversed(node.children)]
            if node.mesh is not None:
                yield _at(self._document.meshes, node.mesh), placed

    def _count_faces(self, primitive: gltf.Primitive) -> int:
        corners = self._count_vertices(primitive)
        if primitive.indices is not None:
            corners = _at(self._document.accessors, primitive.indices).count
        return corners // 3 if primitive.mode == TRIANGLES else max(corners - 2, 0)

    def _count_vertices(self, primitive: gltf.Primitive) -> int:
        if "POSITION" not in primitive.attributes:
            raise InvalidMesh("The glTF file has a part without points.")
        return _at(self._document.accessors, primitive.attributes["POSITION"]).count

    def _part(self, primitive: gltf.Primitive) -> Part:
        """A primitive in its own frame, metres."""
        if id(primitive) not in self._parts:
            self._parts[id(primitive)] = self._read_part(primitive)
        return self._parts[id(primitive)]

    def _read_part(self, primitive: gltf.Primitive) -> Part:
        material, texture = None, None
        if primitive.material is not None:
            material = self._material(primitive.material)
            texture = self._document.materials[primitive.material].pbr_metallic_roughness.base_color_texture
        uv_name = f"TEXCOORD_{texture.tex_coord if texture else 0}"
        types: dict[str, Sequence[str]] = {"POSITION": ("VEC3",), uv_name: ("VEC2",)}
        if texture is None:
            types["COLOR_0"] = ("VEC3", "VEC4")
        types = {name: types[name] for name in primitive.attributes if name in types}
        if primitive.extensions.draco is not None:
            faces, arrays = self._unpack(primitive, primitive.extensions.draco, types)
        else:
            arrays = {name: self._array(primitive.attributes[name], types[name]) for name in types}
            faces = _triangles(self._corners(primitive, len(arrays["POSITION"])), primitive.mode)
        vertices, uv, light = arrays["POSITION"], arrays.get(uv_name), arrays.get("COLOR_0")
        if any(len(array) != len(vertices) for array in arrays.values()):
            raise InvalidMesh("The glTF file has a part with more points than texture coordinates or colours.")
        return Part(
            vertices,
            faces,
            uv=None if uv is None else _from_below(uv, texture),
            colours=None if light is None else _encoded(light),
            material=material if light is None else None,
        )

    def _corners(self, primitive: gltf.Primitive, vertices: int) -> NDArray[np.int64]:
        """``[n]``."""
        if primitive.indices is None:
            return np.arange(vertices)
        return self._array(primitive.indices, ("SCALAR",)).astype(np.int64).ravel()

    def _unpack(
        self, primitive: gltf.Primitive, draco: gltf.Draco, types: Mapping[str, Sequence[str]]
    ) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
        """The faces ``[m, 3]`` and the arrays ``[n, k]`` that Draco holds, of which the accessors say the kind."""
        unpacked = unpack(bytes(self._view(draco.buffer_view)))
        arrays = {}
        for name in types:
            array = unpacked.arrays.get(draco.attributes.get(name, -1))
            if array is not None:
                accessor = self._accessor(primitive.attributes[name], types[name])
                if array.shape[1] != WIDTHS[accessor.type]:
                    raise InvalidMesh(_NOT_AS_SAID)
                arrays[name] = _fractions(array, accessor)
        if "POSITION" not in arrays or len(unpacked.faces) != self._count_faces(primitive):
            raise InvalidMesh(_NOT_AS_SAID)
        return unpacked.faces, arrays

    def _accessor(self, index: int, types: Sequence[str]) -> gltf.Accessor:
        accessor = _at(self._document.accessors, index)
        if accessor.type not in types:
            raise InvalidMesh(f"The glTF file has {accessor.type} where {' or '.join(types)} belongs.")
        return accessor

    def _array(self, index: int, types: Sequence[str]) -> NDArray[np.float64]:
        """``[n, k]``, with whole numbers that stand for fractions turned into them."""
        accessor = self._accessor(index, types)
        if accessor.sparse is not None or accessor.buffer_view is None:
            raise InvalidMesh("The glTF file has sparse arrays, which cannot be read; export it without.")
        kind = np.dtype(COMPONENTS[accessor.component_type])
        width = WIDTHS[accessor.type] * kind.itemsize
        view = self._view(accessor.buffer_view)
        stride = self._document.buffer_views[accessor.buffer_view].byte_stride or width
        if accessor.byte_offset + stride * (accessor.count - 1) + width > len(view):
            raise InvalidMesh(_CUT_SHORT)
        array = np.ndarray(
            (accessor.count, WIDTHS[accessor.type]), kind, view, accessor.byte_offset, (stride, kind.itemsize)
        )
        return _fractions(array.astype(np.float64), accessor)

    def _view(self, index: int) -> memoryview:
        view = _at(self._document.buffer_views, index)
        end = view.byte_offset + view.byte_length
        if view.buffer not in self._buffers:
            self._buffers[view.buffer] = self._read_buffer(view.buffer)
        if end > len(self._buffers[view.buffer]):
            raise InvalidMesh(_CUT_SHORT)
        return memoryview(self._buffers[view.buffer])[view.byte_offset : end]

    def _read_buffer(self, index: int) -> bytes:
        uri = _at(self._document.buffers, index).uri
        if uri is not None:
            return self._file(uri)
        if index != 0 or self._chunk is None:
            raise InvalidMesh(_CUT_SHORT)
        return self._chunk

    def _file(self, uri: str) -> bytes:
        """What a document names: in itself, after "data:", or a file that was uploaded with it."""
        found = _DATA_URI.match(uri)
        if found is not None:
            try:
                return base64.b64decode(uri[found.end() :], validate=True)
            except ValueError as error:
                raise InvalidMesh(_CUT_SHORT) from error
        data = self._upload.find(uri, is_uri=True)
        if data is None:
            raise InvalidMesh("The glTF file refers to other files; put them into one zip with it, or export a GLB.")
        return data

    def _material(self, index: int) -> PBRMaterial:
        if index in self._materials:
            return self._materials[index]
        material = _at(self._document.materials, index)
        physical = material.pbr_metallic_roughness
        glows = any(material.emissive_factor)
        self._materials[index] = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
            name=material.name,
            baseColorFactor=physical.base_color_factor,
            baseColorTexture=self._picture(physical.base_color_texture),
            metallicFactor=physical.metallic_factor,
            roughnessFactor=physical.roughness_factor,
            metallicRoughnessTexture=self._picture(physical.metallic_roughness_texture),
            normalTexture=self._picture(material.normal_texture),
            occlusionTexture=self._picture(material.occlusion_texture),
            emissiveFactor=material.emissive_factor if glows else None,
            emissiveTexture=self._picture(material.emissive_texture) if glows else None,
            alphaMode=None if material.alpha_mode == "OPAQUE" else material.alpha_mode,
            alphaCutoff=material.alpha_cutoff if material.alpha_mode == "MASK" else None,
            doubleSided=material.double_sided,
        )
        return self._materials[index]

    def _picture(self, info: gltf.TextureInfo | None) -> Image.Image | None:
        if info is None:
            return None
        texture = _at(self._document.textures, info.index)
        source = texture.source if texture.extensions.webp is None else texture.extensions.webp.source
        if source is None:
            raise InvalidMesh("The glTF file has a texture of a kind that cannot be read; use PNG, JPEG or WebP.")
        if source not in self._pictures:
            image = _at(self._document.images, source)
            if image.buffer_view is not None:
                data = bytes(self._view(image.buffer_view))
            elif image.uri is not None:
                data = self._file(image.uri)
            else:
                raise InvalidMesh("The glTF file has a picture without a source.")
            self._pictures[source] = self._textures.decode(data)
        return self._pictures[source]


def _at(things: Sequence[Thing], index: int) -> Thing:
    if index >= len(things):
        raise InvalidMesh("The glTF file refers to a part of itself that is not there.")
    return things[index]


def _fractions(array: NDArray[np.float64], accessor: gltf.Accessor) -> NDArray[np.float64]:
    """``array``, whose whole numbers may stand for fractions."""
    kind = np.dtype(COMPONENTS[accessor.component_type])
    return np.maximum(array / np.iinfo(kind).max, -1.0) if accessor.normalized and kind.kind != "f" else array


def _matrix(node: gltf.Node) -> NDArray[np.float64]:
    """``[4, 4]`` from the node's frame to its parent's."""
    if node.matrix is not None:
        return np.array(node.matrix).reshape(4, 4).T
    quaternion = np.array(node.rotation)
    length = np.linalg.norm(quaternion)
    x, y, z, w = quaternion / length if length > 0 else (0.0, 0.0, 0.0, 1.0)
    matrix = np.eye(4)
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] = np.array(rotation) * node.scale
    matrix[:3, 3] = node.translation
    return matrix


def _move(part: Part, placed: NDArray[np.float64]) -> Part:
    """The part where ``placed`` puts it, millimetres."""
    there = moved(part, placed)
    return replace(there, vertices=there.vertices * MM_PER_METRE)  # conventions §3


def _triangles(corners: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """``[m, 3]`` of a list, a strip (every other one turned) or a fan of triangles."""
    if mode == TRIANGLES:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    first, second, third = corners[:-2], corners[1:-1], corners[2:]
    if mode == FAN:
        return np.column_stack([np.broadcast_to(corners[:1], len(first)), second, third])
    strip = np.column_stack([first, second, third])
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip


def _from_below(uv: NDArray[np.float64], texture: gltf.TextureInfo | None) -> NDArray[np.float64]:
    """``[n, 2]`` after the texture's own transform, with the origin at the lower left (conventions §5)."""
    if texture is not None and texture.extensions.transform is not None:
        transform = texture.extensions.transform
        cosine, sine = math.cos(transform.rotation), math.sin(transform.rotation)
        turned = uv * transform.scale @ np.array([[cosine, -sine], [sine, cosine]])
        uv = turned + transform.offset
    return np.column_stack([uv[:, 0], 1.0 - uv[:, 1]])


def _encoded(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """``[n, 4]`` uint8 sRGB of vertex colours, which are linear in glTF (conventions §6)."""
    alpha = light[:, 3:] if light.shape[1] == 4 else np.ones((len(light), 1))
    encoded = np.nan_to_num(np.column_stack([to_srgb(light[:, :3]), alpha.clip(0.0, 1.0)])) * 255.0
    return np.asarray(encoded.round(), dtype=np.uint8)
