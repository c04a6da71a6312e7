import numpy as np
import pytest

from orfeas.errors import InvalidOption
from orfeas.meshes.printing.materials import DENSITY_G_CM3, mass_of
from orfeas.options import Material


def test_every_material_has_a_density() -> None:
    assert set(DENSITY_G_CM3) == set(Material)
    assert all(0.9 <= density <= 9.0 for density in DENSITY_G_CM3.values())


def test_a_cubic_centimetre_weighs_its_density() -> None:
    for material, density in DENSITY_G_CM3.items():
        mass = mass_of(1000.0, 600.0, material)
        assert mass.solid_g == mass.printed_g == pytest.approx(density)


def test_a_cube_and_a_ball_with_infill_weigh_what_their_walls_and_insides_do() -> None:
    cube = mass_of(20.0**3, 6 * 20.0**2, Material.PLA, wall_mm=2.0, infill=0.2)
    assert cube.printed_g == pytest.approx((20**3 - 0.8 * 16**3) / 1000 * 1.24)
    ball = mass_of(4 / 3 * np.pi * 10**3, 4 * np.pi * 10**2, Material.ABS, wall_mm=1.0, infill=0.0)
    assert ball.printed_g == pytest.approx(4 / 3 * np.pi * (10**3 - 9**3) / 1000 * 1.04)


def test_walls_that_meet_leave_nothing_to_fill() -> None:
    mass = mass_of(1000.0, 600.0, Material.PETG, wall_mm=6.0, infill=0.1)
    assert mass.printed_g == mass.solid_g


@pytest.mark.parametrize(
    ("volume", "area", "wall", "infill"),
    [
        (0.0, 1.0, None, 1.0),
        (-5.0, 1.0, None, 1.0),
        (1.0, float("nan"), None, 1.0),
        (1.0, 1.0, None, 0.5),
        (1.0, 1.0, 1.0, 1.5),
        (1.0, 1.0, -1.0, 0.5),
    ],
)
def test_values_out_of_range_are_refused(volume: float, area: float, wall: float | None, infill: float) -> None:
    with pytest.raises(InvalidOption):
        mass_of(volume, area, Material.PLA, wall, infill)
