"""USDZ: an unpacked zip with the scene as text (.usda) and its textures; metres, Y up.

Universal Scene Description, with the UsdPreviewSurface material (Pixar, specification 2.6) and the package's layout
(USDZ specification 1.3): nothing deflated, every file at a multiple of 64 bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.appearance import base_colour_factor
from orfeas.meshes.bounds import find_bounds
from orfeas.meshes.numbers import rows_of_text
from orfeas.meshes.provenance import NOTE, SCENE_USDZ
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours, encode_numbers
from orfeas.meshes.write_glb import CLAY, MATT, METRES_PER_MM, metallic_roughness
from orfeas.meshes.write_zip import Entry, write_zip
from orfeas.options import TextureFormat

ALIGNMENT = 64
# What a mask keeps, where a material does not say: glTF's default.
CUTOFF = 0.5


@dataclass(frozen=True)
class _Map:
    """A texture and the inputs of the surface that take a channel of it: ``{input: (type, channel)}``."""

    name: str
    file: TextureFile
    is_colour: bool
    inputs: dict[str, tuple[str, str]]
    scale: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def path(self) -> str:
        """Its name in the package."""
        return f"textures/{self.name}{self.file.suffix}"


def write_usdz(surface: Surface, generator: str, note: str, texture_format: TextureFormat) -> bytes:
    """The bytes of a USDZ package; ``note`` goes into the scene's custom data where it is not empty.

    Pictures of colours are kept in ``texture_format``, those of numbers to the last bit.
    """
    maps = _maps(surface, texture_format)
    scene = "".join(_scene(surface, generator, note, maps)).encode("ascii")
    pictures = [Entry(one.path, one.file.data, is_deflated=False) for one in maps]
    return write_zip([Entry(SCENE_USDZ, scene, is_deflated=False), *pictures], ALIGNMENT)


def quoted(text: str) -> str:
    """ASCII ``text`` as a string of USD's text form."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'


def _scene(surface: Surface, generator: str, note: str, maps: list[_Map]) -> Iterator[str]:
    yield "#usda 1.0\n(\n"
    if note:
        yield f"    customLayerData = {{\n        string {NOTE} = {quoted(note)}\n    }}\n"
    yield (
        f'    defaultPrim = "model"\n    doc = {quoted(generator)}\n    metersPerUnit = 1\n    upAxis = "Y"\n)\n\n'
        'def Xform "model" (\n    kind = "component"\n)\n{\n'
        '    def Mesh "mesh" (\n        prepend apiSchemas = ["MaterialBindingAPI"]\n    )\n    {\n'
    )
    yield from _mesh(surface)
    yield "        rel material:binding = </model/material>\n    }\n\n"
    yield from _material(surface, maps)
    yield "}\n"


def _mesh(surface: Surface) -> Iterator[str]:
    # 32-bit floats, written so that they are read as they were.
    points = (surface.points * METRES_PER_MM).astype(np.float32)
    extent = np.stack(find_bounds(points))
    if surface.material is not None and surface.material.doubleSided:
        yield "        uniform bool doubleSided = 1\n"
    yield from _array("float3[] extent", "(%.9g, %.9g, %.9g)", extent)
    yield from _array("int[] faceVertexCounts", "%d", np.full((len(surface.faces), 1), 3))
    yield from _array("int[] faceVertexIndices", "%d, %d, %d", surface.place[surface.faces])
    yield '        uniform token orientation = "rightHanded"\n'
    yield from _array("point3f[] points", "(%.9g, %.9g, %.9g)", points)
    yield from _array("normal3f[] normals", "(%.4f, %.4f, %.4f)", surface.normals, "vertex")
    if surface.uv is not None:
        # USD's origin is the lower left, as ours (conventions §5).
        yield from _array("texCoord2f[] primvars:st", "(%.9g, %.9g)", surface.uv.astype(np.float32), "faceVarying")
        yield from _array("int[] primvars:st:indices", "%d, %d, %d", surface.faces)
    if surface.material is None and surface.colours is not None:
        light = to_linear(surface.colours[:, :3] / 255.0)
        yield from _array("color3f[] primvars:displayColor", "(%.4f, %.4f, %.4f)", light, "faceVarying")
        yield from _array("int[] primvars:displayColor:indices", "%d, %d, %d", surface.faces)
    yield '        uniform token subdivisionScheme = "none"\n'


def _array(name: str, line: str, values: NDArray[np.generic], interpolation: str = "") -> Iterator[str]:
    yield f"        {name} = ["
    yield "".join(rows_of_text(f"{line}, ", values)).removesuffix(", ")
    yield f'] (\n            interpolation = "{interpolation}"\n        )\n' if interpolation else "]\n"


