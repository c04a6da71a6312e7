import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from orfeas.settings import Settings, explain, is_folder, read_settings, unknown_names, write_environment
from tests.processes import ROOT, unmeasured


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ORFEAS_{name.upper()}", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


def test_the_studio_listens_to_this_machine_only_unless_told() -> None:
    assert read_settings().host == "127.0.0.1"


def test_our_own_names_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORFEAS_PORT", "8123")
    monkeypatch.setenv("ORFEAS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ORFEAS_OFFLINE", "1")
    settings = read_settings()
    assert (settings.port, settings.data_dir, settings.offline) == (8123, tmp_path, True)


def test_gradios_names_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8124")
    assert (read_settings().host, read_settings().port) == ("0.0.0.0", 8124)


def test_our_own_name_wins_over_gradios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORFEAS_PORT", "1")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "2")
    assert read_settings().port == 1


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("KEEP_DAYS", "0"), ("SESSION_LIMIT", "often")])
def test_a_value_out_of_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ORFEAS_{name}", value)
    with pytest.raises(ValidationError, match=f"(?i){name}"):
        read_settings()


def test_a_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORFEAS_SESSION_LIMIT", "20/hour")
    assert read_settings().session_limit == "20/hour"


def test_misspelt_names_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORFEAS_PROT", "1")
    monkeypatch.setenv("ORFEAS_PORT", "1")
    assert unknown_names() == ["ORFEAS_PROT"]


def test_settings_cannot_be_changed_after_the_start() -> None:
    with pytest.raises(ValidationError):
        setattr(read_settings(), "port", 1)  # noqa: B010 (mypy knows already that it is read-only)


def test_the_constructor_takes_the_names_of_the_settings() -> None:
    settings = Settings(port=0, host="::1", trusted_proxies="10.0.0.0/8")
    assert (settings.port, settings.host, settings.trusted_proxies) == (0, "::1", "10.0.0.0/8")


def test_the_constructor_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORFEAS_PORT", "8123")
    assert Settings(port=0).port == 0


def test_a_bare_name_in_the_environment_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("ORFEAS_PROT", "1")
    assert (read_settings().host, read_settings().port) == ("127.0.0.1", 7860)


def test_a_misspelt_name_in_the_constructor_is_an_error() -> None:
    with pytest.raises(ValidationError, match="prot"):
        Settings.model_validate({"prot": 0})


@pytest.mark.parametrize("name", ["USERNAME", "PASSWORD"])
def test_half_a_login_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"ORFEAS_{name}", "ann")
    with pytest.raises(ValidationError, match="ORFEAS_USERNAME and ORFEAS_PASSWORD go together"):
        read_settings()


