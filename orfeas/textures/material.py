"""Finished textures on a model."""

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.textures.unwrap import Layout

# Of a model without maps of its own: no metal, and a little sheen.
PLAIN_METALLIC, PLAIN_ROUGHNESS = 0.0, 0.8


def dress(
    layout: Layout, base_colour: NDArray[np.uint8], metallic_roughness: NDArray[np.uint8] | None = None
) -> trimesh.Trimesh:
    """The model with a material of base colour, and of metallic and roughness where there are such.

    Args:
        layout: the model with UVs.
        base_colour: ``[T, T, 3]`` uint8, sRGB.
        metallic_roughness: ``[T, T, 2]`` uint8, linear: metallic, then roughness; any side.
    """
    packed = None if metallic_roughness is None else Image.fromarray(pack(metallic_roughness))
    material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=Image.fromarray(base_colour),
        metallicRoughnessTexture=packed,
        metallicFactor=PLAIN_METALLIC if packed is None else 1.0,
        roughnessFactor=PLAIN_ROUGHNESS if packed is None else 1.0,
    )
    return trimesh.Trimesh(
        vertices=layout.vertices.copy(),
        faces=layout.faces.copy(),
        visual=TextureVisuals(uv=layout.uv.copy(), material=material),  # type: ignore[no-untyped-call]  # trimesh's gap
        process=False,
    )


def pack(metallic_roughness: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``[T, T, 3]`` as glTF wants it of ``[T, T, 2]``: red is 255 (no occlusion), green roughness, blue metallic."""
    metallic, roughness = metallic_roughness[..., 0], metallic_roughness[..., 1]
    return np.stack([np.full_like(metallic, 255), roughness, metallic], axis=-1)
