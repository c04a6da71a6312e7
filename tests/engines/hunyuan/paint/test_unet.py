from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.paint.config import DINO_SIZE
from orfeas.engines.hunyuan.paint.pipeline import make_contexts
from orfeas.engines.hunyuan.paint.sampler import predict
from orfeas.engines.hunyuan.paint.unet import Row
from orfeas.errors import Cancelled
from orfeas.progress import Progress
from tests.engines.hunyuan.paint.networks import Scene, make_scene

TIMESTEP, GUIDANCE = 499, 3.0


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with torch.inference_mode():
        yield make_scene()


def run(scene: Scene, *rows: Row) -> Tensor:
    context = scene.main.make_context(rows, scene.cells)
    shape = (len(rows), *scene.sample.shape[1:])
    out: Tensor = scene.main(scene.sample.expand(shape), scene.controls.expand(len(rows), -1, -1, -1, -1), 499, context)
    return out


def test_two_predictions_combine_to_what_three_whole_ones_did(scene: Scene) -> None:
    zeros = torch.zeros_like(scene.states)
    # As published: every branch sees the reference, scaled, and as many states as there are, zeros or not.
    u, r, f = run(
        scene,
        Row(zeros, scene.features, 1e-30),
        Row(zeros, scene.features, 1.0),
        Row(scene.states, scene.features, 1.0),
    )
    three = u + GUIDANCE * (r - u) + GUIDANCE * (f - r)
    contexts = make_contexts(scene.main, scene.states, scene.features, scene.cells, GUIDANCE, is_split=False)
    without, whole = predict(scene.main, scene.sample[0], scene.controls[0], TIMESTEP, contexts, Progress())
    assert torch.allclose(without + GUIDANCE * (whole - without), three, atol=2e-5)


def test_predictions_one_after_the_other_are_those_made_together(scene: Scene) -> None:
    together, apart = (
        predict(
            scene.main,
            scene.sample[0],
            scene.controls[0],
            TIMESTEP,
            make_contexts(scene.main, scene.states, scene.features, scene.cells, GUIDANCE, is_split=is_split),
            Progress(),
        )
        for is_split in (False, True)
    )
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize(("guidance", "row"), [(0.0, 0), (1.0, 1)])
def test_without_guidance_only_the_one_that_counts_is_predicted(guidance: float, row: int, scene: Scene) -> None:
    contexts = [
        make_contexts(scene.main, scene.states, scene.features, scene.cells, scale, is_split=False)
        for scale in (guidance, GUIDANCE)
    ]
    one, two = (
        predict(scene.main, scene.sample[0], scene.controls[0], TIMESTEP, context, Progress()) for context in contexts
    )
    assert len(one) == 1
    assert torch.allclose(one[0], two[row], atol=1e-5)


def test_one_state_of_zeros_stands_for_many(scene: Scene) -> None:
    many = run(scene, Row(torch.zeros(9, DINO_SIZE), {}, 0.0))
    assert torch.allclose(run(scene, Row(torch.zeros(1, DINO_SIZE), {}, 0.0)), many, atol=1e-5)


@pytest.mark.parametrize("name", ["states", "features", "cells", "controls"])
def test_everything_it_looks_at_counts(name: str, scene: Scene) -> None:
    row = Row(scene.states, scene.features)
    context = scene.main.make_context([row], scene.cells)
    before = scene.main(scene.sample, scene.controls, TIMESTEP, context)
    cells, controls = scene.cells, scene.controls
    if name == "states":
        row = Row(scene.states.flip(1), scene.features)
    elif name == "features":
        row = Row(scene.states, {place: feature.flip(1) for place, feature in scene.features.items()})
    elif name == "cells":
        cells = tuple(level.flip(1) for level in cells)
    else:
        controls = controls.flip(2)
    after = scene.main(scene.sample, controls, TIMESTEP, scene.main.make_context([row], cells))
    assert (after - before).abs().max() > 1e-3


def test_views_given_in_another_order_come_back_in_it(scene: Scene) -> None:
    order = torch.tensor([2, 0, 1])
    row = Row(scene.states, scene.features)
    before = scene.main(scene.sample, scene.controls, TIMESTEP, scene.main.make_context([row], scene.cells))
    cells = tuple(level.view(1, len(order), -1, 3)[:, order].flatten(1, 2) for level in scene.cells)
    context = scene.main.make_context([row], cells)
    after = scene.main(scene.sample[:, :, order], scene.controls[:, order], TIMESTEP, context)
    assert torch.allclose(after, before[:, :, order], atol=1e-5)


def test_a_stop_ends_a_step_between_two_blocks(scene: Scene) -> None:
    calls = []

    def check() -> None:
        calls.append(True)
        if len(calls) == 2:
            raise Cancelled("The job was stopped before it was done.")

    context = scene.main.make_context([Row(scene.states, scene.features)], scene.cells)
    with pytest.raises(Cancelled):
        scene.main(scene.sample, scene.controls, TIMESTEP, context, check)
    assert len(calls) == 2 < len(scene.main.levels)


def test_both_streams_have_blocks_at_the_same_places(scene: Scene) -> None:
    assert list(scene.features) == list(scene.main.blocks()) == list(scene.main.levels)
