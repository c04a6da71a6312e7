"""UV islands."""

import time

import numpy as np
import pytest
import torch
import trimesh
from numpy.typing import NDArray
from trimesh.visual.texture import TextureVisuals

from orfeas.errors import Cancelled, InvalidMesh
from orfeas.meshes.halfedges import label
from orfeas.meshes.stats import measure
from orfeas.textures import unwrap as module
from orfeas.textures.rasterize import rasterize
from orfeas.textures.texels import make_texels
from orfeas.textures.unwrap import PADDING, Layout, own_layout, unwrap
from tests.meshes.solids import blob, box, inverted, joined, soup, textured_ball
from tests.textures.looking import subject_of

SIDE = 512


def unwrapped(mesh: trimesh.Trimesh) -> Layout:
    return unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), SIDE)


def as_mesh(layout: Layout) -> trimesh.Trimesh:
    return trimesh.Trimesh(layout.vertices, layout.faces, process=False)


def islands(layout: Layout) -> NDArray[np.int64]:
    return label(np.concatenate([layout.faces[:, [0, 1]], layout.faces[:, [1, 2]]]), len(layout.vertices))


@pytest.mark.parametrize("mesh", [box(), blob(), joined(blob(), box(0.3, (2.0, 0.0, 0.0)))], ids=["box", "blob", "two"])
def test_the_model_stays_what_it_was(mesh: trimesh.Trimesh) -> None:
    layout = unwrapped(mesh)
    assert np.array_equal(layout.vertices[layout.faces], mesh.vertices[mesh.faces])
    assert np.array_equal(layout.origin[layout.faces], mesh.faces)
    before, after = measure(mesh), measure(as_mesh(layout))
    assert after.is_watertight and after.is_winding_consistent
    assert after.euler_number == before.euler_number
    assert after.volume_mm3 == pytest.approx(before.volume_mm3)


def test_every_face_has_a_place_of_its_own_within_the_texture() -> None:
    layout = unwrapped(blob())
    assert layout.uv.min() >= 0 and layout.uv.max() <= 1
    corners = layout.uv[layout.faces]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    assert (area > 0).all()
    texels = make_texels(subject_of(layout), torch.from_numpy(layout.uv), SIDE)
    assert len(texels.index) / SIDE**2 == pytest.approx(float(area.sum()), rel=0.02)


def test_islands_are_kept_apart() -> None:
    layout = unwrapped(blob())
    island = islands(layout)[layout.faces[:, 0]]
    place = np.column_stack([2 * layout.uv - 1, np.zeros(len(layout.uv))]).astype(np.float32)
    raster = rasterize(torch.from_numpy(place), torch.from_numpy(layout.faces), SIDE, SIDE, "centres")
    owner = np.where(raster.face.numpy() >= 0, island[raster.face.numpy()], -1)
    assert len(np.unique(owner)) > 4
    for step in range(1, PADDING):
        for one, other in ((owner[step:], owner[:-step]), (owner[:, step:], owner[:, :-step])):
            assert not ((one >= 0) & (other >= 0) & (one != other)).any()


def test_the_same_model_is_laid_out_the_same_and_is_not_changed() -> None:
    vertices, faces = np.array(blob().vertices), np.array(blob().faces)
    first, second = (unwrap(vertices, faces, SIDE) for _ in range(2))
    assert np.array_equal(first.uv, second.uv) and np.array_equal(first.faces, second.faces)
    assert np.array_equal(vertices, blob().vertices) and np.array_equal(faces, blob().faces)


@pytest.mark.parametrize(("size", "place"), [(1e-12, 0.0), (1e6, 0.0), (1.0, 1e7)])
def test_neither_size_nor_place_matters(size: float, place: float) -> None:
    mesh = blob(600)
    moved = unwrap(np.asarray(mesh.vertices) * size + place, np.asarray(mesh.faces), SIDE)
    assert islands(moved).max() == islands(unwrapped(mesh)).max()


def test_triangles_that_share_no_vertex_make_no_more_islands() -> None:
    mesh = blob(600)
    assert islands(unwrapped(soup(mesh))).max() == islands(unwrapped(mesh)).max()


