"""The advanced options: everything that a newcomer need not see, shared by all tabs."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from orfeas.job_files import SUFFIXES
from orfeas.options import (
    MAX_SEED,
    EngineChoice,
    RemoverChoice,
    ShapeOptions,
    TextureEngineChoice,
    TextureFormat,
)
from orfeas.records import EngineInfo
from orfeas.ui import words
from orfeas.ui.inputs import number_input

DEFAULTS = ShapeOptions()


@dataclass(frozen=True)
class OptionInputs:
    """The inputs of the making side; the order is the order in which handlers take them."""

    engine: gr.Dropdown
    quality: gr.Radio
    texture: gr.Checkbox
    seed: gr.Number
    size_mm: gr.Number
    target_faces: gr.Number
    texture_size: gr.Number
    num_inference_steps: gr.Number
    guidance_scale: gr.Number
    octree_resolution: gr.Number
    guidance_start: gr.Number
    guidance_end: gr.Number
    cache_threshold: gr.Number
    texture_engine: gr.Dropdown
    texture_format: gr.Dropdown
    remover: gr.Dropdown

    def in_order(self) -> list[gr.components.Component]:
        """All of them, as an event's inputs."""
        return [getattr(self, name) for name in self.__dataclass_fields__]


@dataclass(frozen=True)
class Advanced:
    """The options, the part of them that only learned engines take, and the button that loads them from a file."""

    options: OptionInputs
    learned: gr.Column
    load_settings: gr.UploadButton


@dataclass(frozen=True)
class _TextureInputs:
    texture: gr.Checkbox
    engine: gr.Dropdown
    file_format: gr.Dropdown


@dataclass(frozen=True)
class _LearnedInputs:
    column: gr.Column
    steps: gr.Number
    guidance: gr.Number
    start: gr.Number
    end: gr.Number
    octree: gr.Number
    cache: gr.Number


def create_advanced(quality: gr.Radio, engines: Sequence[EngineInfo]) -> Advanced:
    """Lay them out; ``quality``, which stands above, is one of the options too."""
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        engine = _dropdown(
            "Engine",
            "Who makes the shape. Automatic takes the best that is ready.",
            engine_choices(engines),
            DEFAULTS.engine,
            "engine",
        )
        remover = _dropdown(
            "Background remover",
            "Who cuts the subject out. Automatic takes the best that is ready.",
            remover_choices(engines),
            DEFAULTS.remover,
            "remover",
        )
        texture = _create_texture(engines)
        with gr.Row(elem_classes="pair"):
            size_mm = number_input("Size, mm", "Longest side, 1 to 10,000.", DEFAULTS.size_mm, "size-mm", 1, 10_000)
            seed = number_input("Seed", "-1 takes a new one each time.", -1, "seed", -1, MAX_SEED)
        with gr.Row(elem_classes="pair"):
            target_faces = number_input("Faces", "0 lets the quality choose.", 0, "target-faces", 0, 2_000_000)
            texture_size = number_input("Texture, px", "0 lets the quality choose.", 0, "texture-size", 0, 4096)
        learned = _create_learned(engines)
        load_settings = gr.UploadButton(
            "Load settings from a model file",
            file_types=[*SUFFIXES.values(), ".json"],
            elem_id="load-settings",
            size="md",
        )
    options = OptionInputs(
        engine=engine,
        quality=quality,
        texture=texture.texture,
        seed=seed,
        size_mm=size_mm,
        target_faces=target_faces,
        texture_size=texture_size,
        num_inference_steps=learned.steps,
        guidance_scale=learned.guidance,
        octree_resolution=learned.octree,
        guidance_start=learned.start,
        guidance_end=learned.end,
        cache_threshold=learned.cache,
        texture_engine=texture.engine,
        texture_format=texture.file_format,
        remover=remover,
    )
    return Advanced(options, learned.column, load_settings)


def engine_choices(engines: Sequence[EngineInfo]) -> list[tuple[str, str]]:
    """The engines that can be chosen for the shape."""
    return choices_of(engines, "shape", EngineChoice.AUTO)


def texture_engine_choices(engines: Sequence[EngineInfo]) -> list[tuple[str, str]]:
    """The texture engines that can be chosen, after "Automatic"."""
    return choices_of(engines, "texture", TextureEngineChoice.AUTO)


def remover_choices(engines: Sequence[EngineInfo]) -> list[tuple[str, str]]:
    """The removers of backgrounds that can be chosen, after "Automatic"."""
    return choices_of(engines, "background", RemoverChoice.AUTO)


def has_learned(engines: Sequence[EngineInfo]) -> bool:
    """Whether an engine is ready that takes steps, guidance and a grid."""
    return any(info.is_ready and info.kind == "shape" and info.name == EngineChoice.HUNYUAN for info in engines)


def choices_of(engines: Sequence[EngineInfo], kind: str, auto: str) -> list[tuple[str, str]]:
    """The engines of one kind that can be chosen here, after "Automatic"."""
    ready = [(info.title, info.name) for info in engines if info.kind == kind and info.is_ready]
    return [("Automatic", auto), *ready]


def _create_texture(engines: Sequence[EngineInfo]) -> _TextureInputs:
    texture = gr.Checkbox(
        value=True, label="Texture", info="Put the picture on the model's surface.", elem_id="texture"
    )
    with gr.Row(elem_classes="pair"):
        formats = [(words.TEXTURE_FORMAT_NAMES[choice], choice.value) for choice in TextureFormat]
        return _TextureInputs(
            texture=texture,
            engine=_dropdown(
                "Texture engine",
                "Who paints.",
                texture_engine_choices(engines),
                DEFAULTS.texture_engine,
                "texture-engine",
            ),
            file_format=_dropdown(
                "Texture file", "How colours are kept.", formats, DEFAULTS.texture_format, "texture-format"
            ),
        )


def _create_learned(engines: Sequence[EngineInfo]) -> _LearnedInputs:
    with gr.Column(visible=has_learned(engines), min_width=0) as column:
        with gr.Row(elem_classes="pair"):
            steps = number_input("Steps", "0 lets the quality choose.", 0, "steps", 0, 200)
            guidance = number_input("Guidance", "-1 lets the quality choose.", -1, "guidance", -1, 30)
        with gr.Row(elem_classes="pair"):
            start = number_input(
                "Guidance from", "Share of the steps.", DEFAULTS.guidance_start, "guidance-start", 0, 1
            )
            end = number_input("Guidance to", "Less than 1 is faster.", DEFAULTS.guidance_end, "guidance-end", 0, 1)
        with gr.Row(elem_classes="pair"):
            octree = number_input("Grid", "Cells a side; 0 lets the quality choose.", 0, "octree", 0, 512)
            cache = number_input("Step caching", "0 is off; 0.1 skips similar steps.", 0, "cache-threshold", 0, 1)
    return _LearnedInputs(column, steps, guidance, start, end, octree, cache)


def _dropdown(label: str, info: str, choices: list[tuple[str, str]], value: str, elem_id: str) -> gr.Dropdown:
    return gr.Dropdown(
        choices, value=str(value), label=label, info=info, elem_id=elem_id, filterable=False, min_width=120
    )
