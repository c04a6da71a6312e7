"""The text that a monitoring system reads, parsed back by Prometheus's own parser."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orfeas.errors import OrfeasError, error_of
from orfeas.metrics import Metrics
from orfeas.records import Failure, Job, JobKind, JobStatus, new_job_id

DONE = Job(
    new_job_id(),
    JobKind.IMAGE_TO_3D,
    JobStatus.COMPLETED,
    "2030-01-01T00:00:00.000+00:00",
    engine="inflate",
    timings_s={"cut_out": 0.2, "shape": 0.3, "total": 0.6},
)
FAILED = Job(
    new_job_id(),
    JobKind.TEXT_TO_3D,
    JobStatus.FAILED,
    "2030-01-01T00:00:00.000+00:00",
    engine="inflate",
    timings_s={"picture": 0.2, "total": 0.2},
    error=Failure("internal", "A bug."),
)


def make_metrics(
    running: Callable[[], int] = lambda: 0,
    waiting: Callable[[], int] = lambda: 0,
    workspace_bytes: Callable[[], int] = lambda: 0,
) -> Metrics:
    return Metrics(running, waiting, workspace_bytes)


def refuse(metrics: Metrics, code: str) -> None:
    with pytest.raises(OrfeasError, match="No"), metrics.refusals_counted():
        raise error_of(code, "No.")


def read(metrics: Metrics) -> dict[str, float]:
    """Samples by their name with labels, as Prometheus writes them."""
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_every_name_begins_with_orfeas() -> None:
    metrics = make_metrics()
    metrics.ended(DONE)
    refuse(metrics, "busy")
    assert {name.split("_")[0] for name in read(metrics)} == {"orfeas"}


def test_ended_jobs_are_counted_by_kind_engine_and_status() -> None:
    metrics = make_metrics()
    metrics.ended(DONE)
    metrics.ended(DONE)
    metrics.ended(FAILED)
    samples = read(metrics)
    assert samples["orfeas_jobs_total engine=inflate kind=image_to_3d status=completed"] == 2
    assert samples["orfeas_jobs_total engine=inflate kind=text_to_3d status=failed"] == 1


def test_completed_jobs_tell_their_times() -> None:
    metrics = make_metrics()
    metrics.ended(DONE)
    samples = read(metrics)
    assert samples["orfeas_job_seconds_sum engine=inflate kind=image_to_3d"] == pytest.approx(0.6)
    assert samples["orfeas_job_seconds_bucket engine=inflate kind=image_to_3d le=0.5"] == 0
    assert samples["orfeas_job_seconds_bucket engine=inflate kind=image_to_3d le=1.0"] == 1
    assert samples["orfeas_stage_seconds_sum stage=cut_out"] == pytest.approx(0.2)
    assert samples["orfeas_stage_seconds_count stage=shape"] == 1
    assert "orfeas_stage_seconds_count stage=texture" not in samples


def test_jobs_that_did_not_complete_leave_the_times_alone() -> None:
    metrics = make_metrics()
    metrics.ended(FAILED)
    assert not [name for name in read(metrics) if "_seconds_sum" in name]


def test_levels_are_asked_whenever_the_text_is_rendered() -> None:
    running = [1]
    metrics = make_metrics(running=lambda: running[0], waiting=lambda: 4, workspace_bytes=lambda: 123)
    samples = read(metrics)
    assert samples["orfeas_jobs_running"] == 1
    assert samples["orfeas_jobs_waiting"] == 4
    assert samples["orfeas_workspace_bytes"] == 123
    running[0] = 0
    assert read(metrics)["orfeas_jobs_running"] == 0


def test_refusals_are_counted_by_code() -> None:
    metrics = make_metrics()
    for code in ("duplicate_job", "busy", "duplicate_job"):
        refuse(metrics, code)
    samples = read(metrics)
    assert samples["orfeas_refusals_total code=duplicate_job"] == 2
    assert samples["orfeas_refusals_total code=busy"] == 1


def test_two_studios_count_apart() -> None:
    one, two = make_metrics(), make_metrics()
    refuse(one, "busy")
    assert "orfeas_refusals_total code=busy" not in read(two)
