"""A mask of one's own: a picture that says what is kept of another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.images.validation import check_image, decode_image


def check_mask(path: Path) -> None:
    """See from its header that a file can be a mask.

    Raises:
        InvalidImage: it cannot; the message says that it is the mask, and why.
    """
    with _named():
        check_image(path)


def load_mask(path: Path, size: tuple[int, int]) -> Image.Image:
    """What is kept of a picture of ``size``, mode L: its alpha channel where it has one, else how bright it is.

    It is stretched to the picture, whatever its own size; grey stays grey.

    Raises:
        InvalidImage: as :func:`check_mask`, or damaged, or it keeps nothing.
    """
    with _named():
        rgba = decode_image(path)
        has_alpha = bool((np.asarray(rgba.getchannel("A")) < 255).any())
        mask = rgba.getchannel("A") if has_alpha else rgba.convert("L")
        if mask.getextrema() == (0, 0):
            raise InvalidImage("it keeps nothing. Paint what is to be kept white.")
        return mask if mask.size == size else mask.resize(size, Image.Resampling.BILINEAR)


@contextmanager
def _named() -> Iterator[None]:
    """Say of every error that it is the mask's."""
    try:
        yield
    except InvalidImage as error:
        raise InvalidImage(f"The mask cannot be used: {str(error)[:1].lower()}{str(error)[1:]}", "mask") from error
