"""Our errors as Gradio's, so that they reach the page as a toast and a script as a message; bugs too."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from orfeas.errors import InternalError, OrfeasError
from orfeas.ui.words import in_page_words

LOGGER = logging.getLogger(__name__)


@contextmanager
def bugs_explained() -> Iterator[None]:
    """Where an event ends: a bug goes to the log under a reference, and only the reference to the caller.

    Raises:
        InternalError: for any exception that is neither ours nor made for Gradio.
    """
    try:
        yield
    except (OrfeasError, gr.Error):
        raise
    except Exception as error:
        reference = secrets.token_hex(4)
        LOGGER.exception("an event failed inside ORFEAS; reference %s", reference)
        message = f"ORFEAS met a bug of its own. The operator finds it in the log under {reference}."
        raise InternalError(message) from error


@contextmanager
def raised_to_scripts() -> Iterator[None]:
    """Turn an :class:`OrfeasError` into a ``gr.Error`` whose message begins with the title.

    Raises:
        gr.Error: gradio_client raises it as ``AppError``.
    """
    try:
        with bugs_explained():
            yield
    except OrfeasError as error:
        raise gr.Error(error.sentence, title=error.title, print_exception=False) from None


@contextmanager
def shown_as_toast() -> Iterator[None]:
    """Turn an :class:`OrfeasError` into a toast headed with its title, and end the event as failed.

    Gradio 6.31's page heads every toast with "Error" or "Warning", whatever its title, and shows the message as HTML;
    so the heading stands in the message, and the style sheet hides Gradio's.

    Raises:
        gr.Error: the page shows it, and runs no event that waits for this one's success.
    """
    try:
        with bugs_explained():
            yield
    except OrfeasError as error:
        message = f"<strong>{escape(error.title)}</strong><br>{escape(in_page_words(str(error)))}"
        raise gr.Error(message, title=error.title, print_exception=False) from None
