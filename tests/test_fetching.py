"""Fetching in the background from a Hub on this machine."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from orfeas import fetching as module
from orfeas import hub
from orfeas.engines.hunyuan.files import WEIGHTS, find_weights
from orfeas.errors import DuplicateJob, EngineUnavailable
from orfeas.fetching import Fetchable, Fetching
from orfeas.options import WeightsChoice
from orfeas.records import FetchState, FetchStatus
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import Hub, point_at, serve_hub

HUNYUAN = WeightsChoice.HUNYUAN_SHAPE


def nothing() -> None:
    return


def no_device() -> None:
    raise EngineUnavailable("No GPU was found.")


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    write_tiny_release(tmp_path / "hub")
    monkeypatch.setattr(hub, "RETRY_AFTER_S", 0.01)
    with serve_hub(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served


@pytest.fixture
def fetching(remote: Hub) -> Iterator[Fetching]:
    fetchable = Fetchable(HUNYUAN, "Hunyuan3D-2.1", WEIGHTS, lambda: nothing_of(find_weights(None)), nothing)
    fetching = Fetching([fetchable], "")
    yield fetching
    fetching.close()


def nothing_of(_: object) -> None:
    return


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def end_of(fetching: Fetching) -> FetchState:
    wait_until(lambda: fetching.live is None)
    return fetching.state(HUNYUAN)


def reach_the_middle(fetching: Fetching, remote: Hub) -> None:
    remote.pause_s = 0.05
    fetching.start(HUNYUAN)
    wait_until(lambda: fetching.state(HUNYUAN).done_bytes > fetching.state(HUNYUAN).total_bytes // 3)


def test_weights_that_are_not_here_are_missing_and_nothing_is_asked_of_the_hub(fetching: Fetching, remote: Hub) -> None:
    assert fetching.state(HUNYUAN) == FetchState(FetchStatus.MISSING, 7_370_000_000)
    assert remote.tokens == set()


def test_a_plan_tells_the_account_the_room_and_what_else_is_missing(remote: Hub) -> None:
    plan = Fetching([Fetchable(HUNYUAN, "Hunyuan3D-2.1", WEIGHTS, nothing, no_device)], "").plan(HUNYUAN)
    assert plan.total_bytes == plan.missing_bytes == sum(f.stat().st_size for f in remote.folder.glob("*/*"))
    assert "not for use in the EU, the UK and South Korea" in plan.sentence
    assert plan.sentence.endswith("No GPU was found.")
    assert replace(plan, free_bytes=0).no_room.startswith("0.0 GB are missing and 0.0 GB of disk are free")


def test_a_fetch_ends_with_the_weights_in_use(
    fetching: Fetching, remote: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert fetching.start(HUNYUAN).status is FetchStatus.FETCHING
    assert end_of(fetching).status is FetchStatus.COMPLETE
    assert find_weights(None).checkpoint.is_file()
    told = [record.getMessage() for record in caplog.records if record.name == "orfeas.fetching"]
    assert "Tencent Hunyuan 3D 2.1 Community License" in told[0]
    assert told[-1].startswith("fetching hunyuan3d-2.1: complete")


def test_a_fetch_tells_how_much_is_here_how_fast_and_how_long_still(fetching: Fetching, remote: Hub) -> None:
    reach_the_middle(fetching, remote)
    wait_until(lambda: fetching.state(HUNYUAN).left_s is not None)
    state = fetching.state(HUNYUAN)
    assert state.left_s is not None
    assert state.left_s == pytest.approx((state.total_bytes - state.done_bytes) / state.bytes_per_s)
    assert 0.1 < state.left_s < 10


def test_one_fetch_runs_at_a_time_and_a_second_is_told_so(fetching: Fetching, remote: Hub) -> None:
    reach_the_middle(fetching, remote)
    with pytest.raises(DuplicateJob, match=r"^Hunyuan3D-2.1 is being fetched already, 0.0 of 0.0 GB; wait"):
        fetching.start(HUNYUAN)
    remote.pause_s = 0
    assert end_of(fetching).status is FetchStatus.COMPLETE
    assert remote.ranges == [""]


def test_of_many_that_press_at_once_one_starts(fetching: Fetching, remote: Hub) -> None:
    remote.pause_s = 0.02
    outcomes: list[str] = []

    def press() -> None:
        try:
            fetching.start(HUNYUAN)
            outcomes.append("started")
        except DuplicateJob:
            outcomes.append("refused")

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 19 + ["started"]
    remote.pause_s = 0
    end_of(fetching)


def test_a_stop_works_within_a_second_and_the_next_fetch_goes_on(fetching: Fetching, remote: Hub) -> None:
    reach_the_middle(fetching, remote)
    start = time.monotonic()
    state = fetching.stop(HUNYUAN)
    assert time.monotonic() - start < 0.2
    assert state.status is FetchStatus.STOPPED
    assert state.done_bytes > state.total_bytes // 3
    remote.pause_s = 0
    fetching.start(HUNYUAN)
    assert end_of(fetching).status is FetchStatus.COMPLETE
    assert remote.ranges[0] == ""
    assert int(remote.ranges[1].removeprefix("bytes=").removesuffix("-")) > state.total_bytes // 3


def test_a_hub_that_says_nothing_more_can_be_stopped_just_as_fast(
    fetching: Fetching, remote: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 2)
    remote.is_silent = True
    reach_the_middle(fetching, remote)
    start = time.monotonic()
    assert fetching.stop(HUNYUAN).status is FetchStatus.STOPPED
    remote.is_silent, remote.pause_s = False, 0
    fetching.start(HUNYUAN)
    assert time.monotonic() - start < 0.5
    assert end_of(fetching).status is FetchStatus.COMPLETE


def test_half_fetched_weights_are_not_used(fetching: Fetching, remote: Hub) -> None:
    reach_the_middle(fetching, remote)
    with pytest.raises(EngineUnavailable):
        find_weights(None)
    fetching.stop(HUNYUAN)
    with pytest.raises(EngineUnavailable):
        find_weights(None)


def test_a_failure_says_why(fetching: Fetching, remote: Hub, caplog: pytest.LogCaptureFixture) -> None:
    next(remote.folder.glob("*/*.ckpt")).unlink()
    fetching.start(HUNYUAN)
    state = end_of(fetching)
    assert state.status is FetchStatus.FAILED
    assert "(404): it does not have all of them" in state.message
    assert state.message in caplog.text


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    fetching: Fetching, remote: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "free_bytes", lambda: 1)
    fetching.start(HUNYUAN)
    assert "of disk are free; make room" in end_of(fetching).message
    assert remote.ranges == []


def test_weights_that_cannot_be_used_are_no_success(remote: Hub) -> None:
    fetching = Fetching([Fetchable(HUNYUAN, "Hunyuan3D-2.1", WEIGHTS, no_device, nothing)], "")
    fetching.start(HUNYUAN)
    assert end_of(fetching) == replace(fetching.state(HUNYUAN), status=FetchStatus.FAILED, message="No GPU was found.")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_does_not_leave_it_fetching_for_ever(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "account_for", lambda weights: 1 / 0)
    fetching.start(HUNYUAN)
    assert end_of(fetching).message == module.BUG


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"offline": True}, "ORFEAS_OFFLINE is set, so nothing is fetched."),
        ({"weights": "/weights"}, "ORFEAS_WEIGHTS is set, so weights in the Hugging Face cache would not be used."),
    ],
)
def test_nothing_is_fetched_where_the_operator_forbids_it(
    tmp_path: Path, remote: Hub, settings: dict[str, object], reason: str
) -> None:
    with Studio(Settings.model_validate({"data_dir": tmp_path / "data", **settings})) as studio:
        for act in (studio.fetching.plan, studio.fetching.start):
            with pytest.raises(EngineUnavailable) as error:
                act(HUNYUAN)
            assert str(error.value) == reason
    assert remote.tokens == set()


def test_an_engine_whose_weights_come_with_others_is_being_fetched_and_can_be_stopped(remote: Hub) -> None:
    check = lambda: nothing_of(find_weights(None))  # noqa: E731  # the same for both
    fetching = Fetching(
        [Fetchable(name, name.value, WEIGHTS, check, nothing) for name in (HUNYUAN, WeightsChoice.ALL)], ""
    )
    remote.pause_s = 0.05
    fetching.start(WeightsChoice.ALL)
    assert fetching.state(HUNYUAN).status is FetchStatus.FETCHING
    fetching.stop(HUNYUAN)
    assert fetching.live is None
    assert fetching.state(WeightsChoice.ALL).status is FetchStatus.STOPPED
    fetching.close()


def test_a_studio_that_closes_stops_its_fetch(tmp_path: Path, remote: Hub) -> None:
    with Studio(Settings(data_dir=tmp_path / "data")) as studio:
        reach_the_middle(studio.fetching, remote)
    assert studio.fetching.state(HUNYUAN).status is FetchStatus.STOPPED


def test_every_engine_that_the_operator_may_name_can_be_fetched(studio: Studio) -> None:
    names = Settings.model_fields["fetch"].annotation
    assert set(getattr(names, "__args__")) - {"none"} == set(studio.fetching.engines)  # noqa: B009 (a Literal's)