def _maps(surface: Surface, texture_format: TextureFormat) -> list[_Map]:
    material = surface.material
    if material is None or surface.uv is None:
        return []
    found = []
    if material.baseColorTexture is not None:
        inputs = {"diffuseColor": ("color3f", "rgb")}
        if material.alphaMode is not None:
            inputs["opacity"] = ("float", "a")
        red, green, blue, alpha = base_colour_factor(material)
        file = encode_colours(material.baseColorTexture, texture_format)
        found.append(_Map("base_color", file, True, inputs, (red, green, blue, alpha)))
    if material.metallicRoughnessTexture is not None:
        inputs = {"metallic": ("float", "b"), "roughness": ("float", "g")}
        metallic, roughness = metallic_roughness(material)
        scale = (1.0, roughness, metallic, 1.0)
        file = encode_numbers(material.metallicRoughnessTexture)
        found.append(_Map("metallic_roughness", file, False, inputs, scale))
    if material.normalTexture is not None:
        inputs = {"normal": ("normal3f", "rgb")}
        file = encode_numbers(material.normalTexture)
        found.append(_Map("normal", file, False, inputs, (2.0, 2.0, 2.0, 1.0), (-1.0, -1.0, -1.0, 0.0)))
    if material.occlusionTexture is not None:
        file = encode_numbers(material.occlusionTexture)
        found.append(_Map("occlusion", file, False, {"occlusion": ("float", "r")}))
    if material.emissiveTexture is not None and material.emissiveFactor is not None:
        red, green, blue = np.clip(material.emissiveFactor, 0.0, 1.0)
        file = encode_colours(material.emissiveTexture, texture_format)
        inputs = {"emissiveColor": ("color3f", "rgb")}
        found.append(_Map("emissive", file, True, inputs, (red, green, blue, 1.0)))
    return found


def _plain_inputs(surface: Surface) -> dict[str, str]:
    """The surface's inputs that are numbers, where no texture feeds them."""
    material = surface.material
    if material is None:
        clay = "(1, 1, 1)" if surface.colours is not None else f"({CLAY}, {CLAY}, {CLAY})"
        return {"color3f diffuseColor": clay, "float metallic": "0", "float roughness": f"{MATT}"}
    red, green, blue, alpha = base_colour_factor(material)
    metallic, roughness = metallic_roughness(material)
    plain = {
        "color3f diffuseColor": f"({red:.6g}, {green:.6g}, {blue:.6g})",
        "float metallic": f"{metallic:.6g}",
        "float roughness": f"{roughness:.6g}",
    }
    if material.alphaMode is not None:
        plain["float opacity"] = f"{alpha:.6g}"
    if material.alphaMode == "MASK":
        cutoff = CUTOFF if material.alphaCutoff is None else material.alphaCutoff
        plain["float opacityThreshold"] = f"{cutoff:.6g}"
    if material.emissiveFactor is not None:
        red, green, blue = np.clip(material.emissiveFactor, 0.0, 1.0)
        plain["color3f emissiveColor"] = f"({red:.6g}, {green:.6g}, {blue:.6g})"
    return plain


def _material(surface: Surface, maps: list[_Map]) -> Iterator[str]:
    inputs = _plain_inputs(surface)
    for one in maps:
        for name, (kind, channel) in one.inputs.items():
            inputs.pop(f"{kind} {name}", None)
            inputs[f"{kind} {name}.connect"] = f"</model/material/{one.name}.outputs:{channel}>"
    if surface.material is None and surface.colours is not None:
        del inputs["color3f diffuseColor"]
        inputs["color3f diffuseColor.connect"] = "</model/material/colours.outputs:result>"
    yield (
        '    def Material "material"\n    {\n'
        "        token outputs:surface.connect = </model/material/surface.outputs:surface>\n\n"
        '        def Shader "surface"\n        {\n            uniform token info:id = "UsdPreviewSurface"\n'
    )
    for name, value in sorted(inputs.items(), key=lambda item: item[0].split()[1]):
        kind, rest = name.split()
        yield f"            {kind} inputs:{rest} = {value}\n"
    yield "            token outputs:surface\n        }\n"
    if maps:
        yield _reader("st", "float2")
    if surface.material is None and surface.colours is not None:
        yield _reader("colours", "float3", "displayColor")
    for one in maps:
        yield _texture(one)
    yield "    }\n"


def _reader(name: str, kind: str, primvar: str = "st") -> str:
    return (
        f'\n        def Shader "{name}"\n        {{\n            uniform token info:id = "UsdPrimvarReader_{kind}"\n'
        f'            string inputs:varname = "{primvar}"\n            {kind} outputs:result\n        }}\n'
    )


def _texture(one: _Map) -> str:
    channels = {channel for _, channel in one.inputs.values()}
    outputs = "".join(
        f"            {'float3' if channel == 'rgb' else 'float'} outputs:{channel}\n" for channel in sorted(channels)
    )
    return (
        f'\n        def Shader "{one.name}"\n        {{\n            uniform token info:id = "UsdUVTexture"\n'
        f"            float4 inputs:bias = {_quadruple(one.bias)}\n            asset inputs:file = @{one.path}@\n"
        f"            float4 inputs:scale = {_quadruple(one.scale)}\n"
        f'            token inputs:sourceColorSpace = "{"sRGB" if one.is_colour else "raw"}"\n'
        "            float2 inputs:st.connect = </model/material/st.outputs:result>\n"
        '            token inputs:wrapS = "repeat"\n            token inputs:wrapT = "repeat"\n'
        f"{outputs}        }}\n"
    )


def _quadruple(values: tuple[float, float, float, float]) -> str:
    return f"({', '.join(f'{value:.6g}' for value in values)})"
