"""Marching cubes on the known cells of a sparse volume."""

from dataclasses import dataclass

import torch
import trimesh
from torch import Tensor

from orfeas.engines.hunyuan.cases import CENTRE, EDGES, FACES, case_table
from orfeas.engines.hunyuan.volume import SparseVolume
from orfeas.errors import InvalidImage

# Vertices keep this share of an edge's length from its ends, so that those of a sample exactly at the level stay apart
# when a file in float32 is read back and welded (6e-5 of a cell, 2.4e-7 at a resolution of 512).
MARGIN = 2.0**-14


@dataclass(frozen=True)
class Surface:
    """The surface of one field.

    Attributes:
        mesh: in the box's frame, counter-clockwise outside, one vertex per crossed grid edge; watertight unless
            ``is_cut_by_box``.
        is_cut_by_box: the solid reaches the box and the mesh is open there.
    """

    mesh: trimesh.Trimesh
    is_cut_by_box: bool


def extract_surface(volume: SparseVolume) -> list[Surface]:
    """The surface of each row of a volume.

    Vertices follow specification §9's exact mapping, ``v / R · 2b − b``, in float64.

    Raises:
        InvalidImage: a row has no surface.
    """
    surfaces = []
    for row in range(volume.rows):
        cells = volume.cells[:, volume.cells[0] == row]
        if not cells.shape[1]:
            raise InvalidImage(
                "No surface came out: the engine made nothing solid of this picture. Try another seed, more steps or "
                "a clearer picture."
            )
        surfaces.append(_extract(volume, cells))
    return surfaces


def _extract(volume: SparseVolume, cells: Tensor) -> Surface:
    device = cells.device
    slots = volume.pages.reserve(cells, (0, 1)).view(8, -1)
    values = volume.pages.values[slots]
    is_inside = values > 0
    table, faces, ends = case_table(), torch.tensor(FACES, device=device).T, torch.tensor(EDGES, device=device).T
    config = _to_number(is_inside)
    joined = _to_number(_is_joined(values[faces]))
    case = torch.from_numpy(table.row_of).to(device)[config, joined]

    is_crossed = is_inside[ends[0]] != is_inside[ends[1]]
    edge, cell = is_crossed.nonzero().unbind(1)
    keys, vertex = torch.unique(slots[ends[0, edge], cell] * 3 + edge // 4, return_inverse=True)
    vertices = _cross(volume, keys)
    vertex_of = torch.full((CENTRE + 1, len(case)), -1, dtype=torch.int64, device=device)
    vertex_of[edge, cell] = vertex

    is_centred = torch.from_numpy(table.centred).to(device)[case]
    centred = is_centred.any(1).nonzero()[:, 0]
    loops = is_centred[centred].T[..., None]
    around = vertices[vertex_of[:CENTRE, centred].clamp(min=0)]
    vertex_of[CENTRE, centred] = len(vertices) + torch.arange(len(centred), device=device)
    vertices = torch.cat([vertices, (around * loops).sum(0) / loops.sum(0)])

    corners = torch.from_numpy(table.triangles).to(device)[case]
    cell, number = (corners[..., 0] >= 0).nonzero().unbind(1)
    triangles = vertex_of[corners[cell, number], cell[:, None]]
    mesh = trimesh.Trimesh(vertices.cpu().numpy(), triangles.cpu().numpy(), process=False)
    return Surface(mesh, _is_cut(cells, is_inside[faces], volume.resolution))


def _to_number(bits: Tensor) -> Tensor:
    """Bits ``[b, n]``, the lowest first, as numbers ``[n]``."""
    return (bits << torch.arange(len(bits), device=bits.device)[:, None]).sum(0)


def _is_joined(corners: Tensor) -> Tensor:
    """Whether the inside pair of faces ``[4, ...]`` with alternating corners is joined (asymptotic decider)."""
    a, b, c, d = corners
    return torch.where(a > 0, a * c > b * d, b * d > a * c)


def _cross(volume: SparseVolume, keys: Tensor) -> Tensor:
    """Where grid edges ``3 · slot + axis`` cross the level, ``[n, 3]`` float64 in the box."""
    below, axis = keys // 3, keys % 3
    lower = volume.pages.positions(below)
    step = torch.nn.functional.one_hot(axis + 1, 4).T
    above = volume.pages.reserve(lower + step, (0,)).flatten()
    start, end = volume.pages.values[below].double(), volume.pages.values[above].double()
    share = (start / (start - end)).clamp(MARGIN, 1 - MARGIN)
    index = (lower + step * share)[1:].T
    return index / volume.resolution * (2 * volume.bounds) - volume.bounds


def _is_cut(cells: Tensor, is_inside: Tensor, resolution: int) -> bool:
    """Whether the surface crosses the box: ``is_inside`` is ``[4, 6, n]``, the corners of each cell's faces."""
    at_box = torch.stack([cells[1:] == 0, cells[1:] == resolution - 1], dim=1).flatten(0, 1)
    is_crossed = is_inside.any(0) & ~is_inside.all(0)
    return bool((at_box & is_crossed).any())
