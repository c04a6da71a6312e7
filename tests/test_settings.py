from pathlib import Path

import pytest
from pydantic import ValidationError

from orfeas.settings import Settings, read_settings, unknown_names


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ORFEAS_{name.upper()}", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)


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
