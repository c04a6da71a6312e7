"""How far the solid bulges: a Poisson problem over the sheet, solved by finite elements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import splu

from orfeas.engines.inflate.sheet import Sheet

Floats = NDArray[np.float64]

# −Δu = 4 bulges a disc to a ball by z = √u; −Δu = 2 bulges a long strip to a round tube.
BALL = 4.0
AVERAGINGS = 12


@dataclass(frozen=True)
class Relief:
    """The squared height over a sheet of ``n`` vertices.

    Attributes:
        squared: ``[n]``, z² at every vertex, zero on the rim, in squared pixels.
        gradient: ``[n, 2]``, of z²; on the rim it points inward and is not zero.
    """

    squared: Floats
    gradient: Floats


def inflate(sheet: Sheet) -> Relief:
    """Bulge the sheet: z = √u with −Δu = f inside and u = 0 on the rim.

    The root makes the tangent vertical at the rim, so that front and back meet smoothly. Inflation is from Teddy
    (Igarashi et al. 1999), the Poisson problem and its root from Repoussé (Joshi, Carr 2008); see also Monster Mash
    (Dvorožňák et al. 2020). On purpose different: f is 4 where the outline is round, which bulges a disc to a ball, and
    2 where it runs along a limb, which bulges a strip to a tube; with one constant, limbs would be deeper than wide.
    """
    areas, gradients = _elements(sheet)
    stiffness, mass = _stiffness(sheet, areas, gradients), _mass(sheet, areas)
    inner = np.flatnonzero(~sheet.is_rim)
    factors = splu(
        stiffness[inner][:, inner].tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    squared = np.zeros(len(sheet.points))
    squared[inner] = factors.solve(BALL * mass[inner])
    slope = np.linalg.norm(_at_vertices(sheet, areas, gradients, squared), axis=1)
    narrowness = _narrowness(sheet, stiffness, mass, squared, slope)
    squared[inner] = factors.solve((BALL / narrowness * mass)[inner])
    squared = np.maximum(squared, 0.0)
    return Relief(squared, _at_vertices(sheet, areas, gradients, squared))


def _elements(sheet: Sheet) -> tuple[Floats, Floats]:
    """Areas ``[t]`` of the triangles, and the gradients ``[t, 3, 2]`` of their corners' hat functions."""
    corners = sheet.points[sheet.triangles]
    opposite = np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1)
    doubled = opposite[:, 0, 0] * opposite[:, 1, 1] - opposite[:, 0, 1] * opposite[:, 1, 0]
    gradients = np.stack([-opposite[..., 1], opposite[..., 0]], axis=-1) / doubled[:, None, None]
    return doubled / 2, gradients


def _stiffness(sheet: Sheet, areas: Floats, gradients: Floats) -> csr_array:
    """The Laplacian ``[n, n]`` of linear elements, positive definite on inner vertices."""
    local = np.einsum("tic,tjc,t->tij", gradients, gradients, areas)
    rows = np.repeat(sheet.triangles, 3, axis=1).ravel()
    columns = np.tile(sheet.triangles, (1, 3)).ravel()
    number = len(sheet.points)
    return coo_array((local.ravel(), (rows, columns)), shape=(number, number)).tocsr()


def _mass(sheet: Sheet, areas: Floats) -> Floats:
    """``[n]``: a third of the area of the triangles around each vertex."""
    mass = np.bincount(sheet.triangles.ravel(), np.repeat(areas / 3, 3), minlength=len(sheet.points))
    return np.asarray(mass, dtype=np.float64)


def _at_vertices(sheet: Sheet, areas: Floats, gradients: Floats, values: Floats) -> Floats:
    """The gradient ``[n, 2]`` of a function, averaged over the triangles around each vertex by their areas."""
    weighted = np.einsum("tic,ti,t->tc", gradients, values[sheet.triangles], areas / 3)
    total = _mass(sheet, areas)
    sums = [np.bincount(sheet.triangles.ravel(), np.repeat(part, 3), minlength=len(total)) for part in weighted.T]
    return np.column_stack(sums) / total[:, None]


def _narrowness(sheet: Sheet, stiffness: csr_array, mass: Floats, squared: Floats, slope: Floats) -> Floats:
    """``[n]`` from 1, as in a disc, to 2, as in a long strip.

    With the distance d from the outline, a disc's u is d·(|∇u| + d) and a strip's is d·(|∇u| + 2d), wherever in it.
    """
    distance = np.maximum(sheet.distance, 1e-9)
    raw = np.clip((squared / distance - slope) / distance, 1.0, 2.0)
    # Near the outline it is the quotient of two small differences: the middle has the say.
    weight = np.where(sheet.is_rim, 0.0, mass * distance**2)
    neighbours = abs(stiffness)
    over, under = weight * raw, weight
    for _ in range(AVERAGINGS):
        over, under = neighbours @ over, neighbours @ under
        over, under = over / under.max(), under / under.max()
    return np.clip(over / np.maximum(under, 1e-300), 1.0, 2.0)
