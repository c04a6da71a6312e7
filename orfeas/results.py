"""What jobs have made, as files."""

import threading
from collections.abc import Callable
from pathlib import Path

from orfeas.apart import Apart
from orfeas.conversion import convert, turn
from orfeas.errors import NotFound
from orfeas.job_files import AS_IT_IS, JobFiles, find_files
from orfeas.jobs import Jobs
from orfeas.options import OutputFormat, Packing
from orfeas.pictures.turntable import TurntableOptions
from orfeas.progress import Progress, Stage, acquire
from orfeas.records import JobStatus
from orfeas.workspace import Workspace, full_disk_explained

# A GLB of so much takes a second or more to convert.
LARGE_BYTES = 8_000_000
TIMEOUT_S = 600.0
EXPIRED = "This job has no such file, or it has expired."


class Results:
    """The files of jobs, by the jobs' ids.

    Args:
        jobs: the register.
        workspace: where the files lie.
        apart: where large models are converted.
        tidy: called when files were added.
    """

    def __init__(self, jobs: Jobs, workspace: Workspace, apart: Apart, tidy: Callable[[], None]) -> None:
        self._apart = apart
        self._jobs = jobs
        self._workspace = workspace
        self._tidy = tidy
        # Drawing takes every core for a second or two.
        self._easel = threading.Lock()

    def download(self, job_id: str, output_format: OutputFormat, packing: Packing = AS_IT_IS) -> Path:
        """The job's model as a file, converted once and then kept.

        Raises:
            InvalidOption: it cannot be packed so, or has no texture.
            NotFound: no such job, it made no model, or its files have expired.
        """
        files = self._files_with_model(job_id)
        try:
            with full_disk_explained():
                path = self._converted(files, output_format, packing)
            size_bytes = path.stat().st_size
        except FileNotFoundError as error:
            raise NotFound(EXPIRED) from error
        if packing == AS_IT_IS:
            self._jobs.add_file(job_id, output_format.value, size_bytes)
        self._tidy()
        return path

    def _converted(self, files: JobFiles, output_format: OutputFormat, packing: Packing) -> Path:
        path = files.model(output_format, packing)
        if path.exists():
            return path
        progress = Progress()
        if files.model(OutputFormat.GLB).stat().st_size < LARGE_BYTES:
            return convert(progress, files, output_format, packing)
        # Here it would hold the interpreter's lock for seconds.
        with progress.stage(Stage.SAVE):
            return self._apart.run(convert, progress, TIMEOUT_S, files, output_format, packing)

    def view(self, job_id: str) -> Path:
        """A GLB file of the job's model to look at.

        Raises:
            NotFound: no such job, it made no model, or its files have expired.
        """
        files = self._files_with_model(job_id)
        return files.view if files.view.exists() else files.model(OutputFormat.GLB)

    def turntable(self, job_id: str, options: TurntableOptions, progress: Progress) -> Path:
        """The job's model turning, an animated WebP, drawn once for those options and then kept.

        Raises:
            NotFound: no such job, it made no model, or its files have expired.
            Cancelled: the user has stopped the work.
        """
        files = self._files_with_model(job_id)
        acquire(self._easel, progress)
        try:
            with full_disk_explained():
                path = turn(files, options, progress)
        except FileNotFoundError as error:
            raise NotFound(EXPIRED) from error
        finally:
            self._easel.release()
        self._tidy()
        return path

    def picture(self, job_id: str) -> Path:
        """The picture the job made from words, or the one it was given.

        Raises:
            NotFound: no such job, or its files have expired.
        """
        files = self._files(job_id)
        return _existing(files.picture if files.picture.exists() else files.upload)

    def preview(self, job_id: str) -> bytes:
        """What the picture looks like that the job is making, WebP; the file goes when the job ends.

        Raises:
            NotFound: no such job, or there is nothing to see of it.
        """
        try:
            return self._files(job_id).preview.read_bytes()
        except FileNotFoundError as error:
            raise NotFound("There is nothing to see of this job's picture yet, or no longer.") from error

    def cut_out(self, job_id: str) -> Path:
        """The subject as it was cut out of the job's picture.

        Raises:
            NotFound: no such job, or it has none.
        """
        return _existing(self._files(job_id).cut_out)

    def thumbnail(self, job_id: str) -> Path:
        """A small picture of what the job made; of its subject while it works.

        Raises:
            NotFound: no such job, or it has none.
        """
        return _existing(self._files(job_id).thumbnail)

    def _files(self, job_id: str) -> JobFiles:
        self._jobs.get(job_id)
        return find_files(self._workspace.job_folder(job_id))

    def _files_with_model(self, job_id: str) -> JobFiles:
        job = self._jobs.get(job_id)
        files = self._files(job_id)
        if job.status is not JobStatus.COMPLETED or OutputFormat.GLB not in job.files:
            raise NotFound(f"This job has no model; it is {job.status.value}.")
        _existing(files.model(OutputFormat.GLB))
        return files


def _existing(path: Path) -> Path:
    """``path`` if it is there.

    Raises:
        NotFound: it is not, or not any more.
    """
    if not path.exists():
        raise NotFound(EXPIRED)
    return path
