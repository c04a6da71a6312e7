"""Where texels lie on a model."""

import numpy as np
import pytest
import torch

from orfeas.errors import Cancelled
from orfeas.textures.texels import Texels, make_texels
from orfeas.textures.unwrap import Layout, unwrap
from tests.meshes.solids import blob
from tests.textures.looking import subject_of


@pytest.fixture(scope="module")
def layout() -> Layout:
    mesh = blob(1500)
    return unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), 256)


@pytest.fixture(scope="module")
def texels(layout: Layout) -> Texels:
    return make_texels(subject_of(layout), torch.from_numpy(layout.uv), 256)


def test_every_texel_lies_on_its_face_at_its_uv(layout: Layout, texels: Texels) -> None:
    subject = subject_of(layout)
    corner = subject.points[subject.faces[texels.face]]
    flat = torch.from_numpy(layout.uv)[subject.faces[texels.face]]
    # Barycentrics of the texel's centre (conventions §5), solved in the texture, must give its place in space.
    centre = torch.stack(
        [(texels.index % 256 + 0.5) / 256, 1 - (torch.div(texels.index, 256, rounding_mode="floor") + 0.5) / 256], dim=1
    ).double()
    system = torch.cat([flat.transpose(1, 2), torch.ones(len(flat), 1, 3)], dim=1)
    weights = torch.linalg.solve(system, torch.cat([centre, torch.ones(len(centre), 1)], dim=1))
    rebuilt = (weights[:, None] @ corner.double())[:, 0]
    # A texel on the very border of a face is drawn though it lies outside by rounding.
    assert weights.min() > -0.01
    assert (rebuilt - texels.point).norm(dim=1).max() < 2e-3
    assert (rebuilt - texels.point).norm(dim=1).median() < 1e-6


def test_texels_are_spread_over_the_model_as_its_area_is(layout: Layout, texels: Texels) -> None:
    subject = subject_of(layout)
    side = (subject.points[subject.faces[texels.face]].mean(dim=1)[:, 1] > 0).double().mean()
    area = subject.areas[(subject.points[subject.faces].mean(dim=1)[:, 1] > 0)].sum() / subject.areas.sum()
    assert float(side) == pytest.approx(float(area), abs=0.02)


def test_where_islands_overlap_the_first_face_has_the_texel() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]])
    uv = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]] * 2)
    layout = Layout(points, np.arange(6).reshape(2, 3), uv, np.arange(6))
    assert set(make_texels(subject_of(layout), torch.from_numpy(uv), 32).face.tolist()) == {0}


def test_it_stops_between_its_steps(layout: Layout) -> None:
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        make_texels(subject_of(layout), torch.from_numpy(layout.uv), 256, check=stop)
    assert len(calls) == 2
