"""Finished textures, into files and back."""

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from orfeas.errors import InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat, TextureFormat
from orfeas.textures.material import dress, pack
from orfeas.textures.unwrap import unwrap
from tests.meshes.solids import blob, gradient

SIDE = 64
RANDOM = np.random.default_rng(0)
BASE = np.asarray(gradient(SIDE))
METALLIC_ROUGHNESS = RANDOM.integers(0, 256, (SIDE, SIDE, 2), dtype=np.uint8)
LAYOUT = unwrap(np.asarray(blob(800).vertices), np.asarray(blob(800).faces), SIDE)


def document(data: bytes) -> dict[str, Any]:
    length = struct.unpack_from("<I", data, 12)[0]
    found: dict[str, Any] = json.loads(data[20 : 20 + length])
    return found


def loaded(data: bytes, folder: Path) -> trimesh.Trimesh:
    path = folder / "model"
    path.write_bytes(data)
    return load_mesh(path)


def physical_model() -> trimesh.Trimesh:
    return dress(LAYOUT, BASE, METALLIC_ROUGHNESS)


def test_the_maps_are_packed_as_gltf_wants_them() -> None:
    packed = pack(METALLIC_ROUGHNESS)
    assert (packed[..., 0] == 255).all()
    assert np.array_equal(packed[..., 1], METALLIC_ROUGHNESS[..., 1])
    assert np.array_equal(packed[..., 2], METALLIC_ROUGHNESS[..., 0])


def test_factors_do_not_change_the_maps_and_stand_in_where_there_are_none() -> None:
    with_maps, without = appearance_of(physical_model()).material, appearance_of(dress(LAYOUT, BASE)).material
    assert with_maps is not None and without is not None
    assert (with_maps.metallicFactor, with_maps.roughnessFactor) == (1.0, 1.0)
    assert without.metallicRoughnessTexture is None
    assert (without.metallicFactor, without.roughnessFactor) == (0.0, 0.8)


@pytest.mark.parametrize("texture_format", TextureFormat)
def test_a_glb_keeps_the_numbers_exactly_and_the_colours_as_asked(
    texture_format: TextureFormat, tmp_path: Path
) -> None:
    data = export(physical_model(), OutputFormat.GLB, None, texture_format)
    look = appearance_of(loaded(data, tmp_path))
    assert look.material is not None and look.texture is not None
    assert np.array_equal(np.asarray(look.material.metallicRoughnessTexture), pack(METALLIC_ROUGHNESS))
    assert (look.material.metallicFactor, look.material.roughnessFactor) == (1.0, 1.0)
    error = np.abs(np.asarray(look.texture).astype(int) - BASE)
    assert error.max() <= {"png": 0, "jpeg": 3, "webp": 12}[texture_format]
    assert error.mean() <= {"png": 0, "jpeg": 1, "webp": 3}[texture_format]
    assert data == export(physical_model(), OutputFormat.GLB, None, texture_format)


@pytest.mark.parametrize(("texture_format", "mime"), [("png", "image/png"), ("jpeg", "image/jpeg")])
def test_a_glb_says_which_picture_is_which(texture_format: str, mime: str) -> None:
    found = document(export(physical_model(), OutputFormat.GLB, None, TextureFormat(texture_format)))
    material = found["materials"][0]["pbrMetallicRoughness"]
    assert material["baseColorFactor"] == [1, 1, 1, 1]
    kinds = [
        found["images"][found["textures"][material[key]["index"]]["source"]]["mimeType"]
        for key in ("baseColorTexture", "metallicRoughnessTexture")
    ]
    assert kinds == [mime, "image/png"]
    assert "extensionsUsed" not in found and "extensionsRequired" not in found


