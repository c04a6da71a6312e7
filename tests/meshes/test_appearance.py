import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial, SimpleMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.appearance import appearance_of, sample, vertex_colours, visual_of
from tests.meshes.solids import box, coloured_box, gradient, textured_ball


def dressed(material: object, uv: object = None) -> trimesh.Trimesh:
    cube = box()
    visual = TextureVisuals(uv=uv, material=material)  # type: ignore[no-untyped-call]  # trimesh's gap
    return trimesh.Trimesh(cube.vertices, cube.faces, visual=visual, process=False)


def test_a_mesh_without_a_look_has_none() -> None:
    look = appearance_of(box())
    assert (look.material, look.texture, look.uv, look.colours, look.materials) == (None, None, None, None, 0)
    assert vertex_colours(box()) is None
    assert visual_of(look, np.arange(8)) is None


def test_colours_on_faces_become_colours_on_vertices() -> None:
    cube = box()
    mesh = trimesh.Trimesh(cube.vertices, cube.faces, face_colors=[[10, 20, 30, 255]] * 12, process=False)
    assert np.array_equal(vertex_colours(mesh), [[10, 20, 30, 255]] * 8)  # type: ignore[arg-type]  # an array


def test_the_grey_that_trimesh_puts_beside_a_texture_means_nothing() -> None:
    mesh = dressed(SimpleMaterial(image=gradient()), np.zeros((8, 2)))  # type: ignore[no-untyped-call]  # trimesh's gap
    look = appearance_of(mesh)
    assert look.material is not None
    assert look.material.baseColorFactor is None
    assert look.texture is not None


def test_a_diffuse_colour_is_srgb() -> None:
    mesh = dressed(SimpleMaterial(diffuse=[188, 0, 255, 255]))  # type: ignore[no-untyped-call]  # trimesh's gap
    look = appearance_of(mesh)
    assert look.material is not None
    # 188 in sRGB is half of all light.
    assert look.material.baseColorFactor.tolist() == [128, 0, 255, 255]
    assert np.array_equal(vertex_colours(mesh), [[188, 0, 255, 255]] * 8)  # type: ignore[arg-type]  # an array


def test_uvs_of_another_number_of_vertices_are_none() -> None:
    look = appearance_of(dressed(PBRMaterial(baseColorTexture=gradient()), np.zeros((5, 2))))  # type: ignore[no-untyped-call]  # trimesh's gap
    assert (look.uv, look.texture) == (None, None)


def test_a_material_without_a_colour_gives_none_to_vertices() -> None:
    assert vertex_colours(dressed(PBRMaterial(metallicFactor=0.0))) is None  # type: ignore[no-untyped-call]  # trimesh's gap


def test_a_texel_has_its_colour_at_its_centre() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    column, row = np.meshgrid(np.arange(7), np.arange(5))
    # Conventions, section 5.
    uv = np.column_stack([(column.ravel() + 0.5) / 7, 1.0 - (row.ravel() + 0.5) / 5])
    assert sample(Image.fromarray(pixels), uv) * 255 == pytest.approx(pixels.reshape(-1, 4))


def test_between_texels_colours_blend() -> None:
    pair = Image.new("RGB", (2, 1))
    pair.putpixel((1, 0), (200, 100, 0))
    assert sample(pair, np.array([[0.5, 0.5], [0.375, 0.5]]))[:, 0] * 255 == pytest.approx([100, 50])


def test_a_texture_repeats_outside() -> None:
    uv = np.array([[0.3, 0.6]])
    assert sample(gradient(), uv + np.array([3, -2])) == pytest.approx(sample(gradient(), uv))


def test_a_factor_dims_a_texture_in_linear_light() -> None:
    mesh = textured_ball(texture=Image.new("RGB", (4, 4), (255, 255, 255)))
    material = appearance_of(mesh).material
    assert material is not None
    material.baseColorFactor = [0.5, 1.0, 1.0, 1.0]
    colours = vertex_colours(mesh)
    assert colours is not None
    assert (colours == [188, 255, 255, 255]).all()


@pytest.mark.parametrize("vertices", [np.array([3, 1]), np.arange(8) < 2], ids=["by number", "by mask"])
def test_a_part_of_the_vertices_has_its_part_of_the_look(vertices: NDArray[np.int64 | np.bool_]) -> None:
    mesh = coloured_box()
    part = trimesh.Trimesh(
        mesh.vertices[vertices], [[0, 1, 0]], visual=visual_of(appearance_of(mesh), vertices), process=False
    )
    expected = appearance_of(mesh).colours
    assert expected is not None
    assert np.array_equal(appearance_of(part).colours, expected[vertices])  # type: ignore[arg-type]  # an array
