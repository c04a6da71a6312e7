"""GLB: binary glTF 2.0 (Khronos, specification of 2021), metres, Y up."""

import json

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.meshes.appearance import base_colour_factor
from orfeas.meshes.bounds import find_bounds
from orfeas.meshes.draco import EXTENSION, pack
from orfeas.meshes.glb_container import join_chunks
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours, encode_numbers
from orfeas.options import Compression, TextureFormat
from orfeas.records import Json

METRES_PER_MM = 0.001
# Plain clay for a mesh without a look of its own: sRGB 0.8 in linear light, matt.
CLAY = 0.6
MATT = 0.9

ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
COMPONENT_TYPES = {np.dtype(np.uint16): 5123, np.dtype(np.uint32): 5125, np.dtype(np.float32): 5126}
WIDTHS = {"POSITION": 3, "NORMAL": 3, "TEXCOORD_0": 2}
ELEMENT_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
TRIANGLES = 4
LINEAR, LINEAR_MIPMAP_LINEAR = 9729, 9987
WEBP = "EXT_texture_webp"
# Each side of the picture for programs without WebP, to one of the WebP's.
FALLBACK_SHRINK = 4


class _Document:
    """A glTF document in the making: its arrays and pictures, one after another in one buffer."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._length = 0
        self._views: list[Json] = []
        self._accessors: list[Json] = []
        self._images: list[Json] = []
        self._textures: list[Json] = []
        self._texture_of: dict[tuple[int, bool], int] = {}
        self._extensions: list[Json] = []
        self._required: list[Json] = []

    def add_array(
        self,
        values: NDArray[np.generic],
        component: type[np.uint16] | type[np.uint32] | type[np.float32],
        target: int = ARRAY_BUFFER,
        has_bounds: bool = False,
    ) -> int:
        """The accessor of ``values`` ``[n, k]``; integers of vertex attributes are fractions of their range."""
        array = np.ascontiguousarray(values, dtype=component)
        accessor: dict[str, Json] = {
            "bufferView": self.add_view(array.tobytes(), target),
            "componentType": COMPONENT_TYPES[array.dtype],
            "count": len(array),
            "type": ELEMENT_TYPES[array.shape[1]],
        }
        if target == ARRAY_BUFFER and component is not np.float32:
            accessor["normalized"] = True
        if has_bounds:
            accessor["min"], accessor["max"] = (end.tolist() for end in find_bounds(array))
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def add_promise(
        self, component: type[np.uint32] | type[np.float32], count: int, width: int, bounds: dict[str, Json]
    ) -> int:
        """The accessor of an array that an extension holds."""
        kind = COMPONENT_TYPES[np.dtype(component)]
        self._accessors.append({"componentType": kind, "count": count, "type": ELEMENT_TYPES[width], **bounds})
        return len(self._accessors) - 1

    def require(self, extension: str) -> None:
        """Say that no program without ``extension`` can read the file."""
        self._required.append(extension)

    def add_colours(self, image: Image.Image, texture_format: TextureFormat) -> int:
        """The texture of a picture of colours, encoded once however many uses it has.

        Beside a WebP lies a smaller picture, as EXT_texture_webp provides for programs that do not know it.
        """
        key = (id(image), True)
        if key not in self._texture_of:
            texture: dict[str, Json] = {"sampler": 0}
            if texture_format is TextureFormat.WEBP:
                self._extensions = [WEBP]
                texture["extensions"] = {WEBP: {"source": self._add_image(encode_colours(image, texture_format))}}
                smaller = image.resize([max(1, side // FALLBACK_SHRINK) for side in image.size], Image.Resampling.BOX)
                texture["source"] = self._add_image(encode_colours(smaller))
            else:
                texture["source"] = self._add_image(encode_colours(image, texture_format))
            self._texture_of[key] = self._add_texture(texture)
        return self._texture_of[key]

    def add_numbers(self, image: Image.Image) -> int:
        """The texture of a picture of numbers, to the last bit, encoded once however many uses it has."""
        key = (id(image), False)
        if key not in self._texture_of:
            self._texture_of[key] = self._add_texture({"sampler": 0, "source": self._add_image(encode_numbers(image))})
        return self._texture_of[key]

    def to_bytes(self, tree: dict[str, Json]) -> bytes:
        """The whole file; ``tree`` holds the parts of the document that are not arrays or pictures."""
        document = {**tree, "accessors": self._accessors, "bufferViews": self._views}
        document["buffers"] = [{"byteLength": self._length}]
        if self._images:
            document["images"] = self._images
            document["samplers"] = [{"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR}]
            document["textures"] = self._textures
        if self._extensions or self._required:
            document["extensionsUsed"] = [*self._extensions, *self._required]
        if self._required:
            document["extensionsRequired"] = self._required
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        return join_chunks(text.encode("ascii"), self._chunks)

    def _add_image(self, file: TextureFile) -> int:
        self._images.append({"bufferView": self.add_view(file.data), "mimeType": file.mime_type})
        return len(self._images) - 1

    def _add_texture(self, texture: dict[str, Json]) -> int:
        self._textures.append(texture)
        return len(self._textures) - 1

    def add_view(self, data: bytes, target: int | None = None) -> int:
        """The buffer view of ``data``."""
        view: dict[str, Json] = {"buffer": 0, "byteOffset": self._length, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        padded = data + bytes(-len(data) % 4)
        self._chunks.append(padded)
        self._length += len(padded)
        self._views.append(view)
        return len(self._views) - 1


def write_glb(
    surface: Surface,
    generator: str,
    extras: dict[str, Json],
    texture_format: TextureFormat = TextureFormat.JPEG,
    compression: Compression = Compression.NONE,
) -> bytes:
    """The bytes of a GLB file with one mesh; ``extras`` goes into the document's ``asset``.

    Pictures of colours are kept in ``texture_format``, those of numbers (metallic and roughness, normals, occlusion)
    to the last bit.
    """
    document = _Document()
    if surface.material is None:
        material = _plain(surface)
    else:
        material = _material(surface.material, surface.uv is not None, document, texture_format)
    is_packed = compression is Compression.DRACO
    tree: dict[str, Json] = {
        "asset": {"version": "2.0", "generator": generator, "extras": extras},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "model", "mesh": 0}],
        "meshes": [{"name": "model", "primitives": [(_packed if is_packed else _plainly)(surface, document)]}],
        "materials": [material],
    }
    if is_packed:
        document.require(EXTENSION)
    return document.to_bytes(tree)


def _packed(surface: Surface, document: _Document) -> Json:
    """The triangles as Draco has them; what is left of the arrays are their counts and bounds."""
    from_above = None
    if surface.uv is not None:
        from_above = np.column_stack([surface.uv[:, 0], 1.0 - surface.uv[:, 1]])  # conventions §5
    positions = (surface.vertices * METRES_PER_MM).astype(np.float32)
    packed = pack(positions, surface.normals[surface.place], from_above, surface.faces)
    low, high = find_bounds(positions)
    bounds = {"min": low.tolist(), "max": high.tolist()}
    attributes: dict[str, Json] = {
        name: document.add_promise(np.float32, packed.vertices, WIDTHS[name], bounds if name == "POSITION" else {})
        for name in packed.ids
    }
    extension: Json = {"bufferView": document.add_view(packed.data), "attributes": dict(packed.ids)}
    return {
        "attributes": attributes,
        "indices": document.add_promise(np.uint32, packed.faces * 3, 1, {}),
        "material": 0,
        "mode": TRIANGLES,
        "extensions": {EXTENSION: extension},
    }


def _plainly(surface: Surface, document: _Document) -> Json:
    """The triangles as arrays."""
    attributes: dict[str, Json] = {
        "POSITION": document.add_array(surface.vertices * METRES_PER_MM, np.float32, has_bounds=True),
        "NORMAL": document.add_array(surface.normals[surface.place], np.float32),
    }
    if surface.uv is not None:
        from_above = np.column_stack([surface.uv[:, 0], 1.0 - surface.uv[:, 1]])  # conventions §5
        attributes["TEXCOORD_0"] = document.add_array(from_above, np.float32)
    if surface.material is None and surface.colours is not None:
        attributes["COLOR_0"] = document.add_array(_linear_light(surface.colours), np.uint16)
    index_type = np.uint16 if len(surface.vertices) < 65_536 else np.uint32
    return {
        "attributes": attributes,
        "indices": document.add_array(surface.faces.reshape(-1, 1), index_type, ELEMENT_ARRAY_BUFFER),
        "material": 0,
        "mode": TRIANGLES,
    }


def _linear_light(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``[n, 4]`` in [0, 65535]: vertex colours are linear in glTF (conventions §6), alpha is as it was."""
    curve = to_linear(np.arange(256) / 255.0) * 65_535
    light: NDArray[np.float64] = np.column_stack([curve[colours[:, :3]], colours[:, 3] * 257.0])
    return light.round()


