"""The subject of a picture file, however it is to be cut out; jobs, the page's preview and ``/cut_out`` come here."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from orfeas.engines.base import Remover
from orfeas.images.background import CutBy, cut_out, cut_out_by_mask, reduced
from orfeas.images.mask import load_mask
from orfeas.images.validation import load_image
from orfeas.options import RemoveBackground, RemoverChoice
from orfeas.progress import Progress, Stage
from orfeas.records import CutOutReport

NOTES: Mapping[CutBy, str] = {
    CutBy.MASK: "Cut out with the mask that was given.",
    CutBy.OWN_ALPHA: "The picture's own transparency was kept.",
    CutBy.NOTHING: "The background was kept, as asked.",
}


@dataclass(frozen=True)
class SubjectRequest:
    """One subject to cut out.

    Attributes:
        image: the picture's file.
        mask: a file of one's own that says what is kept; then nothing else does.
        remove_background: whether the background is to be removed.
        remover: who removes it; None where there is a mask, or it is to be kept.
    """

    image: Path
    mask: Path | None
    remove_background: RemoveBackground
    remover: Remover | None


@dataclass(frozen=True)
class Subject:
    """A subject that was cut out.

    Attributes:
        image: RGBA, sRGB, straight alpha, at most 2048 pixels a side; the alpha channel is the subject's mask.
        kept_share: the share of the picture that is the subject, 0 to 1.
        remover: who removed the background; ``auto`` where nobody did.
        note: what was done, as a sentence for the user.
    """

    image: Image.Image
    kept_share: float
    remover: RemoverChoice
    note: str


def cut_subject(request: SubjectRequest, progress: Progress) -> Subject:
    """Cut the subject out; ``progress`` is in an open stage.

    Raises:
        Cancelled: within a second of the request.
        InvalidImage: the picture or the mask cannot be used, or nothing is in the foreground.
        EngineUnavailable: the remover cannot run.
        OutOfMemory: the remover's memory ran out.
    """
    image, remover = load_image(request.image), request.remover
    if request.mask is not None:
        image = reduced(image)
        made = cut_out_by_mask(image, load_mask(request.mask, image.size), progress)
    else:
        find_alpha = None if remover is None else remover.find_alpha
        made = cut_out(image, request.remove_background, find_alpha, progress)
    if made.by is CutBy.REMOVER and remover is not None:
        return Subject(made.image, made.kept_share, remover.name, f"{remover.title} removed the background.")
    return Subject(made.image, made.kept_share, RemoverChoice.AUTO, NOTES[made.by])


def cut_and_report(request: SubjectRequest, reason: str, progress: Progress) -> tuple[Image.Image, CutOutReport]:
    """As :func:`cut_subject`, in a stage of its own, with a report that tells why it was cut out so.

    Raises:
        OrfeasError: as there.
    """
    start = time.perf_counter()
    with progress.stage(Stage.CUT_OUT):
        made = cut_subject(request, progress)
    seconds = round(time.perf_counter() - start, 4)
    share, (width, height) = round(made.kept_share, 4), made.image.size
    return made.image, CutOutReport(made.remover, reason, made.note, share, width, height, seconds)
