"""The use cases: picture → model, words → picture, words → model, inspect, convert; run as jobs, one at a time.

Every door (page, HTTP, command line, ``import orfeas``) calls this one object. A job is submitted (checked, claimed and
recorded), then run in a thread of the caller's; it always ends completed, failed or cancelled.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from orfeas.errors import Cancelled, InternalError, InvalidOption, NotFound, OrfeasError, error_of
from orfeas.fetching import Fetching
from orfeas.images.validation import check_image
from orfeas.jobs import Caller, Jobs
from orfeas.meshes.load import check_mesh_file, load_mesh
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.meshes.stats import measure
from orfeas.metrics import Metrics
from orfeas.options import (
    Compression,
    OutputFormat,
    PictureOptions,
    ShapeOptions,
    TextureOptions,
    WeightsChoice,
    choose_seed,
    parse_number,
    parse_prompt,
)
from orfeas.pipelines import (
    JobFiles,
    Task,
    compress,
    convert,
    convert_file,
    file_stem,
    find_files,
    is_preview,
    reported_options,
)
from orfeas.progress import Progress
from orfeas.records import EngineInfo, ImageInfo, Job, JobKind, JobStatus, MeshReport
from orfeas.roster import Roster
from orfeas.running import run_task, timings_of
from orfeas.settings import Settings, read_settings
from orfeas.workspace import Workspace, full_disk_explained

LOGGER = logging.getLogger(__name__)

LOCAL = Caller(session="", owner="local", address="")
LOCK_POLL_S = 0.2
EXPIRED = "This job has no such file, or it has expired."


class Studio:
    """The whole product without its doors.

    Args:
        settings: what the operator chose; from the environment if not given.
        is_waiting: whether anybody still waits for that queued job; one that nobody waits for is dropped.

    Raises:
        InternalError: the data folder cannot be used.
    """

    def __init__(
        self, settings: Settings | None = None, is_waiting: Callable[[str], bool] = lambda job_id: True
    ) -> None:
        self.settings = settings or read_settings()
        self.workspace = Workspace(
            self.settings.data_dir, keep_days=self.settings.keep_days, keep_gb=self.settings.keep_gb
        )
        self.jobs = Jobs(
            self.settings.data_dir / "history.sqlite3",
            flag_of=self.workspace.cancel_flag,
            max_waiting=self.settings.max_waiting,
            session_limit=self.settings.session_limit,
            address_limit=self.settings.address_limit,
            is_waiting=is_waiting,
        )
        self.metrics = Metrics(self.jobs.running, self.jobs.waiting, lambda: self.workspace.used_bytes)
        self.roster = Roster(self.settings)
        self.fetching = Fetching(self.roster.fetchables, self.settings.why_no_fetch)
        self._device = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self.tidy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what runs, mark it cancelled, and close the history."""
        self.fetching.close()
        self.jobs.close()

    def tidy(self) -> None:
        """Delete what has expired; done at the start, after every job, and by a server now and then."""
        live = self.jobs.live_ids()
        try:
            self.jobs.forget(self.workspace.expire(lambda job_id: job_id in live or self.jobs.is_live(job_id)))
        except (OSError, InternalError) as error:
            LOGGER.warning("expired files could not be deleted: %s", error)

    def engines(self) -> tuple[EngineInfo, ...]:
        """Every engine the API names, with ready or why not, and how fetching its weights goes."""
        return tuple(self.fetching.tell(info) for info in self.roster.infos())

    def start_fetch(self) -> None:
        """Fetch in the background what the operator asked for with ``ORFEAS_FETCH``, where it is missing."""
        if self.settings.fetch != "none":
            self.fetching.start_missing(WeightsChoice(self.settings.fetch))

    def check_image(self, image: Path) -> ImageInfo:
        """Measure a picture, cheaply.

        Raises:
            InvalidImage: it cannot be used; the message says why.
        """
        return check_image(image)

    def inspect_mesh(self, mesh: Path) -> MeshReport:
        """Measure a mesh file of any kind that can be read.

        Raises:
            InvalidMesh: it cannot be read.
        """
        return measure(load_mesh(mesh))

    def settings_from(self, model: Path) -> Provenance:
        """How a model file was made, from its own metadata.

        Raises:
            InvalidMesh: the file holds none.
        """
        return read_provenance(model)

    def convert(
        self,
        mesh: Path,
        output_format: OutputFormat,
        size_mm: float = 0,
        compression: Compression = Compression.NONE,
    ) -> bytes:
        """A mesh file's content in another format, with how it was made where the file says so.

        Args:
            mesh: a file of any kind that can be read.
            output_format: what to write.
            size_mm: longest side to scale it to, standing on its base; 0 leaves it as it is.
            compression: of the shape in a GLB.

        Raises:
            InvalidMesh: it cannot be read.
            InvalidOption: ``size_mm`` is out of range, or what is asked for cannot be compressed.
        """
        size = parse_number("size_mm", size_mm, 1, 10_000, 0, "keep the mesh's size and place")
        return convert_file(mesh, output_format, size, compression)

    def submit_image_to_3d(self, image: Path, options: ShapeOptions, caller: Caller = LOCAL) -> Job:
        """Check and record a job that makes a model of a picture.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self._refusals_counted():
            info = check_image(image)
            task, reason = self.roster.model_task(options, choose_seed(options.seed), file_stem(image.stem))
            return self._claim(JobKind.IMAGE_TO_3D, task, reason, caller, image, info)

    def submit_texture(self, mesh: Path, image: Path, options: TextureOptions, caller: Caller = LOCAL) -> Job:
        """Check and record a job that paints a mesh from a picture of its front.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self._refusals_counted():
            info = check_image(image)
            check_mesh_file(mesh)
            task, reason = self.roster.texture_task(options, choose_seed(options.seed), file_stem(mesh.stem))
            return self._claim(JobKind.TEXTURE, task, reason, caller, image, info, mesh)

    def submit_text_to_image(self, prompt: str, options: PictureOptions, caller: Caller = LOCAL) -> Job:
        """Check and record a job that makes a picture from words.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self._refusals_counted():
            task, reason = self.roster.picture_task(prompt, options, choose_seed(options.seed), file_stem(prompt))
            return self._claim(JobKind.TEXT_TO_IMAGE, task, reason, caller)

    def submit_text_to_3d(
        self, prompt: str, picture: PictureOptions, shape: ShapeOptions, caller: Caller = LOCAL
    ) -> Job:
        """Check and record a job that makes a picture from words and a model of it, both with the shape's seed.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        seed = choose_seed(shape.seed)
        with self._refusals_counted():
            first, first_reason = self.roster.picture_task(prompt, picture, seed, file_stem(prompt))
            task, reason = self.roster.model_task(shape, seed, first.stem)
            return self._claim(JobKind.TEXT_TO_3D, replace(task, picture=first), f"{first_reason} {reason}", caller)

    def image_to_3d(self, image: Path | str, options: ShapeOptions | None = None) -> Job:
        """Make a model of a picture, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        job = self.submit_image_to_3d(Path(image), options or ShapeOptions())
        return self._run_to_result(job)

    def texture_mesh(self, mesh: Path | str, image: Path | str, options: TextureOptions | None = None) -> Job:
        """Paint a mesh from a picture of its front, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        return self._run_to_result(self.submit_texture(Path(mesh), Path(image), options or TextureOptions()))

    def text_to_image(self, prompt: str, options: PictureOptions | None = None) -> Job:
        """Make a picture from words, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        job = self.submit_text_to_image(parse_prompt(prompt), options or PictureOptions())
        return self._run_to_result(job)

    def text_to_3d(self, prompt: str, picture: PictureOptions | None = None, shape: ShapeOptions | None = None) -> Job:
        """Make a model from words, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        job = self.submit_text_to_3d(parse_prompt(prompt), picture or PictureOptions(), shape or ShapeOptions())
        return self._run_to_result(job)

    def _run_to_result(self, job: Job) -> Job:
        self.run(job.job_id)
        return self.result(job.job_id)

    def run(self, job_id: str) -> Job:
        """Do a submitted job, in the calling thread, once the device is free.

        Never raises for a job's own failure: the returned job says how it ended.

        Raises:
            NotFound: no such job was submitted here.
        """
        task = self._tasks.pop(job_id, None)
        if task is None:
            raise NotFound("There is no such job waiting to run.")
        progress = Progress(
            report=lambda step: self.jobs.report(job_id, step, timings_of(progress)),
            is_cancelled=lambda: self.jobs.is_cancelled(job_id),
        )
        try:
            self._take_device(progress)
        except Cancelled as error:
            return self._end(self.jobs.cancelled(job_id, error, {}))
        try:
            job = run_task(job_id, task, self.jobs, self.workspace, progress)
        finally:
            self._device.release()
        self.tidy()
        return self._end(job)

    def job(self, job_id: str) -> Job:
        """The job as it stands.

        Raises:
            NotFound: no such job.
        """
        return self.jobs.get(job_id)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; one that has ended stays as it is.

        Raises:
            NotFound: no such job.
        """
        job = self.jobs.request_cancel(job_id)
        if job.status.is_final and self._tasks.pop(job_id, None) is not None:
            self._end(job)
        return job

    def result(self, job_id: str) -> Job:
        """The job, if it completed.

        Raises:
            NotFound: no such job, or it has not ended yet.
            OrfeasError: how the job ended otherwise, as the error it ended with.
        """
        job = self.jobs.get(job_id)
        if job.error is not None:
            raise error_of(job.error.code, job.error.message)
        if job.status is not JobStatus.COMPLETED:
            raise NotFound(f"This job has no result yet; it is {job.status.value}.")
        return job

    def history(self, owner: str) -> tuple[Job, ...]:
        """The jobs of one browser or session, newest first."""
        return self.jobs.history(owner)

    def download(self, job_id: str, output_format: OutputFormat, compression: Compression = Compression.NONE) -> Path:
        """The job's model as a file, converted once and then kept.

        Raises:
            InvalidOption: compression of anything but a GLB.
            NotFound: no such job, it made no model, or its files have expired.
        """
        if compression is not Compression.NONE and output_format is not OutputFormat.GLB:
            raise InvalidOption("Only a GLB can be compressed; choose none.", "compression")
        job = self.jobs.get(job_id)
        files = self._files(job_id)
        if job.status is not JobStatus.COMPLETED or OutputFormat.GLB not in job.files:
            raise NotFound(f"This job has no model to download; it is {job.status.value}.")
        _existing(files.model(OutputFormat.GLB))
        try:
            if compression is Compression.DRACO:
                return compress(files)
            path = convert(files, output_format)
            size_bytes = path.stat().st_size
        except FileNotFoundError as error:
            raise NotFound(EXPIRED) from error
        self.jobs.add_file(job_id, output_format.value, size_bytes)
        return path

    def picture(self, job_id: str) -> Path:
        """The picture the job made from words, or the one it was given.

        Raises:
            NotFound: no such job, or its files have expired.
        """
        files = self._files(job_id)
        return _existing(files.picture if files.picture.exists() else files.upload)

    def cut_out(self, job_id: str) -> Path:
        """The subject as it was cut out of the job's picture.

        Raises:
            NotFound: no such job, or it has none.
        """
        return _existing(self._files(job_id).cut_out)

    def thumbnail(self, job_id: str) -> Path:
        """A small picture of the job's subject.

        Raises:
            NotFound: no such job, or it has none.
        """
        return _existing(self._files(job_id).thumbnail)

    def _files(self, job_id: str) -> JobFiles:
        self.jobs.get(job_id)
        return find_files(self.workspace.job_folder(job_id))

    def _claim(
        self,
        kind: JobKind,
        task: Task,
        reason: str,
        caller: Caller,
        upload: Path | None = None,
        image: ImageInfo | None = None,
        mesh: Path | None = None,
    ) -> Job:
        job = self.jobs.claim(
            kind,
            caller,
            engine=task.engine.name.value,
            engine_reason=reason,
            is_preview=is_preview(task),
            name=task.stem,
            prompt=task.prompt,
            options=reported_options(task),
            image=image,
        )
        self._drop_forsaken_tasks()
        try:
            with full_disk_explained():
                files = JobFiles(self.workspace.job_folder(job.job_id))
                for source, kept in ((upload, files.upload), (mesh, files.mesh)):
                    if source is not None:
                        shutil.copyfile(source, kept)
        except (OSError, OrfeasError) as error:
            LOGGER.exception("job %s could not be given what it works on", job.job_id)
            failure = error if isinstance(error, OrfeasError) else InternalError("What was uploaded could not be kept.")
            self.jobs.fail(job.job_id, failure, {})
            raise failure from error
        self._tasks[job.job_id] = task
        return job

    @contextmanager
    def _refusals_counted(self) -> Iterator[None]:
        try:
            yield
        except OrfeasError as error:
            self.metrics.refused(error.code)
            raise

    def _take_device(self, progress: Progress) -> None:
        while not self._device.acquire(timeout=LOCK_POLL_S):
            progress.check()

    def _end(self, job: Job) -> Job:
        self.metrics.ended(job)
        LOGGER.info("job %s (%s, %s) %s", job.job_id, job.kind, job.engine, job.status)
        return job

    def _drop_forsaken_tasks(self) -> None:
        """Let go of what jobs needed that ended before their turn came."""
        held = list(self._tasks)
        live = self.jobs.live_ids()
        for job_id in held:
            if job_id not in live and self._tasks.pop(job_id, None) is not None:
                self._end(self.jobs.get(job_id))


def _existing(path: Path) -> Path:
    """``path`` if it is there.

    Raises:
        NotFound: it is not, or not any more.
    """
    if not path.exists():
        raise NotFound(EXPIRED)
    return path
