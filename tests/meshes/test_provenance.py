import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import InvalidMesh
from orfeas.meshes.export import export
from orfeas.meshes.provenance import MAX_BYTES, Provenance, read_provenance
from orfeas.options import OutputFormat
from orfeas.records import JobKind, Scalar
from orfeas.version import VERSION
from tests.meshes.solids import PROVENANCE, box

SHORT = Provenance(JobKind.IMAGE_TO_3D, "inflate", "1", is_preview=False)
words = st.text(st.characters(codec="utf-8"), max_size=60)
scalars = st.one_of(
    words, st.integers(-(2**53), 2**53), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(words, scalars, max_size=10), words, st.lists(words, max_size=3))
def test_json_gives_back_what_it_was_given(options: dict[str, Scalar], prompt: str, notes: list[str]) -> None:
    provenance = replace(PROVENANCE, options=options, prompt=prompt, notes=tuple(notes))
    again = Provenance.from_json(provenance.to_json())
    assert again == provenance
    assert [type(value) for value in again.options.values()] == [type(options[name]) for name in again.options]


def test_it_names_its_maker_and_release() -> None:
    record = json.loads(PROVENANCE.to_json())
    assert record["generator"] == "ORFEAS"
    assert record["version"] == VERSION


def test_fields_of_later_releases_are_passed_over() -> None:
    record = {**json.loads(PROVENANCE.to_json()), "colour": "red"}
    assert Provenance.from_json(json.dumps(record).encode()) == PROVENANCE


def test_written_as_another_format_the_options_say_so() -> None:
    written = PROVENANCE.written_as(OutputFormat.STL)
    assert written.options == {**PROVENANCE.options, "output_format": "stl"}


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "sculpture"},
        {"engine": None},
        {"engine": "e" * 129},
        {"is_preview": 1},
        {"options": ["seed", 7]},
        {"options": {"seed": None}},
        {"options": {"seed": [7]}},
        {"options": {str(number): number for number in range(65)}},
        {"prompt": "p" * 4097},
        {"notes": "one"},
        {"version": 1},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(damage: dict[str, object]) -> None:
    record = {**json.loads(PROVENANCE.to_json()), **damage}
    with pytest.raises(InvalidMesh, match="damaged"):
        Provenance.from_json(json.dumps(record).encode())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 50_000, b'{"kind": NaN}'])
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMesh, match="damaged"):
        Provenance.from_json(data)


def test_a_number_that_is_not_finite_is_refused() -> None:
    data = PROVENANCE.to_json().replace(b'"seed": 7', b'"seed": 1e999')
    with pytest.raises(InvalidMesh, match="damaged"):
        Provenance.from_json(data)


def test_a_note_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="too long"):
        Provenance.from_json(PROVENANCE.to_json() + b" " * MAX_BYTES)


@pytest.mark.parametrize("output_format", sorted({*OutputFormat} - {OutputFormat.STL}))
def test_a_file_says_how_it_was_made(output_format: OutputFormat, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(export(box(), output_format, PROVENANCE))
    assert read_provenance(path) == PROVENANCE


def test_the_note_beside_a_file_says_it_too(tmp_path: Path) -> None:
    path = tmp_path / "orfeas.json"
    path.write_bytes(PROVENANCE.to_json())
    assert read_provenance(path) == PROVENANCE


def test_an_stl_says_all_but_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "model.stl"
    path.write_bytes(export(box(), OutputFormat.STL, PROVENANCE))
    assert read_provenance(path) == replace(PROVENANCE, options={}, prompt="", notes=())


def test_an_stl_of_a_learned_engine_is_no_preview(tmp_path: Path) -> None:
    path = tmp_path / "model.stl"
    path.write_bytes(export(box(), OutputFormat.STL, SHORT))
    assert read_provenance(path) == SHORT


def test_a_revision_too_long_for_an_stl_is_cut() -> None:
    header = replace(PROVENANCE, engine_revision="0123456789abcdef" * 8).to_header()
    assert len(header) == 80
    assert header.endswith(" preview")


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_a_file_of_unknown_origin_does_not_say(output_format: OutputFormat, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(export(box(), output_format, None))
    with pytest.raises(InvalidMesh, match="does not say how it was made"):
        read_provenance(path)


@pytest.mark.parametrize("data", [b"", b"<html>", b"ORFEAS 9 sculpture inflate 1", b"glTF\2\0", b"PK\3\4", b"\0" * 200])
def test_a_file_that_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(data)
    with pytest.raises(InvalidMesh):
        read_provenance(path)


def test_a_file_that_is_not_there_is_refused_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidMesh, match=r"^The file cannot be opened\.$"):
        read_provenance(tmp_path / "secret")
