"""Which views are chosen."""

import pytest
import torch

from orfeas.errors import Cancelled
from orfeas.progress import Progress
from orfeas.textures.cameras import CANDIDATES, Camera
from orfeas.textures.views import find_seen_faces, select_views
from tests.meshes.solids import box, joined, slab
from tests.textures.looking import subject_of_mesh


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty pictures for every selection; what these solids show is seen in small ones, too."""
    monkeypatch.setattr("orfeas.textures.views.SIDE_PX", 256)


def test_the_front_of_a_cube_is_all_that_is_seen_from_the_front() -> None:
    subject = subject_of_mesh(box())
    seen = find_seen_faces(subject, [Camera(0, 0)], Progress())[0]
    assert torch.equal(seen, subject.normals[:, 2] > 0.5)


def test_six_views_are_enough_for_a_cube() -> None:
    subject = subject_of_mesh(box())
    assert select_views(subject, 12, Progress()) == list(CANDIDATES[:6])
    assert find_seen_faces(subject, [view.camera for view in CANDIDATES[:6]], Progress()).any(dim=0).all()


def test_what_no_side_shows_is_looked_for_from_the_rings() -> None:
    # A screen before a wall: from the front it hides it, and from the sides the wall is a line.
    wall, screen = box().subdivide().subdivide().subdivide(), slab(0.02, (0.0, 0.0, 1.0), 0.9)
    subject = subject_of_mesh(joined(wall, screen))
    chosen = select_views(subject, 12, Progress())
    assert len(chosen) > 6
    seen = find_seen_faces(subject, [view.camera for view in chosen], Progress())
    for number in range(6, len(chosen)):
        gain = seen[number] & ~seen[:number].any(dim=0)
        assert float((gain * subject.areas).sum() / subject.areas.sum()) > 0.01
    # No more than asked for, and the same ones first.
    for most in (6, 7):
        assert select_views(subject, most, Progress()) == chosen[:most]


def test_it_stops_when_asked() -> None:
    with pytest.raises(Cancelled):
        select_views(subject_of_mesh(box()), 8, Progress(is_cancelled=lambda: True))


def test_the_model_is_not_changed() -> None:
    subject = subject_of_mesh(box())
    before = subject.points.clone()
    select_views(subject, 8, Progress())
    assert torch.equal(before, subject.points)
