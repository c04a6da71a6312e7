"""Colours for texels that no camera saw: those around them, carried on over the surface.

The pieces of the surface that hold painted texels keep their mean; between them the others get the smoothest values
there are, the solution of Laplace's equation over the pieces. That knows nothing of UV islands, so it crosses their
seams, and does not leak through thin walls. Right beside painted texels their own colours fade into it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree
from torch import Tensor

from orfeas.errors import InvalidMesh
from orfeas.progress import Progress
from orfeas.textures.bake import Paint
from orfeas.textures.cells import Cells, Links, find_links, interpolate_cells, make_cells, mean_over
from orfeas.textures.texels import Texels

Floats = NDArray[np.float64]

# How much a link over a hard edge counts to one on a flat side: only where there is nothing else to go by.
OVER_AN_EDGE = 1e-3
# So many cells wide is the band in which painted texels' own colours fade out, each place taking the nearest few.
FADE_CELLS, NEAREST = 1.0, 4


def fill(texels: Texels, paint: Paint, progress: Progress) -> Tensor:
    """Values ``[k, C]`` float32 for all texels; painted ones keep theirs. The same weights for all channels.

    Time grows with the number of texels.

    Args:
        texels: of the texture.
        paint: what was painted.
        progress: asked between steps whether to stop.

    Raises:
        InvalidMesh: nothing was painted.
        Cancelled: the user has stopped the work.
    """
    painted, open_ = paint.is_painted.nonzero().squeeze(1), (~paint.is_painted).nonzero().squeeze(1)
    if not len(painted):
        raise InvalidMesh("None of the model can be seen well enough to paint it; turn it to the front, or thicken it.")
    if not len(open_):
        return paint.values
    cells = make_cells(texels)
    progress.check()
    smooth, is_by_paint = _smooth_values(texels, paint, cells, painted, progress)
    progress.check()
    point, normal = texels.point.index_select(0, open_), texels.normal.index_select(0, open_)
    filled = interpolate_cells(cells, smooth, point, normal)
    progress.check()
    by_paint = is_by_paint.index_select(0, cells.of_texel.index_select(0, open_)).nonzero().squeeze(1)
    if len(by_paint):
        reach = FADE_CELLS * cells.size
        filled[by_paint] = _faded(texels, paint, reach, open_[by_paint], filled[by_paint])
    values = paint.values.clone()
    values[open_] = filled
    return values


def _smooth_values(
    texels: Texels, paint: Paint, cells: Cells, painted: Tensor, progress: Progress
) -> tuple[Tensor, Tensor]:
    """``[p, C]`` the value of each piece, and ``[p]`` whether it or one that it touches holds painted texels."""
    everyone = torch.arange(len(texels.index), device=painted.device)
    geometry, _ = mean_over(cells, torch.cat([texels.point, texels.normal], dim=1), everyone)
    mean, count = mean_over(cells, paint.values.index_select(0, painted), painted)
    links = find_links(cells, geometry[:, 3:])
    progress.check()
    graph = _Graph(
        points=geometry[:, :3].cpu().numpy().astype(np.float64), links=links, is_known=(count > 0).cpu().numpy()
    )
    is_by_paint = graph.is_known.copy()
    for one, other in (links.pairs.T, links.pairs.T[::-1]):
        is_by_paint[one[graph.is_known[other]]] = True
    values = _extend(graph, mean.cpu().numpy().astype(np.float64))
    return torch.from_numpy(values).to(mean), torch.from_numpy(is_by_paint).to(mean.device)


@dataclass(frozen=True)
class _Graph:
    """Pieces at ``points`` ``[p, 3]`` with their links, some of whose values are known ``[p]``."""

    points: Floats
    links: Links
    is_known: NDArray[np.bool_]


def _extend(graph: _Graph, values: Floats) -> Floats:
    """``[p, C]`` the known values, and the harmonic ones between them."""
    count = len(graph.points)
    one, two = graph.links.pairs.T
    length = np.linalg.norm(graph.points[one] - graph.points[two], axis=1)
    strength = np.maximum(graph.links.agreement, 0.0) ** 2 + OVER_AN_EDGE
    upper = coo_array((strength / np.maximum(length, 1e-9), (one, two)), shape=(count, count))
    weights = csr_array(upper + upper.T)
    is_known = _with_islands(graph, weights, values := values.copy())
    unknown = np.flatnonzero(~is_known)
    if not len(unknown):
        return values
    rows = weights[unknown]
    degree = rows.sum(axis=1)
    inner = csc_array(diags_array(degree) - rows[:, unknown])
    border = rows[:, np.flatnonzero(is_known)] @ values[is_known]
    # Solved directly: links over hard edges are so weak that iterations would stop long before they count.
    solver = splu(inner, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    values[unknown] = solver.solve(border)
    return values


def _with_islands(graph: _Graph, weights: csr_array, values: Floats) -> NDArray[np.bool_]:
    """Which values are known after each body without any has been given, in ``values``, the nearest one there is."""
    labels = connected_components(weights, directed=False)[1]
    has_paint = np.zeros(labels.max() + 1, dtype=np.bool_)
    has_paint[labels[graph.is_known]] = True
    lost = np.flatnonzero(~has_paint[labels])
    if len(lost):
        known = np.flatnonzero(graph.is_known)
        values[lost] = values[known[KDTree(graph.points[known]).query(graph.points[lost])[1]]]
    is_known = graph.is_known.copy()
    is_known[lost] = True
    return is_known


def _faded(texels: Texels, paint: Paint, reach: float, chosen: Tensor, smooth: Tensor) -> Tensor:
    """``smooth`` ``[j, C]`` values of the texels numbered ``chosen``, mixed with those of painted texels in reach."""
    rim = _rim(texels, paint.is_painted)
    tree = KDTree(_place(texels, rim, reach))
    found = tree.query(_place(texels, chosen, reach), k=NEAREST, distance_upper_bound=reach, workers=-1)
    distance, nearest = np.asarray(found[0]), np.asarray(found[1])
    close = np.flatnonzero(np.isfinite(distance[:, 0]))
    distance, nearest = distance[close], np.minimum(nearest[close], len(rim) - 1)
    weight = 1 / np.maximum(distance, 1e-6) ** 2  # zero for those that are out of reach
    share = torch.from_numpy(weight / weight.sum(axis=1, keepdims=True)).to(smooth)
    local = (paint.values[rim[torch.from_numpy(nearest).to(rim)]] * share[..., None]).sum(dim=1)
    fade = torch.from_numpy((1 - distance[:, 0] / reach) ** 2).to(smooth)[:, None]
    place = torch.from_numpy(close).to(rim)
    return smooth.index_copy(0, place, torch.lerp(smooth[place], local, fade))


def _place(texels: Texels, chosen: Tensor, reach: float) -> Floats:
    """``[j, 6]`` point and normal, so scaled that what faces the other way is out of reach."""
    point, normal = texels.point.index_select(0, chosen), texels.normal.index_select(0, chosen)
    return torch.cat([point, normal * reach], dim=1).cpu().numpy().astype(np.float64)


def _rim(texels: Texels, is_painted: Tensor) -> Tensor:
    """The numbers of painted texels that have a neighbour in the texture which is not painted."""
    side = texels.side_px
    image = torch.zeros(side * side, dtype=torch.bool, device=is_painted.device)
    image[texels.index] = is_painted
    padded = torch.nn.functional.pad(image.view(side, side), (1, 1, 1, 1))
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return (is_painted & ~inner.flatten()[texels.index]).nonzero().squeeze(1)
