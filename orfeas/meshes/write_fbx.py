"""FBX, binary 7.4: one file with its textures in it; centimetres, Y up.

There is no public specification; what is written is what Blender, ufbx and assimp read, as they document it.
"""

import numpy as np
from numpy.typing import NDArray
from trimesh.visual.material import PBRMaterial

from orfeas.meshes.appearance import base_colour_factor, tinted
from orfeas.meshes.fbx_nodes import CREATION_TIME, FILE_ID, FbxNode, Value, write_nodes
from orfeas.meshes.polygons import polygons_of
from orfeas.meshes.provenance import FBX_PROPERTY
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours, encode_numbers, split_metallic_roughness
from orfeas.meshes.write_glb import CLAY, MATT, metallic_roughness
from orfeas.options import TextureFormat

CM_PER_MM = 0.1
# Nanometres, so that what is read and written again stays as it is.
DECIMALS = 7
# The objects' numbers, which connections name; textures and their videos follow.
ROOT_ID, DOCUMENT_ID, GEOMETRY_ID, MODEL_ID, MATERIAL_ID, TEXTURES_ID = map(np.int64, range(0, 6000, 1000))
# Between an object's name and its class.
_OF = "\0\x01"


def write_fbx(
    surface: Surface, generator: str, note: str, texture_format: TextureFormat, is_quads: bool = False
) -> bytes:
    """The bytes of an FBX file; ``note`` goes into the properties of its scene where it is not empty.

    Where ``is_quads``, faces are quads again, as :func:`orfeas.meshes.polygons.polygons_of` has them.

    The material is a Phong, the one that every reader knows. Metal becomes its reflection and roughness its shine, as
    Blender writes and reads them; other readers may pass both over. Occlusion is not kept.
    """
    pictures = _pictures(surface, texture_format)
    return write_nodes(
        [
            _header(generator, note),
            FbxNode("FileId", [FILE_ID]),
            FbxNode("CreationTime", [CREATION_TIME]),
            FbxNode("Creator", [generator]),
            _settings(),
            FbxNode("Documents", (), [FbxNode("Count", [1]), _document()]),
            FbxNode("References"),
            _definitions(len(pictures)),
            _objects(surface, pictures, is_quads),
            _connections(pictures),
            FbxNode("Takes", (), [FbxNode("Current", [""])]),
        ]
    )


def _properties(*rows: tuple[Value, ...]) -> FbxNode:
    return FbxNode("Properties70", (), [FbxNode("P", row) for row in rows])


def _header(generator: str, note: str) -> FbxNode:
    rows: list[tuple[Value, ...]] = [
        ("Original", "Compound", "", ""),
        ("Original|ApplicationName", "KString", "", "", generator),
        ("LastSaved", "Compound", "", ""),
        ("LastSaved|ApplicationName", "KString", "", "", generator),
    ]
    if note:
        rows.append((FBX_PROPERTY, "KString", "", "", note))
    parts = {"Year": 1970, "Month": 1, "Day": 1, "Hour": 10, "Minute": 0, "Second": 0, "Millisecond": 0}
    time = [FbxNode("Version", [1000]), *(FbxNode(name, [value]) for name, value in parts.items())]
    about = [FbxNode("Version", [100]), FbxNode("Title", ["model"]), FbxNode("Author", [""]), FbxNode("Comment", [""])]
    scene = [
        FbxNode("Type", ["UserData"]),
        FbxNode("Version", [100]),
        FbxNode("MetaData", (), about),
        _properties(*rows),
    ]
    return FbxNode(
        "FBXHeaderExtension",
        (),
        [
            FbxNode("FBXHeaderVersion", [1003]),
            FbxNode("FBXVersion", [7400]),
            FbxNode("EncryptionType", [0]),
            FbxNode("CreationTimeStamp", (), time),
            FbxNode("Creator", [generator]),
            FbxNode("SceneInfo", [f"GlobalInfo{_OF}SceneInfo", "UserData"], scene),
        ],
    )


def _settings() -> FbxNode:
    axes = {"UpAxis": 1, "UpAxisSign": 1, "FrontAxis": 2, "FrontAxisSign": 1, "CoordAxis": 0, "CoordAxisSign": 1}
    axes |= {"OriginalUpAxis": 1, "OriginalUpAxisSign": 1}
    # Centimetres to a unit: FBX's own (conventions §3).
    units = {"UnitScaleFactor": 1.0, "OriginalUnitScaleFactor": 1.0}
    rows: list[tuple[Value, ...]] = [(name, "int", "Integer", "", value) for name, value in axes.items()]
    rows += [(name, "double", "Number", "", value) for name, value in units.items()]
    return FbxNode("GlobalSettings", (), [FbxNode("Version", [1000]), _properties(*rows)])


