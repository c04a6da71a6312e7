"""Colours carried on into what has none."""

import numpy as np
import pytest

from orfeas.images.diffusion import diffuse


def test_what_is_known_stays_and_a_slope_is_carried_across() -> None:
    slope = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], (64, 64, 3))
    weights = np.ones((64, 64), dtype=np.float32)
    weights[:, 24:40] = 0
    found = diffuse(slope * weights[..., None], weights)
    assert np.array_equal(found[weights > 0], slope[weights > 0])
    assert found == pytest.approx(slope, abs=0.05)


def test_weights_only_say_how_far_sums_are_from_colours() -> None:
    weights = np.zeros((40, 30), dtype=np.float32)
    weights[3, 4], weights[30, 20] = 0.25, 2.0
    found = diffuse(np.stack([weights * 0.2, weights * 0.8], axis=2).astype(np.float32), weights)
    assert found[..., 0] == pytest.approx(np.full((40, 30), 0.2), abs=1e-5)
    assert found[..., 1] == pytest.approx(np.full((40, 30), 0.8), abs=1e-5)


def test_the_middle_lies_between_what_is_around_it() -> None:
    random = np.random.default_rng(0)
    weights = np.zeros((50, 70), dtype=np.float32)
    weights[0] = weights[-1] = weights[:, 0] = weights[:, -1] = 1
    colours = random.uniform(0.3, 0.6, (50, 70, 3)).astype(np.float32)
    found = diffuse(colours * weights[..., None], weights)
    assert found.min() >= 0.3 and found.max() <= 0.6
    assert np.array_equal(colours[weights > 0], found[weights > 0])
