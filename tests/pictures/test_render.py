"""Pictures show the right things in the right places, in the right light."""

import math

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import ConvexHull
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.errors import InvalidMesh
from orfeas.meshes.srgb import to_linear, to_srgb
from orfeas.pictures.camera import DISTANCE, find_window
from orfeas.pictures.render import SAMPLES
from orfeas.pictures.scene import Scene, set_scene
from tests.meshes.solids import box, joined, textured_ball
from tests.pictures.sitters import colours_of, drawn, painted_cube, plate, side_seen


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "side"),
    [(0, 0, (2, 1)), (90, 0, (0, 1)), (180, 0, (2, -1)), (270, 0, (0, -1)), (0, 90, (1, 1)), (0, -90, (1, -1))],
)
def test_every_camera_sees_the_side_it_looks_at(
    azimuth_deg: float, elevation_deg: float, side: tuple[int, int]
) -> None:
    picture = drawn(painted_cube(), azimuth_deg, elevation_deg)
    seen = {side_seen(pixel) for pixel in picture[picture[..., 3] == 255]}
    assert seen == {side}


def test_from_the_right_and_above_the_front_is_left_the_right_side_right_and_the_top_above() -> None:
    picture = drawn(painted_cube(), 40, 30)
    assert side_seen(picture[40, 20]) == (2, 1)
    assert side_seen(picture[40, 46]) == (0, 1)
    assert side_seen(picture[14, 32]) == (1, 1)


def test_a_model_with_the_top_of_its_picture_at_minus_z_is_seen_so_from_above() -> None:
    low = joined(box(1.0), box(0.3, (0.0, 0.0, -2.0)))
    picture = drawn(low, 0, 90)
    upper, lower = picture[:32, :, 3].astype(int).sum(), picture[32:, :, 3].astype(int).sum()
    assert lower > 3 * upper > 0


def count_in_hull(scene: Scene, azimuth_deg: float, elevation_deg: float, size_px: int) -> NDArray[np.int64]:
    """``[S, S]`` samples of each pixel within the outline of a convex model; −1 where one is too near to it to tell."""
    e, a = math.radians(elevation_deg), math.radians(azimuth_deg)
    back = np.array([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])
    right = np.array([math.cos(a), 0.0, -math.sin(a)])
    up = np.cross(back, right)
    points = scene.points.astype(np.float64)
    window = find_window(scene.outline, elevation_deg)
    away = DISTANCE - points @ back
    place = np.column_stack([points @ right / away, points @ up / away - window.middle]) / window.half
    hull = ConvexHull(place).equations
    centre = (np.arange(SAMPLES * size_px) + 0.5) / (SAMPLES * size_px) * 2 - 1
    x, y = np.meshgrid(centre, -centre)
    beyond = (np.stack([x, y], axis=-1) @ hull[:, :2].T + hull[:, 2]).max(axis=-1)
    blocks = beyond.reshape(size_px, SAMPLES, size_px, SAMPLES).swapaxes(1, 2).reshape(size_px, size_px, -1)
    inside: NDArray[np.int64] = (blocks < 0).sum(axis=-1)
    return np.where((np.abs(blocks) < 1e-5).any(axis=-1), -1, inside)


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), [(0, 0), (25, 18), (200, -35), (310, 70)])
def test_the_outline_is_that_of_the_projected_points_to_the_sample(azimuth_deg: float, elevation_deg: float) -> None:
    points = np.random.default_rng(3).normal(size=(40, 3)) * (1.0, 2.0, 0.7)
    mesh = trimesh.convex.convex_hull(points)
    expected = count_in_hull(set_scene(mesh), azimuth_deg, elevation_deg, 96)
    alpha = drawn(mesh, azimuth_deg, elevation_deg, 96)[..., 3]
    is_known = expected >= 0
    assert is_known.mean() > 0.99
    np.testing.assert_array_equal(alpha[is_known], np.floor(expected[is_known] / SAMPLES**2 * 255 + 0.5))


