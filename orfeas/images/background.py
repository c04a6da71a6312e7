"""The subject of a picture, cut out of its background without learned weights."""

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


def cut_out(image: Image.Image, remove_background: RemoveBackground, progress: Progress) -> Image.Image:
    """The subject as RGBA, at most 2048 pixels a side, its alpha channel the subject's mask.

    ``auto`` keeps an alpha channel that clears at least 1 % of the picture and cuts out everything else; ``always``
    cuts out what an alpha channel leaves; ``never`` leaves the alpha channel as it is, so that a picture without one
    is its own subject, the whole rectangle.

    Args:
        image: RGBA, sRGB, straight alpha, as :func:`orfeas.images.validation.load_image` returns it.
        remove_background: see above.
        progress: in an open stage.

    Raises:
        Cancelled: within a second of the request.
        InvalidImage: nothing in the foreground.
    """
    if max(image.size) > MAX_SIDE_PX:
        image = _reduced(image)
    alpha = np.asarray(image.getchannel("A"))
    is_real = float((alpha < HALF_ALPHA).mean()) >= REAL_ALPHA_SHARE
    if remove_background == RemoveBackground.NEVER or (remove_background == RemoveBackground.AUTO and is_real):
        progress.step(STEPS, STEPS)
        subject = image
    else:
        subject = _without_background(image, alpha, progress)
    if float((np.asarray(subject.getchannel("A")) >= HALF_ALPHA).mean()) < LEAST_SUBJECT_SHARE:
        raise InvalidImage(
            "There is nothing in the foreground: no subject stands out from the background. "
            "Choose a picture of one thing on a plain background, or one whose background is transparent."
        )
    return subject


def _reduced(image: Image.Image) -> Image.Image:
    scale = MAX_SIDE_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Premultiplied, or the colours of clear pixels would bleed into the subject.
    return image.convert("RGBa").resize(size, Image.Resampling.BOX, reducing_gap=2.0).convert("RGBA")


def _without_background(image: Image.Image, alpha: NDArray[np.uint8], progress: Progress) -> Image.Image:
    # OpenCV is large and the first page does not need it.
    from orfeas.images.matting import refine_alpha, subject_colours
    from orfeas.images.segmentation import find_subject

    is_opaque = bool((alpha == 255).all())
    flat = image if is_opaque else Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    rgb = np.ascontiguousarray(np.asarray(flat)[..., :3])
    progress.step(0, STEPS)
    mask = find_subject(rgb)
    progress.step(1, STEPS)
    found = refine_alpha(rgb, mask)
    if not is_opaque:
        found = np.minimum(found, alpha.astype(np.float32) / 255)
    progress.step(2, STEPS)
    colours = subject_colours(rgb, found)
    progress.step(STEPS, STEPS)
    return Image.fromarray(np.dstack([colours, (found * 255 + 0.5).astype(np.uint8)]))
