"""One job from its start to its end, whatever that is; the one place where any failure of a job is caught."""

import logging
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from orfeas.devices import is_out_of_memory
from orfeas.errors import Cancelled, InternalError, OrfeasError, OutOfMemory
from orfeas.job_files import JobFiles, write_preview
from orfeas.jobs import Jobs
from orfeas.progress import Progress
from orfeas.records import Job, JobKind
from orfeas.tasks import Made, Task
from orfeas.workspace import Workspace, full_disk_explained

LOGGER = logging.getLogger(__name__)

# What does a task's work in a job's folder: :func:`orfeas.pipelines.make`, or the same on a GPU that is lent.
Maker = Callable[[Task, JobKind, Path, Progress], Made]


@dataclass(frozen=True)
class Inputs:
    """The files that a job works on, where its caller has them; None where its kind takes none."""

    picture: Path | None
    mesh: Path | None
    mask: Path | None


def keep_inputs(job_id: str, inputs: Inputs, jobs: Jobs, workspace: Workspace) -> None:
    """Copy what a claimed job works on into its folder.

    Raises:
        OrfeasError: it could not be kept; then the job has failed with it.
    """
    try:
        with full_disk_explained():
            files = JobFiles(workspace.job_folder(job_id))
            kept = ((inputs.picture, files.upload), (inputs.mesh, files.mesh), (inputs.mask, files.mask))
            for source, place in kept:
                if source is not None:
                    shutil.copyfile(source, place)
    except (OSError, OrfeasError) as error:
        LOGGER.exception("job %s could not be given what it works on", job_id)
        failure = error if isinstance(error, OrfeasError) else InternalError("What was uploaded could not be kept.")
        jobs.fail(job_id, failure, {})
        raise failure from error


def show_in(folder: Path) -> Callable[[Image], None]:
    """What shows a picture in the making to whoever looks into the job's folder, from whatever process."""

    def show(image: Image) -> None:
        try:
            write_preview(image, JobFiles(folder))
        except OSError as error:
            LOGGER.warning("a preview could not be written: %s", error.strerror)

    return show


def run_task(job_id: str, task: Task, make: Maker, jobs: Jobs, workspace: Workspace, progress: Progress) -> Job:
    """Do a claimed job's work on the device, which the caller holds; returns its final record, never raises."""
    start = time.perf_counter()

    def work() -> Made:
        job = jobs.begin(job_id)
        return make(task, job.kind, workspace.job_folder(job_id), progress)

    made = attempt(work, job_id)
    timings_s = {**timings_of(progress), "total": round(time.perf_counter() - start, 4)}
    if isinstance(made, Cancelled):
        return jobs.cancelled(job_id, made, timings_s)
    if isinstance(made, OrfeasError):
        return jobs.fail(job_id, made, timings_s)
    return jobs.complete(
        job_id,
        files=made.files,
        mesh=made.mesh,
        mesh_before=made.mesh_before,
        notes=made.notes,
        options=made.options,
        timings_s=timings_s,
    )


def attempt(work: Callable[[], Made], job_id: str) -> Made | OrfeasError:
    """What the work made, or how it failed, in a user's words; never raises. A bug is logged under a reference."""
    try:
        with full_disk_explained():
            return work()
    except OrfeasError as error:
        return error
    except Exception as error:
        if is_out_of_memory(error):
            LOGGER.warning("job %s ran out of memory", job_id, exc_info=True)
            return OutOfMemory("The memory ran out. Choose a lower quality and try again.")
        reference = secrets.token_hex(4)
        LOGGER.exception("job %s failed inside ORFEAS; reference %s", job_id, reference)
        return InternalError(f"ORFEAS met a bug of its own. The operator finds it in the log under {reference}.")


def timings_of(progress: Progress) -> dict[str, float]:
    """Seconds by stage so far, as a job's record tells them."""
    return {stage.value: round(seconds, 4) for stage, seconds in progress.timings_s.items()}
