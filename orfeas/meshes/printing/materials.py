"""What a model weighs in the material it is made of."""

from dataclasses import dataclass

import numpy as np

from orfeas.errors import InvalidOption
from orfeas.options import Material

# Grams per cubic centimetre of the solid part, as makers' data sheets give them; other makers' differ by a few percent.
DENSITY_G_CM3 = {
    Material.PLA: 1.24,  # Prusament PLA
    Material.PETG: 1.27,  # Prusament PETG
    Material.ABS: 1.04,  # typical of unfilled ABS
    Material.ASA: 1.07,  # Prusament ASA
    Material.TPU: 1.22,  # UltiMaker TPU 95A
    Material.PA12: 0.93,  # EOS PA 2200, laser sintered
    Material.RESIN: 1.18,  # typical of cured acrylate resins
    Material.STEEL: 7.97,  # EOS StainlessSteel 316L
    Material.BRONZE: 8.8,  # cast tin bronze, CuSn10
    Material.ALUMINIUM: 2.67,  # EOS Aluminium AlSi10Mg
}


@dataclass(frozen=True)
class Mass:
    """What a model weighs.

    Attributes:
        material: what it is made of.
        solid_g: filled through.
        printed_g: with the walls and the infill that were given; ``solid_g`` where none were.
    """

    material: Material
    solid_g: float
    printed_g: float


def mass_of(
    volume_mm3: float, area_mm2: float, material: Material, wall_mm: float | None = None, infill: float = 1.0
) -> Mass:
    """What a model of that volume and surface weighs.

    With walls and infill it is an estimate: the inside is taken as the model shrunk by the wall, in the proportion of
    surface to volume. That is exact for balls, cubes, and all solids that a ball touches on every side; flat plates
    come out somewhat light. Supports are not in it.

    Args:
        volume_mm3: of a closed model, over 0.
        area_mm2: over 0.
        material: what it is made of.
        wall_mm: the thickness of walls, floors and roofs, or None for a solid.
        infill: in [0, 1], how much of the inside is filled; asks for ``wall_mm``.

    Raises:
        InvalidOption: a value is out of range.
    """
    if not (0 < volume_mm3 < np.inf and 0 < area_mm2 < np.inf):
        raise InvalidOption("Only a closed model has a volume, and so a mass.", "volume_mm3")
    if not 0 <= infill <= 1:
        raise InvalidOption(f"Infill is a share from 0 to 1, not {infill:g}.", "infill")
    if wall_mm is None and infill < 1:
        raise InvalidOption("A model with infill has walls; their thickness is missing.", "wall_mm")
    if wall_mm is not None and not 0 <= wall_mm < np.inf:
        raise InvalidOption(f"A wall cannot be {wall_mm:g} mm thick.", "wall_mm")
    inside = 0.0
    if wall_mm is not None:
        inside = volume_mm3 * max(0.0, 1.0 - wall_mm * area_mm2 / (3.0 * volume_mm3)) ** 3
    solid_g = volume_mm3 / 1000.0 * DENSITY_G_CM3[material]
    printed_g = solid_g * (1.0 - (1.0 - infill) * inside / volume_mm3)
    return Mass(material, solid_g, printed_g)
