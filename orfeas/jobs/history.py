"""What is known of every job, in an embedded SQLite file that outlives the process.

Several processes may share one file, such as a server and a command; within one process, one :class:`History`.
"""

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError

from orfeas.errors import InternalError
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, to_json

LOGGER = logging.getLogger(__name__)

SCHEMA_VERSION = 1
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    process TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, number);
CREATE INDEX IF NOT EXISTS unfinished_jobs ON jobs (status) WHERE status IN ('queued', 'running');
CREATE TABLE IF NOT EXISTS stage_times (
    kind TEXT NOT NULL,
    engine TEXT NOT NULL,
    quality TEXT NOT NULL,
    stage TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    mean_s REAL NOT NULL,
    PRIMARY KEY (kind, engine, quality, stage)
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
UNFINISHED = "status IN ('queued', 'running')"
# How long to wait for another process that writes to the same file.
BUSY_TIMEOUT_S = 10.0
# A mean over about so many jobs, so that it follows a machine that gets faster or slower.
MEAN_OVER_JOBS = 10
# How far apart two readings of when a process started may be: the clock may be set between them.
START_TOLERANCE_S = 2.0
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_JOB = TypeAdapter(Job)


@dataclass(frozen=True)
class Recipe:
    """What a job's running time depends on; ``quality`` is empty where the kind has none."""

    kind: JobKind
    engine: str
    quality: str

    @classmethod
    def of(cls, job: Job) -> "Recipe":
        """That of a job; a painter of its own counts as part of the engine."""
        painter = str(job.options.get("texture_engine", "auto")) if job.options.get("texture", True) else "none"
        engine = job.engine if painter == "auto" else f"{job.engine}+{painter}"
        return cls(job.kind, engine, str(job.options.get("quality", "")))


class History:
    """The records of all jobs and the mean times of their stages.

    Args:
        path: the file; made if it is not there. One that is damaged, or written by a newer ORFEAS, is moved aside.

    Raises:
        InternalError: the file cannot be used; the message, for the operator, says why.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._process = _this_process()
        self._connection: sqlite3.Connection | None = _open(path)

    def close(self) -> None:
        """Let go of the file; the history cannot be used any more."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def add(self, job: Job, owner: str) -> None:
        """Record a new job of ``owner`` (empty: nobody's), as this process's."""
        row = (job.job_id, owner, job.status.value, self._process, _to_text(job))
        self._write("INSERT INTO jobs (job_id, owner, status, process, record) VALUES (?, ?, ?, ?, ?)", row)

    def update(self, job: Job) -> None:
        """Put the job's record in place of what was known of it."""
        row = (job.status.value, _to_text(job), job.job_id)
        self._write("UPDATE jobs SET status = ?, record = ? WHERE job_id = ?", row)

    def get(self, job_id: str) -> Job | None:
        """The job as last recorded."""
        return next(iter(self._read("SELECT record FROM jobs WHERE job_id = ?", (job_id,))), None)

    def of_owner(self, owner: str, limit: int) -> tuple[Job, ...]:
        """The owner's jobs, newest first."""
        return self._read("SELECT record FROM jobs WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, limit))

    def give(self, owner: str, new_owner: str) -> None:
        """Make all of one owner's jobs another's."""
        self._write("UPDATE jobs SET owner = ? WHERE owner = ?", (new_owner, owner))

    def unfinished_ids(self) -> frozenset[str]:
        """Jobs recorded as queued or running, other processes' too."""
        with self._connected() as connection:
            return frozenset(job_id for (job_id,) in connection.execute(f"SELECT job_id FROM jobs WHERE {UNFINISHED}"))

    def abandoned(self) -> tuple[Job, ...]:
        """Jobs recorded as queued or running by processes that have ended."""
        with self._connected() as connection:
            rows = connection.execute(f"SELECT process, record FROM jobs WHERE {UNFINISHED}").fetchall()
        return _parse_all(record for process, record in rows if not _is_alive(process))

    def delete(self, job_ids: Collection[str]) -> None:
        """Forget the jobs."""
        with self._connected() as connection:
            connection.executemany("DELETE FROM jobs WHERE job_id = ?", [(job_id,) for job_id in job_ids])

    def stage_times(self, recipe: Recipe) -> dict[Stage, float]:
        """Mean seconds of each stage, measured on this machine; empty before the first such job has completed."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT stage, mean_s FROM stage_times WHERE kind = ? AND engine = ? AND quality = ?",
                (recipe.kind.value, recipe.engine, recipe.quality),
            ).fetchall()
        known = {stage.value: stage for stage in Stage}
        return {known[name]: mean_s for name, mean_s in rows if name in known}

    def learn(self, recipe: Recipe, times_s: Mapping[Stage, float]) -> None:
        """Let a completed job's times enter the means."""
        rows = [
            (recipe.kind.value, recipe.engine, recipe.quality, stage.value, seconds)
            for stage, seconds in times_s.items()
        ]
        with self._connected() as connection:
            connection.executemany(
                "INSERT INTO stage_times VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET"
                f" jobs = min(jobs + 1, {MEAN_OVER_JOBS}),"
                f" mean_s = mean_s + (excluded.mean_s - mean_s) / min(jobs + 1, {MEAN_OVER_JOBS})",
                rows,
            )

    def _write(self, statement: str, row: tuple[str, ...]) -> None:
        with self._connected() as connection:
            connection.execute(statement, row)

    def _read(self, query: str, values: tuple[str | int, ...]) -> tuple[Job, ...]:
        with self._connected() as connection:
            rows = connection.execute(query, values).fetchall()
        return _parse_all(record for (record,) in rows)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time, as one transaction."""
        with self._lock:
            if self._connection is None:
                raise InternalError("The studio is closed.")
            try:
                self._connection.execute("BEGIN")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                LOGGER.exception("the history cannot be used")
                message = (
                    "The studio's history cannot be used; its disk may be full. The operator finds why in the log."
                )
                raise InternalError(message) from error


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        try:
            return _connect(path)
        except _Unusable as error:
            aside = _move_aside(path)
            LOGGER.warning("the history %s is kept as %s, and a new one begun", error, aside.name)
            return _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise InternalError(f"The history {path} cannot be used: {error}.") from error


class _Unusable(Exception):
    """The file is no history that this release can read; the message completes "the history …"."""


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        # The low byte is the kind of error, the rest its detail.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
            raise _Unusable(f"is damaged ({error})") from error
        raise
    except _Unusable:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _Unusable("is damaged")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise _Unusable("was written by a newer ORFEAS and")
    if version == 0:
        connection.executescript(SCHEMA)


def _move_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it, so that nothing is lost and someone may mend it."""
    aside = path.with_name(f"{path.name}.aside-{time.time_ns()}")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.replace(f"{aside}{suffix}")
    return aside


def _to_text(job: Job) -> str:
    return json.dumps(to_json(job), allow_nan=False)


def _parse_all(records: Iterator[str]) -> tuple[Job, ...]:
    jobs = []
    for record in records:
        try:
            jobs.append(_JOB.validate_json(record))
        except ValidationError as error:
            LOGGER.warning("a job's record cannot be read and is left out: %s", error.title)
    return tuple(jobs)


def _this_process() -> str:
    return f"{os.getpid()} {psutil.Process().create_time():.2f}"


def _is_alive(process: str) -> bool:
    """Whether ``process`` runs and is not this one, which has only just opened the history."""
    pid, started = process.split(" ")
    if int(pid) == os.getpid():
        return False
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < START_TOLERANCE_S
    except psutil.Error:
        return False