def _plain(surface: Surface) -> dict[str, Json]:
    grey = CLAY if surface.colours is None else 1.0
    return {
        "name": "plain",
        "pbrMetallicRoughness": {
            "baseColorFactor": [grey, grey, grey, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": MATT,
        },
    }


def metallic_roughness(material: PBRMaterial) -> tuple[float, float]:
    """The two factors, which multiply their maps.

    glTF's own default is polished metal, which a material that leaves the factors out does not mean.
    """
    has_maps = material.metallicRoughnessTexture is not None
    metallic, roughness = material.metallicFactor, material.roughnessFactor
    return (
        float(has_maps) if metallic is None else float(metallic),
        (1.0 if has_maps else MATT) if roughness is None else float(roughness),
    )


def _material(
    material: PBRMaterial, has_uv: bool, document: _Document, texture_format: TextureFormat
) -> dict[str, Json]:
    metal_map = material.metallicRoughnessTexture
    metallic, rough = metallic_roughness(material)
    factor = base_colour_factor(material)
    physical: dict[str, Json] = {
        "baseColorFactor": factor.tolist(),
        "metallicFactor": metallic,
        "roughnessFactor": rough,
    }
    result: dict[str, Json] = {"name": "model", "pbrMetallicRoughness": physical}
    if has_uv:
        for place, key, image, has_colours in (
            (physical, "baseColorTexture", material.baseColorTexture, True),
            (physical, "metallicRoughnessTexture", metal_map, False),
            (result, "normalTexture", material.normalTexture, False),
            (result, "occlusionTexture", material.occlusionTexture, False),
            (result, "emissiveTexture", material.emissiveTexture, True),
        ):
            if image is not None:
                index = document.add_colours(image, texture_format) if has_colours else document.add_numbers(image)
                place[key] = {"index": index}
    if material.emissiveFactor is not None:
        result["emissiveFactor"] = np.clip(material.emissiveFactor, 0.0, 1.0).tolist()
    if material.alphaMode is not None:
        result["alphaMode"] = str(material.alphaMode)
    if material.alphaMode == "MASK" and material.alphaCutoff is not None:
        result["alphaCutoff"] = float(material.alphaCutoff)
    if material.doubleSided:
        result["doubleSided"] = True
    return result
