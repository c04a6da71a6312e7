"""Refuses, in our words, values of file inputs that Gradio cannot use."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.state_holder import SessionState

from orfeas.errors import InvalidImage, InvalidMesh
from orfeas.ui.toast import raised_to_scripts


class StudioBlocks(gr.Blocks):
    """The page, which takes files only as uploads and says so."""

    # Values of events can be anything; the signature is Gradio's.
    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Gradio's own, but for the error where a file input holds no upload."""
        with raised_to_scripts():
            try:
                values: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            except (OSError, ValueError) as error:
                refused = refused_file(block_fn.inputs, inputs)
                if refused is None:
                    raise
                raise refused from error
        return values


def refused_file(components: Sequence[object], values: Sequence[object]) -> InvalidImage | InvalidMesh | None:
    """The error of the first file input that holds something; None where none does."""
    for component, value in zip(components, values, strict=False):
        if isinstance(component, Component) and value is not None:
            if isinstance(component, gr.Image):
                return InvalidImage("This is no uploaded picture. Upload the file first, and send what that answers.")
            if isinstance(component, gr.File | gr.UploadButton):
                return InvalidMesh("This is no uploaded file. Upload the file first, and send what that answers.")
    return None
