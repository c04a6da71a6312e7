from collections.abc import Callable

import manifold3d
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orfeas.errors import Cancelled, InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of, vertex_colours
from orfeas.meshes.printing.hollow import Hollowed, hollow
from orfeas.meshes.printing.rays import split
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.stats import measure
from tests.meshes.solids import blob, box, coloured_box, inverted, joined, slab, textured_ball, without_faces

Solid = manifold3d.Manifold


def mesh_of(solid: manifold3d.Manifold) -> trimesh.Trimesh:
    made = solid.to_mesh64()
    return trimesh.Trimesh(made.vert_properties[:, :3], made.tri_verts.astype(np.int64), process=False)


def scaled(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices * factor, mesh.faces, visual=mesh.visual, process=False)


def ring() -> trimesh.Trimesh:
    torus: trimesh.Trimesh = trimesh.creation.torus(20.0, 9.0, major_sections=32, minor_sections=16)
    return torus


def notched() -> trimesh.Trimesh:
    return mesh_of((Solid.cube((30, 30, 30), True) - Solid.cube((30, 30, 30))).rotate((33, 21, 47)))


def dumbbell() -> trimesh.Trimesh:
    bar = Solid.cylinder(35, 4, 4).rotate((0, 90, 0))
    return mesh_of(Solid.sphere(13, 32) + Solid.sphere(11, 32).translate((35, 0, 0)) + bar)


def shell() -> trimesh.Trimesh:
    return mesh_of(Solid.sphere(24, 32) - Solid.sphere(6, 32))


def pair_overlapping() -> trimesh.Trimesh:
    return joined(box(24.0), box(24.0, (18.0, 3.0, 2.0)))


def lump() -> trimesh.Trimesh:
    return scaled(blob(1000), 18.0)


def inner_points(made: Hollowed, outside: trimesh.Trimesh) -> NDArray[np.float64]:
    return np.asarray(made.mesh.vertices)[len(outside.vertices) :]


SOLIDS = [lambda: box(30.0), ring, notched, dumbbell, shell, pair_overlapping, lump]


@pytest.mark.parametrize("make", SOLIDS)
def test_walls_are_as_thick_as_asked_for_and_the_model_stays_closed(make: Callable[[], trimesh.Trimesh]) -> None:
    solid = make()
    made = hollow(solid, wall_mm=4.0)
    report = measure(made.mesh)
    assert report.is_watertight
    assert report.is_winding_consistent
    assert report.degenerate_faces == 0
    assert report.components == measure(solid).components + made.cavities
    assert made.volume_mm3 == pytest.approx(report.volume_mm3)
    assert made.volume_mm3 < made.solid_mm3
    samples = split(np.asarray(solid.vertices, dtype=np.float64)[solid.faces], 0.8)[0].reshape(-1, 3)
    distance, _ = cKDTree(samples).query(inner_points(made, solid))
    assert np.min(distance) >= 4.0
    assert np.median(distance) < 4.0 * 1.12


def test_a_hollow_ball_has_the_volume_of_its_shell() -> None:
    ball = mesh_of(Solid.sphere(20, 64))
    made = hollow(ball, wall_mm=3.0)
    assert made.cavities == 1
    inner = made.solid_mm3 * (16.8 / 20) ** 3
    assert made.solid_mm3 - made.volume_mm3 == pytest.approx(inner, rel=0.02)
    assert measure_thickness(made.mesh, samples=1000).min_mm >= 2.95


@pytest.mark.parametrize("make", SOLIDS)
def test_holes_open_every_hollow_downward(make: Callable[[], trimesh.Trimesh]) -> None:
    solid = make()
    made = hollow(solid, wall_mm=4.0, holes=2, hole_mm=3.0)
    report = measure(made.mesh)
    closed = hollow(solid, wall_mm=4.0)
    assert report.is_watertight
    assert report.components == measure(solid).components
    assert len(made.holes) == 2 * made.cavities
    gone = closed.volume_mm3 - made.volume_mm3
    assert 0.5 * len(made.holes) * np.pi * 1.5**2 * 4.0 < gone <= sum(hole.volume_mm3 for hole in made.holes)
    for hole in made.holes:
        assert hole.from_mm < hole.to_mm
    # Each hole adds a handle to its body, but for the first of a hollow, which joins two surfaces.
    assert report.euler_number == measure(closed.mesh).euler_number - 2 * len(made.holes)


def test_a_hole_at_the_bottom_goes_through_the_base() -> None:
    made = hollow(box(30.0, (0.0, 15.0, 0.0)), wall_mm=4.0, holes=1, hole_mm=5.0)
    (hole,) = made.holes
    assert hole.from_mm < 0.0 < 4.0 < hole.to_mm
    assert (hole.x_mm, hole.z_mm) == pytest.approx((0.0, 0.0), abs=3.0)
    segments = 32 / (2 * np.pi) * np.sin(2 * np.pi / 32)  # of a circle's area, in its polygon
    removed = hollow(box(30.0, (0.0, 15.0, 0.0)), wall_mm=4.0).volume_mm3 - made.volume_mm3
    assert removed == pytest.approx(np.pi * 2.5**2 * segments * 4.25, rel=0.05)