def test_beside_a_webp_lies_a_picture_for_programs_that_do_not_know_it() -> None:
    data = export(physical_model(), OutputFormat.GLB, None, TextureFormat.WEBP)
    found = document(data)
    assert found["extensionsUsed"] == ["EXT_texture_webp"]
    assert "extensionsRequired" not in found
    index = found["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["index"]
    texture = found["textures"][index]
    webp = found["images"][texture["extensions"]["EXT_texture_webp"]["source"]]
    fallback = found["images"][texture["source"]]
    assert (webp["mimeType"], fallback["mimeType"]) == ("image/webp", "image/jpeg")
    view = found["bufferViews"][fallback["bufferView"]]
    with Image.open(io.BytesIO(buffer_view(data, view))) as picture:
        assert picture.format == "JPEG" and picture.size == (SIDE // 4, SIDE // 4)


def test_trimesh_reads_both_maps_of_a_glb() -> None:
    data = export(physical_model(), OutputFormat.GLB, None, TextureFormat.PNG)
    material = appearance_of(trimesh.load_mesh(io.BytesIO(data), file_type="glb")).material
    assert material is not None
    assert np.array_equal(np.asarray(material.baseColorTexture.convert("RGB")), BASE)
    assert np.array_equal(np.asarray(material.metallicRoughnessTexture.convert("RGB")), pack(METALLIC_ROUGHNESS))


def test_an_obj_keeps_a_map_for_each(tmp_path: Path) -> None:
    data = export(physical_model(), OutputFormat.OBJ, None, TextureFormat.PNG)
    archive = zipfile.ZipFile(io.BytesIO(data))
    lines = archive.read("model.mtl").decode("ascii").splitlines()
    expected = ["Kd 1.0000 1.0000 1.0000", "Pm 1.0000", "Pr 1.0000"]
    maps = ["map_Kd texture.png", "map_Pm metallic.png", "map_Pr roughness.png"]
    assert set(expected + maps) <= set(lines)
    for number, name in enumerate(("metallic.png", "roughness.png")):
        with Image.open(archive.open(name)) as picture:
            assert picture.mode == "L"
            assert np.array_equal(np.asarray(picture), METALLIC_ROUGHNESS[..., number])
    look = appearance_of(loaded(data, tmp_path))
    assert look.material is not None and look.texture is not None
    assert np.array_equal(np.asarray(look.texture), BASE)
    assert np.array_equal(np.asarray(look.material.metallicRoughnessTexture), pack(METALLIC_ROUGHNESS))
    assert (look.material.metallicFactor, look.material.roughnessFactor) == (1.0, 1.0)
    assert data == export(physical_model(), OutputFormat.OBJ, None, TextureFormat.PNG)


def test_an_obj_takes_no_webp() -> None:
    with pytest.raises(InvalidOption, match="png, jpeg"):
        export(physical_model(), OutputFormat.OBJ, None, TextureFormat.WEBP)


def buffer_view(data: bytes, view: dict[str, int]) -> bytes:
    start = 28 + int(struct.unpack_from("<I", data, 12)[0]) + view["byteOffset"]
    return data[start : start + view["byteLength"]]


@pytest.mark.parametrize("output_format", [OutputFormat.GLB, OutputFormat.OBJ])
def test_a_closed_model_stays_closed(output_format: OutputFormat, tmp_path: Path) -> None:
    again = measure(loaded(export(physical_model(), output_format, None), tmp_path))
    assert again.is_watertight and again.is_winding_consistent


def test_vertices_on_both_sides_of_a_seam_have_one_normal() -> None:
    data = export(physical_model(), OutputFormat.GLB, None)
    found = document(data)
    attributes = found["meshes"][0]["primitives"][0]["attributes"]
    points, normals = (
        np.frombuffer(
            buffer_view(data, found["bufferViews"][found["accessors"][attributes[name]]["bufferView"]]), "<f4"
        ).reshape(-1, 3)
        for name in ("POSITION", "NORMAL")
    )
    places = np.unique(points, axis=0)
    assert len(places) < len(points)
    assert len(np.unique(np.hstack([points, normals]), axis=0)) == len(places)


def test_a_transparent_base_colour_is_never_a_jpeg() -> None:
    clear = Image.fromarray(BASE)
    clear.putalpha(100)
    mesh = physical_model()
    material = appearance_of(mesh).material
    assert material is not None
    material.baseColorTexture = clear
    kinds = [image["mimeType"] for image in document(export(mesh, OutputFormat.GLB, None))["images"]]
    assert kinds == ["image/png", "image/png"]
