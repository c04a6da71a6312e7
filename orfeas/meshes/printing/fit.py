"""A model at the size that is wanted, or that a printer can make."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.limits import MAX_COORDINATE, check_points


@dataclass(frozen=True)
class Fit:
    """A model that fits a printer.

    Attributes:
        mesh: it.
        scale: what its sides were multiplied with.
        is_turned: whether it was turned by a quarter about the vertical.
    """

    mesh: trimesh.Trimesh
    scale: float
    is_turned: bool


def scale(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    """A copy of ``mesh`` in its place (conventions §2), its sides multiplied with ``factor``; its look comes along.

    Raises:
        InvalidMesh: it is empty, a number is not finite, or it would be larger than any model.
        InvalidOption: the factor is not a number over 0.
    """
    if not 0 < factor < np.inf:
        raise InvalidOption(f"A model cannot be scaled by {factor:g}; the factor must be over 0.", "factor")
    return stand(mesh, np.eye(3) * factor)


def fit(
    mesh: trimesh.Trimesh, printer_mm: tuple[float, float, float], margin_mm: float = 0.0, may_enlarge: bool = False
) -> Fit:
    """``mesh`` in its place (conventions §2) at the largest size that a printer's volume holds.

    It is turned by a quarter about the vertical only where it fits at a larger size so.

    Args:
        mesh: millimetres.
        printer_mm: the volume along x, y (up) and z.
        margin_mm: kept free at each side, and above.
        may_enlarge: whether a model that fits may grow.

    Raises:
        InvalidMesh: it is empty, flat in every direction, or a number in it is not finite.
        InvalidOption: the printer's volume, less its margin, is nothing.
    """
    room = np.array(printer_mm) - np.array([2.0, 1.0, 2.0]) * margin_mm
    if not (np.isfinite(room).all() and (room > 0).all() and margin_mm >= 0):
        raise InvalidOption("A printer's volume, less its margin, must be over 0 mm along each side.", "printer_mm")
    size = np.ptp(used_vertices(mesh), axis=0)
    as_it_is, turned = _largest(size, room), _largest(size[[2, 1, 0]], room)
    if not may_enlarge:
        as_it_is, turned = min(as_it_is, 1.0), min(turned, 1.0)
    is_turned = turned > as_it_is
    factor = turned if is_turned else as_it_is
    if not np.isfinite(factor):
        raise InvalidMesh("All of the model lies in one point.")
    # A quarter about the vertical: x → −z, z → x.
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]) if is_turned else np.eye(3)
    return Fit(stand(mesh, turn * factor), factor, is_turned)


def stand(mesh: trimesh.Trimesh, matrix: NDArray[np.float64]) -> trimesh.Trimesh:
    """A copy of ``mesh``, turned and scaled by ``matrix`` ``[3, 3]`` and put in its place (conventions §2).

    Raises:
        InvalidMesh: it is empty, or a number is not finite or too large, before or after.
    """
    used = used_vertices(mesh) @ matrix.T
    if np.abs(used).max() > MAX_COORDINATE:
        raise InvalidMesh("The model would be over a thousand kilometres large.")
    low, high = used.min(axis=0), used.max(axis=0)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    return trimesh.Trimesh(
        vertices=np.asarray(mesh.vertices, dtype=np.float64) @ matrix.T - base,
        faces=np.asarray(mesh.faces).copy(),
        visual=visual_of(appearance_of(mesh), np.arange(len(mesh.vertices))),
        metadata=mesh.metadata,
        process=False,
    )


def used_vertices(mesh: trimesh.Trimesh) -> NDArray[np.float64]:
    """``[p, 3]`` the vertices of ``mesh`` that faces use.

    Raises:
        InvalidMesh: there are none, or a number is not finite or too large.
    """
    if not len(mesh.faces):
        raise InvalidMesh("The model is empty.")
    is_used = np.zeros(len(mesh.vertices), dtype=np.bool_)
    is_used[np.asarray(mesh.faces).ravel()] = True
    used = np.asarray(mesh.vertices, dtype=np.float64)[is_used]
    check_points(used)
    return used


def _largest(size: NDArray[np.float64], room: NDArray[np.float64]) -> float:
    """The factor by which a box just fits; infinite where it has no size."""
    with np.errstate(divide="ignore"):
        return float((room / size).min())
