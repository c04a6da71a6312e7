import numpy as np
import pytest

from orfeas.engines.inflate import shape as module
from orfeas.engines.inflate.shape import Shape, shape
from orfeas.engines.inflate.silhouette import trace
from orfeas.engines.inflate.solid import close, raise_shell
from orfeas.errors import Cancelled
from orfeas.progress import Progress, Stage
from tests.images.drawings import picture


def shaped(name: str, target_faces: int, progress: Progress | None = None) -> Shape:
    progress = progress or Progress()
    with progress.stage(Stage.SHAPE):
        return shape(trace(np.asarray(picture(name))[..., 3], 192), target_faces, progress)


def count_faces(result: Shape) -> int:
    return len(close(raise_shell(result.sheet, result.relief, 1.0, result.strips), has_seam=False).triangles)


@pytest.mark.parametrize("name", ["disc", "cat", "mug", "key"])
@pytest.mark.parametrize("target_faces", [2_000, 40_000, 150_000, 500_000])
def test_a_solid_has_nearly_as_many_faces_as_asked_for_and_no_more(name: str, target_faces: int) -> None:
    assert 0.7 * target_faces <= count_faces(shaped(name, target_faces)) <= target_faces


def test_an_outline_that_needs_more_faces_gets_as_few_as_it_can() -> None:
    assert 100 < count_faces(shaped("comb", 100)) < 4_000


@pytest.mark.parametrize("target_faces", [150_000, 600_000])
def test_a_divided_sheet_is_as_round_as_one_that_was_solved_for(target_faces: int) -> None:
    assert target_faces > module.MAX_SOLVED_FACES
    result = shaped("disc", target_faces)
    expected = (0.35 * 512) ** 2 - ((result.sheet.points - 256) ** 2).sum(axis=1)
    assert np.abs(result.relief.squared - expected).max() < 0.01 * (0.35 * 512) ** 2
    assert (result.relief.squared[~result.sheet.is_rim] > 0).all()


def test_it_stops_when_asked_to() -> None:
    for checks in range(2, 7):
        asked: list[bool] = []

        def is_cancelled(asked: list[bool] = asked, checks: int = checks) -> bool:
            asked.append(True)
            return len(asked) >= checks

        with pytest.raises(Cancelled):
            shaped("cat", 150_000, Progress(is_cancelled=is_cancelled))
        assert len(asked) == checks