def _document() -> FbxNode:
    return FbxNode("Document", [DOCUMENT_ID, "Scene", "Scene"], [_properties(), FbxNode("RootNode", [ROOT_ID])])


def _definitions(pictures: int) -> FbxNode:
    counts = {"GlobalSettings": 1, "Model": 1, "Geometry": 1, "Material": 1, "Texture": pictures, "Video": pictures}
    kinds = [FbxNode("ObjectType", [kind], [FbxNode("Count", [count])]) for kind, count in counts.items() if count]
    return FbxNode("Definitions", (), [FbxNode("Version", [100]), FbxNode("Count", [sum(counts.values())]), *kinds])


def _objects(surface: Surface, pictures: dict[str, TextureFile], is_quads: bool) -> FbxNode:
    model = FbxNode(
        "Model",
        [MODEL_ID, f"model{_OF}Model", "Mesh"],
        [
            FbxNode("Version", [232]),
            _properties(
                ("Lcl Translation", "Lcl Translation", "", "A", 0.0, 0.0, 0.0),
                ("Lcl Rotation", "Lcl Rotation", "", "A", 0.0, 0.0, 0.0),
                ("Lcl Scaling", "Lcl Scaling", "", "A", 1.0, 1.0, 1.0),
                ("DefaultAttributeIndex", "int", "Integer", "", 0),
            ),
            FbxNode("Shading", [True]),
            FbxNode("Culling", ["CullingOff"]),
        ],
    )
    textures = [node for number, name in enumerate(pictures) for node in _texture(number, name, pictures[name])]
    return FbxNode("Objects", (), [_geometry(surface, is_quads), model, _material(surface), *textures])


def _geometry(surface: Surface, is_quads: bool) -> FbxNode:
    polygons = polygons_of(surface.faces, is_quads)
    vertices = np.concatenate([same.ravel() for same in polygons])
    points = surface.place[vertices].astype(np.int32)
    corners = points.copy()
    last = np.cumsum(np.concatenate([np.full(len(same), same.shape[1]) for same in polygons])) - 1
    corners[last] = ~corners[last]  # the last corner of a polygon
    normals = surface.normals[points]
    layers = [
        _layer("Normal", "Normals", normals),
    ]
    if surface.uv is not None:
        # FBX's origin is the lower left, as ours (conventions §5).
        layers.append(_layer("UV", "UV", surface.uv, ("UVIndex", vertices)))
    if surface.material is None and surface.colours is not None:
        layers.append(_layer("Color", "Colors", surface.colours / 255.0, ("ColorIndex", vertices)))
    materials = [
        FbxNode("Version", [101]),
        FbxNode("Name", [""]),
        FbxNode("MappingInformationType", ["AllSame"]),
        FbxNode("ReferenceInformationType", ["IndexToDirect"]),
        FbxNode("Materials", [np.zeros(1, dtype=np.int32)]),
    ]
    layers.append(FbxNode("LayerElementMaterial", [0], materials))
    elements = [
        FbxNode("LayerElement", (), [FbxNode("Type", [layer.name]), FbxNode("TypedIndex", [0])]) for layer in layers
    ]
    return FbxNode(
        "Geometry",
        [GEOMETRY_ID, f"model{_OF}Geometry", "Mesh"],
        [
            FbxNode("GeometryVersion", [124]),
            FbxNode("Vertices", [(surface.points * CM_PER_MM).round(DECIMALS).ravel()]),
            FbxNode("PolygonVertexIndex", [corners]),
            *layers,
            FbxNode("Layer", [0], [FbxNode("Version", [100]), *elements]),
        ],
    )


def _layer(
    kind: str, name: str, values: NDArray[np.float64], index: tuple[str, NDArray[np.int64]] | None = None
) -> FbxNode:
    """Values of the corners, one after another, or each named by ``index``."""
    arrays = [FbxNode(name, [values.ravel()])]
    if index is not None:
        arrays.append(FbxNode(index[0], [index[1].astype(np.int32)]))
    return FbxNode(
        f"LayerElement{kind}",
        [0],
        [
            FbxNode("Version", [101]),
            FbxNode("Name", [""]),
            FbxNode("MappingInformationType", ["ByPolygonVertex"]),
            FbxNode("ReferenceInformationType", ["Direct" if index is None else "IndexToDirect"]),
            *arrays,
        ],
    )


