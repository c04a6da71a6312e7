import pytest
import torch

from orfeas.engines.hunyuan.paint.config import ScheduleConfig
from orfeas.engines.hunyuan.paint.sampler import Solver, draw_noise

PUBLISHED = [999, 932, 866, 799, 732, 666, 599, 532, 466, 399, 332, 266, 199, 132, 66]


def test_fifteen_steps_are_at_the_published_times() -> None:
    assert Solver(ScheduleConfig(), 15).timesteps == PUBLISHED


def test_a_perfect_prediction_leads_to_the_picture() -> None:
    clean = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    solver = Solver(ScheduleConfig(), 15)
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    # The last level is brought to nothing but noise (zero terminal signal-to-noise ratio).
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    latents = draw_noise(0, 1, 8)[0].expand(2, -1, -1, -1).clone()
    for timestep in solver.timesteps:
        alpha = max(float(root[timestep]), 2**-12)
        sigma = (1 - alpha**2) ** 0.5
        velocity = (alpha * latents - clean) / sigma
        latents = solver.step(velocity, timestep, latents)
    assert torch.allclose(latents, clean, atol=1e-3)


def test_noise_is_a_function_of_the_seed_and_comes_albedo_first() -> None:
    noise = draw_noise(7, 3, 8)
    assert noise.shape == (2, 3, 4, 8, 8)
    assert torch.equal(noise, draw_noise(7, 3, 8))
    assert not torch.equal(noise, draw_noise(8, 3, 8))
    flat = torch.randn(6, 4, 8, 8, generator=torch.Generator().manual_seed(7))
    assert torch.equal(noise.flatten(0, 1), flat)


@pytest.mark.parametrize("steps", [1, 2])
def test_few_steps_end_in_finite_numbers(steps: int) -> None:
    solver, latents = Solver(ScheduleConfig(), steps), draw_noise(0, 1, 8)
    for timestep in solver.timesteps:
        latents = solver.step(torch.zeros_like(latents), timestep, latents)
    assert latents.isfinite().all()
