"""From noise to latents: Euler steps along the denoiser's velocity, with guidance (specification §5)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from orfeas.engines.hunyuan.config import SchedulerConfig
from orfeas.engines.hunyuan.denoiser import BlockContext, Denoiser
from orfeas.engines.hunyuan.step_cache import StepCache
from orfeas.progress import Progress

Context = tuple[BlockContext, ...]


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


@dataclass(frozen=True)
class Guidance:
    """How much the picture counts, and when.

    Attributes:
        scale: at 1, and below 0, only the picture counts; at 0, where guidance acts, it does not.
        start: share of the steps before which there is no guidance: only the picture counts, at half the cost.
        end: share of the steps from which on there is none.

    A limited interval is Kynkäänniemi and others' (2024, "Applying Guidance in a Limited Interval"); 0 to 1 is the
    whole of it, as in the specification.
    """

    scale: float
    start: float = 0.0
    end: float = 1.0

    def is_on(self, done: int, total: int) -> bool:
        """Whether step ``done`` of ``total`` lies in the interval."""
        # Rounded: 0.28 of 50 is 14 steps, and not a hair more.
        start, end = (round(share * total, 6) for share in (self.start, self.end))
        return start <= done < end


@dataclass(frozen=True)
class Sampled:
    """Latents ``[B, N, c]`` float32, of how many evaluations, and how many of these step caching left out."""

    latents: Tensor
    evaluations: int
    reused: int


@dataclass(frozen=True)
class _Look:
    """Rows computed together: what they look at, and what is kept of their steps."""

    context: Context
    cache: StepCache | None


def sample(
    denoiser: Denoiser,
    tokens: Tensor,
    noise: Tensor,
    schedule: Schedule,
    guidance: Guidance,
    progress: Progress,
    *,
    is_split: bool = False,
    cache_threshold: float = 0.0,
) -> Sampled:
    """Latents of pictures whose tokens are ``[B, M, D]``.

    Latents, times and the guidance's sum stay in float32; the denoiser works in its weights' type (specification §5
    rounds all of them to it).

    Args:
        denoiser: on its device.
        tokens: on the same device.
        noise: where it begins, ``[B, N, c]`` float32.
        schedule: its last level is 1.
        guidance: how much the picture counts.
        progress: gets a step for each evaluation; a stage must be open.
        is_split: take the rows with the picture and those without one after the other, for half the memory.
        cache_threshold: see :class:`StepCache`; 0 computes everything. Rows that are taken one after the other decide
            each for itself what to leave out.

    Raises:
        Cancelled: between two steps.
    """
    # 1. What the blocks look at, the same in every step: inside the interval of guidance, and outside of it.
    seen, unseen = denoiser.make_context(tokens, False), denoiser.make_context(None, True)
    inside, outside = (
        [_Look(context, StepCache(cache_threshold) if cache_threshold else None) for context in contexts]
        for contexts in (_guided(seen, unseen, guidance.scale, is_split), [seen])
    )
    # 2. The steps that move anything.
    sigmas = schedule.sigmas.tolist()
    moves = [i for i in range(len(sigmas) - 1) if sigmas[i + 1] != sigmas[i]]
    x = noise.to(tokens.device, torch.float32)
    times = schedule.times.to(tokens.device)
    evaluations = 0
    for done, i in enumerate(moves):
        progress.step(done, len(moves))
        # 3. Velocity, with the picture and without.
        t = times[i].expand(len(x))
        looks = inside if guidance.is_on(done, len(moves)) else outside
        rows = [denoiser(x.to(tokens.dtype), t, look.context, look.cache) for look in looks]
        velocity = torch.cat(rows).to(torch.float32)
        evaluations += len(rows)
        if len(velocity) > len(x):
            conditional, unconditional = velocity.chunk(2)
            velocity = unconditional + guidance.scale * (conditional - unconditional)
        # 4. One Euler step.
        x = euler_step(x, velocity, sigmas[i], sigmas[i + 1])
    progress.step(len(moves), len(moves))
    reused = sum(look.cache.reused for look in (*inside, *outside) if look.cache is not None)
    return Sampled(x, evaluations, reused)


def _guided(seen: Context, unseen: Context, scale: float, is_split: bool) -> list[Context]:
    """What the rows of a guided step look at, for each evaluation, from contexts with the picture and without."""
    if scale < 0 or scale == 1:
        return [seen]
    if scale == 0:
        return [unseen]
    if is_split:
        return [seen, unseen]
    return [tuple(BlockContext(a.keys_values, b.constant) for a, b in zip(seen, unseen, strict=True))]


def euler_step(x: Tensor, velocity: Tensor, sigma: float, next_sigma: float) -> Tensor:
    """Latents at the next noise level, float32."""
    return x + (next_sigma - sigma) * velocity
