"""The drawer's rows over a studio that fetches from a Hub on this machine."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orfeas.settings import Settings
from orfeas.studio import Studio
from orfeas.ui.drawer.handlers import WHO_MAY, DrawerHandlers, EngineView, Offer
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import Hub, point_at, serve_hub

HUNYUAN = "shape-hunyuan3d-2.1"


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served


def drawer_of(tmp_path: Path, **settings: object) -> DrawerHandlers:
    return DrawerHandlers(Studio(Settings.model_validate({"data_dir": tmp_path / "data", "device": "cpu", **settings})))


def row_of(drawer: DrawerHandlers, is_operator: bool = True) -> EngineView:
    return next(view for view in drawer.look(is_operator) if view.name == HUNYUAN)


def wait_for_the_end(drawer: DrawerHandlers) -> None:
    end = time.monotonic() + 20
    while drawer.is_live:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_missing_weights_are_offered_with_their_size(tmp_path: Path, remote: Hub) -> None:
    view = row_of(drawer_of(tmp_path))
    assert (view.offer, view.label) == (Offer.ASK, "Fetch 7.4 GB of weights…")
    assert "Not ready: The weights are not on this machine" in view.row
    assert remote.tokens == set()


def test_asking_shows_the_plan_and_fetches_nothing(tmp_path: Path, remote: Hub) -> None:
    drawer = drawer_of(tmp_path)
    view = drawer.ask(HUNYUAN, True)
    assert view.offer is Offer.CONFIRM
    assert view.label.startswith("Fetch ")
    assert "tencent/Hunyuan3D-2.1" in view.fetch
    assert "not for use in the EU, the UK and South Korea" in view.fetch
    assert (remote.ranges, drawer.is_live) == ([], False)


def test_agreeing_fetches_and_the_row_turns_ready(tmp_path: Path, remote: Hub) -> None:
    drawer = drawer_of(tmp_path)
    view = drawer.start(HUNYUAN, True)
    assert (view.offer, "progressbar" in view.fetch) == (Offer.STOP, True)
    wait_for_the_end(drawer)
    view = row_of(drawer)
    assert (view.offer, view.fetch, "Ready" in view.row) == (Offer.NOTHING, "", True)


def test_a_second_press_is_told_that_one_runs(tmp_path: Path, remote: Hub) -> None:
    remote.pause_s = 0.02
    drawer = drawer_of(tmp_path)
    drawer.start(HUNYUAN, True)
    view = drawer.start(HUNYUAN, True)
    assert view.offer is Offer.STOP
    assert "is being fetched already" in view.fetch
    drawer.stop(HUNYUAN, True)


def test_a_stopped_fetch_offers_the_rest(tmp_path: Path, remote: Hub) -> None:
    remote.pause_s = 0.05
    drawer = drawer_of(tmp_path)
    drawer.start(HUNYUAN, True)
    time.sleep(0.8)
    view = drawer.stop(HUNYUAN, True)
    assert view.offer is Offer.ASK
    assert view.label.startswith("Fetch the rest, ")
    assert "the next fetch goes on there" in view.fetch
    assert "are here already" in drawer.ask(HUNYUAN, True).fetch


def test_a_fetch_that_failed_says_why_and_offers_another(tmp_path: Path, remote: Hub) -> None:
    drawer = drawer_of(tmp_path)
    next(remote.folder.glob("*/*.ckpt")).unlink()
    drawer.start(HUNYUAN, True)
    wait_for_the_end(drawer)
    view = row_of(drawer)
    assert view.offer is Offer.ASK
    assert "(404): it does not have all of them" in view.fetch


def test_a_plan_that_cannot_be_made_says_why_in_the_row(tmp_path: Path, remote: Hub) -> None:
    next(remote.folder.glob("*/*.ckpt")).unlink()
    view = drawer_of(tmp_path).ask(HUNYUAN, True)
    assert view.offer is Offer.ASK
    assert "(404)" in view.fetch


def test_a_disk_that_is_too_small_leaves_only_the_way_back(
    tmp_path: Path, remote: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orfeas.hub.free_bytes", lambda: 1)
    view = drawer_of(tmp_path).ask(HUNYUAN, True)
    assert view.offer is Offer.DISMISS
    assert "make room" in view.fetch


def test_an_offline_studio_offers_nothing_and_says_why(tmp_path: Path, remote: Hub) -> None:
    drawer = drawer_of(tmp_path, offline=True)
    view = row_of(drawer)
    assert (view.offer, "ORFEAS_OFFLINE is set, so nothing is fetched." in view.fetch) == (Offer.NOTHING, True)
    assert "ORFEAS_OFFLINE" in drawer.start(HUNYUAN, True).fetch
    assert not drawer.is_live


@pytest.mark.parametrize("press", ["ask", "start", "stop"])
def test_a_visitor_is_offered_nothing_and_can_press_nothing(tmp_path: Path, remote: Hub, press: str) -> None:
    drawer = drawer_of(tmp_path)
    assert (row_of(drawer, False).offer, WHO_MAY in row_of(drawer, False).fetch) == (Offer.NOTHING, True)
    assert WHO_MAY in getattr(drawer, press)(HUNYUAN, False).fetch
    assert (drawer.is_live, remote.tokens) == (False, set())


def test_a_visitor_sees_how_a_fetch_goes(tmp_path: Path, remote: Hub) -> None:
    remote.pause_s = 0.02
    drawer = drawer_of(tmp_path)
    drawer.start(HUNYUAN, True)
    view = row_of(drawer, False)
    assert (view.offer, "progressbar" in view.fetch) == (Offer.NOTHING, True)
    drawer.stop(HUNYUAN, True)
