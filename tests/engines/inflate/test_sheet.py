from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from orfeas.engines.inflate.rim import place_rim
from orfeas.engines.inflate.sheet import Sheet, find_edges, split, triangulate
from orfeas.engines.inflate.silhouette import trace
from tests.images.drawings import DRAWINGS, SPECIAL, picture

# Parts less holes, of a flat sheet.
EULER = {"doughnut": 0, "mug": 0, "chair": -1, "three_parts": 3, "two_holes": -1, "target": 1, "key": 0, "wheel": -15}


@cache
def sheet_of(name: str, spacing_px: float = 6.0) -> Sheet:
    return triangulate(place_rim(trace(np.asarray(picture(name))[..., 3], 192), spacing_px), spacing_px)


def areas(sheet: Sheet) -> NDArray[np.float64]:
    a, b, c = sheet.points[sheet.triangles].transpose(1, 0, 2)
    doubled: NDArray[np.float64] = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return doubled / 2


@pytest.mark.parametrize("spacing_px", [4.0, 12.0, 60.0])
@pytest.mark.parametrize("name", [*DRAWINGS, *SPECIAL])
def test_the_sheet_fills_the_outline_and_no_more(name: str, spacing_px: float) -> None:
    rim = place_rim(trace(np.asarray(picture(name))[..., 3], 192), spacing_px)
    sheet = triangulate(rim, spacing_px)
    (x, y), (u, v) = rim.points.T, rim.points[rim.following].T
    assert areas(sheet).sum() == pytest.approx((x * v - u * y).sum() / 2, rel=1e-4)
    assert (areas(sheet) > 0).all()


@pytest.mark.parametrize("name", [*DRAWINGS, *SPECIAL])
def test_its_boundary_is_made_of_simple_closed_curves(name: str) -> None:
    sheet = sheet_of(name)
    edges = find_edges(sheet.triangles)
    counts = np.bincount(edges.of_triangle.ravel())
    assert set(counts.tolist()) == {1, 2}
    ends = np.bincount(edges.ends[edges.is_boundary].ravel(), minlength=len(sheet.points))
    assert (ends[sheet.is_rim] == 2).all()
    assert (ends[~sheet.is_rim] == 0).all()


@pytest.mark.parametrize("name", [*DRAWINGS, *SPECIAL])
def test_no_edge_but_the_rim_s_own_joins_two_points_of_the_rim(name: str) -> None:
    sheet = sheet_of(name)
    edges = find_edges(sheet.triangles)
    assert (edges.is_boundary | ~sheet.is_rim[edges.ends].all(axis=1)).all()
    assert not sheet.is_rim[sheet.triangles].all(axis=1).any()


@pytest.mark.parametrize("name", sorted(EULER))
def test_parts_and_holes_are_the_picture_s(name: str) -> None:
    sheet = sheet_of(name)
    assert len(sheet.points) - len(find_edges(sheet.triangles).ends) + len(sheet.triangles) == EULER[name]


def test_triangles_are_about_as_large_as_asked_for() -> None:
    assert np.median(areas(sheet_of("square", 8.0))) == pytest.approx(8.0**2 * 3**0.5 / 4, rel=0.05)


def test_the_distance_is_that_from_the_outline() -> None:
    sheet = sheet_of("disc")
    radius = np.linalg.norm(sheet.points - 256, axis=1)
    assert sheet.distance == pytest.approx(0.35 * 512 - radius, abs=0.6)
    assert (sheet.distance[sheet.is_rim] == 0).all()


@pytest.mark.parametrize("divided", [(), (0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_dividing_a_triangle_keeps_its_area_and_its_winding(divided: tuple[int, ...]) -> None:
    corners = np.array([[0.0, 0], [4, 0], [0, 4]])
    points = np.concatenate([corners, (corners + np.roll(corners, -1, axis=0)) / 2])
    middles = np.array([[3 + k if k in divided else -1 for k in range(3)]])
    pieces = split(np.array([[0, 1, 2]]), middles)
    a, b, c = points[pieces].transpose(1, 0, 2)
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert len(pieces) == len(divided) + 1
    assert (doubled > 0).all()
    assert doubled.sum() == pytest.approx(16)
    assert set(pieces.ravel()) == {0, 1, 2, *(3 + k for k in divided)}