def test_faces_wound_the_wrong_way_are_turned_outward() -> None:
    faces = np.array(blob(600).faces)
    faces[::7] = faces[::7, ::-1]
    layout = unwrap(np.asarray(blob(600).vertices), faces, SIDE)
    assert np.array_equal(np.sort(layout.origin[layout.faces], axis=1), np.sort(faces, axis=1))
    assert measure(as_mesh(layout)).is_winding_consistent
    assert as_mesh(layout).volume > 0
    assert as_mesh(unwrapped(inverted(blob(600)))).volume > 0
    assert islands(layout).max() == islands(unwrapped(blob(600))).max()


def test_a_face_without_area_does_no_harm() -> None:
    mesh = box()
    faces = np.vstack([mesh.faces, [[0, 0, 1], [2, 2, 2]]])
    layout = unwrap(np.asarray(mesh.vertices), faces, SIDE)
    assert np.array_equal(layout.origin[layout.faces], faces)
    assert np.isfinite(layout.uv).all()


@pytest.mark.parametrize(
    ("vertices", "faces", "words"),
    [
        (np.eye(3), np.zeros((0, 3), int), "no faces"),
        (np.eye(3), np.array([[0, 1, 3]]), "do not exist"),
        (np.full((3, 3), np.inf), np.array([[0, 1, 2]]), "not finite"),
        (np.ones((3, 3)), np.array([[0, 1, 2]]), "one point"),
        (np.array([[0.0, 0, 0], [1, 1, 1], [2, 2, 2]]), np.array([[0, 1, 2]]), "no area"),
    ],
)
def test_what_is_no_model_is_refused(vertices: NDArray[np.float64], faces: NDArray[np.int64], words: str) -> None:
    with pytest.raises(InvalidMesh, match=words):
        unwrap(vertices, faces, SIDE)


def test_it_stops_when_asked() -> None:
    mesh = blob(40_000)

    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), SIDE, stop)


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    mesh = blob(40_000)
    unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), SIDE, lambda done, total: told.append((done, total)))
    assert told
    assert {total for _, total in told} == {100}
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_it_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", -1.0)
    mesh = blob(40_000)
    start = time.monotonic()
    with pytest.raises(InvalidMesh, match="seconds"):
        unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), SIDE)
    assert time.monotonic() - start < 10


class TestOwnLayout:
    def test_good_uvs_are_kept(self) -> None:
        mesh = as_mesh(unwrapped(blob()))
        uv = unwrapped(blob()).uv
        mesh.visual = TextureVisuals(uv=uv)  # type: ignore[no-untyped-call]  # trimesh's gap
        layout = own_layout(mesh)
        assert np.array_equal(layout.uv, uv)
        assert np.array_equal(layout.faces, mesh.faces)
        assert np.array_equal(layout.origin, np.arange(len(mesh.vertices)))

    def test_a_model_without_any_is_refused(self) -> None:
        with pytest.raises(InvalidMesh, match="no UVs"):
            own_layout(box())

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda uv: uv * 2, "beyond the texture"),
            (lambda uv: uv - 0.2, "beyond the texture"),
            (lambda uv: np.where(uv < 0.3, np.nan, uv), "not finite"),
            (lambda uv: uv * (1, 0), "no area"),
            (lambda uv: np.abs(uv * (2, 1) - (1, 0)), "more than once"),
        ],
        ids=["too large", "outside", "nan", "flat", "mirrored"],
    )
    def test_uvs_that_cannot_be_painted_on_are_refused(self, change: object, words: str) -> None:
        ball = textured_ball(24)
        ball.visual.uv = change(ball.visual.uv)  # type: ignore[union-attr,operator]  # it has a texture
        with pytest.raises(InvalidMesh, match=words):
            own_layout(ball)

    def test_uvs_that_a_ball_unrolls_to_are_good_enough(self) -> None:
        assert len(own_layout(textured_ball(24)).faces) == len(textured_ball(24).faces)

    def test_a_mesh_without_any_area_is_refused(self) -> None:
        visual = TextureVisuals(uv=np.zeros((3, 2)))  # type: ignore[no-untyped-call]  # trimesh's gap
        mesh = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], visual=visual, process=False)
        with pytest.raises(InvalidMesh, match="no face of it has any area"):
            own_layout(mesh)
