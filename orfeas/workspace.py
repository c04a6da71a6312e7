"""Where uploads and results lie on disk; the only code that deletes them.

data_dir/            private to the operator's account (0700)
├── jobs/
│   └── <job id>/    everything of one job, gone as one
└── served/          the page's own copies of uploads and results
"""

import errno
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orfeas.errors import InternalError, NotFound
from orfeas.folder_lock import LOCK, PID, FolderLock
from orfeas.progress import CancelFlag
from orfeas.records import is_job_id

LOGGER = logging.getLogger(__name__)

PRIVATE = 0o700
DAY_S = 86_400.0
GB = 1_000_000_000
FLAG = ".cancelled"
# What a job's picture looks like while it is being made.
PREVIEW = "preview.webp"
# What orfeas.files leaves behind when a process is killed while it writes; no write takes so long.
PART = re.compile(r"\..+\.part")
PART_IS_LEFT_AFTER_S = 60.0
# The page deletes its own copies at this age while it runs, so what is older was left by a process that ended.
SERVED_KEEP_S = 86_400
# A command's own data folder, named so that nobody else's folder is taken for one.
SCRATCH = "orfeas-command-"
SCRATCH_NAME = re.compile(rf"{SCRATCH}\w{{8}}")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class _Stay:
    """One job's folder as :meth:`Workspace.expire` found it; ``touched`` is its newest file's time, Unix seconds."""

    job_id: str
    touched: float
    size_bytes: int


class Workspace:
    """The folders of all jobs.

    Args:
        data_dir: made if it is not there.
        keep_days: a job's folder is deleted so long after something was last written in it.
        keep_gb: the oldest are deleted first where all together are larger, in units of 10⁹ bytes.

    Raises:
        InternalError: ``data_dir`` cannot be used; the message, for the operator, says why.
    """

    def __init__(self, data_dir: Path, *, keep_days: float, keep_gb: float) -> None:
        self._jobs = data_dir / "jobs"
        self._served = data_dir / "served"
        self._keep_s = keep_days * DAY_S
        self._keep_bytes = keep_gb * GB
        try:
            data_dir.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            for folder in (self._jobs, self._served):
                folder.mkdir(mode=PRIVATE, exist_ok=True)
            self._sweep_served(time.time())
            stays = self._survey(time.time())
        except OSError as error:
            message = f"{data_dir} cannot be used ({error.strerror}); set ORFEAS_DATA_DIR to a folder you can write to."
            raise InternalError(message) from error
        self._used_bytes = sum(stay.size_bytes for stay in stays)

    @property
    def used_bytes(self) -> int:
        """Size of all jobs' files when they were last looked through."""
        return self._used_bytes

    @property
    def served(self) -> Path:
        """The private folder for the page's own copies, absolute; those of ended processes are swept from it."""
        return self._served.resolve()

    def is_writable(self) -> bool:
        """Whether a job could keep its files now; it is tried."""
        try:
            with tempfile.TemporaryFile(dir=self._jobs, buffering=0) as file:
                file.write(b"x")
        except OSError:
            return False
        return True

    def job_folder(self, job_id: str) -> Path:
        """The job's own folder, made private if it is not there.

        Raises:
            NotFound: ``job_id`` is no job's id.
        """
        folder = self._folder(job_id)
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        return folder

    def cancel_flag(self, job_id: str) -> CancelFlag:
        """The file that stops the job's worker, in whatever process it is.

        Raises:
            NotFound: ``job_id`` is no job's id.
        """
        return CancelFlag(self._folder(job_id) / FLAG)

    def drop_preview(self, job_id: str) -> None:
        """Delete what the job showed while it worked, if it did.

        Raises:
            NotFound: ``job_id`` is no job's id.
        """
        with suppress(OSError):  # on Windows one that is being looked at stays until the job expires
            (self._folder(job_id) / PREVIEW).unlink(missing_ok=True)

    def expire(self, is_live: Callable[[str], bool], now: float | None = None) -> tuple[str, ...]:
        """Delete what is too old, then the oldest while all together are too large; returns the ids that are gone.

        The newest folder stays whatever its size, so that what was just made can be fetched.

        Args:
            is_live: whether a job still needs its folder; asked just before the folder would go.
            now: Unix seconds; the clock's if not given.
        """
        now = time.time() if now is None else now
        self._sweep_served(now)
        stays = sorted(self._survey(now), key=lambda stay: stay.touched)
        used_bytes = sum(stay.size_bytes for stay in stays)
        gone: list[str] = []
        for stay in stays:
            is_old = now - stay.touched > self._keep_s
            is_too_much = used_bytes > self._keep_bytes and stay is not stays[-1]
            if (is_old or is_too_much) and not is_live(stay.job_id) and self._delete(stay.job_id):
                used_bytes -= stay.size_bytes
                gone.append(stay.job_id)
        self._used_bytes = used_bytes
        if gone:
            LOGGER.info("deleted the files of %d expired jobs", len(gone))
        return tuple(gone)

    def _folder(self, job_id: str) -> Path:
        folder = self._jobs / job_id if is_job_id(job_id) else None
        if folder is None or folder.is_symlink():
            raise NotFound("There is no such job, or its files have expired.")
        return folder

    def _sweep_served(self, now: float) -> None:
        """Delete the page's copies that no running process keeps, and the folders that they leave empty."""
        for folder, _, names in os.walk(self._served, topdown=False):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):  # the page deleted it meanwhile
                    if now - path.lstat().st_mtime > SERVED_KEEP_S:
                        path.unlink()
            with suppress(OSError):  # not empty, or being filled just now
                if Path(folder) != self._served and now - Path(folder).stat().st_mtime > PART_IS_LEFT_AFTER_S:
                    Path(folder).rmdir()

    def _survey(self, now: float) -> list[_Stay]:
        """Every job's folder; what an interrupted write left in one is deleted on the way."""
        with os.scandir(self._jobs) as entries:
            names = [entry.name for entry in entries if is_job_id(entry.name) and entry.is_dir(follow_symlinks=False)]
        return [stay for name in names if (stay := self._measure(name, now)) is not None]

    def _measure(self, job_id: str, now: float) -> _Stay | None:
        folder = self._jobs / job_id
        touched, size_bytes = 0.0, 0
        try:
            touched = folder.stat().st_mtime
            for entry in _files(folder):
                status = entry.stat(follow_symlinks=False)
                if PART.fullmatch(entry.name) and now - status.st_mtime > PART_IS_LEFT_AFTER_S:
                    Path(entry).unlink(missing_ok=True)
                else:
                    touched, size_bytes = max(touched, status.st_mtime), size_bytes + status.st_size
        except FileNotFoundError:
            # Another process deleted it meanwhile; what is left, the next look will find.
            return None
        return _Stay(job_id, touched, size_bytes)

    def _delete(self, job_id: str) -> bool:
        try:
            shutil.rmtree(self._jobs / job_id)
        except OSError as error:
            # On Windows a file that is being downloaded cannot be deleted; it goes next time.
            LOGGER.warning("could not delete the files of job %s: %s", job_id, error.strerror)
            return False
        return True


