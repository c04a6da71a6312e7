"""OBJ: a zip with the model, its material, its textures and a note; millimetres, Y up."""

import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.appearance import base_colour_factor
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours, encode_numbers
from orfeas.options import TextureFormat

MODEL = "model.obj"
MATERIALS = "model.mtl"
TEXTURE = "texture"
METALLIC, ROUGHNESS = "metallic", "roughness"
# Where glTF keeps them in its one picture: green and blue.
ROUGHNESS_CHANNEL, METALLIC_CHANNEL = 1, 2
MAPS = {TEXTURE: "map_Kd", METALLIC: "map_Pm", ROUGHNESS: "map_Pr"}
# The earliest date a zip can hold: the same model makes the same bytes on any day.
NO_DATE = (1980, 1, 1, 0, 0, 0)
DEFLATE_LEVEL = 2
# Rows that are turned to text at a time, so that a large model does not need its text twice in memory.
ROWS = 100_000


def write_obj(
    surface: Surface,
    generator: str,
    further: Mapping[str, bytes],
    texture_format: TextureFormat = TextureFormat.JPEG,
) -> bytes:
    """The bytes of a zip with an OBJ model; ``further`` are files to put beside it, by name.

    The base colour is kept in ``texture_format``; metallic and roughness are maps of their own, to the last bit.
    """
    textures = _textures(surface, texture_format)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, MODEL, "".join(_model(surface, generator)).encode("ascii"), zipfile.ZIP_DEFLATED)
        _add(archive, MATERIALS, _materials(surface, generator, textures).encode("ascii"), zipfile.ZIP_DEFLATED)
        for name, texture in textures.items():
            _add(archive, name + texture.suffix, texture.data, zipfile.ZIP_STORED)
        for name, data in further.items():
            _add(archive, name, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _textures(surface: Surface, texture_format: TextureFormat) -> dict[str, TextureFile]:
    """The pictures of the material, by name without the suffix."""
    found = {}
    if surface.texture is not None:
        found[TEXTURE] = encode_colours(surface.texture, texture_format)
    if surface.uv is not None and surface.material is not None and surface.material.metallicRoughnessTexture:
        both = surface.material.metallicRoughnessTexture.convert("RGB")
        for name, channel in ((METALLIC, METALLIC_CHANNEL), (ROUGHNESS, ROUGHNESS_CHANNEL)):
            found[name] = encode_numbers(both.getchannel(channel))
    return found


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, NO_DATE)
    entry.compress_type = method
    entry.create_system = 3  # Unix, whatever system this is
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, data, compresslevel=DEFLATE_LEVEL)


def _model(surface: Surface, generator: str) -> Iterator[str]:
    yield f"# {generator}; millimetres, Y up\nmtllib {MATERIALS}\no model\n"
    if surface.material is None and surface.colours is not None:
        # Colours after the position, as most programs read them; a seam cannot be, without UVs.
        colours = np.zeros((len(surface.points), 3))
        colours[surface.place] = surface.colours[:, :3] / 255.0
        yield from _rows("v %.6f %.6f %.6f %.4f %.4f %.4f\n", np.hstack([surface.points, colours]))
    else:
        yield from _rows("v %.6f %.6f %.6f\n", surface.points)
    if surface.uv is not None:
        yield from _rows("vt %.6f %.6f\n", surface.uv)
    yield from _rows("vn %.4f %.4f %.4f\n", surface.normals)
    yield "usemtl model\ns 1\n"
    points = surface.place[surface.faces] + 1
    if surface.uv is None:
        yield from _rows("f %d//%d %d//%d %d//%d\n", np.repeat(points, 2, axis=1))
    else:
        corners = np.stack([points, surface.faces + 1, points], axis=2)
        yield from _rows("f %d/%d/%d %d/%d/%d %d/%d/%d\n", corners.reshape(-1, 9))


def _rows(line: str, values: NDArray[np.generic]) -> Iterator[str]:
    for start in range(0, len(values), ROWS):
        rows = values[start : start + ROWS]
        yield line * len(rows) % tuple(rows.ravel().tolist())


def _materials(surface: Surface, generator: str, textures: Mapping[str, TextureFile]) -> str:
    factor = np.ones(4) if surface.material is None else base_colour_factor(surface.material)
    red, green, blue = to_srgb(factor[:3])
    lines = [
        f"# {generator}",
        "newmtl model",
        # Diffuse alone: programs multiply the texture by Kd, and add what Ka and Ks say.
        f"Kd {red:.4f} {green:.4f} {blue:.4f}",
        "Ka 0 0 0",
        "Ks 0 0 0",
        f"d {factor[3]:.4f}",
        "illum 1",
    ]
    if METALLIC in textures and surface.material is not None:
        # The physically based extension of MTL; like Kd, these multiply their maps.
        metallic, roughness = surface.material.metallicFactor, surface.material.roughnessFactor
        lines.append(f"Pm {1.0 if metallic is None else metallic:.4f}")
        lines.append(f"Pr {1.0 if roughness is None else roughness:.4f}")
    lines += [f"{MAPS[name]} {name}{texture.suffix}" for name, texture in textures.items()]
    return "\n".join(lines) + "\n"
