"""Our errors as Gradio's, so that they reach the page as a toast and a script as a message."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from orfeas.errors import OrfeasError


@contextmanager
def raised_to_scripts() -> Iterator[None]:
    """Turn an :class:`OrfeasError` into a ``gr.Error`` whose message begins with the title.

    Raises:
        gr.Error: gradio_client raises it as ``AppError``.
    """
    try:
        yield
    except OrfeasError as error:
        raise gr.Error(error.sentence, title=error.title, print_exception=False) from None


@contextmanager
def shown_as_toast() -> Iterator[None]:
    """Turn an :class:`OrfeasError` into a toast headed with its title, and end the event as failed.

    Gradio's page heads the toast of every ``gr.Error`` with "Error", whatever its title; a warning keeps its own.

    Raises:
        gr.Error: unseen; it keeps the events after this one from running.
    """
    try:
        yield
    except OrfeasError as error:
        gr.Warning(str(error), title=error.title)
        raise gr.Error(error.sentence, title=error.title, visible=False, print_exception=False) from None
