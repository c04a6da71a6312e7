"""What stands where: makes the components of the page and returns them; nothing happens here yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from orfeas.options import Quality
from orfeas.records import EngineInfo
from orfeas.ui import markup, words
from orfeas.ui.advanced import OptionInputs, create_advanced
from orfeas.ui.cut_out.layout import CutOutPanel, create_cut_out_panel
from orfeas.ui.drawer.layout import Drawer, create_drawer
from orfeas.ui.examples import Example
from orfeas.ui.mesh_tab.layout import MeshInputs, MeshTab, create_mesh_tab
from orfeas.ui.words_tab import WordInputs, WordsTab, create_words_tab

# Keys under which the browser keeps its history token. The token itself is the secret; the encryption Gradio adds needs
# a constant only so that a restart can read it again.
BROWSER_KEY = "orfeas-history"
POLL_S = 0.2

# Presses on tiles travel as the event's own data; Gradio renders the tiles anew whenever they change.
TILE_SCRIPT = """
element.addEventListener('click', (event) => {
  const tile = event.target.closest('[data-key]');
  if (tile) trigger('select', {index: tile.dataset.key, value: tile.dataset.key});
});
"""


# How a model is seen at first: how far around and how far down, degrees, and from as far as it fits the view.
CAMERA = (65, 75, None)
OPENER_SCRIPT = """
element.addEventListener('click', (event) => {
  if (event.target.closest('[popovertarget]')) trigger('click');
});
"""


@dataclass(frozen=True)
class Page:
    """Every component that events read or write."""

    header: gr.HTML
    drawer: Drawer
    tabs: gr.Tabs
    image: gr.Image
    image_cut_out: CutOutPanel
    front_cut_out: CutOutPanel
    check_print: gr.Button
    examples: gr.HTML
    words: WordInputs
    words_tab: WordsTab
    mesh: MeshInputs
    options: OptionInputs
    learned: gr.Column
    load_settings: gr.UploadButton
    generate: gr.Button
    make_picture: gr.Button
    straight: gr.Button
    repair: gr.Button
    paint: gr.Button
    stop: gr.Button
    viewer: gr.Model3D
    view_mode: gr.Radio
    cut_out: gr.HTML
    picture: gr.HTML
    preview: gr.HTML
    status: gr.HTML
    to_model: gr.Button
    adjust: gr.Button
    again: gr.Button
    reuse_seed: gr.Button
    history: gr.HTML
    announcer: gr.HTML
    job_id: gr.State
    shown_id: gr.State
    model: gr.State
    token: gr.BrowserState
    clock: gr.Timer


@dataclass(frozen=True)
class _Tabs:
    tabs: gr.Tabs
    image: gr.Image
    image_cut_out: CutOutPanel
    examples: gr.HTML
    words: WordsTab
    mesh: MeshTab


@dataclass(frozen=True)
class _Actions:
    generate: gr.Button
    make_picture: gr.Button
    straight: gr.Button
    repair: gr.Button
    paint: gr.Button
    stop: gr.Button


@dataclass(frozen=True)
class _Stage:
    viewer: gr.Model3D
    view_mode: gr.Radio
    cut_out: gr.HTML
    picture: gr.HTML
    preview: gr.HTML
    status: gr.HTML
    to_model: gr.Button
    adjust: gr.Button
    again: gr.Button
    reuse_seed: gr.Button
    history: gr.HTML


def create_page(engines: Sequence[EngineInfo], examples: Sequence[Example], example_model: Path | None) -> Page:
    """Lay the page out; call inside ``gr.Blocks``."""
    header = gr.HTML(markup.header(engines), elem_id="header", js_on_load=OPENER_SCRIPT)
    drawer = create_drawer(engines)
    with gr.Row(elem_id="bench"):
        with gr.Column(elem_id="make", min_width=0):
            tabs = _create_tabs(engines, examples)
            quality = _quality()
            advanced = create_advanced(quality, engines)
            actions = _create_actions()
        with gr.Column(elem_id="stage", min_width=0):
            stage = _create_stage(example_model)
    return Page(
        header=header,
        drawer=drawer,
        tabs=tabs.tabs,
        image=tabs.image,
        image_cut_out=tabs.image_cut_out,
        front_cut_out=tabs.mesh.panel,
        check_print=tabs.mesh.check,
        examples=tabs.examples,
        words=tabs.words.inputs,
        words_tab=tabs.words,
        mesh=tabs.mesh.inputs,
        options=advanced.options,
        learned=advanced.learned,
        load_settings=advanced.load_settings,
        generate=actions.generate,
        make_picture=actions.make_picture,
        straight=actions.straight,
        repair=actions.repair,
        paint=actions.paint,
        stop=actions.stop,
        viewer=stage.viewer,
        view_mode=stage.view_mode,
        cut_out=stage.cut_out,
        picture=stage.picture,
        preview=stage.preview,
        status=stage.status,
        to_model=stage.to_model,
        adjust=stage.adjust,
        again=stage.again,
        reuse_seed=stage.reuse_seed,
        history=stage.history,
        announcer=gr.HTML("", elem_id="announcer"),
        job_id=gr.State(""),
        shown_id=gr.State(""),
        model=gr.State(str(example_model or "")),
        token=gr.BrowserState("", storage_key=BROWSER_KEY, secret=BROWSER_KEY),
        clock=gr.Timer(POLL_S, active=False),
    )


def _create_tabs(engines: Sequence[EngineInfo], examples: Sequence[Example]) -> _Tabs:
    with gr.Tabs(elem_id="inputs") as tabs:
        with gr.Tab("Picture", id="picture", elem_id="tab-picture"):
            image = _picture()
            image_cut_out = create_cut_out_panel("image")
            example_tiles = _example_tiles(examples)
        with gr.Tab("Words", id="words", elem_id="tab-words"):
            words_tab = create_words_tab(engines)
        with gr.Tab("Mesh", id="mesh-tab", elem_id="tab-mesh"):
            mesh_tab = create_mesh_tab()
    return _Tabs(tabs, image, image_cut_out, example_tiles, words_tab, mesh_tab)


def _create_actions() -> _Actions:
    with gr.Row(elem_id="actions"):
        return _Actions(
            generate=gr.Button("Generate", variant="primary", size="lg", elem_id="generate"),
            make_picture=gr.Button("Make the picture", variant="primary", size="lg", elem_id="make-picture"),
            straight=gr.Button("Straight to 3D", size="lg", elem_id="straight"),
            repair=gr.Button("Repair", size="lg", elem_id="repair"),
            paint=gr.Button("Paint", variant="primary", size="lg", elem_id="paint"),
            stop=gr.Button("Stop", variant="stop", size="lg", elem_id="stop"),
        )


def _create_stage(example_model: Path | None) -> _Stage:
    with gr.Column(elem_id="view", min_width=0):
        viewer = gr.Model3D(
            str(example_model) if example_model else None,
            label="Model",
            show_label=False,
            interactive=False,
            elem_id="viewer",
            camera_position=CAMERA,
        )
        view_mode = gr.Radio(
            [("Solid", "solid"), ("Wireframe", "wireframe")],
            value="solid",
            label="View",
            elem_id="view-mode",
            container=False,
        )
        cut_out = gr.HTML("", elem_id="cut-out")
        picture = gr.HTML("", elem_id="picture")
        preview = gr.HTML("", elem_id="preview")
    with gr.Row(elem_id="outcome"):
        status = gr.HTML(markup.EMPTY, elem_id="status")
        with gr.Column(elem_id="next", min_width=0):
            to_model = gr.Button("Make it 3D", variant="primary", elem_id="to-model", visible=False)
            adjust = gr.Button("Check the cut-out", elem_id="adjust", visible=False)
            again = gr.Button("Another picture", elem_id="again", visible=False)
            reuse_seed = gr.Button("Reuse this seed", elem_id="reuse-seed", visible=False)
    history = gr.HTML(markup.history((), ""), elem_id="history", js_on_load=TILE_SCRIPT)
    return _Stage(viewer, view_mode, cut_out, picture, preview, status, to_model, adjust, again, reuse_seed, history)


def _picture() -> gr.Image:
    return gr.Image(
        label="Picture of one object",
        sources=["upload", "clipboard", "webcam"],
        type="filepath",
        image_mode=None,
        elem_id="image",
        height=240,
        buttons=[],
        placeholder="Drop a picture here, or press to choose one\n\nOne object, seen from the front",
    )


def _example_tiles(examples: Sequence[Example]) -> gr.HTML:
    pressed = [
        markup.Tile(key=str(index), source=f"examples/{index}", label=f"Make a model of the example: {example.name}")
        for index, example in enumerate(examples)
    ]
    return gr.HTML(
        f'<h2 class="label">Or start from an example</h2>{markup.tiles(pressed, "Examples")}' if pressed else "",
        elem_id="examples",
        js_on_load=TILE_SCRIPT,
    )


def _quality() -> gr.Radio:
    return gr.Radio(
        quality_choices({}),
        value=Quality.STANDARD.value,
        label="Quality",
        elem_id="quality",
        elem_classes="segments",
    )


def quality_choices(seconds: dict[Quality, float]) -> list[tuple[str, str]]:
    """The qualities with the time each took on this machine, where one has been measured."""
    return [
        (f"{name}\nabout {words.seconds_text(seconds[quality])}" if quality in seconds else name, quality.value)
        for quality, name in words.QUALITY_NAMES.items()
    ]
