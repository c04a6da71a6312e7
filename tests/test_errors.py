import pickle

import pytest

from orfeas import errors
from orfeas.errors import EngineUnavailable, InternalError, InvalidImage, InvalidOption, OrfeasError, error_of

# The contract's table: code, title, HTTP status.
PROMISED = {
    ("invalid_image", "Invalid image", 422),
    ("invalid_mesh", "Invalid mesh", 422),
    ("invalid_prompt", "Invalid prompt", 422),
    ("invalid_option", "Invalid option", 422),
    ("duplicate_job", "Duplicate job", 409),
    ("busy", "Server busy", 503),
    ("rate_limited", "Too many requests", 429),
    ("not_found", "Not found", 404),
    ("engine_unavailable", "Engine unavailable", 503),
    ("out_of_memory", "Out of memory", 507),
    ("cancelled", "Cancelled", 499),
    ("internal", "Internal error", 500),
}


def concrete_errors() -> list[type[OrfeasError]]:
    found = [getattr(errors, name) for name in dir(errors)]
    return [e for e in found if isinstance(e, type) and issubclass(e, OrfeasError) and hasattr(e, "code")]


def test_the_tree_holds_exactly_the_promised_errors() -> None:
    assert {(e.code, e.title, e.http_status) for e in concrete_errors()} == PROMISED


def test_the_sentence_begins_with_the_title() -> None:
    assert InvalidImage("It is empty.").sentence == "Invalid image: It is empty."


@pytest.mark.parametrize("kind", concrete_errors())
def test_an_error_survives_its_record(kind: type[OrfeasError]) -> None:
    again = error_of(kind.code, "why")
    assert type(again) is kind
    assert str(again) == "why"


def test_an_unknown_code_is_an_internal_error() -> None:
    assert type(error_of("from_the_future", "why")) is InternalError


@pytest.mark.parametrize("kind", concrete_errors())
def test_an_error_crosses_to_another_process_as_it_is(kind: type[OrfeasError]) -> None:
    error = kind("Why.", "texture_engine") if kind in (InvalidOption, EngineUnavailable) else kind("Why.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.sentence, vars(again)) == ("Why.", error.sentence, vars(error))
