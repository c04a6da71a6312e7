"""What stands where in the drawer; nothing happens here yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from orfeas.records import EngineInfo
from orfeas.ui.drawer import markup

CLOCK_S = 0.5
GROUPS = (
    ("shape", "Picture to 3D"),
    ("texture", "Texture"),
    ("text_to_image", "Words to picture"),
    ("background", "Background removal"),
)


@dataclass(frozen=True)
class FetchPanel:
    """What fetches one engine's weights, under its row."""

    outcome: gr.HTML
    ask: gr.Button
    confirm: gr.Button
    dismiss: gr.Button
    stop: gr.Button

    def in_order(self) -> list[Component]:
        """All of them, as an event's outputs."""
        return [self.outcome, self.ask, self.confirm, self.dismiss, self.stop]


@dataclass(frozen=True)
class Drawer:
    """The drawer's components; rows and panels by the engine's key."""

    rows: Mapping[str, gr.HTML]
    panels: Mapping[str, FetchPanel]
    clock: gr.Timer


def create_drawer(engines: Sequence[EngineInfo]) -> Drawer:
    """Lay the drawer out; call inside ``gr.Blocks``. The page's script makes it a popover."""
    rows: dict[str, gr.HTML] = {}
    panels: dict[str, FetchPanel] = {}
    with gr.Column(elem_id="engines", min_width=0):
        gr.HTML(markup.HEAD)
        for kind, title in GROUPS:
            gr.HTML(markup.group(title))
            for info in (info for info in engines if info.kind == kind):
                with gr.Column(elem_classes="engine", min_width=0):
                    rows[info.key] = gr.HTML(markup.row(info), elem_id=f"{_slug(info)}-row")
                    if info.fetch is not None:
                        panels[info.key] = _panel(_slug(info))
    return Drawer(rows, panels, gr.Timer(CLOCK_S, active=False))


def _slug(info: EngineInfo) -> str:
    return info.key.replace(".", "-")


def _panel(slug: str) -> FetchPanel:
    outcome = gr.HTML("", elem_id=f"{slug}-fetch")
    with gr.Row(elem_classes="offers"):
        return FetchPanel(
            outcome=outcome,
            ask=gr.Button("Fetch", elem_id=f"{slug}-ask", visible=False),
            confirm=gr.Button("Fetch", variant="primary", elem_id=f"{slug}-confirm", visible=False),
            dismiss=gr.Button("Not now", elem_id=f"{slug}-dismiss", visible=False),
            stop=gr.Button("Stop fetching", variant="stop", elem_id=f"{slug}-stop", visible=False),
        )
