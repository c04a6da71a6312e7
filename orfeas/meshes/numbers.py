"""Numbers in text files from strangers."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh

# So much text is cut into words at a time: a word in memory takes ten times its length.
PIECE_BYTES = 2**20


def split_words(text: bytes) -> Iterator[bytes]:
    """The words of ``text``, as :meth:`bytes.split` has them, without holding them all."""
    start = 0
    while start < len(text):
        piece = text[start : start + PIECE_BYTES]
        words = piece.split()
        start += len(piece)
        if start < len(text) and words and not piece[-1:].isspace() and not text[start : start + 1].isspace():
            # The last word may go on in the next piece; one longer than a piece is no number.
            start -= len(words[-1]) if len(words) > 1 else 0
            yield from words[:-1] if len(words) > 1 else words
        else:
            yield from words


def parse_floats(words: Iterable[bytes], kind: str) -> NDArray[np.float64]:
    """``[n]``; "nan" and "inf" are numbers here, and found out later.

    Raises:
        InvalidMesh: a word is not a number.
    """
    try:
        return np.fromiter(map(float, words), dtype=np.float64)
    except ValueError as error:
        raise InvalidMesh(f"The {kind} file has something other than a number where a number belongs.") from error


def parse_integers(words: Iterable[bytes], kind: str) -> NDArray[np.int64]:
    """``[n]``.

    Raises:
        InvalidMesh: a word is not a whole number, or is far too large.
    """
    try:
        return np.fromiter(map(int, words), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise InvalidMesh(f"The {kind} file has something other than a number where a number belongs.") from error
