import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orfeas.errors import InternalError
from orfeas.folder_lock import LOCK, PID, FolderLock
from tests.processes import unmeasured

HOLDER = """
import sys, time
from pathlib import Path
from orfeas.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_folder_of_another_process_is_refused_until_that_one_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], env=unmeasured(), stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            sentence = (
                f"{tmp_path} is in use by another ORFEAS (process {holder.pid}); stop that one, or set ORFEAS_DATA_DIR"
                " to another folder."
            )
            with pytest.raises(InternalError, match=f"^{re.escape(sentence)}$"):
                FolderLock(tmp_path)
        finally:
            holder.kill()
    FolderLock(tmp_path).release()


FORKING = """
import os, sys, time
from pathlib import Path
from orfeas.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
if not os.fork():
    print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks there")
def test_a_process_that_the_holder_forked_does_not_keep_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORKING, str(tmp_path)]
    with subprocess.Popen(command, env=unmeasured(), stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(InternalError, match=rf"another ORFEAS \(process {holder.pid}\)"):
                FolderLock(tmp_path)
            holder.kill()
            holder.wait()
            FolderLock(tmp_path).release()
        finally:
            holder.kill()
            os.kill(child, signal.SIGKILL)


def test_a_folder_is_let_go_though_its_number_is_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, missing_ok: bool) -> None:
        raise PermissionError(13, "The process cannot access the file")

    lock = FolderLock(tmp_path)
    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", refuse)
        lock.release()
    FolderLock(tmp_path).release()


def test_a_folder_is_refused_to_a_second_studio_of_the_same_process(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "new")
    with pytest.raises(InternalError, match=r"in use by another Studio of this process; close it, or set"):
        FolderLock(tmp_path / "new")
    first.release()
    first.release()
    FolderLock(tmp_path / "new").release()


def test_a_holder_that_has_not_said_who_it_is_is_told_without_its_number(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    (tmp_path / PID).unlink()
    with pytest.raises(InternalError, match=r"in use by another ORFEAS; stop that one"):
        FolderLock(tmp_path)
    lock.release()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InternalError, match=r"file/data cannot be used \(.+\); set ORFEAS_DATA_DIR to a folder you"):
        FolderLock(tmp_path / "file" / "data")
    (tmp_path / LOCK).mkdir()
    with pytest.raises(InternalError, match=r"cannot be used \(Is a directory\)"):
        FolderLock(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="locks are another call there")
def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import fcntl

    def refuse(_file: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InternalError, match=r"cannot be used \(its file system has no locks\); set ORFEAS_DATA_DIR"):
        FolderLock(tmp_path)
