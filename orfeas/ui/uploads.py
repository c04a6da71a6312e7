"""Refuses, in our words, values of file inputs that Gradio cannot use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.state_holder import SessionState
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_http_url_like

from orfeas.errors import InvalidImage, InvalidMesh
from orfeas.ui.toast import raised_to_scripts

SERVED_AT = "/gradio_api/file="


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
                inputs = [without_address(value) for value in inputs]
                values: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            except (OSError, ValueError) as error:
                refused = refused_file(block_fn.inputs, inputs)
                if refused is None:
                    raise
                raise refused from error
        return values


def without_address(value: object) -> object:
    """The value; an upload that is named by the address it is served at, as assistants name it, by its path instead.

    Gradio would fetch it from here, and fetches nothing from a private address. The path is checked as any is.

    Raises:
        ValueError: it is no address at all.
    """
    if not isinstance(value, dict) or not isinstance(path := value.get("path"), str) or not is_http_url_like(path):
        return value
    upload = unquote(urlsplit(path).path.partition(SERVED_AT)[2])
    is_ours = bool(upload) and is_in_or_equal(upload, get_upload_folder()) and Path(upload).is_file()
    return {**value, "path": upload} if is_ours else value


def refused_file(components: Sequence[object], values: Sequence[object]) -> InvalidImage | InvalidMesh | None:
    """The error of the first file input that holds something; None where none does."""
    for component, value in zip(components, values, strict=False):
        if isinstance(component, Component) and value is not None:
            if isinstance(component, gr.Image):
                return InvalidImage("This is no uploaded picture. Upload the file first, and send what that answers.")
            if isinstance(component, gr.File | gr.UploadButton):
                return InvalidMesh("This is no uploaded file. Upload the file first, and send what that answers.")
    return None
