"""From noise to latents: Euler steps along the denoiser's velocity, with guidance (specification §5)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from orfeas.engines.hunyuan.config import SchedulerConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.progress import Progress


@dataclass(frozen=True)
class Schedule:
    """Noise levels ``sigmas`` ``[S + 1]`` and ``timesteps`` ``[S]``, float32; time runs from 0, noise, to 1, data."""

    sigmas: Tensor
    timesteps: Tensor
    num_train_timesteps: int

    @property
    def times(self) -> Tensor:
        """Times ``[S]`` as the denoiser takes them, in 0..1."""
        return self.timesteps / self.num_train_timesteps


def make_schedule(steps: int, config: SchedulerConfig) -> Schedule:
    """The schedule of ``steps`` steps, the last of which has length 0 where there are two or more."""
    sigmas = torch.linspace(0, 1, steps, dtype=torch.float64)
    sigmas = config.shift * sigmas / (1 + (config.shift - 1) * sigmas)
    sigmas = sigmas.to(torch.float32)
    count = config.num_train_timesteps
    return Schedule(torch.cat([sigmas, torch.ones(1)]), sigmas * count, count)


def draw_noise(seed: int, num_latents: int, channels: int) -> Tensor:
    """Initial latents ``[1, N, c]`` float32, the same on every device."""
    return torch.randn(1, num_latents, channels, generator=torch.Generator().manual_seed(seed))


def sample(
    denoiser: Denoiser,
    tokens: Tensor,
    noise: Tensor,
    schedule: Schedule,
    guidance_scale: float,
    progress: Progress,
    *,
    is_split: bool = False,
) -> Tensor:
    """Latents ``[B, N, c]`` float32 of pictures whose tokens are ``[B, M, D]``.

    Latents, times and the guidance's sum stay in float32; the denoiser works in its weights' type (specification §5
    rounds all of them to it).

    Args:
        denoiser: on its device.
        tokens: on the same device.
        noise: where it begins, ``[B, N, c]`` float32.
        schedule: its last level is 1.
        guidance_scale: at 1, and below 0, only the picture counts; at 0 it does not.
        progress: gets a step for each evaluation; a stage must be open.
        is_split: take the rows with the picture and those without one after the other, for half the memory.

    Raises:
        Cancelled: between two steps.
    """
    # 1. What the blocks look at, the same in every step.
    is_guided = guidance_scale >= 0 and guidance_scale != 1
    picture = None if guidance_scale == 0 else tokens
    if is_guided and is_split and picture is not None:
        contexts = [denoiser.make_context(picture, False), denoiser.make_context(None, True)]
    else:
        contexts = [denoiser.make_context(picture, is_guided)]
    # 2. The steps that move anything.
    sigmas = schedule.sigmas.tolist()
    moves = [i for i in range(len(sigmas) - 1) if sigmas[i + 1] != sigmas[i]]
    x = noise.to(tokens.device, torch.float32)
    times = schedule.times.to(tokens.device)
    for done, i in enumerate(moves):
        progress.step(done, len(moves))
        # 3. Velocity, with the picture and without.
        t = times[i].expand(len(x))
        velocity = torch.cat([denoiser(x.to(tokens.dtype), t, context) for context in contexts]).to(torch.float32)
        if len(velocity) > len(x):
            conditional, unconditional = velocity.chunk(2)
            velocity = unconditional + guidance_scale * (conditional - unconditional)
        # 4. One Euler step.
        x = euler_step(x, velocity, sigmas[i], sigmas[i + 1])
    progress.step(len(moves), len(moves))
    return x


def euler_step(x: Tensor, velocity: Tensor, sigma: float, next_sigma: float) -> Tensor:
    """Latents at the next noise level, float32."""
    return x + (next_sigma - sigma) * velocity
