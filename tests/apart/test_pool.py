import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from orfeas.apart import Apart
from orfeas.errors import Cancelled, InternalError, InvalidMesh, OrfeasError, OutOfMemory
from orfeas.progress import Progress, Stage, Step
from tests.apart import work


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
    with pytest.raises(InvalidMesh, match="in 1 seconds"):
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


def test_what_the_work_has_started_ends_with_it(apart: Apart, tmp_path: Path) -> None:
    stop = threading.Event()
    progress = Progress(is_cancelled=stop.is_set)
    started = tmp_path / "started"

    def stop_when_started() -> None:
        wait_for(started.exists)
        stop.set()

    thread = threading.Thread(target=stop_when_started)
    thread.start()
    with progress.stage(Stage.REPAIR), pytest.raises(Cancelled):
        apart.run(work.start_another, progress, 60, started)
    thread.join()
    wait_for(lambda: not is_running(int(started.read_text())))


def test_closing_ends_a_child_at_work(progress: Progress, tmp_path: Path) -> None:
    apart = Apart()
    started = tmp_path / "started"
    errors: list[Exception] = []

    def run() -> None:
        try:
            apart.run(work.hang, progress, 60, started)
        except OrfeasError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(started.exists)
    apart.close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(errors) == 1


def test_a_child_at_work_ends_soon_after_its_parent_is_gone(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "from pathlib import Path; from orfeas.apart import Apart, child; from orfeas.progress import Progress, Stage\n"
        "from tests.apart import work\nprogress = Progress()\n"
        f"with progress.stage(Stage.REPAIR): Apart().run(work.hold_the_lock, progress, 3, Path({str(started)!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
    wait_for(started.exists)
    parent.kill()
    parent.wait()
    wait_for(lambda: started.exists() and not is_running(int(started.read_text())), 20)


def test_a_child_whose_parent_was_killed_ends_without_a_word(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "from pathlib import Path; from orfeas.apart import Apart; from orfeas.progress import Progress, Stage\n"
        "from tests.apart import work\nprogress = Progress()\n"
        f"with progress.stage(Stage.REPAIR): Apart().run(work.step_on, progress, 60, Path({str(started)!r}))"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE, text=True) as parent:
        wait_for(started.exists)
        parent.kill()
        assert parent.stderr is not None
        assert parent.stderr.read() == ""  # to its end, so the child, which has it too, is gone


def test_a_child_that_nobody_has_work_for_is_ended(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.apart.pool.IDLE_S", 0.1)
    apart = Apart()
    child = apart.run(work.tell_process, progress, 60)
    wait_for(lambda: not is_running(child))
    apart.close()


def test_closing_ends_the_children(progress: Progress) -> None:
    apart = Apart()
    child = apart.run(work.tell_process, progress, 60)
    apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