def drop_parts(folder: Path) -> None:
    """Delete what a process that was killed while it wrote has left in a job's folder; nobody may be writing there."""
    for entry in _files(folder):
        if PART.fullmatch(entry.name):
            Path(entry).unlink(missing_ok=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A data folder for one command, gone when this block ends; those that killed commands have left go first."""
    _sweep_scratch(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        yield Path(folder)


def _sweep_scratch(parent: Path) -> None:
    """Delete this user's folders of commands that were killed."""
    for folder in (path for path in parent.glob(f"{SCRATCH}*") if SCRATCH_NAME.fullmatch(path.name)):
        # Whatever is in use, another's, or being deleted by its own command, stays as it is.
        with suppress(OSError, InternalError):
            if not folder.is_symlink() and _is_own(folder) and _is_left(folder):
                FolderLock(folder).release()
                shutil.rmtree(folder)


def _is_left(folder: Path) -> bool:
    """Whether no command makes or deletes the folder just now; one whose lock is free as well was killed.

    While a lock is held, and if its holder was killed, the folder says who that is.
    """
    is_old = time.time() - folder.stat().st_mtime > PART_IS_LEFT_AFTER_S
    return (folder / LOCK).exists() and ((folder / PID).exists() or is_old)


def _is_own(folder: Path) -> bool:
    """Whether this user made it; on Windows everybody has a folder of their own for such."""
    return sys.platform == "win32" or folder.stat().st_uid == os.getuid()


def _files(folder: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    """Every file below ``folder``, links as themselves; several times faster than ``Path.rglob``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry)
            else:
                yield entry


@contextmanager
def full_disk_explained() -> Iterator[None]:
    """Turn a full disk, met while writing inside this block, into a sentence.

    Raises:
        InternalError: the disk is full, or the account's share of it.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        LOGGER.exception("the disk is full")
        raise InternalError("The studio's disk is full. Its operator must make room; then start again.") from error
