"""The parts of a glTF 2.0 document that ORFEAS reads, checked as they are parsed.

Names and ranges are the specification's (Khronos 2021, section 5); whatever else a document holds is passed over.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from orfeas.errors import InvalidMesh
from orfeas.meshes.limits import MAX_VERTICES

Index = Annotated[int, Field(ge=0, lt=2**31)]
Length = Annotated[int, Field(ge=0, lt=2**40)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Quadruple = tuple[Number, Number, Number, Number]
Triple = tuple[Number, Number, Number]
# A list of far more than any scene has is meant to fill our memory.
Few = Field(max_length=200_000)
Matrix = Annotated[list[Number], Field(min_length=16, max_length=16)]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class Buffer(_Part):
    """Bytes, at least so many; those without ``uri`` are the binary chunk of a GLB."""

    byte_length: Length = 0
    uri: str | None = None


class BufferView(_Part):
    """A range of a buffer; ``byte_stride`` is from one element to the next, None where they follow each other."""

    buffer: Index
    byte_offset: Length = 0
    byte_length: Length
    byte_stride: Annotated[int, Field(ge=1, le=252)] | None = None


class Accessor(_Part):
    """An array in a buffer view."""

    buffer_view: Index | None = None
    byte_offset: Length = 0
    component_type: Literal[5120, 5121, 5122, 5123, 5125, 5126]
    normalized: bool = False
    count: Annotated[int, Field(ge=1, le=MAX_VERTICES)]
    type: Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4"]
    sparse: dict[str, object] | None = None


class Draco(_Part):
    """KHR_draco_mesh_compression: the bitstream, and the number of each attribute in it."""

    buffer_view: Index
    attributes: dict[str, Index]


class _PrimitiveExtensions(_Part):
    draco: Draco | None = Field(default=None, alias="KHR_draco_mesh_compression")


class Primitive(_Part):
    """Triangles (mode 4, 5 or 6), or lines and points, with one material."""

    attributes: dict[str, Index]
    indices: Index | None = None
    material: Index | None = None
    mode: Annotated[int, Field(ge=0, le=6)] = 4
    extensions: _PrimitiveExtensions = _PrimitiveExtensions()


class Mesh(_Part):
    """Primitives that move together."""

    primitives: Annotated[list[Primitive], Few]


class Node(_Part):
    """A place in the scene: a matrix, column by column, or a translation, rotation (x, y, z, w) and scale."""

    children: Annotated[list[Index], Few] = []
    mesh: Index | None = None
    matrix: Matrix | None = None
    translation: Triple = (0.0, 0.0, 0.0)
    rotation: Quadruple = (0.0, 0.0, 0.0, 1.0)
    scale: Triple = (1.0, 1.0, 1.0)


class Scene(_Part):
    """The roots of a tree of nodes."""

    nodes: Annotated[list[Index], Few] = []


class TextureTransform(_Part):
    """KHR_texture_transform: where in the texture the UVs point."""

    offset: tuple[Number, Number] = (0.0, 0.0)
    rotation: Number = 0.0
    scale: tuple[Number, Number] = (1.0, 1.0)


class _TextureInfoExtensions(_Part):
    transform: TextureTransform | None = Field(default=None, alias="KHR_texture_transform")


class TextureInfo(_Part):
    """The use of a texture, with the UV set of that number."""

    index: Index
    tex_coord: Index = 0
    extensions: _TextureInfoExtensions = _TextureInfoExtensions()


class Physical(_Part):
    """Metallic and rough; the factors' defaults are those of glTF."""

    base_color_factor: tuple[Fraction, Fraction, Fraction, Fraction] = (1.0, 1.0, 1.0, 1.0)
    base_color_texture: TextureInfo | None = None
    metallic_factor: Fraction = 1.0
    roughness_factor: Fraction = 1.0
    metallic_roughness_texture: TextureInfo | None = None


class Material(_Part):
    """The look of a primitive."""

    name: Annotated[str, Field(max_length=1024)] | None = None
    pbr_metallic_roughness: Physical = Physical()
    normal_texture: TextureInfo | None = None
    occlusion_texture: TextureInfo | None = None
    emissive_texture: TextureInfo | None = None
    emissive_factor: tuple[Fraction, Fraction, Fraction] = (0.0, 0.0, 0.0)
    alpha_mode: Literal["OPAQUE", "MASK", "BLEND"] = "OPAQUE"
    alpha_cutoff: Annotated[float, Field(ge=0.0)] = 0.5
    double_sided: bool = False


class _ImageSource(_Part):
    source: Index


class _TextureExtensions(_Part):
    webp: _ImageSource | None = Field(default=None, alias="EXT_texture_webp")


class Texture(_Part):
    """Which image it shows."""

    source: Index | None = None
    extensions: _TextureExtensions = _TextureExtensions()


class Image(_Part):
    """A picture file, in a buffer view or at ``uri``."""

    buffer_view: Index | None = None
    uri: str | None = None


class Document(_Part):
    """A whole document."""

    extensions_required: list[Annotated[str, Field(max_length=128)]] = []
    buffers: Annotated[list[Buffer], Few] = []
    buffer_views: Annotated[list[BufferView], Few] = []
    accessors: Annotated[list[Accessor], Few] = []
    meshes: Annotated[list[Mesh], Few] = []
    nodes: Annotated[list[Node], Few] = []
    scenes: Annotated[list[Scene], Few] = []
    scene: Index | None = None
    materials: Annotated[list[Material], Few] = []
    textures: Annotated[list[Texture], Few] = []
    images: Annotated[list[Image], Few] = []


def parse_document(text: bytes) -> Document:
    """Check a document; that its indices point at something is not checked here.

    Raises:
        InvalidMesh: it is not JSON, or a value in it is not what glTF allows; the message says where.
    """
    try:
        return Document.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors(include_url=False, include_input=False)[0]["loc"])
        place = f" at {where[:80]}" if where else ""
        raise InvalidMesh(f"The glTF file's description is damaged{place}.") from error
