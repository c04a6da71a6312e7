"""What a mesh looks like, read from any of trimesh's visuals into one form."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.color import ColorVisuals
from trimesh.visual.material import Material, PBRMaterial, SimpleMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.srgb import to_linear, to_srgb

# `Trimesh.metadata` under this key: how many materials the file had that the mesh was read from.
MATERIALS = "materials"


@dataclass(frozen=True)
class Appearance:
    """The look of a mesh with ``n`` vertices; its arrays and pictures are the mesh's own.

    Attributes:
        material: factors and textures; None where the mesh has none.
        texture: the base colour, sRGB; None without UVs to place it with.
        uv: ``[n, 2]``, origin lower left (conventions §5).
        colours: ``[n, 4]`` uint8 sRGB with straight alpha, where colours sit on vertices.
        materials: how many materials the mesh has, or had in its file.
    """

    material: PBRMaterial | None = None
    texture: Image.Image | None = None
    uv: NDArray[np.float64] | None = None
    colours: NDArray[np.uint8] | None = None
    materials: int = 0


def appearance_of(mesh: trimesh.Trimesh) -> Appearance:
    """The look of ``mesh``."""
    visual = mesh.visual
    if isinstance(visual, TextureVisuals):
        has_uv = visual.uv is not None and len(visual.uv) == len(mesh.vertices)
        uv = np.asarray(visual.uv) if has_uv else None
        material = _physical(visual.material)
        texture = material.baseColorTexture if has_uv else None
        return Appearance(material, texture, uv, materials=mesh.metadata.get(MATERIALS, 1))
    colours = None
    if isinstance(visual, ColorVisuals) and visual.kind is not None:
        colours = np.asarray(visual.vertex_colors, dtype=np.uint8)
    return Appearance(colours=colours, materials=mesh.metadata.get(MATERIALS, 0))


def visual_of(look: Appearance, vertices: NDArray[np.integer | np.bool_]) -> TextureVisuals | ColorVisuals | None:
    """The look of some of a mesh's vertices, by number or mask, for a new mesh; pictures are shared."""
    if look.material is not None:
        uv = None if look.uv is None else look.uv[vertices]
        return TextureVisuals(uv=uv, material=look.material)  # type: ignore[no-untyped-call]  # trimesh's gap
    return None if look.colours is None else ColorVisuals(vertex_colors=look.colours[vertices])


def vertex_colours(mesh: trimesh.Trimesh) -> NDArray[np.uint8] | None:
    """``[n, 4]`` uint8 sRGB: the colours on the vertices, else the base colour there, else None."""
    look = appearance_of(mesh)
    if look.material is None:
        return look.colours
    light = np.broadcast_to(base_colour_factor(look.material), (len(mesh.vertices), 4)).copy()
    if look.texture is not None and look.uv is not None:
        sampled = sample(look.texture, look.uv)
        light *= np.column_stack([to_linear(sampled[:, :3]), sampled[:, 3]])
    elif look.material.baseColorFactor is None:
        return None
    encoded = np.column_stack([to_srgb(light[:, :3]), light[:, 3]])
    return (encoded * 255.0 + 0.5).astype(np.uint8)


def base_colour_factor(material: PBRMaterial) -> NDArray[np.float64]:
    """``[4]`` in [0, 1], linear light; trimesh keeps it as bytes."""
    if material.baseColorFactor is None:
        return np.ones(4)
    return np.asarray(material.baseColorFactor, dtype=np.float64) / 255.0


def tinted(texture: Image.Image, factor: NDArray[np.float64]) -> Image.Image:
    """``texture`` times ``factor`` ``[4]``, which is linear (conventions §6); itself where that changes nothing."""
    if (factor == 1.0).all():
        return texture
    light = to_linear(np.arange(256) / 255.0)
    curves = [*(to_srgb(light * channel) for channel in factor[:3]), np.arange(256) / 255.0 * factor[3]]
    return texture.convert("RGBA").point((np.concatenate(curves) * 255.0).round().astype(int).tolist())


def sample(texture: Image.Image, uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear samples ``[n, 4]`` in [0, 1], sRGB, of a texture that repeats, at ``uv`` ``[n, 2]``."""
    pixels = np.asarray(texture.convert("RGBA"))
    height, width = pixels.shape[:2]
    # Texel centres and the row count from the top: conventions §5.
    x = uv[:, 0] * width - 0.5
    y = (1.0 - uv[:, 1]) * height - 0.5
    column, row = np.floor(x), np.floor(y)
    right, below = (x - column)[:, None], (y - row)[:, None]
    i0, i1 = (column % width).astype(np.int64), ((column + 1) % width).astype(np.int64)
    j0, j1 = (row % height).astype(np.int64), ((row + 1) % height).astype(np.int64)
    upper = pixels[j0, i0] * (1 - right) + pixels[j0, i1] * right
    lower = pixels[j1, i0] * (1 - right) + pixels[j1, i1] * right
    sampled: NDArray[np.float64] = (upper * (1 - below) + lower * below) / 255.0
    return sampled


def _physical(material: Material) -> PBRMaterial:
    if isinstance(material, SimpleMaterial):
        has_image = material.image is not None
        # A texture's diffuse colour is trimesh's own grey, which no one chose; without one it is sRGB (conventions §6).
        diffuse = np.asarray(material.diffuse[:3], dtype=np.float64) / 255.0
        factor = None if has_image else (*to_linear(diffuse), material.diffuse[3] / 255.0)
        return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
            name=material.name,
            baseColorTexture=material.image,
            baseColorFactor=factor,
            metallicFactor=0.0,
            roughnessFactor=1.0,
        )
    assert isinstance(material, PBRMaterial), f"{type(material).__name__} is a material nobody here makes"
    return material
