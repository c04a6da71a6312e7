import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, sample
from orfeas.meshes.parts import Part, join
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, gradient

CUBE = box()
SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def material(texture: Image.Image | None = None, colour: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> PBRMaterial:
    return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=texture, baseColorFactor=[float(value) for value in colour], metallicFactor=0.0
    )


def square(
    at: float,
    look: PBRMaterial | None,
    uv: NDArray[np.float64] | None = SQUARE,
    colours: NDArray[np.uint8] | None = None,
) -> Part:
    return Part(np.column_stack([SQUARE[:, 0] + 2 * at, SQUARE[:, 1], np.zeros(4)]), FACES, uv, colours, look)


def colours_at(parts: list[Part], corners: list[tuple[float, float]]) -> NDArray[np.float64]:
    """What the joined mesh shows at places ``(x, y)``, as sRGB in [0, 1]."""
    mesh = join(parts)
    look = appearance_of(mesh)
    assert look.texture is not None and look.uv is not None
    found = []
    for x, y in corners:
        origin, along, up = (
            look.uv[np.flatnonzero(np.abs(mesh.vertices - place).max(axis=1) < 1e-9)[0]]
            for place in ([2 * (x // 2), 0, 0], [2 * (x // 2) + 1, 0, 0], [2 * (x // 2), 1, 0])
        )
        found.append(origin + (x % 2) * (along - origin) + y * (up - origin))
    return sample(look.texture, np.array(found))


def test_parts_that_share_a_look_keep_it() -> None:
    look = material(gradient())
    mesh = join([square(0, look), square(1, look)])
    assert appearance_of(mesh).material is look
    assert measure(mesh).materials == 1
    assert len(mesh.faces) == 4


def test_vertices_alike_in_every_respect_become_one() -> None:
    vertices = np.asarray(CUBE.vertices)[CUBE.faces].reshape(-1, 3)
    mesh = join([Part(vertices, np.arange(36).reshape(-1, 3))])
    assert len(mesh.vertices) == 8
    assert measure(mesh).is_watertight


def test_vertices_that_differ_in_their_uv_stay() -> None:
    look = material(gradient())
    mesh = join([square(0, look), square(0, look, SQUARE + 0.5)])
    assert len(mesh.vertices) == 8


def test_base_colours_without_textures_become_colours_on_vertices() -> None:
    mesh = join([square(0, material(colour=(1, 0, 0, 1))), square(1, material(colour=(0, 0, 0.5, 1)))])
    look = appearance_of(mesh)
    assert look.colours is not None
    # Half of blue's light, kept in a byte, is 188 in sRGB.
    assert look.colours.tolist() == [[255, 0, 0, 255]] * 4 + [[0, 0, 188, 255]] * 4
    assert measure(mesh).materials == 2


def test_colours_on_vertices_stand_beside_base_colours() -> None:
    green = np.tile(np.array([0, 255, 0, 255], np.uint8), (4, 1))
    mesh = join([square(0, None, colours=green), square(1, None), square(2, material(colour=(0, 0, 0, 1)))])
    look = appearance_of(mesh)
    assert look.colours is not None
    assert look.colours[[0, 4, 8]].tolist() == [[0, 255, 0, 255], [255, 255, 255, 255], [0, 0, 0, 255]]


def test_parts_without_a_look_have_none() -> None:
    mesh = join([square(0, None, None), square(1, None)])
    look = appearance_of(mesh)
    assert (look.material, look.colours, look.uv) == (None, None, None)


def test_uvs_without_a_look_are_kept() -> None:
    report = measure(join([square(0, None), square(1, None)]))
    assert (report.has_uv, report.has_texture, report.materials) == (True, False, 0)


def test_several_textures_become_one_and_show_the_same() -> None:
    blue = Image.new("RGB", (32, 32), (0, 0, 255))
    parts = [square(0, material(gradient(256))), square(1, material(blue)), square(2, material(colour=(1, 0, 0, 1)))]
    inner = [(0.25, 0.75), (0.75, 0.25), (2.5, 0.5), (4.5, 0.5)]
    expected = [[0.25, 0.75, 0.5], [0.75, 0.25, 0.5], [0, 0, 1], [1, 0, 0]]
    assert colours_at(parts, inner)[:, :3] == pytest.approx(np.array(expected), abs=0.02)
    assert measure(join(parts)).materials == 3


def test_a_factor_dims_its_texture_in_linear_light() -> None:
    white = Image.new("RGB", (16, 16), (255, 255, 255))
    parts = [square(0, material(white, (0.5, 1.0, 1.0, 1.0))), square(1, material(white))]
    found = colours_at(parts, [(0.5, 0.5), (2.5, 0.5)]) * 255
    assert found.round().tolist() == [[188, 255, 255, 255], [255, 255, 255, 255]]


def test_colours_on_vertices_beside_a_texture_become_their_mean() -> None:
    halves = np.array([[0, 0, 0, 255], [0, 0, 0, 255], [0, 200, 0, 255], [0, 200, 0, 255]], np.uint8)
    parts = [square(0, material(gradient())), square(1, None, None, halves)]
    look = appearance_of(join(parts))
    assert look.texture is not None and look.uv is not None
    assert (sample(look.texture, look.uv[4:]) * 255).round().tolist() == [[0, 100, 0, 255]] * 4


def test_a_texture_that_repeats_is_drawn_as_often() -> None:
    halves = Image.new("RGB", (64, 64), (0, 0, 0))
    halves.paste((255, 255, 255), (32, 0, 64, 64))
    # Black, white, black, white, shifted by whole widths and heights, which change nothing.
    uv = SQUARE * (2.0, 1.0) + (5.0, -7.0)
    parts = [square(0, material(halves), uv), square(1, material(gradient()))]
    found = colours_at(parts, [(x, 0.5) for x in (0.125, 0.375, 0.625, 0.875)])
    assert found[:, 0] == pytest.approx([0, 1, 0, 1], abs=0.01)


def test_many_materials_fit_into_one_texture() -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (300, 3))
    parts = [square(n, material(Image.new("RGB", (4, 4), tuple(c)))) for n, c in enumerate(colours.tolist())]
    found = colours_at(parts, [(2.0 * n + 0.5, 0.5) for n in range(300)])
    assert found[:, :3] * 255 == pytest.approx(colours, abs=0.5)
    texture = appearance_of(join(parts)).texture
    assert texture is not None
    assert max(texture.size) <= 4096


def test_no_faces_are_no_model() -> None:
    with pytest.raises(InvalidMesh, match="no faces"):
        join([Part(np.zeros((3, 3)), np.zeros((0, 3), np.int64))])
    with pytest.raises(InvalidMesh, match="no faces"):
        join([])


@pytest.mark.parametrize("faces", [[[0, 1, 4]], [[0, 1, -1]]])
def test_corners_that_do_not_exist_are_refused(faces: list[list[int]]) -> None:
    with pytest.raises(InvalidMesh, match="do not exist"):
        join([Part(np.zeros((4, 3)), np.array(faces))])


def test_too_many_faces_together_are_refused() -> None:
    many = Part(np.zeros((3, 3)), np.broadcast_to(np.array([[0, 1, 2]]), (6_000_000, 3)))
    with pytest.raises(InvalidMesh, match="12,000,000 faces"):
        join([many, many])
