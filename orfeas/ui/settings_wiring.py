"""Settings come back into the page's inputs: the seed of the result that is shown, and all that a model file tells."""

from dataclasses import fields

import gradio as gr
from gradio.components import Component

from orfeas.records import Scalar
from orfeas.ui.advanced import OptionInputs
from orfeas.ui.handlers import Handlers
from orfeas.ui.layout import Page
from orfeas.ui.mesh_tab.handlers import PRINTED
from orfeas.ui.stage import Updates
from orfeas.ui.submissions import mesh_path
from orfeas.ui.toast import shown_as_toast
from orfeas.ui.words_tab import WordInputs

# Inputs of the Mesh tab that a model file can fill in.
MESH_NAMES = ("keep_uv", "mesh_size_mm", "repair_faces", "min_part_percent", "keep_shells", *PRINTED)


def connect_settings(page: Page, handlers: Handlers) -> None:
    """Wire the button under a result, and the one that takes a file."""
    by_name = _inputs(page)

    def on_reuse(shown_id: str) -> Updates:
        with shown_as_toast():
            return {page.options.seed: handlers.settings_of(shown_id).get("seed", -1)}

    def on_load(file: object) -> Updates:
        with shown_as_toast():
            settings: dict[str, Scalar] = handlers.settings_from(mesh_path(file))
            gr.Success("The settings of the file are in place.", title="Settings loaded")
            return {by_name[name]: value for name, value in settings.items() if name in by_name}

    page.reuse_seed.click(
        on_reuse,
        page.shown_id,
        page.options.seed,
        show_progress="hidden",
        api_visibility="private",
    )
    page.load_settings.upload(
        on_load,
        page.load_settings,
        list(by_name.values()),
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _inputs(page: Page) -> dict[str, Component]:
    """Every input that a file can fill in, by the option's name."""
    of_words = {field.name: getattr(page.words, field.name) for field in fields(WordInputs)}
    of_options = {field.name: getattr(page.options, field.name) for field in fields(OptionInputs)}
    of_mesh = {name: getattr(page.mesh, name) for name in MESH_NAMES}
    return {
        **of_words,
        **of_options,
        **of_mesh,
        "remove_background": page.image_cut_out.background,
        "front_background": page.front_cut_out.background,
    }
