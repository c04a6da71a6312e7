"""What stands where under a picture that is to be cut out; nothing happens here yet."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from orfeas.options import RemoveBackground
from orfeas.ui.cut_out.handlers import OWN_MASK
from orfeas.ui.words import BACKGROUND_NAMES


@dataclass(frozen=True)
class CutOutPanel:
    """The cut-out of one picture, and what decides over it."""

    preview: gr.HTML
    background: gr.Radio
    mask: gr.Image

    def in_order(self) -> list[Component]:
        """What decides over it, as an event's inputs; the names are ``background`` and ``mask``."""
        return [self.background, self.mask]


def create_cut_out_panel(picture: str) -> CutOutPanel:
    """Lay it out under the picture whose ``elem_id`` is given.

    The style sheet shows the mask where one's own is chosen, and the preview where there is one.
    """
    preview = gr.HTML("", elem_id=f"{picture}-cut-out", elem_classes="cut-out-preview")
    background = gr.Radio(
        [*((BACKGROUND_NAMES[choice], choice.value) for choice in RemoveBackground), ("Own mask", OWN_MASK)],
        value=RemoveBackground.AUTO.value,
        label="Background",
        info="Automatic removes it, unless it is transparent.",
        elem_id=f"{picture}-background",
        elem_classes=["chips", "background"],
    )
    mask = gr.Image(
        label="Your mask: white keeps, black removes",
        sources=["upload", "clipboard"],
        type="filepath",
        image_mode=None,
        elem_id=f"{picture}-mask",
        elem_classes="own-mask",
        height=140,
        buttons=[],
        placeholder="Drop the mask here, or press to choose one",
    )
    return CutOutPanel(preview, background, mask)
