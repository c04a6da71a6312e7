"""Refuses, in our words, values of file inputs that Gradio cannot use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.block_function import BlockFunction
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
                if not block_fn.is_validator_function:
                    raise refused.error from error
                # Gradio answers a validator's call that fails with a bare 400; what the validator says, with 422.
                values = [*inputs]
                values[refused.place] = refused.error
        return values


@dataclass(frozen=True)
class RefusedFile:
    """What to say of a file input; ``place`` is its place among the event's inputs."""

    place: int
    error: InvalidImage | InvalidMesh


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


def refused_file(components: Sequence[object], values: Sequence[object]) -> RefusedFile | None:
    """The first file input that holds no upload, else the first that holds anything; None where none does."""
    held = [
        (place, component, value)
        for place, (component, value) in enumerate(zip(components, values, strict=False))
        if isinstance(component, gr.Image | gr.File | gr.UploadButton) and value is not None
    ]
    blamed = next((file for file in held if not is_upload(file[2])), next(iter(held), None))
    if blamed is None:
        return None
    place, component, value = blamed
    if isinstance(component, gr.Image):
        return RefusedFile(place, InvalidImage(_sentence("picture", value)))
    return RefusedFile(place, InvalidMesh(_sentence("file", value)))


def is_upload(value: object) -> bool:
    """Whether an input names a file that was uploaded here."""
    path = value.get("path") if isinstance(value, dict) else None
    return isinstance(path, str) and is_in_or_equal(path, get_upload_folder()) and Path(path).is_file()


def _sentence(what: str, value: object) -> str:
    path = value.get("path") if isinstance(value, dict) else value
    if isinstance(path, str) and is_http_url_like(path):
        return f"The {what} could not be fetched from that address, or may not be. Upload the file instead."
    handled = " With gradio_client, wrap its path in handle_file()." if isinstance(value, str) else ""
    return f"This is no uploaded {what}. Upload the file first, and send what that answers.{handled}"