def quarters() -> Image.Image:
    """Red, green over blue, white."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, :32], pixels[:32, 32:], pixels[32:, :32], pixels[32:, 32:] = (
        (220, 20, 20),
        (20, 220, 20),
        (20, 20, 220),
        (220, 220, 220),
    )
    return Image.fromarray(pixels)


def test_a_texture_lies_the_right_way_up_and_round() -> None:
    picture = drawn(plate(quarters()))[..., :3].astype(int)
    shown = [(picture[y, x] > 100).tolist() for y, x in ((16, 16), (16, 48), (48, 16), (48, 48))]
    assert shown == [[True, False, False], [False, True, False], [False, False, True], [True, True, True]]


def test_a_texture_repeats_outside_of_zero_to_one() -> None:
    uv = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0)])
    twice = drawn(plate(quarters(), uv=uv))[..., :3].astype(int)
    assert (twice[16, 12] > 100).tolist() == (twice[16, 40] > 100).tolist() == [True, False, False]
    assert (twice[16, 24] > 100).tolist() == (twice[16, 52] > 100).tolist() == [False, True, False]
    np.testing.assert_array_equal(
        drawn(plate(quarters(), uv=uv + np.array((-3.0, 7.0)))), drawn(plate(quarters(), uv=uv))
    )


def test_a_texture_far_finer_than_the_picture_is_its_mean_and_does_not_shimmer() -> None:
    fine = np.indices((2048, 2048)).sum(axis=0) % 2 * 255
    texture = Image.fromarray(np.dstack([fine] * 3).astype(np.uint8))
    picture = drawn(plate(texture), azimuth_deg=20, size_px=64)
    inside = picture[picture[..., 3] == 255][:, :3].astype(int)
    assert np.ptp(inside) <= 2


def test_wild_texture_coordinates_are_drawn() -> None:
    uv = np.random.default_rng(0).normal(size=(4, 2)) * 1e7
    assert (drawn(plate(quarters(), uv=uv))[16:48, 16:48, 3] == 255).all()


def test_texture_coordinates_beyond_any_sense_are_refused() -> None:
    uv = np.random.default_rng(0).normal(size=(4, 2)) * 1e300
    with pytest.raises(InvalidMesh, match="thousand kilometres"):
        drawn(plate(quarters(), uv=uv))


def test_alpha_is_straight_at_the_edges() -> None:
    picture = drawn(plate(colour=(200, 120, 40)), 33, 20)
    alpha = picture[..., 3]
    assert {0, 255} < set(np.unique(alpha).tolist())
    np.testing.assert_array_equal(
        picture[alpha > 0][:, :3], np.broadcast_to(picture[32, 32, :3], (int((alpha > 0).sum()), 3))
    )


def test_a_background_lies_behind_the_model_in_linear_light() -> None:
    mesh, behind = box(), (30, 200, 90)
    clear, opaque = drawn(mesh, 30, 20), drawn(mesh, 30, 20, background=behind)
    share = clear[..., 3:] / 255.0
    light = to_linear(clear[..., :3] / 255.0) * share + to_linear(np.array(behind) / 255.0) * (1 - share)
    assert (opaque[..., 3] == 255).all()
    assert np.abs(to_srgb(light) * 255.0 - opaque[..., :3]).max() <= 1.5


def test_what_is_nearer_hides_what_is_behind_it() -> None:
    far = trimesh.Trimesh(painted_cube().vertices - (0.0, 0.0, 3.0), painted_cube().faces, process=False)
    near = painted_cube()
    both = joined(far, near)
    colours = np.concatenate([np.full((36, 4), 255, np.uint8), colours_of(near)])
    both = trimesh.Trimesh(both.vertices, both.faces, vertex_colors=colours, process=False)
    assert side_seen(drawn(both)[32, 32]) == (2, 1)


def test_both_sides_of_an_open_surface_are_seen_and_lit_alike() -> None:
    sheet = plate(colour=(200, 120, 40))
    np.testing.assert_array_equal(drawn(sheet, 0), drawn(sheet, 180))


def test_an_inside_out_model_looks_as_its_shape_does() -> None:
    cube = painted_cube()
    turned = trimesh.Trimesh(cube.vertices, cube.faces[:, ::-1], vertex_colors=colours_of(cube), process=False)
    picture, expected = drawn(turned, 40, 30), drawn(cube, 40, 30)
    inside = expected[..., 3] == 255
    assert np.abs(picture[inside].astype(int) - expected[inside]).max() <= 2


def test_light_comes_from_above_and_from_the_left_of_the_camera() -> None:
    ball = trimesh.creation.icosphere(4)
    grey = drawn(ball)[..., 0].astype(int)
    assert grey[12, 32] > grey[52, 32] + 30
    assert grey[32, 12] > grey[32, 52] + 30


def test_the_light_stays_with_the_camera_while_the_model_turns() -> None:
    ball = trimesh.creation.icosphere(5)
    one, other = drawn(ball, 0).astype(int), drawn(ball, 77).astype(int)
    whole = (one[..., 3] == 255) & (other[..., 3] == 255)
    assert np.abs(one - other)[whole].max() <= 4


def test_a_round_model_is_shaded_smoothly_and_an_edge_stays_sharp() -> None:
    ball = drawn(trimesh.creation.icosphere(3), size_px=128)
    inside = ball[50:78, 50:78, 0].astype(int)
    assert np.abs(np.diff(inside, axis=1)).max() <= 3
    cube = drawn(box(), 45, 0, size_px=128)[64, :, 0].astype(int)
    edge = np.abs(np.diff(cube[40:88]))
    assert edge.max() > 20 > 4 >= np.sort(edge)[-3]


def shiny_ball(*, metallic: float, roughness: float) -> trimesh.Trimesh:
    ball: trimesh.Trimesh = trimesh.creation.icosphere(4)
    material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorFactor=(255, 0, 0, 255), metallicFactor=metallic, roughnessFactor=roughness
    )
    uv = np.zeros((len(ball.vertices), 2))
    ball.visual = TextureVisuals(uv=uv, material=material)  # type: ignore[no-untyped-call]  # trimesh's gap
    return ball


def test_metal_shines_in_its_own_colour_and_anything_else_in_white() -> None:
    metal, plastic = (drawn(shiny_ball(metallic=share, roughness=0.3)) for share in (1.0, 0.0))
    assert metal[..., 1:3].max() == 0 < metal[..., 0].max()
    assert plastic[..., 1].max() > 40
    np.testing.assert_array_equal(plastic[..., 1], plastic[..., 2])


def test_a_smooth_surface_has_a_smaller_and_brighter_highlight_than_a_rough_one() -> None:
    smooth, rough = (drawn(shiny_ball(metallic=0.0, roughness=share))[..., 1].astype(int) for share in (0.2, 0.9))
    assert smooth.max() > rough.max()
    assert (smooth > 0.7 * smooth.max()).sum() < (rough > 0.7 * rough.max()).sum()


def test_a_texture_of_metal_and_roughness_means_what_the_numbers_mean() -> None:
    colour = Image.new("RGB", (8, 8), (180, 140, 60))
    pixel = Image.new("RGB", (8, 8), (255, 153, 204))  # roughness 0.6, metallic 0.8
    mapped = drawn(plate(colour, surface=pixel, metallic=1.0, roughness=1.0), 25, 15).astype(int)
    told = drawn(plate(colour, metallic=0.8, roughness=0.6), 25, 15)
    other = drawn(plate(colour, metallic=0.0, roughness=0.6), 25, 15)
    assert np.abs(mapped - told).max() <= 1 < np.abs(mapped - other).max()


def test_a_model_without_colours_is_a_neutral_grey() -> None:
    picture = drawn(box(), 30, 18)
    pixels = picture[picture[..., 3] == 255][:, :3].astype(int)
    assert np.ptp(pixels, axis=1).max() == 0
    assert 90 < pixels.min() < pixels.max() < 235


def test_a_model_stays_in_the_same_window_while_it_turns_and_fills_it() -> None:
    lamp = joined(box(1.0), box(0.4, (3.0, 2.0, 0.5)))
    alpha = np.stack([drawn(lamp, azimuth, 18)[..., 3] for azimuth in range(0, 360, 15)]).max(axis=0)
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert 1 <= columns[0] <= 4 and 59 <= columns[-1] <= 62
    assert rows[0] >= 1 and rows[-1] <= 62
    assert abs((rows[0] + rows[-1]) / 2 - 31.5) <= 2


def test_unit_and_place_of_a_model_make_no_difference() -> None:
    moved = painted_cube()
    moved.vertices = moved.vertices * 1000.0 + (5000.0, -300.0, 20.0)
    assert np.abs(drawn(moved, 30, 18).astype(int) - drawn(painted_cube(), 30, 18)).max() <= 2


def test_the_same_model_gives_the_same_pixels() -> None:
    np.testing.assert_array_equal(drawn(textured_ball(), 30, 18), drawn(textured_ball(), 30, 18))


def test_a_model_without_area_is_a_clear_picture() -> None:
    line = trimesh.Trimesh(vertices=[(0, 0, 0), (1, 0, 0), (2, 0, 0)], faces=[(0, 1, 2)], process=False)
    assert drawn(line)[..., 3].max() == 0
