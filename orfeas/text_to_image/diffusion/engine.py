"""The engine itself: which model, what its options mean, and words to a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orfeas.checkpoints import count_values
from orfeas.devices import DeviceChoice, choose_dtype, choose_for_learned, total_bytes
from orfeas.errors import EngineUnavailable, InvalidOption
from orfeas.hub import WeightSet
from orfeas.options import PictureOptions, TextEngineChoice, WeightsChoice, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.readiness import why_not
from orfeas.records import EngineInfo
from orfeas.residence import Residence, Tenants, Wanted
from orfeas.settings import is_folder
from orfeas.text_to_image.base import PictureRequest, PictureResult
from orfeas.text_to_image.diffusion.layout import INDEX, choose_files, own_size_px, read_folder
from orfeas.text_to_image.diffusion.models import DEFAULT, GB, KNOWN, SMALL, KnownModel, choose_known, known_model
from orfeas.text_to_image.diffusion.plan import make_plans
from orfeas.text_to_image.diffusion.prompt import compose_prompt

if TYPE_CHECKING:
    from orfeas.text_to_image.diffusion.pipeline import Networks, Release
    from orfeas.text_to_image.diffusion.plan import Plan

FETCH_HINT = "run python -m orfeas fetch diffusion"
# Where neither the caller nor the model says how large: what memory is planned for.
PLANNED_PX = 1024
IS_A_FOLDER = "ORFEAS_TEXT_MODEL is a folder on this machine, so nothing is fetched for it."


@dataclass(frozen=True)
class _Found:
    """The model to be used, and where it lies."""

    title: str
    known: KnownModel | None
    folder: Path


@dataclass(frozen=True)
class Traits:
    """What a pipeline takes, and its values where the caller leaves them to it; None: it has no such option."""

    num_inference_steps: int | None
    guidance_scale: float | None
    size_px: int | None
    has_negative_prompt: bool


class Diffusion:
    """Any text-to-image pipeline of diffusers, from safetensors and without code of its own.

    Args:
        model: a repository's name or a local folder, as the operator chose; empty takes ours, by the device's memory.
        weights: the operator's folder of weights; the Hugging Face cache where ``None``, and where it has none.
        device: where to run; ``auto`` takes a GPU and nothing else.
        tenants: who else keeps networks on the device.
    """

    name = TextEngineChoice.DIFFUSION
    title = "Diffusion"
    revision = "1"

    def __init__(self, model: str, weights: Path | None, device: DeviceChoice, tenants: Tenants) -> None:
        self._model = model
        self._weights = weights
        self._device: DeviceChoice = device
        self._residence: Residence[Plan, Networks] = Residence(self.title, tenants)

    def check_weights(self) -> None:
        """Look for the model; loads none of it.

        Raises:
            EngineUnavailable: what is missing, damaged or not allowed.
        """
        read_folder(self._find().folder)

    def check_device(self) -> None:
        """Look for a device to run on; loads torch.

        Raises:
            EngineUnavailable: there is none.
        """
        choose_for_learned(self._device)

    def check_memory(self) -> None:
        """Whether the device is large enough for the model at all; loads torch.

        Raises:
            EngineUnavailable: it is not, however much of it were free.
        """
        found = self._find()
        wanted = self._wanted(found)
        needed, there = wanted.plans[-1].needed_bytes, total_bytes(wanted.device)
        if needed > there:
            raise EngineUnavailable(
                f"{found.title} needs about {needed / GB:.1f} GB of memory on {wanted.device.type}, and there are "
                f"{there / GB:.1f} GB"
            )

    def info(self) -> EngineInfo:
        """Ready where the model is whole and there is a device to run it on; loads no weights."""
        missing = why_not(self.check_weights, self.check_device, self.check_memory)
        title, licence, needs = self._describe()
        return EngineInfo(
            name=self.name,
            kind="text_to_image",
            title=self.title,
            is_ready=not missing,
            why_not=missing,
            needs=needs,
            licence=licence,
            good_for=f"A picture of anything you can describe, by {title}.",
            is_preview=False,
            weights="" if is_folder(self._model) else WeightsChoice.DIFFUSION,
            lacks=() if missing else self._lacks(),
        )

    def _lacks(self) -> tuple[str, ...]:
        """The options that a model of ours refuses; another one's are known once its pipeline is."""
        known = self._find().known
        if known is None:
            return ()
        return ("negative_prompt", *(("guidance_scale",) if known.guidance_scale is None else ()))

    def weights(self) -> tuple[WeightSet, ...]:
        """What a fetch brings: the operator's model, or ours by the device's memory; loads torch for that.

        Raises:
            EngineUnavailable: the operator's model is a folder.
        """
        if is_folder(self._model):
            raise EngineUnavailable(IS_A_FOLDER)
        return (_weight_set(self._model or self._choose().repo_id),)

    @property
    def usual_weights(self) -> tuple[WeightSet, ...]:
        """What a fetch brings as far as can be told before the device was looked at."""
        return () if is_folder(self._model) else (_weight_set(self._model or DEFAULT.repo_id),)

    def resolve(self, options: PictureOptions) -> PictureOptions:
        """Effective values for what was asked: the model's own where the caller left it to ORFEAS.

        Raises:
            InvalidOption: an option that the model has no use for was set.
            EngineUnavailable: the model is not there, or of a kind that cannot be used.
        """
        found = self._find()
        traits = _traits_of(found)
        _refuse_what_it_lacks(options, traits, found.title)
        guidance = _value(options.guidance_scale, -1, traits.guidance_scale)
        if options.negative_prompt and 0 <= guidance <= 1:
            raise InvalidOption(
                f"negative_prompt acts with guidance only; set guidance_scale above {guidance:g}.", "negative_prompt"
            )
        return replace(
            options,
            engine=self.name,
            seed=choose_seed(options.seed),
            num_inference_steps=options.num_inference_steps or traits.num_inference_steps or 0,
            guidance_scale=guidance,
            size_px=options.size_px or traits.size_px or 0,
        )

    def compose(self, prompt: str, options: PictureOptions, /) -> str:
        """What the model is given: the words, the style, and for 3D how the object should stand."""
        return compose_prompt(prompt, options.style, for_3d=options.for_3d)

    def generate(self, request: PictureRequest, progress: Progress) -> PictureResult:
        """Make the picture; running out of device memory steps down once.

        Raises:
            Cancelled: within a step of the request.
            InvalidPrompt: the model's own safety checker held the picture back.
            EngineUnavailable: the model or the device is not there, or its files cannot be used.
            OutOfMemory: device memory ran out twice.
        """
        from orfeas.text_to_image.diffusion.pipeline import draw

        with progress.stage(Stage.PICTURE):
            found = self._find()
            made, notes = self._residence.run(
                self._wanted(found, request.options.size_px), lambda plan, networks: draw(networks, request, progress)
            )
        return replace(made, notes=(f"Drawn by {found.title}.", *made.notes, *notes))

    def _wanted(self, found: _Found, size_px: int = 0) -> Wanted[Plan, Networks]:
        from orfeas.text_to_image.diffusion.pipeline import Networks, Release

        release = Release(found.folder, read_folder(found.folder))
        values = _count_parts(release)
        device = choose_for_learned(self._device)
        dtype = choose_dtype(device, sum(values))
        size_px = max(size_px, found.known.size_px if found.known else PLANNED_PX)
        return Wanted(
            release,
            device,
            make_plans(values, size_px, dtype.itemsize, device.type),
            lambda plan: Networks(release, device, dtype, plan),
        )

    def _find(self) -> _Found:
        """The model to be used.

        Raises:
            EngineUnavailable: it is not on this machine.
        """
        if is_folder(self._model):
            return _Found(Path(self._model).name, None, _folder_of(self._model))
        if self._model:
            return self._found(self._model) or self._refuse_missing(self._model)
        here = [found for model in KNOWN if (found := self._found(model.repo_id)) is not None]
        if not here:
            return self._refuse_missing("")
        if len(here) == 1:
            return here[0]
        best = self._choose()
        return next(found for found in here if found.known is best)

    def _found(self, repo_id: str) -> _Found | None:
        from huggingface_hub import try_to_load_from_cache

        known = known_model(repo_id)
        title = known.title if known else repo_id
        if self._weights is not None:
            for place in (self._weights / repo_id.partition("/")[2], self._weights / repo_id):
                if (place / INDEX).is_file():
                    return _Found(title, known, place)
        index = try_to_load_from_cache(repo_id, INDEX)
        return _Found(title, known, Path(index).parent) if isinstance(index, str) else None

    def _refuse_missing(self, repo_id: str) -> _Found:
        what = f"{repo_id} is" if repo_id else "The weights are"
        raise EngineUnavailable(f"{what} not on this machine; {FETCH_HINT}.")

    def _choose(self) -> KnownModel:
        """Ours for the device; the default one where there is no device to run on."""
        try:
            device = choose_for_learned(self._device)
        except EngineUnavailable:
            return DEFAULT
        return choose_known(device.type, total_bytes(device))

    def _describe(self) -> tuple[str, str, str]:
        """The model's title, its licence, and what it needs, as far as is known without loading anything."""
        known = known_model(self._model)
        if self._model and not known:
            title = Path(self._model).name if is_folder(self._model) else self._model
            return title, "That of the model the operator chose", f"{title} as safetensors, and a GPU it fits on."
        if known:
            return known.title, known.licence, f"{_size(known)} and a GPU with {_memory(known)}."
        needs = f"{_size(DEFAULT)} and a GPU with {_memory(DEFAULT)}, or {_size(SMALL)} and one with {_memory(SMALL)}."
        return f"{DEFAULT.title} or {SMALL.title}", f"{DEFAULT.licence}, {SMALL.licence}", needs


