"""What a monitoring system asks for: counters, timings and levels, as Prometheus text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from orfeas.errors import OrfeasError
from orfeas.progress import Stage
from orfeas.records import Job

JOB_BUCKETS_S = (0.25, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800)
STAGE_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Metrics:
    """All of one studio's metrics, in a registry of their own; every name begins with ``orfeas_``.

    Args:
        running: how many jobs run now.
        waiting: how many jobs are queued now.
        workspace_bytes: how much the jobs' files take up now. All three are asked whenever the text is rendered.
    """

    def __init__(
        self, running: Callable[[], int], waiting: Callable[[], int], workspace_bytes: Callable[[], int]
    ) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Counter(
            "orfeas_jobs", "Jobs that have ended.", ("kind", "engine", "status"), registry=self._registry
        )
        self._job_seconds = Histogram(
            "orfeas_job_seconds",
            "Time of completed jobs, without their wait.",
            ("kind", "engine"),
            buckets=JOB_BUCKETS_S,
            registry=self._registry,
        )
        self._stage_seconds = Histogram(
            "orfeas_stage_seconds",
            "Time of the stages of completed jobs.",
            ("stage",),
            buckets=STAGE_BUCKETS_S,
            registry=self._registry,
        )
        self._refusals = Counter(
            "orfeas_refusals", "Requests that were refused or not valid.", ("code",), registry=self._registry
        )
        for name, text, level in (
            ("orfeas_jobs_running", "Jobs running now.", running),
            ("orfeas_jobs_waiting", "Jobs queued now.", waiting),
            ("orfeas_workspace_bytes", "Size of all jobs' files.", workspace_bytes),
        ):
            Gauge(name, text, registry=self._registry).set_function(level)
        ProcessCollector(namespace="orfeas", registry=self._registry)

    @contextmanager
    def refusals_counted(self) -> Iterator[None]:
        """Count the request that is refused in here, and so becomes no job, by its error's code."""
        try:
            yield
        except OrfeasError as error:
            self._refusals.labels(error.code).inc()
            raise

    def ended(self, job: Job) -> None:
        """Count a job that has ended, with its times where it completed."""
        self._jobs.labels(job.kind.value, job.engine, job.status.value).inc()
        if job.error is not None:
            return
        self._job_seconds.labels(job.kind.value, job.engine).observe(job.timings_s.get("total", 0.0))
        for stage in Stage:
            if stage.value in job.timings_s:
                self._stage_seconds.labels(stage.value).observe(job.timings_s[stage.value])

    def render(self) -> bytes:
        """Prometheus text format 0.0.4."""
        return generate_latest(self._registry)
