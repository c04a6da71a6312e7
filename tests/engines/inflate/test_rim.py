import numpy as np
import pytest
from scipy.spatial import cKDTree

from orfeas.engines.inflate.rim import Rim, place_rim
from orfeas.engines.inflate.silhouette import trace
from tests.images.drawings import DRAWINGS, SPECIAL, picture

NAMES = [*DRAWINGS, *SPECIAL]


def rim_of(name: str, spacing_px: float = 6.0) -> Rim:
    return place_rim(trace(np.asarray(picture(name))[..., 3], 192), spacing_px)


def area(rim: Rim) -> float:
    (x, y), (u, v) = rim.points.T, rim.points[rim.following].T
    return float((x * v - u * y).sum() / 2)


@pytest.mark.parametrize("name", NAMES)
def test_no_point_lies_in_the_diametral_circle_of_a_side(name: str) -> None:
    rim = rim_of(name)
    distance, _ = cKDTree(rim.points).query((rim.points + rim.points[rim.following]) / 2)
    assert (distance >= rim.lengths / 2 * (1 - 1e-6)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_polygons_have_the_area_of_the_curves(name: str) -> None:
    silhouette = trace(np.asarray(picture(name))[..., 3], 192)
    assert area(place_rim(silhouette, 6.0)) == pytest.approx(silhouette.area_px, rel=0.01)


def test_every_point_is_followed_by_one_and_follows_one() -> None:
    rim = rim_of("target")
    assert sorted(rim.following.tolist()) == list(range(len(rim.points)))


def test_points_are_as_far_apart_as_asked_for_where_the_outline_is_smooth() -> None:
    assert np.median(rim_of("disc", 10.0).lengths) == pytest.approx(10.0, rel=0.05)


def test_points_are_closer_where_the_outline_runs_close_to_itself() -> None:
    lengths = rim_of("comb", 30.0).lengths
    assert lengths.min() < 8 < 20 < lengths.max()


def test_normals_point_into_the_subject() -> None:
    rim = rim_of("disc")
    outward = rim.points - rim.points.mean(axis=0)
    assert (rim.inward * outward).sum(axis=1) == pytest.approx(-np.linalg.norm(outward, axis=1), rel=0.01)


def test_curves_closer_than_their_points_are_refined() -> None:
    alpha = np.full((300, 300), 255, np.uint8)
    alpha[:, 149] = 60
    alpha[120:180, 149] = 100
    rim = place_rim(trace(alpha, 64), 40.0)
    distance, _ = cKDTree(rim.points).query((rim.points + rim.points[rim.following]) / 2)
    assert (distance >= rim.lengths / 2 * (1 - 1e-6)).all()
