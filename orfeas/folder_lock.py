"""One process to a data folder: what two would do to each other's files is not to be mended afterwards."""

import os
from contextlib import suppress
from errno import ENOLCK, ENOSYS, EOPNOTSUPP
from pathlib import Path

from filelock import FileLock, Timeout

from orfeas.errors import InternalError
from orfeas.files import write_whole

PRIVATE = 0o700
LOCK = "in-use.lock"
# Beside the lock, which on Windows nobody else can read; it means something only while the lock is held.
PID = "in-use.pid"
# What file systems answer that have no locks, such as some of those behind a network.
NO_LOCKS = (ENOLCK, ENOSYS, EOPNOTSUPP)


class FolderLock:
    """That a folder is this object's alone, by a lock of the operating system's, which ends with the process.

    A process that this one forks does not have it.

    Args:
        folder: made if it is not there.

    Raises:
        InternalError: another process, or another object of this one, has it, or it cannot be written or locked; the
            message, for the operator, says which.
    """

    def __init__(self, folder: Path) -> None:
        self._pid = folder / PID
        self._lock = FileLock(folder / LOCK, blocking=False, thread_local=False, fallback_to_soft=False)
        try:
            folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self._lock.acquire()
            write_whole(self._pid, str(os.getpid()).encode())
        except Timeout as error:
            raise InternalError(
                f"{folder} is in use by {_holder(self._pid)}, or set ORFEAS_DATA_DIR to another folder."
            ) from error
        except OSError as error:
            self._lock.release()
            why = "its file system has no locks" if error.errno in NO_LOCKS else error.strerror
            raise InternalError(
                f"{folder} cannot be used ({why}); set ORFEAS_DATA_DIR to a folder you can write to."
            ) from error

    def release(self) -> None:
        """Let others have the folder; done again, it does nothing."""
        if self._lock.is_locked:
            with suppress(PermissionError):  # Windows deletes no file that another process reads just now
                self._pid.unlink(missing_ok=True)
            self._lock.release()


def _holder(pid: Path) -> str:
    """Who has the folder, and what to do about it; without a number where it has only just begun to say so."""
    try:
        number = int(pid.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another ORFEAS; stop that one"
    if number == os.getpid():
        return "another Studio of this process; close it"
    return f"another ORFEAS (process {number}); stop that one"
