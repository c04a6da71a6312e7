import time
from pathlib import Path

import numpy as np
import pytest

from orfeas.errors import Cancelled, OutOfMemory
from orfeas.meshes.child import Child, ChildFailed, run_child
from tests.processes import children_of

TWICE = """
import io, sys, numpy as np
given = np.load(io.BytesIO(sys.stdin.buffer.read()))
made = io.BytesIO()
np.savez(made, values=2 * given["values"])
sys.stdout.buffer.write(made.getvalue())
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "work.py"
    path.write_text(text, encoding="utf-8")
    return path


def nothing() -> None:
    pass


def test_arrays_go_in_and_come_out(tmp_path: Path) -> None:
    made = run_child(script(tmp_path, TWICE), {"values": np.arange(5)}, 30.0, nothing)
    np.testing.assert_array_equal(made["values"], 2 * np.arange(5))


@pytest.mark.parametrize(
    ("text", "message"),
    [("import os; os.abort()", "ended with -6"), ("raise ValueError('no luck')", "ended with 1: ValueError: no luck")],
)
def test_a_crash_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ChildFailed, match=message):
        run_child(script(tmp_path, text), {}, 30.0, nothing)


@pytest.mark.parametrize(
    "text", ["raise MemoryError", "raise OSError('Resource temporarily unavailable in pthread_create')"]
)
def test_memory_that_ran_out_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(OutOfMemory):
        run_child(script(tmp_path, text), {}, 30.0, nothing)


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="too long"):
        run_child(script(tmp_path, "import time; time.sleep(60)"), {}, 0.2, nothing)


def test_a_stop_ends_the_process(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run_child(script(tmp_path, "import time; time.sleep(60)"), {}, 30.0, stop)


def test_one_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    much = {"values": np.zeros(1_000_000)}
    with pytest.raises(ChildFailed, match="too long"):
        run_child(script(tmp_path, "import time; time.sleep(60)"), much, 0.2, nothing)
    with pytest.raises(ChildFailed, match="ended with 3"):
        run_child(script(tmp_path, "raise SystemExit(3)"), much, 30.0, nothing)


def test_one_that_started_early_works_when_it_is_asked(tmp_path: Path) -> None:
    with Child(script(tmp_path, TWICE)) as child:
        time.sleep(0.5)
        made = child.work({"values": np.arange(5)}, 30.0, nothing)
    np.testing.assert_array_equal(made["values"], 2 * np.arange(5))


def test_one_that_is_never_asked_ends_when_it_is_closed(tmp_path: Path) -> None:
    with Child(script(tmp_path, TWICE)):
        (process,) = children_of("work.py")
    assert not process.is_running()


def test_what_cannot_be_sent_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        run_child(script(tmp_path, TWICE), {"values": np.array([object()])}, 30.0, nothing)
