"""One job from its start to its end, whatever that is; the one place where any failure of a job is caught."""

import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from PIL.Image import Image

from orfeas.devices import is_out_of_memory
from orfeas.errors import Cancelled, InternalError, OrfeasError, OutOfMemory
from orfeas.jobs import Jobs
from orfeas.pipelines import (
    JobFiles,
    Made,
    PictureTask,
    Task,
    TextureTask,
    make_model,
    make_picture,
    make_texture,
    write_preview,
)
from orfeas.progress import Progress
from orfeas.records import Job
from orfeas.workspace import Workspace, full_disk_explained

LOGGER = logging.getLogger(__name__)


def show_in(folder: Path) -> Callable[[Image], None]:
    """What shows a picture in the making to whoever looks into the job's folder, from whatever process."""

    def show(image: Image) -> None:
        try:
            write_preview(image, JobFiles(folder))
        except OSError as error:
            LOGGER.warning("a preview could not be written: %s", error.strerror)

    return show


def run_task(job_id: str, task: Task, jobs: Jobs, workspace: Workspace, progress: Progress) -> Job:
    """Do a claimed job's work on the device, which the caller holds; returns its final record, never raises."""
    start = time.perf_counter()
    try:
        job = jobs.begin(job_id)
        with full_disk_explained():
            made = _make(job, task, workspace, progress)
    except Cancelled as error:
        return jobs.cancelled(job_id, error, _timings(progress, start))
    except OrfeasError as error:
        return jobs.fail(job_id, error, _timings(progress, start))
    except Exception as error:
        if is_out_of_memory(error):
            LOGGER.warning("job %s ran out of memory", job_id, exc_info=True)
            no_memory = OutOfMemory("The memory ran out. Choose a lower quality and try again.")
            return jobs.fail(job_id, no_memory, _timings(progress, start))
        reference = secrets.token_hex(4)
        LOGGER.exception("job %s failed inside ORFEAS; reference %s", job_id, reference)
        bug = InternalError(f"ORFEAS met a bug of its own. The operator finds it in the log under {reference}.")
        return jobs.fail(job_id, bug, _timings(progress, start))
    return jobs.complete(
        job_id, files=made.files, mesh=made.mesh, notes=made.notes, timings_s=_timings(progress, start)
    )


def _make(job: Job, task: Task, workspace: Workspace, progress: Progress) -> Made:
    files = JobFiles(workspace.job_folder(job.job_id), task.stem)
    if isinstance(task, PictureTask):
        return make_picture(task, files, progress)
    if isinstance(task, TextureTask):
        return make_texture(task, job.kind, files, progress)
    return make_model(task, job.kind, files, progress)


def timings_of(progress: Progress) -> dict[str, float]:
    """Seconds by stage so far, as a job's record tells them."""
    return {stage.value: round(seconds, 4) for stage, seconds in progress.timings_s.items()}


def _timings(progress: Progress, start: float) -> dict[str, float]:
    return {**timings_of(progress), "total": round(time.perf_counter() - start, 4)}
