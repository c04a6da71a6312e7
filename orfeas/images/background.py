"""The subject of a picture, cut out of its background: by a remover, by a mask, or by its own transparency."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.images.validation import HALF_ALPHA
from orfeas.options import RemoveBackground
from orfeas.progress import Progress

# No engine makes use of more; a larger picture is reduced first.
MAX_SIDE_PX = 2048
# An alpha channel is real where it clears at least this share of the picture; a screenshot's round corners do not.
REAL_ALPHA_SHARE = 0.01
# A smaller share of the picture is no subject.
LEAST_SUBJECT_SHARE = 0.001
STEPS = 3

# From ``[H, W, 3]`` uint8, sRGB, to alpha ``[H, W]`` float32 in [0, 1].
FindAlpha = Callable[[NDArray[np.uint8], Progress], NDArray[np.float32]]


class CutBy(StrEnum):
    """What a subject was cut out by."""

    REMOVER = "remover"
    MASK = "mask"
    OWN_ALPHA = "own_alpha"
    NOTHING = "nothing"


@dataclass(frozen=True)
class CutOut:
    """A subject: RGBA, sRGB, straight alpha, at most 2048 pixels a side, and what it was cut out by."""

    image: Image.Image
    by: CutBy

    @property
    def kept_share(self) -> float:
        """The share of the picture that is the subject, 0 to 1."""
        return float((np.asarray(self.image.getchannel("A")) >= HALF_ALPHA).mean())


def reduced(image: Image.Image) -> Image.Image:
    """``image``, RGBA, at most 2048 pixels a side; never enlarged."""
    scale = MAX_SIDE_PX / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Premultiplied, or the colours of clear pixels would bleed into the subject.
    return image.convert("RGBa").resize(size, Image.Resampling.BOX, reducing_gap=2.0).convert("RGBA")


def cut_out(
    image: Image.Image, remove_background: RemoveBackground, find_alpha: FindAlpha | None, progress: Progress
) -> CutOut:
    """Cut the subject out as ``remove_background`` says.

    ``auto`` keeps an alpha channel that clears at least 1 % of the picture and cuts out everything else; ``always``
    cuts out what an alpha channel leaves; ``never`` leaves the alpha channel as it is, so that a picture without one
    is its own subject, the whole rectangle.

    Args:
        image: RGBA, sRGB, straight alpha, as :func:`orfeas.images.validation.load_image` returns it.
        remove_background: see above.
        find_alpha: the remover; asked only where something is to be removed, and None only where nothing ever is.
        progress: in an open stage.

    Raises:
        Cancelled: within a second of the request.
        InvalidImage: nothing in the foreground.
        EngineUnavailable: the remover cannot run.
    """
    image = reduced(image)
    is_real = float((np.asarray(image.getchannel("A")) < HALF_ALPHA).mean()) >= REAL_ALPHA_SHARE
    if remove_background is RemoveBackground.NEVER:
        made = CutOut(image, CutBy.NOTHING)
    elif remove_background is RemoveBackground.AUTO and is_real:
        made = CutOut(image, CutBy.OWN_ALPHA)
    else:
        assert find_alpha is not None, "nobody removes the background"
        rgb = _flat(image)
        progress.step(0, STEPS)
        found = find_alpha(rgb, progress)
        made = CutOut(_with_alpha(image, rgb, found, progress), CutBy.REMOVER)
    progress.step(STEPS, STEPS)
    return _required(
        made,
        "There is nothing in the foreground: no subject stands out from the background. "
        "Choose a picture of one thing on a plain background, or one whose background is transparent.",
        "image",
    )


def cut_out_by_mask(image: Image.Image, mask: Image.Image, progress: Progress) -> CutOut:
    """Keep of a picture what a mask keeps, and no more than its own alpha channel does.

    Args:
        image: RGBA, sRGB, straight alpha, at most 2048 pixels a side.
        mask: mode L, of the same size; white is kept.
        progress: in an open stage.

    Raises:
        Cancelled: within a second of the request.
        InvalidImage: nothing in the foreground.
    """
    rgb = _flat(image)
    progress.step(0, STEPS)
    kept = np.asarray(np.asarray(mask) / np.float32(255), dtype=np.float32)
    made = CutOut(_with_alpha(image, rgb, kept, progress), CutBy.MASK)
    progress.step(STEPS, STEPS)
    return _required(made, "The mask keeps nothing of the picture. Paint what is to be kept white.", "mask")


def _required(made: CutOut, sentence: str, option: str) -> CutOut:
    if made.kept_share < LEAST_SUBJECT_SHARE:
        raise InvalidImage(sentence, option)
    return made


def _flat(image: Image.Image) -> NDArray[np.uint8]:
    """The colours ``[H, W, 3]`` of the picture, on white where it is not opaque."""
    is_opaque = image.getchannel("A").getextrema() == (255, 255)
    flat = image if is_opaque else Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.ascontiguousarray(np.asarray(flat)[..., :3])


def _with_alpha(
    image: Image.Image, rgb: NDArray[np.uint8], found: NDArray[np.float32], progress: Progress
) -> Image.Image:
    """The picture with the alpha channel that was found, and the subject's own colours at its rim."""
    # OpenCV is large and the first page does not need it.
    from orfeas.images.matting import subject_colours

    kept = np.minimum(found, np.asarray(image.getchannel("A")) / np.float32(255))
    progress.step(STEPS - 1, STEPS)
    colours = subject_colours(rgb, kept)
    return Image.fromarray(np.dstack([colours, (kept * 255 + 0.5).astype(np.uint8)]))
