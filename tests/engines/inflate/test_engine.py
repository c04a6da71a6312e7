"""The engine over a varied set: drawings with holes, parts and thin limbs, soft and noisy masks, sprites."""

import numpy as np
import pytest

from orfeas.engines.base import ShapeRequest
from orfeas.engines.inflate import Inflate
from orfeas.options import parse_shape_options
from orfeas.progress import Progress
from tests.engines.inflate.front_view import iou
from tests.images.drawings import DRAWINGS, SPECIAL, picture

NAMES = [*DRAWINGS, *SPECIAL]


def test_the_set_is_varied() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_closed_and_looks_like_its_mask_from_the_front(name: str) -> None:
    engine = Inflate()
    cut_out = picture(name)
    mesh = engine.generate(ShapeRequest(cut_out, engine.resolve(parse_shape_options(seed=1))), Progress()).mesh
    assert iou(mesh, np.asarray(cut_out)[..., 3]) >= 0.98
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
