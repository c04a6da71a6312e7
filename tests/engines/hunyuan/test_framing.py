import numpy as np
import pytest
import torch
from PIL import Image

from orfeas.engines.hunyuan.config import ProcessorConfig
from orfeas.engines.hunyuan.framing import frame
from orfeas.errors import InvalidImage
from tests.conftest import draw_mug

CONFIG = ProcessorConfig(size=128)


def test_the_subject_stands_in_the_middle_with_its_border_around_it() -> None:
    rows, columns = np.nonzero(frame(draw_mug(), CONFIG).mask)
    free = 128 * CONFIG.border_ratio / 2
    assert rows.min() + rows.max() == pytest.approx(127, abs=2)
    assert columns.min() + columns.max() == pytest.approx(127, abs=2)
    assert min(rows.min(), columns.min()) == pytest.approx(free, abs=2)


def test_the_ground_is_white() -> None:
    framed = frame(draw_mug(), CONFIG)
    assert (framed.colour[framed.mask == 0].min(axis=1) > 200).mean() > 0.97
    assert (framed.colour[0] == 255).all()


def test_the_tensor_runs_from_minus_one_to_one() -> None:
    framed = frame(draw_mug(), CONFIG)
    tensor = framed.to_tensor()
    assert tensor.shape == (1, 3, 128, 128)
    assert torch.equal(((tensor + 1) / 2 * 255).round()[0].permute(1, 2, 0).byte(), torch.from_numpy(framed.colour))


def test_a_clear_picture_is_refused() -> None:
    with pytest.raises(InvalidImage, match="nothing in the foreground"):
        frame(Image.new("RGBA", (64, 64)), CONFIG)


@pytest.mark.parametrize("box", [(10, 10, 40, 11), (10, 10, 11, 40), (10, 10, 11, 11), (10, 10, 610, 12)])
def test_a_line_is_refused(box: tuple[int, int, int, int]) -> None:
    picture = Image.new("RGBA", (640, 64))
    picture.paste((255, 0, 0, 255), box)
    with pytest.raises(InvalidImage, match="only a line"):
        frame(picture, CONFIG)