def _folder_of(model: str) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError as error:
        raise EngineUnavailable(f"ORFEAS_TEXT_MODEL is {model}, and there is no such home folder.") from error


def _weight_set(repo_id: str) -> WeightSet:
    known = known_model(repo_id)
    return WeightSet(
        repo_id=repo_id,
        files=(INDEX,),
        size_bytes=known.size_bytes if known else 0,
        licence=known.licence if known else "",
        choose=choose_files,
    )


def _count_parts(release: Release) -> tuple[int, ...]:
    return tuple(sum(count_values(release.folder / name) for name in names) for _, names in release.layout.weights)


def _size(model: KnownModel) -> str:
    return f"{model.title} ({model.size_bytes / GB:.1f} GB)"


def _memory(model: KnownModel) -> str:
    return f"{round(model.device_bytes / GB + 0.5)} GB of memory"


def _traits_of(found: _Found) -> Traits:
    """From the table for a known model, else from its pipeline's signature and its network's configuration."""
    if found.known is not None:
        known = found.known
        return Traits(known.num_inference_steps, known.guidance_scale, known.size_px, has_negative_prompt=False)
    from orfeas.text_to_image.diffusion.pipeline import find_class, parameters_of

    layout = read_folder(found.folder)
    takes: Mapping[str, Any] = parameters_of(find_class(layout.class_name))
    guidance = takes.get("guidance_scale")
    return Traits(
        num_inference_steps=takes.get("num_inference_steps"),
        guidance_scale=None if guidance is None or layout.is_distilled else float(guidance),
        size_px=own_size_px(found.folder, layout) if "height" in takes and "width" in takes else None,
        # A guidance of another name, where it is 1, is none, and then nothing is kept out.
        has_negative_prompt="negative_prompt" in takes and (takes.get("true_cfg_scale") or 2) > 1,
    )


def _refuse_what_it_lacks(options: PictureOptions, traits: Traits, title: str) -> None:
    lacking = {
        "negative_prompt": (options.negative_prompt != "" and not traits.has_negative_prompt, "leave it empty"),
        "num_inference_steps": (
            options.num_inference_steps != 0 and traits.num_inference_steps is None,
            "leave it at 0",
        ),
        "guidance_scale": (options.guidance_scale != -1 and traits.guidance_scale is None, "leave it at -1"),
        "size_px": (options.size_px != 0 and traits.size_px is None, "leave it at 0"),
    }
    for name, (is_lacking, advice) in lacking.items():
        if is_lacking:
            raise InvalidOption(f"{title} has no {name}; {advice}.", name)


def _value(asked: float, left_alone: float, own: float | None) -> float:
    """What was asked for, or the model's own, or what leaves it alone where it has none."""
    return asked if asked != left_alone or own is None else own
