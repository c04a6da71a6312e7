"""Numbers in text files from strangers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orfeas.errors import InvalidMesh


def parse_floats(words: Sequence[bytes], kind: str) -> NDArray[np.float64]:
    """``[n]``; "nan" and "inf" are numbers here, and found out later.

    Raises:
        InvalidMesh: a word is not a number.
    """
    try:
        return np.fromiter(map(float, words), dtype=np.float64, count=len(words))
    except ValueError as error:
        raise InvalidMesh(f"The {kind} file has something other than a number where a number belongs.") from error


def parse_integers(words: Sequence[bytes], kind: str) -> NDArray[np.int64]:
    """``[n]``.

    Raises:
        InvalidMesh: a word is not a whole number, or is far too large.
    """
    try:
        return np.fromiter(map(int, words), dtype=np.int64, count=len(words))
    except (ValueError, OverflowError) as error:
        raise InvalidMesh(f"The {kind} file has something other than a number where a number belongs.") from error
