"""How long jobs took on this machine, to say how long the next will take."""

import threading
from collections import deque
from statistics import median

from orfeas.options import Quality
from orfeas.records import Job, JobKind, JobStatus

# Enough to be steady, few enough to follow a change of load.
REMEMBERED = 7


class TypicalTimes:
    """The middle of the last few times by kind of job and quality; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[tuple[JobKind, str], deque[float]] = {}

    def learn(self, job: Job) -> None:
        """Take in a job that completed; any other teaches nothing."""
        if job.status != JobStatus.COMPLETED or "total" not in job.timings_s:
            return
        with self._lock:
            key = (job.kind, str(job.options.get("quality", "")))
            self._seconds.setdefault(key, deque(maxlen=REMEMBERED)).append(job.timings_s["total"])

    def seconds(self, kind: JobKind, quality: str) -> float | None:
        """The typical time of such a job, or None where none has run yet."""
        with self._lock:
            known = self._seconds.get((kind, quality))
            return median(known) if known else None

    def by_quality(self) -> dict[Quality, float]:
        """The typical time of making a model of a picture, for each quality that has run."""
        found = {quality: self.seconds(JobKind.IMAGE_TO_3D, quality.value) for quality in Quality}
        return {quality: seconds for quality, seconds in found.items() if seconds is not None}
