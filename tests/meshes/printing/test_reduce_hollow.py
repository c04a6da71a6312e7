import pytest
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.printing.hollow import hollow
from orfeas.meshes.printing.reduce_hollow import reduce_hollow
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.stats import measure
from tests.meshes.solids import box, scaled, textured_ball


@pytest.mark.parametrize("holes", [0, 2])
def test_a_hollow_ball_in_fewer_faces_stays_closed_with_walls_that_hold(holes: int) -> None:
    ball = trimesh.creation.icosphere(3, 20.0)
    made = hollow(ball, wall_mm=3.0, holes=holes).mesh
    few = reduce_hollow(made, 3.0, 1500)
    assert few is not None
    report = measure(few)
    assert report.is_watertight and report.crossing_faces == 0
    assert report.faces == pytest.approx(1500, rel=0.02)
    assert report.components == measure(made).components
    assert measure_thickness(few, 2.4, samples=2000).thin_share <= (0.02 if holes else 0.0)


def test_the_look_comes_along() -> None:
    ball = scaled(textured_ball(40), 20.0)
    few = reduce_hollow(hollow(ball, wall_mm=4.0).mesh, 4.0, 1500)
    assert few is not None
    assert appearance_of(few).texture is not None
    assert measure(few).is_watertight


def test_what_would_not_be_sound_is_not_reduced() -> None:
    assert reduce_hollow(hollow(trimesh.creation.icosphere(3, 20.0), wall_mm=3.0).mesh, 3.0, 24) is None
    assert reduce_hollow(hollow(box(30.0), wall_mm=4.0, holes=2).mesh, 4.0, 24) is None
