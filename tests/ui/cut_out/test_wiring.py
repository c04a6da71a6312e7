"""The panel over a real server: what it shows of a picture is what Generate makes a model of."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.running import Running
from tests.ui.page_session import PageSession


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    page = PageSession(server.url)
    page.values["quality"] = "draft"
    page.values["texture"] = False
    page.open()
    yield page
    page.close()


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    kept = np.zeros((50, 50), np.uint8)
    kept[10:40, 10:40] = 255
    Image.fromarray(kept).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_the_cut_out_follows_the_picture_and_the_choice(page: PageSession, photo: Path, mask: Path) -> None:
    page.values["image"] = page.upload(photo)
    shown = page.send("image", "change")
    assert "GrabCut removed the background." in shown["image-cut-out"]
    assert shown["announcer"] == "GrabCut removed the background."
    page.values["image-background"] = "never"
    assert "The background was kept" in page.send("image-background", "change")["image-cut-out"]
    page.values["image-background"] = "mask"
    assert "There is no mask yet" in page.send("image-background", "change")["image-cut-out"]
    page.values["image-mask"] = page.upload(mask)
    assert "36% of the picture is kept" in page.send("image-mask", "change")["image-cut-out"]
    page.values["image"] = None
    assert page.send("image", "change")["image-cut-out"] == ""


def test_a_model_is_made_with_the_mask_that_is_shown(page: PageSession, photo: Path, mask: Path) -> None:
    page.values["image"], page.values["image-mask"] = page.upload(photo), page.upload(mask)
    page.values["image-background"], page.values["remover"] = "mask", "grabcut"
    page.send("generate", "click")
    assert "Cut out with the mask that was given." in page.send("timer", "tick")["status"]


def test_a_model_without_the_mask_that_was_chosen_is_refused(page: PageSession, photo: Path) -> None:
    page.values["image"], page.values["image-background"] = page.upload(photo), "mask"
    with pytest.raises(RuntimeError, match="There is no mask yet"):
        page.send("generate", "click")


def test_an_example_is_cut_out_by_itself(page: PageSession) -> None:
    page.values["image-background"] = "mask"
    started = page.send("examples", "select", {"index": "0", "value": "0"})
    assert started["image-background"] == "auto"
    assert "GrabCut removed the background." in page.send("timer", "tick")["status"]


def test_the_mesh_tab_has_a_panel_of_its_own(page: PageSession, photo: Path, mask: Path, tmp_path: Path) -> None:
    ball = tmp_path / "ball.stl"
    trimesh.creation.icosphere(1, 30.0).export(ball)
    page.values["front"], page.values["front-mask"] = page.upload(photo), page.upload(mask)
    page.values["front-background"] = "mask"
    assert "36% of the picture is kept" in page.send("front", "change")["front-cut-out"]
    page.values["mesh"] = page.upload(ball)
    page.send("paint", "click")
    assert "Cut out with the mask that was given." in page.send("timer", "tick")["status"]
