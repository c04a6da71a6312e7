"""What a mesh may be at most, checked where one comes in or goes out."""

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh

MAX_FACES = 10_000_000
# Of triangles that share nothing.
MAX_VERTICES = 3 * MAX_FACES
# Millimetres: a thousand kilometres, so that products of three lengths stay well within a 32-bit float.
MAX_COORDINATE = 1e9


def check_counts(faces: int, vertices: int = 0) -> None:
    """Refuse what is too large, before any array of that size is made.

    Raises:
        InvalidMesh: over ten million faces, or more vertices than so many faces can use.
    """
    if faces > MAX_FACES:
        raise InvalidMesh(f"The model has {faces:,} faces; at most {MAX_FACES:,} can be read.")
    if vertices > MAX_VERTICES:
        raise InvalidMesh(f"The model has {vertices:,} vertices; at most {MAX_VERTICES:,} can be read.")


def check_points(points: NDArray[np.float64]) -> None:
    """Refuse points ``[n, d]``, in millimetres, that no model has.

    Raises:
        InvalidMesh: a number is not finite, or beyond a thousand kilometres.
    """
    if not np.isfinite(points).all():
        raise InvalidMesh("The model has points that are not finite numbers.")
    if np.abs(points).max(initial=0.0) > MAX_COORDINATE:
        raise InvalidMesh("The model has points more than a thousand kilometres away.")


def check_corners(faces: NDArray[np.int64], vertices: int) -> None:
    """Refuse faces ``[m, 3]`` that name vertices there are none of.

    Raises:
        InvalidMesh: a corner is negative, or not below ``vertices``.
    """
    if len(faces) and not 0 <= faces.min() <= faces.max() < vertices:
        raise InvalidMesh("The model has faces whose corners do not exist.")
