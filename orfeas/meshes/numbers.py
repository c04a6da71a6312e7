"""Numbers in text files: written here, and read from strangers."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh

# So much text is cut into words at a time: a word in memory takes ten times its length.
PIECE_BYTES = 2**20
# Rows that are turned to text at a time, so that a large model does not need its text twice in memory.
ROWS = 100_000


def rows_of_text(line: str, values: NDArray[np.generic]) -> Iterator[str]:
    """``values`` ``[n, k]`` as text, each row formatted by ``line``, which has k places."""
    for start in range(0, len(values), ROWS):
        rows = values[start : start + ROWS]
        yield line * len(rows) % tuple(rows.ravel().tolist())


def split_words(text: bytes) -> Iterator[bytes]:
    """The words of ``text``, as :meth:`bytes.split` has them, without holding them all."""
    last = b""
    for start in range(0, len(text), PIECE_BYTES):
        piece = last + text[start : start + PIECE_BYTES]
        words = piece.split()
        # The last word may go on in the next piece; one longer than a piece is no number, and is let go.
        last = words.pop() if words and not piece[-1:].isspace() and len(words[-1]) < PIECE_BYTES else b""
        yield from words
    if last:
        yield last


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
