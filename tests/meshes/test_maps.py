import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.maps import longest_side_px, textures_of, with_smaller_textures
from tests.meshes.solids import coloured_box, gradient, textured_ball


def material_of(mesh: trimesh.Trimesh) -> PBRMaterial:
    material = appearance_of(mesh).material
    assert material is not None
    return material


def test_every_texture_that_is_larger_is_reduced_and_keeps_its_proportions() -> None:
    ball = textured_ball(texture=gradient(512).resize((512, 256)))
    material = material_of(ball)
    material.emissiveTexture = gradient(128)
    material.occlusionTexture = Image.new("L", (100, 400))
    smaller = textures_of(material_of(with_smaller_textures(ball, 128)))
    assert {name: image.size for name, image in smaller.items()} == {
        "baseColorTexture": (128, 64),
        "occlusionTexture": (32, 128),
        "emissiveTexture": (128, 128),
    }
    assert smaller["emissiveTexture"] is material.emissiveTexture
    assert smaller["occlusionTexture"].mode == "L"
    assert longest_side_px(ball) == 512


def test_a_reduced_texture_has_the_colours_where_they_were() -> None:
    smaller = material_of(with_smaller_textures(textured_ball(texture=gradient(512)), 64)).baseColorTexture
    assert np.asarray(smaller).astype(int) == pytest.approx(np.asarray(gradient(64)).astype(int), abs=2)


def test_a_picture_with_two_uses_stays_one_picture() -> None:
    ball = textured_ball()
    material = material_of(ball)
    material.metallicRoughnessTexture = material.occlusionTexture = gradient(256)
    smaller = material_of(with_smaller_textures(ball, 32))
    assert smaller.metallicRoughnessTexture is smaller.occlusionTexture
    assert smaller.occlusionTexture.size == (32, 32)


def test_normals_stay_of_unit_length() -> None:
    ball = textured_ball()
    # Neighbours lean to opposite sides, so that their mean is far too short.
    columns = np.where(np.arange(128)[None, :, None] % 2, (230, 128, 200), (25, 128, 200)).astype(np.uint8)
    material_of(ball).normalTexture = Image.fromarray(np.repeat(columns, 128, axis=0))
    reduced = material_of(with_smaller_textures(ball, 64)).normalTexture
    lengths = np.linalg.norm(np.asarray(reduced) / 127.5 - 1.0, axis=2)
    assert lengths == pytest.approx(np.ones((64, 64)), abs=0.01)


def test_an_edge_between_metal_and_paint_gets_no_value_beyond_the_two() -> None:
    ball = textured_ball()
    edge = np.where(np.arange(120)[None, :] < 61, 50, 200).astype(np.uint8)
    material_of(ball).metallicRoughnessTexture = Image.fromarray(np.repeat(edge, 120, axis=0)).convert("RGB")
    reduced = material_of(with_smaller_textures(ball, 64)).metallicRoughnessTexture
    levels = np.asarray(reduced)
    assert (levels.min(), levels.max()) == (50, 200)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["baseColorTexture", "metallicRoughnessTexture", "occlusionTexture"])
def test_what_lies_under_an_alpha_channel_that_means_nothing_is_kept(mode: str, name: str) -> None:
    ball = textured_ball()
    image = Image.new("RGBA", (128, 128), (200, 40, 40, 0)).convert(mode)
    setattr(material_of(ball), name, image)
    reduced = textures_of(material_of(with_smaller_textures(ball, 64)))[name]
    assert (reduced.mode, reduced.getpixel((32, 32))) == (mode, image.getpixel((64, 64)))


@pytest.mark.parametrize("alpha_mode", ["BLEND", "MASK"])
def test_a_colour_that_is_not_seen_does_not_spread_where_alpha_is_meant(alpha_mode: str) -> None:
    ball = textured_ball()
    columns = np.where(np.arange(128)[None, :, None] % 2, (200, 40, 40, 255), (0, 255, 0, 0)).astype(np.uint8)
    material_of(ball).baseColorTexture = Image.fromarray(np.repeat(columns, 128, axis=0))
    material_of(ball).alphaMode = alpha_mode
    reduced = np.asarray(material_of(with_smaller_textures(ball, 64)).baseColorTexture).astype(int)
    assert reduced[..., :3] == pytest.approx(np.broadcast_to((200, 40, 40), (64, 64, 3)), abs=3)


@pytest.mark.parametrize(("mode", "wanted"), [("1", "L"), ("P", "RGB")])
def test_a_picture_of_few_colours_gets_those_in_between(mode: str, wanted: str) -> None:
    ball = textured_ball()
    columns = np.where(np.arange(128)[None, :, None] % 2, (255, 255, 255), (0, 0, 0)).astype(np.uint8)
    material_of(ball).baseColorTexture = Image.fromarray(np.repeat(columns, 128, axis=0)).convert(mode)
    reduced = material_of(with_smaller_textures(ball, 64)).baseColorTexture
    assert reduced.mode == wanted
    assert np.asarray(reduced)[:, 1:-1].astype(int) == pytest.approx(128, abs=2)


def test_a_palette_with_a_clear_colour_keeps_it() -> None:
    ball = textured_ball()
    image = Image.new("P", (128, 128), 0)
    image.putpalette([200, 40, 40])
    image.info["transparency"] = 0
    material_of(ball).baseColorTexture = image
    assert material_of(with_smaller_textures(ball, 64)).baseColorTexture.getpixel((32, 32)) == (200, 40, 40, 0)


def test_everything_else_of_the_mesh_stays_and_the_mesh_itself_too() -> None:
    ball = textured_ball(texture=gradient(256))
    material = material_of(ball)
    material.baseColorFactor = [10, 20, 30, 40]
    material.emissiveFactor = [0.1, 0.2, 0.3]
    material.alphaMode, material.alphaCutoff, material.doubleSided, material.name = "MASK", 0.25, True, "skin"
    smaller = with_smaller_textures(ball, 64)
    look = appearance_of(smaller)
    assert look.material is not None and look.uv is not None
    for name in ("alphaMode", "alphaCutoff", "doubleSided", "name", "metallicFactor", "roughnessFactor"):
        assert getattr(look.material, name) == getattr(material, name)
    assert look.material.baseColorFactor.tolist() == [10, 20, 30, 40]
    assert look.material.emissiveFactor.tolist() == [0.1, 0.2, 0.3]
    assert np.array_equal(look.uv, appearance_of(ball).uv)  # type: ignore[arg-type]  # an array
    assert np.array_equal(smaller.vertices, ball.vertices) and np.array_equal(smaller.faces, ball.faces)
    assert material.baseColorTexture.size == (256, 256)


def test_a_mesh_without_a_texture_has_none() -> None:
    assert longest_side_px(coloured_box()) == 0
    plain = textured_ball()
    material_of(plain).baseColorTexture = None
    assert longest_side_px(plain) == 0
