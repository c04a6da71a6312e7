"""The textures of a material: which there are."""

from PIL import Image
from trimesh.visual.material import PBRMaterial


def textures_of(material: PBRMaterial) -> dict[str, Image.Image]:
    """The textures there are, by the names that trimesh and glTF give them."""
    textures = {
        "baseColorTexture": material.baseColorTexture,
        "metallicRoughnessTexture": material.metallicRoughnessTexture,
        "normalTexture": material.normalTexture,
        "occlusionTexture": material.occlusionTexture,
        "emissiveTexture": material.emissiveTexture,
    }
    return {name: image for name, image in textures.items() if image is not None}
