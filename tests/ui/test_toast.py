import logging

import gradio as gr
import pytest

from orfeas.errors import Cancelled, EngineUnavailable, InvalidOption
from orfeas.ui.endpoints import refusal
from orfeas.ui.toast import raised_to_scripts, shown_as_toast


def test_a_bug_reaches_a_script_as_a_reference_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as raised, raised_to_scripts():
        raise KeyError("a secret")
    assert raised.value.message.startswith("Internal error: ORFEAS met a bug of its own.")
    assert raised.value.message.split()[-1].rstrip(".") in caplog.text
    assert "secret" not in raised.value.message


def test_a_bug_reaches_the_page_as_a_toast() -> None:
    with pytest.raises(gr.Error, match="Internal error</strong>"), shown_as_toast():
        raise KeyError("a secret")


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        (InvalidOption("Nothing begins with its name.", "seed"), "seed"),
        (EngineUnavailable("None is ready."), "engine"),
        (Cancelled("Nobody's fault."), "image"),
    ],
)
def test_a_refusal_stands_under_the_parameter_to_blame(error: InvalidOption, blamed: str) -> None:
    names = ["image", "engine", "seed"]
    answers = dict(zip(names, refusal(error, names), strict=True))
    assert [name for name, answer in answers.items() if not answer["is_valid"]] == [blamed]
