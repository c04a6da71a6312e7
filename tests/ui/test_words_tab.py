from dataclasses import replace

import gradio as gr
import pytest

from orfeas.records import EngineInfo
from orfeas.ui.words_tab import create_words_tab

PICTOGRAM = EngineInfo("pictogram", "text_to_image", "Pictogram", True, "", "", "", "", True)
DIFFUSION = EngineInfo("diffusion", "text_to_image", "Diffusion", True, "", "", "", "", False)


@pytest.mark.parametrize(
    ("engines", "shown"),
    [
        ((PICTOGRAM,), (False, False, False, False)),
        ((replace(DIFFUSION, is_ready=False), PICTOGRAM), (False, False, False, False)),
        ((DIFFUSION, PICTOGRAM), (True, True, True, True)),
        ((replace(DIFFUSION, lacks=("negative_prompt",)), PICTOGRAM), (True, True, False, True)),
        ((replace(DIFFUSION, lacks=("negative_prompt", "guidance_scale")), PICTOGRAM), (True, True, False, False)),
    ],
)
def test_only_what_the_engines_here_take_is_shown_at_first_and_later(
    engines: tuple[EngineInfo, ...], shown: tuple[bool, ...]
) -> None:
    with gr.Blocks():
        tab = create_words_tab(engines)
    inputs = tab.inputs
    order = (inputs.text_engine, tab.picture_options, inputs.negative_prompt, inputs.picture_guidance_scale)
    changed = tab.with_engines(engines)
    assert tuple(block.visible for block in order) == shown
    assert tuple(changed[block].visible for block in order) == shown  # type: ignore[attr-defined]  # components
    assert set(tab.depends_on_engines()) == set(order)