@pytest.mark.parametrize("name", ["GRADIO_SERVER_PORT", "GRADIO_NUM_PORTS"])
@pytest.mark.parametrize("value", ["many", "", "1.5"])
def test_a_number_that_gradio_itself_would_stumble_over_is_refused_where_ours_wins(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("ORFEAS_PORT", "8123")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as error:
        read_settings()
    assert explain(error.value) == (
        f"ORFEAS cannot start with these settings: {name} is “{value}”, which is no whole number; unset it."
    )


@pytest.mark.parametrize("value", [" 7860 ", "+5", "1_000", "-1"])
def test_a_number_that_gradio_can_read_is_no_fault_where_ours_wins(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ORFEAS_PORT", "8123")
    monkeypatch.setenv("GRADIO_SERVER_PORT", value)
    monkeypatch.setenv("GRADIO_NUM_PORTS", value)
    assert read_settings().port == 8123


def test_variables_are_written_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_OF_TWO", "old")
    monkeypatch.delenv("THE_OTHER", raising=False)
    before = write_environment({"ONE_OF_TWO": None, "THE_OTHER": "new"})
    assert (os.environ.get("ONE_OF_TWO"), os.environ.get("THE_OTHER")) == (None, "new")
    write_environment(before)
    assert (os.environ.get("ONE_OF_TWO"), os.environ.get("THE_OTHER")) == ("old", None)


@pytest.mark.parametrize("name", ["PORT", "KEEP_DAYS"])
def test_what_is_refused_is_told_in_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"ORFEAS_{name}", "many")
    with pytest.raises(ValidationError) as error:
        read_settings()
    sentence = explain(error.value)
    assert sentence.startswith(f"ORFEAS cannot start with these settings: ORFEAS_{name}: Input should be a valid ")
    assert "\n" not in sentence


def test_nothing_is_compiled_on_zero_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORFEAS_COMPILE", "1")
    assert read_settings().compile
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    with pytest.raises(ValidationError, match="ZeroGPU"):
        read_settings()


@pytest.mark.parametrize(("value", "is_it"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_zero_gpu_is_what_its_platform_says(monkeypatch: pytest.MonkeyPatch, value: str, is_it: bool) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert read_settings().is_zero_gpu is is_it


def test_tools_for_assistants_go_with_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MCP": "1", "USERNAME": "ann", "PASSWORD": "open sesame"}.items():
        monkeypatch.setenv(f"ORFEAS_{name}", value)
    with pytest.raises(ValidationError, match="ORFEAS_MCP cannot be used with ORFEAS_USERNAME"):
        read_settings()


def test_an_engine_to_fetch_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().fetch == "none"
    monkeypatch.setenv("ORFEAS_FETCH", "hunyuan3d-2.1")
    assert read_settings().fetch == "hunyuan3d-2.1"


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (
            {"FETCH": "everything"},
            "ORFEAS_FETCH: Input should be 'none', 'hunyuan3d-2.1', 'hunyuan3d-2.1-paint', 'birefnet', 'diffusion' or"
            " 'all'.",
        ),
        ({"FETCH": "hunyuan3d-2.1", "OFFLINE": "1"}, "ORFEAS_FETCH is set, but ORFEAS_OFFLINE is set, so nothing is"),
        ({"FETCH": "hunyuan3d-2.1", "WEIGHTS": "/w"}, "ORFEAS_FETCH is set, but ORFEAS_WEIGHTS is set, so weights in"),
    ],
)
def test_what_cannot_be_fetched_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, others: dict[str, str], sentence: str
) -> None:
    for name, value in others.items():
        monkeypatch.setenv(f"ORFEAS_{name}", value)
    with pytest.raises(ValidationError) as error:
        read_settings()
    assert explain(error.value).startswith(f"ORFEAS cannot start with these settings: {sentence}")


@pytest.mark.parametrize(
    "model", ["owner/name", "black-forest-labs/FLUX.2-klein-4B", "/models/mine", "./mine", "~/mine"]
)
def test_a_text_model_is_a_repository_or_a_folder(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("ORFEAS_TEXT_MODEL", model)
    assert read_settings().text_model == model
    assert is_folder(model) == (model[0] in "/.~")


@pytest.mark.parametrize("model", ["stable diffusion", "owner/name/more", "https://huggingface.co/owner/name"])
def test_a_text_model_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("ORFEAS_TEXT_MODEL", model)
    with pytest.raises(ValidationError) as error:
        read_settings()
    assert "ORFEAS_TEXT_MODEL: it is neither a repository's name, such as owner/name, nor a folder" in explain(
        error.value
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOT_PATH", "orfeas"),
        ("ROOT_PATH", "/orfeas/"),
        ("ROOT_PATH", "https://studio.example/orfeas"),
        ("ALLOWED_ORIGINS", "studio.example"),
        ("ALLOWED_ORIGINS", "https://studio.example/page"),
        ("TRUSTED_PROXIES", "banana"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.256"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ORFEAS_{name}", value)
    with pytest.raises(ValidationError) as error:
        read_settings()
    assert explain(error.value).startswith(f"ORFEAS cannot start with these settings: ORFEAS_{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOT_PATH", "/orfeas"),
        ("ROOT_PATH", "/a/b-c"),
        ("ALLOWED_ORIGINS", "https://a.example, http://b.example:8080/"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
    ],
)
def test_a_value_of_the_right_form_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ORFEAS_{name}", value)
    assert getattr(read_settings(), name.lower()) == value


@pytest.mark.parametrize(("given", "held"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_threads_that_wait_do_not_spin_unless_the_operator_says_so(given: dict[str, str], held: str) -> None:
    code = "import os, sys, orfeas.studio; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    inherited = {name: value for name, value in unmeasured().items() if name != "OMP_WAIT_POLICY"}
    told = subprocess.run(
        [sys.executable, "-c", code], env={**inherited, **given}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [held, "False"]
