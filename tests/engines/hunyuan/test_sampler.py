from itertools import pairwise

import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.config import DenoiserConfig, SchedulerConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.sampler import Guidance, Sampled, draw_noise, make_schedule, sample
from orfeas.errors import Cancelled
from orfeas.progress import Progress, Stage, Step
from tests.engines.hunyuan.networks import make_denoiser

CONFIG = DenoiserConfig(
    in_channels=4, hidden_size=32, context_dim=24, depth=5, num_heads=2, num_moe_layers=2, num_experts=3
)
TOKENS = torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(1))
NOISE = draw_noise(3, 6, 4)


@pytest.fixture(scope="module", params=[False, True], ids=["no bias", "bias"])
def denoiser(request: pytest.FixtureRequest) -> Denoiser:
    return make_denoiser(DenoiserConfig(**{**CONFIG.__dict__, "qkv_bias": request.param}))


def run(denoiser: Denoiser, scale: float, steps: int = 4, is_split: bool = False, shift: float = 1.0) -> Tensor:
    return sampled(denoiser, Guidance(scale), steps, is_split=is_split, shift=shift).latents


def sampled(
    denoiser: Denoiser,
    guidance: Guidance,
    steps: int,
    *,
    is_split: bool = False,
    shift: float = 1.0,
    cache_threshold: float = 0.0,
) -> Sampled:
    progress = Progress()
    schedule = make_schedule(steps, SchedulerConfig(shift=shift))
    with progress.stage(Stage.SHAPE), torch.inference_mode():
        return sample(
            denoiser, TOKENS, NOISE, schedule, guidance, progress, is_split=is_split, cache_threshold=cache_threshold
        )


def reference(denoiser: Denoiser, scale: float, steps: int, shift: float = 1.0) -> Tensor:
    """The plain loop of specification §5: every step, both rows with a full context, nothing cached."""
    sigmas = make_schedule(steps, SchedulerConfig(shift=shift)).sigmas
    x, both = NOISE, torch.cat([TOKENS, torch.zeros_like(TOKENS)])
    with torch.inference_mode():
        for now, then in pairwise(sigmas):
            context = denoiser.make_context(both, is_unconditional=False)
            seen, unseen = denoiser(x.repeat(2, 1, 1), now.expand(2), context).chunk(2)
            x = x + (then - now) * (unseen + scale * (seen - unseen))
    return x


@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_fast_loop_equals_the_plain_one(denoiser: Denoiser, scale: float, is_split: bool, steps: int) -> None:
    assert torch.allclose(run(denoiser, scale, steps, is_split), reference(denoiser, scale, steps), atol=1e-4)


def test_a_shifted_schedule_is_followed(denoiser: Denoiser) -> None:
    assert torch.allclose(run(denoiser, 5.0, shift=3.0), reference(denoiser, 5.0, 4, shift=3.0), atol=1e-4)


def test_a_negative_scale_takes_the_picture_alone(denoiser: Denoiser) -> None:
    assert torch.equal(run(denoiser, -1.0), run(denoiser, 1.0))


def test_the_step_that_moves_nothing_is_left_out(denoiser: Denoiser) -> None:
    seen: list[Step] = []
    progress = Progress(seen.append)
    with progress.stage(Stage.SHAPE), torch.inference_mode():
        sample(denoiser, TOKENS, NOISE, make_schedule(5, SchedulerConfig()), Guidance(5.0), progress)
    assert [(step.done, step.total) for step in seen[1:]] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_it_stops_within_a_step(denoiser: Denoiser) -> None:
    seen: list[Step] = []
    progress = Progress(seen.append, is_cancelled=lambda: len(seen) == 3)
    with pytest.raises(Cancelled), progress.stage(Stage.SHAPE), torch.inference_mode():
        sample(denoiser, TOKENS, NOISE, make_schedule(50, SchedulerConfig()), Guidance(5.0), progress)
    assert seen[-1].done == 1


def test_noise_follows_its_seed() -> None:
    assert torch.equal(draw_noise(7, 5, 4), draw_noise(7, 5, 4))
    assert not torch.equal(draw_noise(7, 5, 4), draw_noise(8, 5, 4))


def limited_reference(denoiser: Denoiser, scale: float, guided: list[bool]) -> Tensor:
    """The plain loop, with guidance in some of the steps that move anything and the picture alone in the others."""
    sigmas = make_schedule(len(guided) + 1, SchedulerConfig()).sigmas[: len(guided) + 1]
    x, both = NOISE, torch.cat([TOKENS, torch.zeros_like(TOKENS)])
    with torch.inference_mode():
        context = denoiser.make_context(both, is_unconditional=False)
        for (now, then), is_guided in zip(pairwise(sigmas), guided, strict=True):
            seen, unseen = denoiser(x.repeat(2, 1, 1), now.expand(2), context).chunk(2)
            x = x + (then - now) * (unseen + scale * (seen - unseen) if is_guided else seen)
    return x


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize("scale", [0.0, 5.0])
def test_guidance_in_an_interval_acts_in_its_steps_alone(denoiser: Denoiser, scale: float, is_split: bool) -> None:
    got = sampled(denoiser, Guidance(scale, 0.25, 0.75), 9, is_split=is_split)
    want = limited_reference(denoiser, scale, [False] * 2 + [True] * 4 + [False] * 2)
    assert torch.allclose(got.latents, want, atol=1e-4)
    assert got.evaluations == 8 + (4 if is_split and scale else 0)


@pytest.mark.parametrize("is_split", [False, True])
def test_step_caching_that_leaves_nothing_out_changes_nothing(denoiser: Denoiser, is_split: bool) -> None:
    got = sampled(denoiser, Guidance(5.0), 9, is_split=is_split, cache_threshold=1e-9)
    assert got.reused == 0
    assert torch.allclose(got.latents, run(denoiser, 5.0, 9, is_split), atol=1e-4)


@pytest.mark.parametrize("is_split", [False, True])
def test_step_caching_leaves_out_more_and_strays_further_with_its_threshold(denoiser: Denoiser, is_split: bool) -> None:
    exact = run(denoiser, 5.0, 41, is_split)
    found = [sampled(denoiser, Guidance(5.0), 41, is_split=is_split, cache_threshold=t) for t in (0.02, 0.1, 0.5)]
    errors = [float((each.latents - exact).norm() / exact.norm()) for each in found]
    assert 0 < found[0].reused < found[1].reused < found[2].reused
    assert 0 < errors[0] < errors[1] < errors[2]
    assert errors[0] < 0.1


@pytest.mark.parametrize("total", range(1, 101))
def test_a_share_of_the_steps_that_is_a_whole_number_begins_and_ends_there(total: int) -> None:
    for step in range(total + 1):
        share = round(step / total, 9)
        assert [Guidance(5.0, 0.0, share or 1e-9).is_on(done, total) for done in (step - 1, step)][1] is False
        assert step == total or Guidance(5.0, share, 1.0).is_on(step, total)