def _material(surface: Surface) -> FbxNode:
    material = surface.material
    metallic, roughness, alpha = 0.0, MATT, 1.0
    colour = [CLAY if surface.colours is None else 1.0] * 3
    emissive = [0.0] * 3
    if material is not None:
        metallic, roughness = metallic_roughness(material)
        factor = base_colour_factor(material)
        # With a texture, the factor is in it.
        colour = [1.0] * 3 if surface.texture is not None else to_srgb(factor[:3]).tolist()
        alpha = float(factor[3]) if surface.texture is None else 1.0
        if material.emissiveFactor is not None:
            is_map = surface.uv is not None and material.emissiveTexture is not None
            emissive = [1.0] * 3 if is_map else to_srgb(_glow(material)).tolist()
    shine = (1.0 - roughness) ** 2 * 100.0  # as Blender turns one into the other
    return FbxNode(
        "Material",
        [MATERIAL_ID, f"model{_OF}Material", ""],
        [
            FbxNode("Version", [102]),
            FbxNode("ShadingModel", ["Phong"]),
            FbxNode("MultiLayer", [0]),
            _properties(
                ("DiffuseColor", "Color", "", "A", *colour),
                ("DiffuseFactor", "Number", "", "A", 1.0),
                ("EmissiveColor", "Color", "", "A", *emissive),
                ("EmissiveFactor", "Number", "", "A", 1.0),
                ("AmbientColor", "Color", "", "A", 0.0, 0.0, 0.0),
                ("SpecularColor", "Color", "", "A", 1.0, 1.0, 1.0),
                ("SpecularFactor", "Number", "", "A", 0.25),
                ("Shininess", "Number", "", "A", shine),
                ("ShininessExponent", "Number", "", "A", shine),
                ("ReflectionColor", "Color", "", "A", 1.0, 1.0, 1.0),
                ("ReflectionFactor", "Number", "", "A", float(metallic)),
                ("TransparencyFactor", "Number", "", "A", 1.0 - alpha),
                ("Opacity", "Number", "", "A", alpha),
            ),
        ],
    )


def _pictures(surface: Surface, texture_format: TextureFormat) -> dict[str, TextureFile]:
    """The textures by the property of the material that they feed."""
    material = surface.material
    if material is None or surface.uv is None:
        return {}
    found = {}
    if material.baseColorTexture is not None:
        tint = tinted(material.baseColorTexture, base_colour_factor(material))
        found["DiffuseColor"] = encode_colours(tint, texture_format)
    if material.metallicRoughnessTexture is not None:
        # A map takes the place of its number, so that must be in it.
        maps = split_metallic_roughness(material.metallicRoughnessTexture, *metallic_roughness(material))
        found |= {"ReflectionFactor": maps.metallic, "ShininessExponent": maps.roughness}
    if material.normalTexture is not None:
        found["NormalMap"] = encode_numbers(material.normalTexture)
    if material.emissiveTexture is not None and material.emissiveFactor is not None:
        glow = tinted(material.emissiveTexture, np.append(_glow(material), 1.0))
        found["EmissiveColor"] = encode_colours(glow, texture_format)
    return found


def _glow(material: PBRMaterial) -> NDArray[np.float64]:
    """``[3]`` in [0, 1], linear light."""
    return np.clip(np.asarray(material.emissiveFactor, dtype=np.float64), 0.0, 1.0)


FILE_NAMES = {
    "DiffuseColor": "base_color",
    "ReflectionFactor": "metallic",
    "ShininessExponent": "roughness",
    "NormalMap": "normal",
    "EmissiveColor": "emissive",
}


def _texture(number: int, name: str, picture: TextureFile) -> list[FbxNode]:
    """A texture and the video that holds its file."""
    title = FILE_NAMES[name]
    file = title + picture.suffix
    texture, video = TEXTURES_ID + 2 * number, TEXTURES_ID + 2 * number + 1
    return [
        FbxNode(
            "Texture",
            [texture, f"{title}{_OF}Texture", ""],
            [
                FbxNode("Type", ["TextureVideoClip"]),
                FbxNode("Version", [202]),
                FbxNode("TextureName", [f"{title}{_OF}Texture"]),
                FbxNode("Media", [f"{title}{_OF}Video"]),
                FbxNode("FileName", [file]),
                FbxNode("RelativeFilename", [file]),
                _properties(("UseMaterial", "bool", "", "", 1)),
            ],
        ),
        FbxNode(
            "Video",
            [video, f"{title}{_OF}Video", "Clip"],
            [
                FbxNode("Type", ["Clip"]),
                _properties(("Path", "KString", "XRefUrl", "", file)),
                FbxNode("UseMipMap", [0]),
                FbxNode("Filename", [file]),
                FbxNode("RelativeFilename", [file]),
                FbxNode("Content", [picture.data]),
            ],
        ),
    ]


def _connections(pictures: dict[str, TextureFile]) -> FbxNode:
    links: list[tuple[Value, ...]] = [
        ("OO", MODEL_ID, ROOT_ID),
        ("OO", GEOMETRY_ID, MODEL_ID),
        ("OO", MATERIAL_ID, MODEL_ID),
    ]
    for number, name in enumerate(pictures):
        texture = TEXTURES_ID + 2 * number
        links += [("OP", texture, MATERIAL_ID, name), ("OO", texture + 1, texture)]
    return FbxNode("Connections", (), [FbxNode("C", link) for link in links])
