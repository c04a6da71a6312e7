"""The Words tab: what it should be, in which style, by whom, and what only diffusion models take."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import gradio as gr
from gradio.blocks import Block

from orfeas.options import MAX_PROMPT_CHARACTERS, MAX_SIDE_PX, Style, TextEngineChoice
from orfeas.records import EngineInfo
from orfeas.ui import words
from orfeas.ui.advanced import choices_of
from orfeas.ui.inputs import number_input


@dataclass(frozen=True)
class WordInputs:
    """The inputs of the Words tab, named as ``/text_to_3d`` names them; the order is that of the handlers."""

    prompt: gr.Textbox
    style: gr.Radio
    text_engine: gr.Dropdown
    negative_prompt: gr.Textbox
    picture_steps: gr.Number
    picture_guidance_scale: gr.Number
    size_px: gr.Number

    def in_order(self) -> list[gr.components.Component]:
        """All of them, as an event's inputs."""
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True)
class WordsTab:
    """The inputs, and the part of them that a diffusion model takes."""

    inputs: WordInputs
    picture_options: gr.Column

    def depends_on_engines(self) -> list[Block]:
        """What :meth:`with_engines` changes."""
        return list(self.with_engines(()))

    def with_engines(self, engines: Sequence[EngineInfo]) -> dict[Block, object]:
        """What it shows once the engines are as they are now."""
        inputs, choices = self.inputs, _engine_choices(engines)
        return {
            inputs.text_engine: gr.Dropdown(choices=choices, visible=len(choices) > 2),
            inputs.negative_prompt: gr.Textbox(visible=_is_taken(engines, "negative_prompt")),
            inputs.picture_guidance_scale: gr.Number(visible=_is_taken(engines, "guidance_scale")),
            self.picture_options: gr.Column(visible=_has_diffusion(engines)),
        }


def create_words_tab(engines: Sequence[EngineInfo]) -> WordsTab:
    """Lay it out; call inside its tab."""
    prompt = gr.Textbox(
        label="What should it be?",
        info="Name one object. The picture comes first; then it becomes a model.",
        placeholder="a red apple",
        lines=3,
        max_lines=6,
        max_length=MAX_PROMPT_CHARACTERS,
        elem_id="prompt",
    )
    style = gr.Radio(
        [(words.STYLE_NAMES[style], style.value) for style in Style],
        value=Style.NONE.value,
        label="Style",
        elem_id="style",
        elem_classes="chips",
    )
    choices = _engine_choices(engines)
    text_engine = gr.Dropdown(
        choices,
        value=TextEngineChoice.AUTO.value,
        label="Picture engine",
        info="Who draws the picture. Automatic takes the best that is ready.",
        elem_id="text-engine",
        filterable=False,
        visible=len(choices) > 2,
    )
    with (
        gr.Column(visible=_has_diffusion(engines), min_width=0) as picture_options,
        gr.Accordion("Picture options", open=False, elem_id="picture-options"),
    ):
        negative_prompt = gr.Textbox(
            label="Keep out",
            info="What should not be in the picture.",
            max_lines=2,
            max_length=MAX_PROMPT_CHARACTERS,
            elem_id="negative-prompt",
            visible=_is_taken(engines, "negative_prompt"),
        )
        with gr.Row(elem_classes="pair"):
            steps = number_input("Picture steps", "0 takes the model's own.", 0, "picture-steps", 0, 200)
            size_px = number_input("Picture size, px", "0 takes the model's own.", 0, "size-px", 0, MAX_SIDE_PX)
        guidance = number_input(
            "Picture guidance",
            "How closely the picture follows the words; -1 takes the model's own.",
            -1,
            "picture-guidance",
            -1,
            30,
            is_visible=_is_taken(engines, "guidance_scale"),
        )
    inputs = WordInputs(prompt, style, text_engine, negative_prompt, steps, guidance, size_px)
    return WordsTab(inputs, picture_options)


def _engine_choices(engines: Sequence[EngineInfo]) -> list[tuple[str, str]]:
    return choices_of(engines, "text_to_image", TextEngineChoice.AUTO)


def _diffusion(engines: Sequence[EngineInfo]) -> EngineInfo | None:
    return next((info for info in engines if info.is_ready and info.name == TextEngineChoice.DIFFUSION), None)


def _has_diffusion(engines: Sequence[EngineInfo]) -> bool:
    return _diffusion(engines) is not None


def _is_taken(engines: Sequence[EngineInfo], option: str) -> bool:
    """Whether the model here is not known to refuse that option."""
    info = _diffusion(engines)
    return info is not None and option not in info.lacks
