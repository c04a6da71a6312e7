"""Baking: what was painted is what is seen."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from orfeas.errors import Cancelled
from orfeas.images.filters import grow
from orfeas.progress import Progress
from orfeas.textures.bake import DEPTH_TOLERANCE, Shot, back_project, bake, find_edges, find_usable, rim_px
from orfeas.textures.cameras import CANDIDATES, Camera, View, axes, project
from orfeas.textures.gutters import to_texture
from orfeas.textures.inpaint import fill
from orfeas.textures.rasterize import rasterize
from orfeas.textures.subject import Subject
from orfeas.textures.texels import Texels, make_texels
from orfeas.textures.unwrap import Layout, unwrap
from tests.meshes.solids import blob, box, joined, slab
from tests.textures.looking import look_at, subject_of

SIDE = 256
COLOURS = torch.tensor([[220, 30, 30], [30, 220, 30], [30, 30, 220], [220, 220, 30], [220, 30, 220], [30, 220, 220]])


def laid_out(mesh: trimesh.Trimesh, texture_size: int = SIDE) -> tuple[Layout, Subject, Texels]:
    layout = unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), texture_size)
    subject = subject_of(layout)
    return layout, subject, make_texels(subject, torch.from_numpy(layout.uv), texture_size)


def plain(colour: Tensor, side_px: int = SIDE) -> Tensor:
    return colour.to(torch.uint8).expand(side_px, side_px, len(colour)).contiguous()


def six_sides() -> list[Shot]:
    return [Shot(view, plain(colour)) for view, colour in zip(CANDIDATES[:6], COLOURS, strict=True)]


def test_a_cube_painted_in_six_colours_has_them_on_every_side_and_seam() -> None:
    layout, subject, texels = laid_out(box())
    texture = to_texture(texels, fill(texels, bake(subject, texels, six_sides(), Progress()), Progress()))
    for elevation, azimuth in ((25, 40), (-25, 130), (-30, 220), (30, 310), (80, 10), (-80, 50)):
        camera = Camera(elevation, azimuth)
        look = look_at(layout, texture, camera, 200)
        face = rasterize(project(subject.points, camera), subject.faces, 200, 200, "corners").face
        directions = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 0, -1], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
        side = (subject.normals @ directions.T).argmax(dim=1)
        expected = COLOURS[side[face.clamp(min=0).long()]].numpy() / 255
        assert np.abs(look.colour - expected)[look.is_shown].max() <= 1.01 / 255


def test_a_picture_comes_back_to_the_camera_that_took_it() -> None:
    layout, subject, texels = laid_out(blob(3000), 1024)
    wave = torch.arange(512) / 512 * 2 * torch.pi
    picture = torch.stack(
        [(3 * wave).sin().expand(512, 512), (2 * wave)[:, None].cos().expand(512, 512), torch.zeros(512, 512)], dim=2
    )
    image = (127.5 + 127.5 * picture).to(torch.uint8)
    camera = Camera(20, 30)
    paint = bake(subject, texels, [Shot(View(camera, 1.0), image)], Progress())
    texture = to_texture(texels, fill(texels, paint, Progress()))
    look = look_at(layout, texture, camera, 512)
    points = project(subject.points, camera)
    raster = rasterize(points, subject.faces, 512, 512, "corners")
    cosine = -torch.nn.functional.pad(project(subject.normals, camera)[:, 2] - 1.45, (0, 1))[raster.face.long()]
    is_fair = (find_usable(raster.face, raster.depth, 3) & (cosine > 0.4)).numpy()
    error = np.abs(look.colour - image.numpy() / 255)[is_fair]
    assert is_fair.mean() > 0.15
    # A shift by half a pixel alone would be 0.009 on average.
    assert error.mean() < 0.004
    assert np.quantile(error, 0.99) < 0.03


def test_the_background_of_a_picture_never_reaches_the_model() -> None:
    _, subject, texels = laid_out(joined(blob(3000), box(0.3, (0.0, 0.0, 1.6))))
    shots = []
    for view in CANDIDATES[:6]:
        face = rasterize(project(subject.points, view.camera), subject.faces, SIDE, SIDE, "corners").face
        image = torch.where((face >= 0)[..., None], torch.tensor([200, 100, 50]), torch.tensor([0, 255, 255]))
        shots.append(Shot(view, image.to(torch.uint8)))
    values = fill(texels, bake(subject, texels, shots, Progress()), Progress())
    assert (255 * values - torch.tensor([200.0, 100.0, 50.0])).abs().max() < 0.1


def test_what_lies_behind_is_not_painted() -> None:
    # A small cube before a large one: its shadow on the large one stays open.
    _, subject, texels = laid_out(joined(box(), box(0.4, (0.0, 0.0, 1.0))))
    sample = back_project(subject, texels, Shot(CANDIDATES[0], plain(COLOURS[0])), 1)
    place, face = texels.point[sample.texel], texels.face[sample.texel]
    large = face < 12
    assert large.any() and (~large).any()
    half = float(subject.points[subject.faces[12:]][..., 0].max())
    assert (place[large][:, :2].abs().amax(dim=1) > half).all()


def test_the_back_of_a_thin_wall_is_not_painted_through_it() -> None:
    _, subject, texels = laid_out(slab(0.001))
    sample = back_project(subject, texels, Shot(CANDIDATES[0], plain(COLOURS[0])), 1)
    assert len(sample.texel)
    assert (subject.normals[texels.face[sample.texel]][:, 2] > 0.99).all()


def test_the_better_view_decides() -> None:
    _, subject, texels = laid_out(blob(3000))
    red, blue = plain(torch.tensor([255, 0, 0])), plain(torch.tensor([0, 0, 255]))
    paint = bake(
        subject, texels, [Shot(View(Camera(0, 0), 1.0), red), Shot(View(Camera(0, 60), 1.0), blue)], Progress()
    )
    share = paint.values[:, 0][paint.is_painted]
    normal = texels.normal[paint.is_painted]
    front, aside = normal[:, 2], normal @ torch.tensor([3**0.5 / 2, 0, 0.5])
    assert share[front > 0.97].mean() > 0.8
    assert share[aside > 0.97].mean() < 0.2
    assert paint.values[paint.is_painted].sum(dim=1).numpy() == pytest.approx(
        np.ones(int(paint.is_painted.sum())), abs=1e-5
    )


def test_a_view_that_adds_less_than_a_hundredth_is_left_out() -> None:
    _, subject, texels = laid_out(box())
    first = Shot(CANDIDATES[0], plain(COLOURS[0]))
    again = Shot(View(Camera(0, 0), 1.0), plain(COLOURS[1]))
    one, both = (bake(subject, texels, shots, Progress()) for shots in ([first], [first, again]))
    assert torch.equal(one.values, both.values)


def test_all_channels_are_baked_alike() -> None:
    _, subject, texels = laid_out(blob(2000))
    random = np.random.default_rng(0)
    images = [torch.from_numpy(random.integers(0, 256, (64, 64, 5), dtype=np.uint8)) for _ in range(3)]
    shots = [Shot(view, image) for view, image in zip(CANDIDATES, images, strict=False)]
    whole = bake(subject, texels, shots, Progress())
    parts = [
        bake(subject, texels, [Shot(shot.view, shot.image[..., part].contiguous()) for shot in shots], Progress())
        for part in (slice(0, 3), slice(3, 5))
    ]
    assert torch.equal(whole.values, torch.cat([part.values for part in parts], dim=1))
    assert whole.values[whole.is_painted].std() > 0.05


def test_shots_are_taken_one_by_one_and_stopped_between() -> None:
    _, subject, texels = laid_out(box())
    taken = []

    def shots() -> Iterator[Shot]:
        for number, shot in enumerate(six_sides()):
            taken.append(number)
            yield shot

    with pytest.raises(Cancelled):
        bake(subject, texels, shots(), Progress(is_cancelled=lambda: len(taken) == 3))
    assert taken == [0, 1, 2]


def test_looking_through_a_camera_stops_in_the_middle() -> None:
    _, subject, texels = laid_out(box())

    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        back_project(subject, texels, six_sides()[0], 1, check=stop)


@pytest.mark.parametrize(("side_px", "rim"), [(64, 1), (256, 1), (512, 1), (1024, 2), (2048, 4), (4096, 8)])
def test_the_rim_grows_with_the_picture(side_px: int, rim: int) -> None:
    assert rim_px(side_px) == rim


def test_the_rim_is_left_out_on_both_sides_of_a_jump_in_distance() -> None:
    subject = subject_of(laid_out(joined(box(), box(0.4, (0.0, 0.0, 1.0))))[0])
    raster = rasterize(project(subject.points, Camera(0, 0)), subject.faces, SIDE, SIDE, "corners")
    usable = find_usable(raster.face, raster.depth, 2)
    row = raster.face[SIDE // 2]
    (jumps,) = torch.nonzero((row[1:] >= 12) != (row[:-1] >= 12), as_tuple=True)
    for jump in jumps.tolist():
        assert not usable[SIDE // 2, jump - 1 : jump + 3].any()
    assert not usable[raster.face < 0].any()
    assert torch.equal(find_usable(raster.face, raster.depth, 0), raster.face >= 0)


def test_what_is_usable_does_not_depend_on_where_it_was_looked_for() -> None:
    subject = subject_of(laid_out(joined(box(), box(0.4, (0.0, 0.0, 1.0))))[0])
    for camera in (Camera(0, 0), Camera(0, 90), Camera(20, 30)):
        # Half a window to the side, so that the model touches a border of the picture and leaves much of it empty.
        points = project(subject.points, camera) + torch.tensor([0.5, 0.0, 0.0])
        raster = rasterize(points, subject.faces, SIDE, SIDE, "corners")
        is_gone = (raster.face < 0).numpy() | find_edges(raster.depth)
        assert torch.equal(find_usable(raster.face, raster.depth, 3), torch.from_numpy(~grow(is_gone, 3)))


def test_a_picture_without_a_model_has_nothing_to_use() -> None:
    face, depth = torch.full((32, 32), -1, dtype=torch.int32), torch.full((32, 32), torch.inf)
    assert not find_usable(face, depth, 1).any()
    assert not find_edges(depth).any()


@pytest.mark.parametrize("view", CANDIDATES[::7])
def test_a_view_gives_what_looking_at_every_texel_gives(view: View) -> None:
    _, subject, texels = laid_out(joined(blob(3000), box(0.4, (0.0, 0.0, 1.4))))
    image = torch.randint(0, 256, (SIDE, SIDE, 5), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    sample = back_project(subject, texels, Shot(view, image), 2, 70)
    place = project(texels.point, view.camera).double()
    raster = rasterize(project(subject.points, view.camera), subject.faces, SIDE, SIDE, "corners")
    cosines = subject.normals @ axes(view.camera)[2]
    at = (place[:, :2] / 2 + 0.5) * (SIDE - 1)
    column, row = at.round().long().unbind(1)
    cosine = cosines[raster.face[row, column].long()]
    is_kept = find_usable(raster.face, raster.depth, 2)[row, column] & (cosine >= np.cos(np.radians(70)))
    is_kept &= (raster.depth[row, column] - place[:, 2]).abs() < DEPTH_TOLERANCE
    is_kept &= cosines[texels.face] > 0
    found = torch.zeros(len(is_kept), dtype=torch.bool)
    found[sample.texel] = True
    # Between two pixels, and at the very tolerance, rounding decides.
    assert is_kept.sum() > 1000
    assert (found != is_kept).sum() <= 2
    levels = torch.nn.functional.grid_sample(
        image.permute(2, 0, 1)[None].double(), place[None, None, :, :2], align_corners=True
    )[0, :, 0].T
    assert (sample.values - levels[sample.texel] / 255).abs().max() < 1e-4
    same = is_kept[sample.texel]
    assert torch.equal(sample.cosine[same], cosine[sample.texel][same])
