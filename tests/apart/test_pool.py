import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orfeas.apart import Apart
from orfeas.errors import Cancelled, InternalError, InvalidMesh, OutOfMemory
from orfeas.progress import Progress, Stage, Step
from tests.apart import work


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.REPAIR):
        yield made


def test_the_result_comes_back(apart: Apart, progress: Progress) -> None:
    assert apart.run(work.double, progress, 60, 21) == 42


def test_it_is_done_elsewhere_and_the_next_piece_in_the_same_place(apart: Apart, progress: Progress) -> None:
    first = apart.run(work.tell_process, progress, 60)
    assert first != os.getpid()
    assert apart.run(work.tell_process, progress, 60) == first


def test_steps_are_those_of_the_open_stage(apart: Apart) -> None:
    told: list[Step] = []
    progress = Progress(report=told.append)
    with progress.stage(Stage.REPAIR):
        apart.run(work.double, progress, 60, 1)
    assert told[-2:] == [Step(Stage.REPAIR, 1, 2), Step(Stage.REPAIR, 2, 2)]


def test_what_is_printed_does_no_harm(apart: Apart, progress: Progress) -> None:
    assert apart.run(work.print_much, progress, 60) == "done"


def test_megabytes_go_to_and_fro(apart: Apart, progress: Progress) -> None:
    data = os.urandom(5_000_000)
    assert apart.run(work.give_back, progress, 60, data) == data


def test_an_error_for_the_user_keeps_its_kind_and_the_child(apart: Apart, progress: Progress) -> None:
    child = apart.run(work.tell_process, progress, 60)
    with pytest.raises(InvalidMesh, match="nothing in it"):
        apart.run(work.refuse, progress, 60)
    assert apart.run(work.tell_process, progress, 60) == child


def test_a_bug_is_told_with_a_reference_and_its_traceback_is_in_the_log(
    progress: Progress, capfd: pytest.CaptureFixture[str]
) -> None:
    apart = Apart()
    with pytest.raises(InternalError, match=r"crashed.* in the log under [0-9a-f]{8}"):
        apart.run(work.fail, progress, 60)
    assert "KeyError: 'a bug'" in capfd.readouterr().err


@pytest.mark.parametrize("end", [work.run_out_of_memory, work.be_killed])
def test_the_end_of_the_memory_is_told_as_such(apart: Apart, progress: Progress, end: object) -> None:
    with pytest.raises(OutOfMemory):
        apart.run(end, progress, 60)  # type: ignore[arg-type]  # both are work without arguments


def test_a_crash_is_an_error_of_that_work_alone(apart: Apart, progress: Progress) -> None:
    with pytest.raises(InternalError, match="crashed"):
        apart.run(work.crash, progress, 60)
    assert apart.run(work.double, progress, 60, 1) == 2


def test_work_that_takes_too_long_is_given_up(apart: Apart, progress: Progress, tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="in 1 seconds"):
        apart.run(work.hang, progress, 1, tmp_path / "started")
    assert apart.run(work.double, progress, 60, 1) == 2


def test_work_that_hangs_is_stopped_within_a_second(apart: Apart, tmp_path: Path) -> None:
    stop = threading.Event()
    progress = Progress(is_cancelled=stop.is_set)
    started = tmp_path / "started"

    def stop_when_started() -> None:
        while not started.exists():
            time.sleep(0.01)
        stop.set()

    thread = threading.Thread(target=stop_when_started)
    thread.start()
    with progress.stage(Stage.REPAIR), pytest.raises(Cancelled):
        apart.run(work.hang, progress, 60, started)
    stopped_after_s = time.time() - started.stat().st_mtime
    thread.join()
    assert stopped_after_s < 1.0


def test_a_child_that_is_gone_is_replaced(apart: Apart, progress: Progress) -> None:
    child = apart.run(work.tell_process, progress, 60)
    os.kill(child, 9)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert apart.run(work.double, progress, 60, 3) == 6


def test_closing_ends_the_children(progress: Progress) -> None:
    apart = Apart()
    child = apart.run(work.tell_process, progress, 60)
    apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
