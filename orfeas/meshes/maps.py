"""The textures of a material: which there are, and smaller ones."""

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.appearance import appearance_of

BASE_COLOUR = "baseColorTexture"
NORMALS = "normalTexture"


def textures_of(material: PBRMaterial) -> dict[str, Image.Image]:
    """The textures there are, by the names that trimesh and glTF give them."""
    textures = {
        BASE_COLOUR: material.baseColorTexture,
        "metallicRoughnessTexture": material.metallicRoughnessTexture,
        NORMALS: material.normalTexture,
        "occlusionTexture": material.occlusionTexture,
        "emissiveTexture": material.emissiveTexture,
    }
    return {name: image for name, image in textures.items() if image is not None}


def longest_side_px(mesh: trimesh.Trimesh) -> int:
    """Of all textures that are on the mesh; 0 where there is none."""
    look = appearance_of(mesh)
    if look.material is None or look.uv is None:
        return 0
    return max((max(image.size) for image in textures_of(look.material).values()), default=0)


def with_smaller_textures(mesh: trimesh.Trimesh, side_px: int) -> trimesh.Trimesh:
    """The mesh with no side of a texture longer than ``side_px``; smaller textures stay as they are.

    The mesh is not changed; what stays is shared, and a picture with several uses still is one picture.
    """
    look = appearance_of(mesh)
    assert look.material is not None and look.uv is not None, "there is no texture to make smaller"
    is_clear = look.material.alphaMode in ("BLEND", "MASK")
    smaller: dict[tuple[int, bool, bool], Image.Image] = {}
    textures = {}
    for name, image in textures_of(look.material).items():
        has_alpha, is_normals = is_clear and name == BASE_COLOUR, name == NORMALS
        key = (id(image), has_alpha, is_normals)
        smaller[key] = smaller.get(key) or _smaller(image, side_px, has_alpha=has_alpha, is_normals=is_normals)
        textures[name] = smaller[key]
    material = _with_textures(look.material, textures)
    return trimesh.Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        visual=TextureVisuals(uv=look.uv, material=material),  # type: ignore[no-untyped-call]  # trimesh's gap
        metadata=mesh.metadata,
        process=False,
    )


def _smaller(image: Image.Image, side_px: int, *, has_alpha: bool, is_normals: bool) -> Image.Image:
    longest = max(image.size)
    if longest <= side_px:
        return image
    size = [max(1, round(side * side_px / longest)) for side in image.size]
    image = _with_levels(image)
    # As sharp as a cubic filter, and never beyond the values there are: metal beside paint gets no bright rim.
    if has_alpha:
        return image.resize(size, Image.Resampling.HAMMING)
    # Pillow weights colours by an alpha channel, which is one more number here and would turn what it holds black.
    bands = [band.resize(size, Image.Resampling.HAMMING) for band in image.split()]
    reduced = Image.merge(image.mode, bands)
    return _of_unit_length(reduced) if is_normals else reduced


def _with_levels(image: Image.Image) -> Image.Image:
    """The picture in a mode that has values in between; Pillow reduces the others by leaving pixels out."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def _of_unit_length(normals: Image.Image) -> Image.Image:
    """Means of directions are shorter than one; a shader may take their length for granted."""
    directions = np.asarray(normals.convert("RGB")) / 127.5 - 1.0
    length = np.linalg.norm(directions, axis=2, keepdims=True)
    unit = directions / np.where(length > 0, length, 1.0)
    return Image.fromarray(((unit + 1.0) * 127.5).round().astype(np.uint8))


def _with_textures(material: PBRMaterial, textures: dict[str, Image.Image]) -> PBRMaterial:
    """A copy; trimesh's own would copy every picture."""
    return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        name=material.name,
        emissiveFactor=material.emissiveFactor,
        baseColorFactor=material.baseColorFactor,
        metallicFactor=material.metallicFactor,
        roughnessFactor=material.roughnessFactor,
        doubleSided=material.doubleSided,
        alphaMode=material.alphaMode,
        alphaCutoff=material.alphaCutoff,
        **textures,
    )
