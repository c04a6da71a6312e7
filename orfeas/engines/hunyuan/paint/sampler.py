"""From noise to the latents of all views: UniPC steps with guidance (specification §5.4 and §6)."""

import warnings
from collections.abc import Sequence

import torch
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

from orfeas.engines.hunyuan.paint.config import LATENT_CHANNELS, MATERIALS, ScheduleConfig
from orfeas.engines.hunyuan.paint.guidance import guide
from orfeas.engines.hunyuan.paint.unet import MainStream, PaintContext
from orfeas.progress import Progress


class Solver:
    """diffusers' UniPC with a release's noise levels, spaced so that it begins with nothing but noise.

    It remembers its last predictions, so that one is good for one run.

    Attributes:
        timesteps: where the network is asked, from the noisiest.
    """

    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        self._scheduler = UniPCMultistepScheduler(
            num_train_timesteps=config.num_train_timesteps,
            beta_start=config.beta_start,
            beta_end=config.beta_end,
            beta_schedule=config.beta_schedule,
            prediction_type=config.prediction_type,
            rescale_betas_zero_snr=config.rescale_betas_zero_snr,
            steps_offset=config.steps_offset,
            timestep_spacing="trailing",
        )
        with warnings.catch_warnings():
            # It makes an array of a tensor, which numpy 2 warns of and does.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._scheduler.set_timesteps(steps)
        self.timesteps: list[int] = self._scheduler.timesteps.tolist()

    def step(self, prediction: Tensor, timestep: int, latents: Tensor) -> Tensor:
        """Latents at the next noise level, float32; all in any one shape."""
        stepped: Tensor = self._scheduler.step(prediction, timestep, latents, return_dict=False)[0]
        return stepped


def draw_noise(seed: int, views: int, latent_size: int) -> Tensor:
    """Initial latents ``[M, N, 4, h, h]`` float32, the same on every device."""
    shape = (MATERIALS * views, LATENT_CHANNELS, latent_size, latent_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).view(MATERIALS, views, *shape[1:])


def predict(
    painter: MainStream,
    latents: Tensor,
    controls: Tensor,
    timestep: int,
    contexts: Sequence[PaintContext],
    progress: Progress,
) -> Tensor:
    """What the network gives for each row of each context, float32: ``[B, M, N, 4, h, h]``.

    Args:
        painter: on its device.
        latents: ``[M, N, 4, h, h]``.
        controls: latents of the normal and position pictures, ``[N, 8, h, h]``.
        timestep: where on the schedule.
        contexts: taken one after the other; rows of one context are taken together.
        progress: asked at every block whether to stop.

    Raises:
        Cancelled: within a step.
    """
    weight = painter.conv_in.weight
    sample, shown = latents[None].to(weight), controls[None].to(weight)
    predictions = [
        painter(
            sample.expand(context.rows, *latents.shape),
            shown.expand(context.rows, *controls.shape),
            timestep,
            context,
            progress.check,
        )
        for context in contexts
    ]
    return torch.cat(predictions).to(torch.float32)


def sample_views(
    painter: MainStream,
    noise: Tensor,
    controls: Tensor,
    contexts: Sequence[PaintContext],
    solver: Solver,
    guidance_scale: float,
    progress: Progress,
    factors: Tensor | None = None,
) -> Tensor:
    """Latents ``[M, N, 4, h, h]`` float32 of all views.

    Latents and the solver's sums stay in float32; the network works in its weights' type (the published pipeline
    rounds all of them to 16 bits).

    Args:
        painter: on its device.
        noise: where it begins, ``[M, N, 4, h, h]`` float32.
        controls: latents of the normal and position pictures, ``[N, 8, h, h]``.
        contexts: with two rows in all, without the reference and with it, or with one.
        solver: fresh.
        guidance_scale: see :func:`guide`; of no effect on one row.
        progress: gets a step for each evaluation; a stage must be open.
        factors: of each view's guidance, ``[N]``.

    Raises:
        Cancelled: within a step.
    """
    latents = noise.to(painter.conv_in.weight.device)
    timesteps = solver.timesteps
    for done, timestep in enumerate(timesteps):
        # 1. Where it stands, and whether to go on.
        progress.step(done, len(timesteps))
        # 2. What the network sees in the noise, without the reference and with it.
        predictions = predict(painter, latents, controls, timestep, contexts, progress)
        if len(predictions) > 1:
            without, whole = predictions
            prediction = guide(without, whole, guidance_scale, factors)
        else:
            (prediction,) = predictions
        # 3. One step of the solver.
        latents = solver.step(prediction, timestep, latents)
    progress.step(len(timesteps), len(timesteps))
    return latents
