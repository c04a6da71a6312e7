"""What factors and maps of a material make together, written and read again."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.meshes.appearance import appearance_of, base_colour_factor
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.srgb import to_linear
from orfeas.options import OutputFormat, TextureFormat
from tests.meshes.solids import gradient, textured_ball

# What each format holds.
KEPT = {
    OutputFormat.GLB: {"base", "metallic", "roughness", "emission"},
    OutputFormat.USDZ: {"base", "metallic", "roughness", "emission"},
    OutputFormat.FBX: {"base", "metallic", "roughness", "emission"},
    OutputFormat.OBJ: {"base", "metallic", "roughness"},
}


def model(has_maps: bool) -> trimesh.Trimesh:
    mesh = textured_ball()
    material = appearance_of(mesh).material
    assert material is not None
    material.baseColorFactor = [64, 255, 128, 255]
    material.metallicFactor, material.roughnessFactor = 0.25, 0.75
    material.emissiveFactor = [0.5, 0.25, 1.0]
    if has_maps:
        # Roughness in green, metallic in blue.
        material.metallicRoughnessTexture = Image.merge("RGB", [gradient(32).getchannel(band) for band in "BGR"])
        material.emissiveTexture = gradient(16)
    else:
        material.baseColorTexture = None
    return mesh


def light(picture: Image.Image | None) -> NDArray[np.float64]:
    """``[3]``: the mean of a picture of colours in linear light; of none, white."""
    if picture is None:
        return np.ones(3)
    mean: NDArray[np.float64] = to_linear(np.asarray(picture.convert("RGB")) / 255.0).mean(axis=(0, 1))
    return mean


def looks(material: PBRMaterial | None) -> dict[str, list[float]]:
    """Factors times the means of their maps."""
    assert material is not None
    both = material.metallicRoughnessTexture
    numbers = np.ones(3) if both is None else np.asarray(both.convert("RGB")).mean(axis=(0, 1)) / 255.0
    glow = np.zeros(3) if material.emissiveFactor is None else np.asarray(material.emissiveFactor)
    return {
        "base": list(base_colour_factor(material)[:3] * light(material.baseColorTexture)),
        "metallic": [material.metallicFactor * numbers[2]],
        "roughness": [material.roughnessFactor * numbers[1]],
        "emission": list(glow * light(material.emissiveTexture)),
    }


@pytest.mark.parametrize("output_format", KEPT)
@pytest.mark.parametrize("has_maps", [True, False], ids=["maps", "numbers"])
def test_factors_come_back_with_their_maps_or_in_them(
    output_format: OutputFormat, has_maps: bool, tmp_path: Path
) -> None:
    mesh = model(has_maps)
    path = tmp_path / "model"
    path.write_bytes(export(mesh, output_format, None, TextureFormat.PNG))
    expected, found = looks(appearance_of(mesh).material), looks(appearance_of(load_mesh(path)).material)
    kept = [name for name in expected if name in KEPT[output_format]]
    assert [found[name] for name in kept] == [pytest.approx(expected[name], abs=0.004) for name in kept]


@pytest.mark.parametrize("output_format", [OutputFormat.GLB, OutputFormat.USDZ])
def test_occlusion_comes_back(output_format: OutputFormat, tmp_path: Path) -> None:
    mesh = model(True)
    material = appearance_of(mesh).material
    assert material is not None
    material.occlusionTexture = gradient(8)
    path = tmp_path / "model"
    path.write_bytes(export(mesh, output_format, None, TextureFormat.PNG))
    again = appearance_of(load_mesh(path)).material
    assert again is not None
    assert np.array_equal(np.asarray(again.occlusionTexture), np.asarray(gradient(8)))
