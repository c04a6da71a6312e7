"""Every recorded case of the reference's geometry: what a camera sees, which views are chosen, and what they bake.

Sizes, models, cameras and tolerances are the manifest's; ``ORFEAS_GOLDEN_PAINT`` names another folder.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from orfeas.progress import Progress
from orfeas.textures.bake import Paint, Shot, back_project, bake, find_edges
from orfeas.textures.cameras import CANDIDATES, Camera, View, project
from orfeas.textures.control_maps import render_maps, to_bytes
from orfeas.textures.inpaint import fill
from orfeas.textures.rasterize import rasterize
from orfeas.textures.subject import Subject, set_up
from orfeas.textures.texels import Texels, make_texels
from orfeas.textures.views import find_seen_faces, select_views
from tests.paint_set import PAINT_SET, image_u8
from tests.textures.looking import CPU

RENDER, BAKE, SELECT = (PAINT_SET.cases[name] for name in ("render", "bake", "select"))
# The reference keeps the model in another frame: (x, y, z) → (−x, z, −y) (specification §7.2).
REFERENCE_FRAME = torch.tensor([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True)
class Baked:
    """The recorded model and its texture."""

    subject: Subject
    texels: Texels
    shots: list[Shot]
    side_px: int

    def image(self, texel: torch.Tensor, values: torch.Tensor) -> NDArray[np.float32]:
        """``[T · T, C]`` of values of some texels; zero elsewhere."""
        image = torch.zeros((self.side_px**2, values.shape[1]))
        image[self.texels.index[texel]] = values
        return image.numpy()


def recorded_subject(name: str) -> Subject:
    return set_up(PAINT_SET.array(f"{name}/vertices"), PAINT_SET.array(f"{name}/faces"), CPU)


@pytest.fixture(scope="module")
def baked() -> Baked:
    subject = recorded_subject("mesh")
    side = PAINT_SET.array("bake/merged_mask").shape[0]
    texels = make_texels(subject, PAINT_SET.tensor("mesh/uv"), side, "corners")
    picture_px = round(np.sqrt(8 * PAINT_SET.array("bake/0/edge_bits").size))
    shots = [
        Shot(view_of(*row), torch.from_numpy(image_u8(PAINT_SET.own(f"bake/{number}"), picture_px)))
        for number, row in enumerate(BAKE["views_elev_azim_weight"])
    ]
    return Baked(subject, texels, shots, side)


def view_of(elevation: float, azimuth: float, weight: float) -> View:
    return View(Camera(elevation, azimuth), weight)


@pytest.mark.parametrize("number", range(len(RENDER["cameras_elev_azim"])))
def test_a_camera_sees_what_was_recorded(number: int) -> None:
    subject, side = recorded_subject("mesh"), RENDER["resolution"]
    camera = Camera(*RENDER["cameras_elev_azim"][number])
    face = rasterize(project(subject.points, camera), subject.faces, side, side, "corners").face.numpy()
    is_same = face == PAINT_SET.array(f"render/{number}/face_id").astype(np.int64) - 1
    assert is_same.mean() >= 0.995
    maps = render_maps(subject, camera, side)
    is_covered = is_same & (face >= 0)
    expected = PAINT_SET.array(f"render/{number}/position")
    assert maps.position.numpy()[is_covered] == pytest.approx(expected[is_covered], abs=2e-4)
    levels = to_bytes(maps.normal).numpy().astype(int)
    assert np.abs(levels - PAINT_SET.array(f"render/{number}/normal_u8"))[is_same].max() <= 1


def test_the_candidates_are_those_recorded() -> None:
    recorded = [view_of(*row) for row in SELECT["candidates_elev_azim_weight"]]
    assert recorded == list(CANDIDATES)


def test_each_candidate_sees_as_many_faces_as_recorded() -> None:
    subject = recorded_subject("select")
    seen = find_seen_faces(subject, [view.camera for view in CANDIDATES], Progress())
    share = (seen * subject.areas).sum(dim=1) / subject.areas.sum()
    recorded = np.array(SELECT["per_candidate_visible_faces_area_pixels"])
    assert np.abs(seen.sum(dim=1).numpy() - recorded[:, 0]).max() <= 2
    assert share.numpy() == pytest.approx(recorded[:, 1], abs=0.01)


@pytest.mark.parametrize("most", SELECT["selected"])
def test_the_views_chosen_are_those_recorded(most: str) -> None:
    chosen = select_views(recorded_subject("select"), int(most), Progress())
    assert chosen == [view_of(*row) for row in SELECT["selected"][most]]


def test_the_texels_lie_where_they_were_recorded(baked: Baked) -> None:
    row, column = PAINT_SET.array("bake/texel_rc").astype(np.int64).T
    assert np.array_equal(baked.texels.index.numpy(), row * baked.side_px + column)
    place = (baked.texels.point @ REFERENCE_FRAME.T).numpy()
    assert place == pytest.approx(PAINT_SET.array("bake/texel_position"), abs=2e-4)


def shown(baked: Baked, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Edges of a view's distances as found, and as recorded."""
    shot = baked.shots[number]
    side = shot.image.shape[0]
    points = project(baked.subject.points, shot.view.camera)
    raster = rasterize(points, baked.subject.faces, side, side, "corners")
    edges = find_edges(raster.depth)
    bits = np.unpackbits(PAINT_SET.array(f"bake/{number}/edge_bits"), count=side * side)
    return edges, bits.reshape(side, side).astype(np.bool_)


