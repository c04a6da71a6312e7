import numpy as np
import pytest
from numpy.typing import NDArray

from orfeas.meshes.film import Patches, draw_films
from orfeas.meshes.halfedges import ends, half_edges
from tests.meshes.test_fill import area, flower

NOTHING = np.zeros(0, dtype=np.int64)


def star(rim: NDArray[np.float64]) -> Patches:
    """A disc of long triangles that begin at the first point of the rim."""
    far = np.arange(1, len(rim) - 1)
    faces = np.column_stack([np.zeros(len(far), dtype=np.int64), far, far + 1])
    return Patches(rim, faces, np.zeros(len(far), dtype=np.int64))


def circle(count: int, height: float = 0.0) -> NDArray[np.float64]:
    turns = np.arange(count) / count * 2 * np.pi
    return np.column_stack([np.cos(turns), np.sin(turns), height * np.sin(2 * turns)])


def sides_of(patches: Patches) -> NDArray[np.float64]:
    """``[m, 3]`` lengths."""
    corners = patches.points[patches.faces]
    lengths: NDArray[np.float64] = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    return lengths


@pytest.mark.parametrize("length", [0.3, 0.1, 0.05])
def test_its_edges_are_as_long_as_asked(length: float) -> None:
    film = draw_films(star(circle(round(2 * np.pi / length), 0.3)), np.array([length]), NOTHING)
    sides = sides_of(film)
    assert np.quantile(sides, 0.98) <= 1.5 * length
    assert np.median(sides) >= 0.5 * length


def test_over_a_flat_rim_it_is_flat_and_covers_it_once() -> None:
    rim = circle(100)
    film = draw_films(star(rim), np.array([0.06]), NOTHING)
    assert film.points[:, 2] == pytest.approx(0.0, abs=1e-12)
    assert area(film.points, film.faces) == pytest.approx(area(rim, star(rim).faces))


def test_it_has_hardly_more_area_than_the_least_that_is_known() -> None:
    # Of Enneper's surface, which is the film over its own rim, up to a reach of r: pi (r^2 + r^4 + r^6 / 3).
    reach, turns = 0.8, np.arange(200) / 200 * 2 * np.pi
    u, v = reach * np.cos(turns), reach * np.sin(turns)
    rim = np.column_stack([u - u**3 / 3 + u * v**2, v - v**3 / 3 + v * u**2, u**2 - v**2])
    film = draw_films(star(rim), np.array([0.04]), NOTHING)
    least = np.pi * (reach**2 + reach**4 + reach**6 / 3)
    assert area(film.points, film.faces) == pytest.approx(least, rel=0.01)


def test_the_rim_stays_and_the_disc_too() -> None:
    rim = flower(80, 0.4)
    film = draw_films(star(rim), np.array([0.08]), NOTHING)
    assert np.array_equal(film.points[:80], rim)
    sides = half_edges(film.faces)
    open_ends = ends(film.faces, sides.of_edges(sides.count == 1))
    assert {frozenset(pair) for pair in open_ends.tolist()} == {frozenset((i, (i + 1) % 80)) for i in range(80)}
    assert sides.count.max() == 2
    assert len(film.points) - len(sides.count) + len(film.faces) == 1


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_does_not_matter(scale: float) -> None:
    rim = flower(60, 0.4)
    film = draw_films(star(rim), np.array([0.1]), NOTHING)
    scaled = draw_films(star(rim * scale), np.array([0.1 * scale]), NOTHING)
    assert len(scaled.faces) == len(film.faces)
    assert area(scaled.points, scaled.faces) == pytest.approx(scale**2 * area(film.points, film.faces), rel=1e-6)


def test_holes_are_as_fine_as_each_should_be() -> None:
    rim = circle(40, 0.2)
    both = Patches(
        np.concatenate([rim, rim + 5.0]),
        np.concatenate([star(rim).faces, star(rim).faces + 40]),
        np.repeat([0, 1], 38),
    )
    film = draw_films(both, np.array([0.4, 0.1]), NOTHING)
    coarse, fine = (np.count_nonzero(film.hole == hole) for hole in (0, 1))
    assert fine > 3 * coarse


def test_no_edge_is_made_that_is_known() -> None:
    square = np.array([[0.0, 0, 0], [2, 0, 0], [2.2, 1, 0], [0, 1, 0]])
    thin = Patches(square, np.array([[0, 1, 2], [0, 2, 3]]), np.zeros(2, dtype=np.int64))
    free = draw_films(thin, np.array([10.0]), NOTHING)
    barred = draw_films(thin, np.array([10.0]), np.array([1 * 4 + 3]))
    assert {1, 3} <= set(free.faces[0].tolist())
    assert np.array_equal(barred.faces, thin.faces)
