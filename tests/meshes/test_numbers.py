import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orfeas.errors import InvalidMesh
from orfeas.meshes.numbers import parse_floats, parse_integers, split_words


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([b"1 ", b"-2.5\n", b"-1.25e9 ", b" ", b"\t ", b"\r\n"]), max_size=60).map(b"".join),
    st.integers(12, 40),
)
def test_text_cut_into_pieces_has_the_words_it_has_whole(text: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orfeas.meshes.numbers.PIECE_BYTES", piece)
        words = list(split_words(text))
    assert words == text.split()


def test_a_word_longer_than_a_piece_ends() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orfeas.meshes.numbers.PIECE_BYTES", 4)
        assert b"".join(split_words(b"1 23456789012 3")) == b"1234567890123"


def test_numbers_are_read_in_every_way_they_are_written() -> None:
    assert parse_floats([b"1", b"-.5", b"+2.", b"1e-3", b"1E3"], "PLY").tolist() == [1.0, -0.5, 2.0, 0.001, 1000.0]
    assert np.isnan(parse_floats([b"nan"], "PLY")).all()
    assert parse_integers([b"7", b"-7", b"+7"], "OBJ").tolist() == [7, -7, 7]


@pytest.mark.parametrize("word", [b"one", b"1,5", b"0x10", b"\xff", b""])
def test_what_is_no_number_is_refused_with_the_kind_of_file(word: bytes) -> None:
    with pytest.raises(InvalidMesh, match=r"^The PLY file has something other than a number"):
        parse_floats([word], "PLY")
    with pytest.raises(InvalidMesh, match=r"^The OBJ file has something other than a number"):
        parse_integers([word], "OBJ")


@pytest.mark.parametrize("word", [b"9" * 30, b"9" * 5000])
def test_a_number_that_is_far_too_large_is_refused(word: bytes) -> None:
    with pytest.raises(InvalidMesh, match="something other than a number"):
        parse_integers([word], "OBJ")
