"""A pipeline of diffusers on a device, and one picture from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orfeas.checkpoints import count_values
from orfeas.devices import is_out_of_memory, release_memory
from orfeas.errors import EngineUnavailable, InvalidPrompt
from orfeas.progress import Progress
from orfeas.text_to_image.base import PictureRequest, PictureResult
from orfeas.text_to_image.diffusion.layout import Layout
from orfeas.text_to_image.diffusion.plan import Placement, Plan
from orfeas.text_to_image.diffusion.preview import Previews

if TYPE_CHECKING:
    import torch

LOGGER = logging.getLogger(__name__)

HELD_BACK = "The model's safety checker held the picture back. Change the words, or take another seed."


@dataclass(frozen=True)
class Release:
    """A pipeline on this machine: where it lies, and its parts."""

    folder: Path
    layout: Layout


class Networks:
    """A pipeline that loads itself when it is first asked for, laid out by a plan."""

    def __init__(self, release: Release, device: torch.device, dtype: torch.dtype, plan: Plan) -> None:
        self._release = release
        self.device = device
        self.dtype = dtype
        self.plan = plan
        self._pipeline: Any = None

    def pipeline(self) -> Any:  # noqa: ANN401 (any pipeline of diffusers)
        """The pipeline, ready to be called.

        Raises:
            EngineUnavailable: its files cannot be used, or it cannot be laid out so.
        """
        if self._pipeline is None:
            pipeline = _load(self._release, self.dtype)
            if self.plan.placement is Placement.RESIDENT:
                pipeline.to(self.device)
            elif pipeline.model_cpu_offload_seq is None:
                raise EngineUnavailable("The model's parts cannot take turns in memory, and not all of it fits there.")
            else:
                pipeline.enable_model_cpu_offload(device=self.device)
            self._pipeline = pipeline
        return self._pipeline

    def release(self) -> None:
        """Let go of the pipeline, wherever its parts lie."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.remove_all_hooks()
            del pipeline
            release_memory(self.device)


def find_class(class_name: str) -> Any:  # noqa: ANN401 (a class of diffusers)
    """The text-to-image pipeline for a name in a model's index, as ``AutoPipelineForText2Image`` would find it.

    Raises:
        EngineUnavailable: diffusers has none of that name, or it makes no pictures from words alone.
    """
    import diffusers
    from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING, _get_task_class

    found = _get_task_class(AUTO_TEXT2IMAGE_PIPELINES_MAPPING, class_name, throw_error_if_not_exist=False)
    found = found or getattr(diffusers, class_name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.DiffusionPipeline)):
        raise EngineUnavailable(f"The model is a {class_name}, which diffusers {diffusers.__version__} does not have.")
    takes = parameters_of(found)
    if "prompt" not in takes or "num_frames" in takes or "callback_on_step_end" not in takes:
        raise EngineUnavailable(f"The model is a {class_name}, which does not make a picture from words step by step.")
    return found


def parameters_of(pipeline_class: Any) -> dict[str, Any]:  # noqa: ANN401 (a class of diffusers)
    """What a call of the pipeline takes, with defaults; None where there is none."""
    parameters = signature(pipeline_class.__call__).parameters
    return {
        name: None if parameter.default is Parameter.empty else parameter.default
        for name, parameter in parameters.items()
    }


def draw(networks: Networks, request: PictureRequest, progress: Progress) -> PictureResult:
    """One picture, each step told, inside the stage that is open.

    Raises:
        Cancelled: within one layer of the request, while the pipeline computes.
        InvalidPrompt: the pipeline's own safety checker held the picture back.
        EngineUnavailable: the pipeline's files cannot be used, or its numbers overflow on this device.
    """
    import torch

    # 1. The pipeline, and what it is called with.
    pipeline = networks.pipeline()
    progress.check()
    options = request.options
    asked: dict[str, Any] = {}
    if options.num_inference_steps:
        asked["num_inference_steps"] = options.num_inference_steps
    if options.guidance_scale != -1:
        asked["guidance_scale"] = options.guidance_scale
    if options.negative_prompt:
        asked["negative_prompt"] = options.negative_prompt
    if options.size_px:
        asked |= {"height": options.size_px, "width": options.size_px}

    previews = Previews(pipeline)

    def on_step(
        _pipeline: object, index: int, _timestep: object, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        latents, total = tensors["latents"], pipeline.num_timesteps
        progress.step(index + 1, total)
        if index + 1 == total:
            _check_finite(latents, networks)
        elif networks.plan.placement is Placement.RESIDENT:
            # Elsewhere the autoencoder would push the network out that works.
            progress.preview(lambda: previews.draw(latents))
        return {}

    # 2. From noise to the picture. The noise comes from the processor: the same on any device.
    try:
        with _stoppable(pipeline, progress.check):
            made = pipeline(
                prompt=request.prompt,
                generator=torch.Generator("cpu").manual_seed(options.seed),
                callback_on_step_end=on_step,
                **asked,
            )
    finally:
        pipeline.maybe_free_model_hooks()
    # 3. What came of it.
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        raise InvalidPrompt(HELD_BACK)
    return PictureResult(made.images[0].convert("RGBA"), _tell_length(pipeline, request.prompt))


@contextmanager
def _stoppable(pipeline: Any, check: Callable[[], None]) -> Iterator[None]:  # noqa: ANN401
    """Ask before every layer whether to stop, for as long as this is open."""
    import torch

    networks = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    layers = [
        layer
        for network in networks
        for module in network.modules()
        if isinstance(module, torch.nn.ModuleList)
        for layer in module
    ]
    handles = [layer.register_forward_pre_hook(lambda *_: check()) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check_finite(latents: torch.Tensor, networks: Networks) -> None:
    """Refuse to go on with what would become a black picture."""
    if not bool(latents.isfinite().all()):
        raise EngineUnavailable(
            f"The model's numbers overflowed on {networks.device.type} in "
            f"{str(networks.dtype).removeprefix('torch.')}; choose another model or device."
        )


def _tell_length(pipeline: Any, prompt: str) -> tuple[str, ...]:  # noqa: ANN401
    """A sentence where no encoder of the pipeline reads the whole prompt."""
    tokenizers = [part for name, part in pipeline.components.items() if name.startswith("tokenizer") and part]
    excess = [len(tokenizer(prompt)["input_ids"]) - tokenizer.model_max_length for tokenizer in tokenizers]
    if not excess or min(excess) <= 0:
        return ()
    return (f"The prompt is {min(excess)} tokens longer than this model reads; its end was left out.",)


def _load(release: Release, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import diffusers
    import transformers
    from safetensors import SafetensorError

    # A server's log is no terminal.
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    found = find_class(release.layout.class_name)
    try:
        pipeline = found.from_pretrained(
            release.folder,
            dtype=dtype,
            variant=release.layout.variant,
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        LOGGER.warning("%s could not be loaded", release.folder, exc_info=True)
        raise _does_not_fit(release) from error
    for part, names in release.layout.weights:
        # The libraries fill in at random what a file lacks.
        stored = sum(count_values(release.folder / name) for name in names)
        if stored < sum(parameter.numel() for parameter in getattr(pipeline, part).parameters()):
            raise _does_not_fit(release)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _does_not_fit(release: Release) -> EngineUnavailable:
    return EngineUnavailable(
        f"The model in {release.folder} cannot be loaded; its files are damaged or do not fit together. Fetch it again."
    )
