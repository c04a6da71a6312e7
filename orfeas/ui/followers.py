"""Which sessions made or follow which job: it is stopped only when the last of them has gone."""

import threading
from collections.abc import Collection


class Followers:
    """The sessions of every live job; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, set[str]] = {}

    def add(self, job_id: str, session: str) -> None:
        """The session made the job, or its page shows how the job goes."""
        with self._lock:
            self._sessions.setdefault(job_id, set()).add(session)

    def leave(self, session: str) -> tuple[str, ...]:
        """The session has gone; returns the jobs that it was the last to follow."""
        with self._lock:
            followed = [job_id for job_id, sessions in self._sessions.items() if session in sessions]
            for job_id in followed:
                self._sessions[job_id].remove(session)
            forsaken = tuple(job_id for job_id in followed if not self._sessions[job_id])
            for job_id in forsaken:
                del self._sessions[job_id]
            return forsaken

    def has(self, job_id: str) -> bool:
        """Whether any session follows the job."""
        with self._lock:
            return job_id in self._sessions

    def keep(self, live_ids: Collection[str]) -> None:
        """Forget the jobs that have ended."""
        with self._lock:
            self._sessions = {job_id: who for job_id, who in self._sessions.items() if job_id in live_ids}
