"""OBJ: a zip with the model, its material, its textures and a note; millimetres, Y up."""

from collections.abc import Iterator, Mapping

import numpy as np

from orfeas.meshes.appearance import base_colour_factor, tinted
from orfeas.meshes.numbers import rows_of_text
from orfeas.meshes.polygons import polygons_of
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours, split_metallic_roughness
from orfeas.meshes.write_glb import metallic_roughness
from orfeas.meshes.write_zip import Entry, write_zip
from orfeas.options import TextureFormat

MODEL = "model.obj"
MATERIALS = "model.mtl"
TEXTURE = "texture"
METALLIC, ROUGHNESS = "metallic", "roughness"
MAPS = {TEXTURE: "map_Kd", METALLIC: "map_Pm", ROUGHNESS: "map_Pr"}


def write_obj(
    surface: Surface,
    generator: str,
    further: Mapping[str, bytes],
    texture_format: TextureFormat = TextureFormat.JPEG,
    is_quads: bool = False,
) -> bytes:
    """The bytes of a zip with an OBJ model; ``further`` are files to put beside it, by name.

    The base colour is kept in ``texture_format``; metallic and roughness are maps of their own, to the last bit. Where
    ``is_quads``, faces are quads again, as :func:`orfeas.meshes.polygons.polygons_of` has them.
    """
    textures = _textures(surface, texture_format)
    return write_zip(
        [
            Entry(MODEL, "".join(_model(surface, generator, is_quads)).encode("ascii")),
            Entry(MATERIALS, _materials(surface, generator, textures).encode("ascii")),
            *(Entry(name + texture.suffix, texture.data, is_deflated=False) for name, texture in textures.items()),
            *(Entry(name, data) for name, data in further.items()),
        ]
    )


def _textures(surface: Surface, texture_format: TextureFormat) -> dict[str, TextureFile]:
    """The pictures of the material, by name without the suffix."""
    found = {}
    if surface.texture is not None:
        factor = np.ones(4) if surface.material is None else base_colour_factor(surface.material)
        # Alpha alone stays a number, for which MTL has one that nobody doubts.
        found[TEXTURE] = encode_colours(tinted(surface.texture, np.append(factor[:3], 1.0)), texture_format)
    if surface.uv is not None and surface.material is not None and surface.material.metallicRoughnessTexture:
        maps = split_metallic_roughness(surface.material.metallicRoughnessTexture)
        found |= {METALLIC: maps.metallic, ROUGHNESS: maps.roughness}
    return found


def _model(surface: Surface, generator: str, is_quads: bool) -> Iterator[str]:
    yield f"# {generator}; millimetres, Y up\nmtllib {MATERIALS}\no model\n"
    if surface.material is None and surface.colours is not None:
        # Colours after the position, as most programs read them; a seam cannot be, without UVs.
        colours = np.zeros((len(surface.points), 3))
        colours[surface.place] = surface.colours[:, :3] / 255.0
        yield from rows_of_text("v %.6f %.6f %.6f %.4f %.4f %.4f\n", np.hstack([surface.points, colours]))
    else:
        yield from rows_of_text("v %.6f %.6f %.6f\n", surface.points)
    if surface.uv is not None:
        yield from rows_of_text("vt %.6f %.6f\n", surface.uv)
    yield from rows_of_text("vn %.4f %.4f %.4f\n", surface.normals)
    yield "usemtl model\ns 1\n"
    for faces in polygons_of(surface.faces, is_quads):
        corners = [surface.place[faces] + 1, surface.place[faces] + 1]
        if surface.uv is not None:
            corners.insert(1, faces + 1)
        corner = " %d/%d/%d" if surface.uv is not None else " %d//%d"
        rows = np.stack(corners, axis=2).reshape(len(faces), -1)
        yield from rows_of_text(f"f{corner * faces.shape[1]}\n", rows)


def _materials(surface: Surface, generator: str, textures: Mapping[str, TextureFile]) -> str:
    factor = np.ones(4) if surface.material is None else base_colour_factor(surface.material)
    # With a texture, the factor is in it: programs disagree on whether Kd darkens it.
    red, green, blue = np.ones(3) if TEXTURE in textures else to_srgb(factor[:3])
    lines = [
        f"# {generator}",
        "newmtl model",
        # Diffuse alone: programs add what Ka and Ks say.
        f"Kd {red:.4f} {green:.4f} {blue:.4f}",
        "Ka 0 0 0",
        "Ks 0 0 0",
        f"d {factor[3]:.4f}",
        "illum 1",
    ]
    if surface.material is not None:
        # The physically based extension of MTL; these multiply their maps.
        metallic, roughness = metallic_roughness(surface.material)
        lines += [f"Pm {metallic:.4f}", f"Pr {roughness:.4f}"]
    lines += [f"{MAPS[name]} {name}{texture.suffix}" for name, texture in textures.items()]
    return "\n".join(lines) + "\n"
