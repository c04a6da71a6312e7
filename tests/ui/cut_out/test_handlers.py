import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.settings import Settings
from orfeas.studio import Studio
from orfeas.ui.cut_out.handlers import NO_MASK, CutOutHandlers, CutOutView, with_cut_out
from orfeas.ui.submissions import Values
from tests.engines.birefnet.tiny import write_tiny_weights


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Studio]:
    """A studio whose learned remover takes seconds."""
    write_tiny_weights(tmp_path / "weights", rounds=40)
    with Studio(Settings(data_dir=tmp_path / "slow", weights=tmp_path / "weights", device="cpu")) as studio:
        yield studio


def looked(handlers: CutOutHandlers, image: Path | None, values: Values, panel: str = "mine") -> list[CutOutView]:
    async def look() -> list[CutOutView]:
        return [view async for view in handlers.look(panel, image, values)]

    return asyncio.run(look())


def test_the_subject_is_shown_with_who_cut_it_out(studio: Studio, photo: Path) -> None:
    view = looked(CutOutHandlers(studio), photo, {"background": "auto"})[-1]
    assert "data:image/webp;base64," in view.html
    assert "GrabCut removed the background." in view.html
    assert "BiRefNet is not ready" in view.html
    assert view.announcement == "GrabCut removed the background."


def test_no_picture_shows_nothing(studio: Studio) -> None:
    assert looked(CutOutHandlers(studio), None, {"background": "auto"}) == [CutOutView("")]


def test_own_mask_without_a_mask_asks_for_one(studio: Studio, photo: Path) -> None:
    view = looked(CutOutHandlers(studio), photo, {"background": "mask", "mask": None})[-1]
    assert NO_MASK in view.html
    assert "failed" not in view.html


def test_nothing_in_the_foreground_is_said_in_the_panel(studio: Studio, tmp_path: Path) -> None:
    Image.effect_noise((200, 200), 4).save(tmp_path / "wall.png")
    view = looked(CutOutHandlers(studio), tmp_path / "wall.png", {"background": "auto"})[-1]
    assert "There is nothing in the foreground" in view.html
    assert 'class="cut failed"' in view.html
    assert view.announcement.startswith("Invalid image: ")


def test_a_long_one_tells_the_time_and_is_let_go_when_the_panel_is_asked_again(slow: Studio, photo: Path) -> None:
    handlers, views = CutOutHandlers(slow), list[CutOutView]()
    first = threading.Thread(target=lambda: views.extend(looked(handlers, photo, {"background": "auto"})))
    first.start()
    time.sleep(1.2)
    looked(handlers, photo, {"background": "never"})
    first.join(1)
    assert not first.is_alive()
    assert views
    assert all("Cutting out, " in view.html for view in views)


def test_another_s_panel_is_left_alone(slow: Studio, photo: Path) -> None:
    handlers, views = CutOutHandlers(slow), list[CutOutView]()
    first = threading.Thread(
        target=lambda: views.extend(looked(handlers, photo, {"background": "auto", "remover": "grabcut"}))
    )
    first.start()
    looked(handlers, photo, {"background": "never"}, panel="another")
    first.join(20)
    assert "GrabCut removed the background." in views[-1].html


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ({}, {"remove_background": "auto", "mask": None, "remover": "auto"}),
        ({"background": "always", "remover": "grabcut"}, {"remove_background": "always", "remover": "grabcut"}),
        ({"background": "never", "remover": "grabcut"}, {"remove_background": "never", "remover": "auto"}),
        ({"background": "never", "mask": {"path": "/m"}}, {"remove_background": "never", "mask": None}),
        (
            {"background": "mask", "mask": {"path": "/m"}, "remover": "grabcut"},
            {"remove_background": "auto", "mask": {"path": "/m"}, "remover": "auto"},
        ),
    ],
)
def test_what_the_choice_has_no_use_for_is_not_sent(form: dict[str, object], asked: dict[str, object]) -> None:
    sent = with_cut_out({**form, "seed": 7})
    assert "background" not in sent
    assert {name: sent[name] for name in asked} == asked
    assert sent["seed"] == 7


def test_generating_with_a_mask_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidImage, match="There is no mask yet") as caught:
        with_cut_out({"background": "mask", "mask": None})
    assert caught.value.option == "mask"