@pytest.mark.parametrize("holes", [0, 2])
def test_texture_and_uvs_of_the_outside_are_kept(holes: int) -> None:
    ball = scaled(textured_ball(16), 20.0)
    made = hollow(ball, wall_mm=4.0, holes=holes)
    before, after = appearance_of(ball), appearance_of(made.mesh)
    assert after.texture is before.texture
    assert before.uv is not None
    assert after.uv is not None
    tree = cKDTree(np.column_stack([made.mesh.vertices / 20.0, after.uv]))
    distance, _ = tree.query(np.column_stack([ball.vertices / 20.0, before.uv]))
    assert np.mean(distance < 1e-9) > 0.9  # but for the vertices that a hole took


@pytest.mark.parametrize("holes", [0, 1])
def test_colours_of_the_outside_are_kept(holes: int) -> None:
    cube = scaled(coloured_box(), 30.0)
    made = hollow(cube, wall_mm=4.0, holes=holes)
    colours, known = vertex_colours(made.mesh), vertex_colours(cube)
    assert colours is not None
    assert known is not None
    _, nearest = cKDTree(made.mesh.vertices).query(cube.vertices)
    np.testing.assert_array_equal(colours[nearest], known)
    assert (colours[:, 3] == 255).all()


def test_a_face_that_is_but_a_line_is_no_obstacle() -> None:
    cube = box(30.0)
    lined = trimesh.Trimesh(cube.vertices, np.vstack([cube.faces, [[0, 0, 1]]]), process=False)
    assert measure(hollow(lined, wall_mm=6.0, holes=1).mesh).is_watertight


def test_the_model_is_left_alone_and_it_comes_out_the_same_every_time() -> None:
    solid = lump()
    vertices = solid.vertices.copy()
    first, second = (hollow(solid, wall_mm=5.0, holes=1) for _ in range(2))
    np.testing.assert_array_equal(first.mesh.vertices, second.mesh.vertices)
    np.testing.assert_array_equal(solid.vertices, vertices)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (trimesh.Trimesh(), "closed"),
        (without_faces(box(30.0), 0), "closed"),
        (slab(1e-9, size=30.0), "is a sheet"),
        (inverted(box(30.0)), "inside out"),
        (joined(box(30.0), inverted(box(30.0, (40.0, 0.0, 0.0)))), "inside out"),
        (box(7.0), "too thin"),
    ],
)
def test_what_cannot_be_hollowed_is_refused(model: trimesh.Trimesh, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        hollow(model, wall_mm=4.0)


@pytest.mark.parametrize(
    ("wall_mm", "holes", "hole_mm"),
    [(0.1, 0, 3.0), (float("nan"), 0, 3.0), (4.0, 9, 3.0), (4.0, -1, 3.0), (4.0, 1, 0.0), (4.0, 1, 30.0)],
)
def test_options_out_of_range_are_refused(wall_mm: float, holes: int, hole_mm: float) -> None:
    with pytest.raises(InvalidOption):
        hollow(box(30.0), wall_mm, holes, hole_mm)


@pytest.mark.parametrize(
    ("model", "hole_mm", "message"),
    [
        (box(30.0), 29.0, "wider than any hollow"),
        (mesh_of(Solid.cylinder(50, 15, 15, 48).rotate((-90, 0, 0))), 28.0, "wider than the bottom of a hollow"),
        (mesh_of(Solid.sphere(20, 64)), 20.0, "take the model from 40.0 to 37"),
    ],
    ids=["wider than hollows", "into the sides", "off the size"],
)
def test_holes_that_are_too_wide_for_their_place_are_refused(
    model: trimesh.Trimesh, hole_mm: float, message: str
) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        hollow(model, wall_mm=4.0, holes=1, hole_mm=hole_mm)
    assert caught.value.option == "drain_hole_mm"


def test_holes_do_not_run_into_each_other() -> None:
    cube = box(30.0)
    made = hollow(cube, wall_mm=4.0, holes=8, hole_mm=8.0)
    assert 1 < len(made.holes) < 8
    axes = np.array([(hole.x_mm, hole.z_mm) for hole in made.holes])
    gaps = np.linalg.norm(axes[:, None] - axes, axis=2)[np.triu_indices(len(axes), 1)]
    assert gaps.min() > 8.0
    assert measure(made.mesh).size_mm == pytest.approx(measure(cube).size_mm)


def test_drilling_that_takes_too_long_is_an_error_of_the_model() -> None:
    with pytest.raises(InvalidMesh, match="too long"):
        hollow(box(30.0), wall_mm=5.0, holes=1, timeout_s=0.0)


def test_hollowing_can_be_stopped_wherever_it_is() -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    hollow(box(30.0), wall_mm=6.0, check=count)
    assert calls > 5
    for last in range(calls):
        left = last

        def stop() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            hollow(box(30.0), wall_mm=6.0, check=stop)
