from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from orfeas.engines.birefnet.remover import BiRefNet
from orfeas.engines.grabcut import GrabCut
from orfeas.engines.subject import Subject, SubjectRequest, cut_subject
from orfeas.errors import InvalidImage
from orfeas.options import RemoveBackground, RemoverChoice
from orfeas.progress import Progress, Stage
from tests.conftest import draw_mug
from tests.engines.birefnet.tiny import write_tiny_weights

AUTO, NEVER = RemoveBackground.AUTO, RemoveBackground.NEVER


def cut(request: SubjectRequest) -> Subject:
    progress = Progress()
    with progress.stage(Stage.CUT_OUT):
        return cut_subject(request, progress)


def alpha_of(subject: Subject) -> NDArray[np.float64]:
    return np.asarray(subject.image.getchannel("A"), dtype=np.float64) / 255


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A mask, smaller than any picture, that keeps the left half."""
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :20] = 255
    path = tmp_path / "half.png"
    Image.fromarray(mask).save(path)
    return path


def test_the_remover_is_named_where_it_was_needed(photo: Path) -> None:
    subject = cut(SubjectRequest(photo, None, AUTO, GrabCut()))
    assert (subject.remover, subject.note) == (RemoverChoice.GRABCUT, "GrabCut removed the background.")
    assert subject.kept_share == pytest.approx(0.34, abs=0.05)


def test_the_learned_remover_decides_where_it_is_taken(photo: Path, tmp_path: Path) -> None:
    write_tiny_weights(tmp_path / "weights")
    subject = cut(SubjectRequest(photo, None, AUTO, BiRefNet(tmp_path / "weights")))
    assert (subject.remover, subject.note) == (RemoverChoice.BIREFNET, "BiRefNet removed the background.")
    with Image.open(photo) as image:
        is_dark = np.asarray(image.convert("RGB"), dtype=np.float64).mean(axis=2) < 116
    assert ((alpha_of(subject) > 0.5) == is_dark).mean() > 0.97


def test_nobody_is_named_where_the_picture_s_own_alpha_is_kept(mug: Path) -> None:
    subject = cut(SubjectRequest(mug, None, AUTO, GrabCut()))
    assert (subject.remover, subject.note) == (RemoverChoice.AUTO, "The picture's own transparency was kept.")


def test_nobody_is_named_where_the_background_is_kept(photo: Path) -> None:
    subject = cut(SubjectRequest(photo, None, NEVER, None))
    assert (subject.remover, subject.kept_share) == (RemoverChoice.AUTO, 1)
    assert subject.note == "The background was kept, as asked."


def test_a_mask_keeps_what_is_white(photo: Path, half: Path) -> None:
    subject = cut(SubjectRequest(photo, half, AUTO, None))
    alpha, width = alpha_of(subject), subject.image.width
    assert (alpha[:, : width // 2 - 8] == 1).all()
    assert (alpha[:, width // 2 + 8 :] == 0).all()
    assert (subject.remover, subject.note) == (RemoverChoice.AUTO, "Cut out with the mask that was given.")


def test_a_mask_brings_nothing_back_that_is_transparent(mug: Path, half: Path) -> None:
    subject = cut(SubjectRequest(mug, half, AUTO, None))
    own = np.asarray(draw_mug().getchannel("A")) / 255
    assert (alpha_of(subject) <= own + 1e-6).all()
    assert subject.kept_share > 0.1


def test_a_mask_beside_the_subject_is_to_blame(tmp_path: Path, mug: Path) -> None:
    corner = np.zeros((64, 64), np.uint8)
    corner[:4, :4] = 255
    Image.fromarray(corner).save(tmp_path / "corner.png")
    with pytest.raises(InvalidImage, match="The mask keeps nothing of the picture") as caught:
        cut(SubjectRequest(mug, tmp_path / "corner.png", AUTO, None))
    assert caught.value.option == "mask"
