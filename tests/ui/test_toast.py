import logging

import gradio as gr
import pytest

from orfeas.errors import Cancelled, EngineUnavailable, InvalidOption
from orfeas.ui.endpoints import refusal
from orfeas.ui.toast import raised_to_scripts, shown_as_toast
from orfeas.ui.words import in_page_words


def test_a_bug_reaches_a_script_as_a_reference_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as raised, raised_to_scripts():
        raise KeyError("a secret")
    assert raised.value.message.startswith("Internal error: ORFEAS met a bug of its own.")
    assert raised.value.message.split()[-1].rstrip(".") in caplog.text
    assert "secret" not in raised.value.message


def test_a_bug_reaches_the_page_as_a_toast() -> None:
    with pytest.raises(gr.Error, match="Internal error</strong>"), shown_as_toast():
        raise KeyError("a secret")


def test_the_page_speaks_of_an_option_by_its_label() -> None:
    with pytest.raises(gr.Error, match="“Size, mm” cannot be -5; it takes") as raised, shown_as_toast():
        raise InvalidOption("size_mm cannot be -5; it takes a number.", "size_mm")
    assert "size_mm" not in raised.value.message


def test_words_that_are_no_option_stay_as_they_are() -> None:
    assert in_page_words("There is no my_file.glb in drain_holes_x.") == "There is no my_file.glb in drain_holes_x."


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