@pytest.mark.parametrize("number", range(len(BAKE["views_elev_azim_weight"])))
def test_the_edges_of_distance_are_those_recorded(baked: Baked, number: int) -> None:
    found, recorded = shown(baked, number)
    assert (found == recorded).mean() >= 0.995


@pytest.mark.parametrize("number", range(len(BAKE["views_elev_azim_weight"])))
def test_a_view_bakes_what_was_recorded(baked: Baked, number: int) -> None:
    sample = back_project(baked.subject, baked.texels, baked.shots[number], BAKE["radius"], BAKE["angle_deg"])
    cosine = baked.image(sample.texel, sample.cosine[:, None])[:, 0]
    values = baked.image(sample.texel, sample.values)
    recorded = PAINT_SET.array(f"bake/{number}/cos").ravel()
    assert ((cosine > 0) == (recorded > 0)).mean() >= 0.97
    both = (cosine > 0) & (recorded > 0)
    assert (np.abs(cosine - recorded)[both] <= 1e-3).mean() >= 0.97
    texture = PAINT_SET.array(f"bake/{number}/texture").reshape(values.shape)
    assert np.abs(values - texture)[both].max() <= 0.06


def merge(baked: Baked) -> Paint:
    return bake(baked.subject, baked.texels, baked.shots, Progress(), BAKE["angle_deg"], BAKE["radius"])


def test_all_views_together_bake_what_was_recorded(baked: Baked) -> None:
    paint = merge(baked)
    everywhere = torch.arange(len(paint.values))
    is_painted = baked.image(everywhere, paint.is_painted[:, None].float())[:, 0] > 0
    recorded = PAINT_SET.array("bake/merged_mask").ravel() > 0
    assert (is_painted == recorded).mean() >= 0.95
    both = is_painted & recorded
    values = baked.image(everywhere, paint.values)
    far = np.abs(values - PAINT_SET.array("bake/merged").reshape(values.shape)).max(axis=1)
    assert (far[both] <= 0.06).mean() >= 0.90


def test_what_was_painted_stays_and_the_rest_is_between_the_extremes(baked: Baked) -> None:
    paint = merge(baked)
    values = fill(baked.texels, paint, Progress())
    assert torch.equal(values[paint.is_painted], paint.values[paint.is_painted])
    painted = paint.values[paint.is_painted]
    assert (values >= painted.amin(dim=0) - 1e-3).all()
    assert (values <= painted.amax(dim=0) + 1e-3).all()


def test_holes_are_filled_much_as_the_reference_fills_them(baked: Baked) -> None:
    # Informative in the manifest: the reference blurs along triangle edges and over the flat texture.
    paint = merge(baked)
    values = baked.image(torch.arange(len(paint.values)), fill(baked.texels, paint, Progress()))
    recorded = PAINT_SET.array("inpaint/final_u8").reshape(values.shape) / 255
    is_texel = np.zeros(len(values), dtype=np.bool_)
    is_texel[baked.texels.index] = True
    assert np.median(np.abs(values - recorded)[is_texel]) <= 0.06
