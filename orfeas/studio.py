"""The use cases: picture → model, words → picture, words → model, inspect, convert; run as jobs, one at a time.

Every door (page, HTTP, command line, ``import orfeas``) calls this one object. A job is submitted (checked, claimed and
recorded), then run in a thread of the caller's; it always ends completed, failed or cancelled.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from PIL import Image

from orfeas.apart import Apart
from orfeas.engines.subject import SubjectRequest, cut_and_report
from orfeas.errors import Cancelled, InternalError, NotFound, OrfeasError, error_of
from orfeas.fetching import Fetching
from orfeas.folder_lock import FolderLock
from orfeas.images.mask import check_mask
from orfeas.images.validation import check_image
from orfeas.job_files import file_stem
from orfeas.jobs import Caller, Jobs
from orfeas.mesh_files import MeshFiles
from orfeas.meshes.load import check_mesh_file
from orfeas.metrics import Metrics
from orfeas.options import (
    CutOutOptions,
    PictureOptions,
    RepairOptions,
    ShapeOptions,
    TextureOptions,
    WeightsChoice,
    choose_seed,
    parse_prompt,
)
from orfeas.pipelines import make
from orfeas.progress import Progress, acquire
from orfeas.records import CutOutReport, EngineInfo, ImageInfo, Job, JobKind, JobStatus
from orfeas.results import Results
from orfeas.roster import Roster
from orfeas.running import Inputs, keep_inputs, run_task, show_in, timings_of
from orfeas.settings import Settings, read_settings
from orfeas.tasks import RepairTask, Task, engine_name, is_learned, is_preview, reported_options
from orfeas.workspace import Workspace
from orfeas.zero_gpu import ZeroGpu

LOGGER = logging.getLogger(__name__)

# A job that ended in time has the device only a moment longer.
LET_GO_S = 0.5
LOCAL = Caller(session="", owner="local", address="")


class Studio:
    """The whole product without its doors.

    Args:
        settings: what the operator chose; from the environment if not given.
        is_waiting: whether anybody still waits for that queued job; one that nobody waits for is dropped.

    Raises:
        InternalError: the data folder cannot be used, or another studio has it.
    """

    def __init__(
        self, settings: Settings | None = None, is_waiting: Callable[[str], bool] = lambda job_id: True
    ) -> None:
        self.settings = settings = settings or read_settings()
        self._folder_lock = FolderLock(settings.data_dir)
        with ExitStack() as undo:
            undo.callback(self._folder_lock.release)
            self.workspace = Workspace(settings.data_dir, keep_days=settings.keep_days, keep_gb=settings.keep_gb)
            self.jobs = Jobs(
                settings.data_dir / "history.sqlite3",
                flag_of=self.workspace.cancel_flag,
                max_waiting=settings.max_waiting,
                session_limit=settings.session_limit,
                address_limit=settings.address_limit,
                is_waiting=is_waiting,
            )
            self.metrics = Metrics(self.jobs.running, self.jobs.waiting, lambda: self.workspace.used_bytes)
            self._zero_gpu = ZeroGpu(settings) if settings.is_zero_gpu else None
            self._apart = Apart()
            self.roster = Roster(settings, self._apart, "cpu" if self._zero_gpu else None)
            self.fetching = Fetching(self.roster.fetchables, settings.why_no_fetch)
            self.meshes = MeshFiles(self._apart)
            self.results = Results(self.jobs, self.workspace, self._apart, self.tidy)
            self._device = threading.Lock()
            self._tasks: dict[str, Task] = {}
            self.is_closed = False
            undo.pop_all()
        self.tidy()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self) -> None:
        """Get ready for the first job by a learned engine; takes seconds, and a server does it in the background."""
        if self._zero_gpu is not None:
            return  # what runs there is imported by the worker
        try:
            self.roster.warm_up()
        except OrfeasError as error:
            LOGGER.warning("the first job will take longer: %s", error)

    def close(self) -> None:
        """Stop what runs, mark it cancelled, and close the history.

        A job that could not be stopped in time keeps the data folder from others until the process ends, or until this
        is called again once that job has ended.
        """
        self.is_closed = True
        self.jobs.close()
        self.fetching.close()
        self._apart.close()
        if self._device.acquire(timeout=LET_GO_S):
            self._folder_lock.release()
            self._device.release()

    def tidy(self) -> None:
        """Delete what has expired; done at the start, after every job, and by a server now and then."""
        try:
            live = self.jobs.live_ids()
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

    def remove_background(
        self,
        image: Path | str,
        options: CutOutOptions | None = None,
        mask: Path | str | None = None,
        progress: Progress | None = None,
    ) -> tuple[Image.Image, CutOutReport]:
        """The subject of a picture as a job would cut it out, RGBA, without a job and without the device.

        Args:
            image: the picture.
            options: whether to remove the background, and by whom.
            mask: a picture of one's own that keeps what is white, or what is not clear where it has an alpha channel.
            progress: stops it where it says so.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: the picture or the mask cannot be used, or nothing is in the foreground.
            InvalidOption: a mask and another way to cut out were both asked for.
            EngineUnavailable: the remover asked for is not ready.
        """
        wanted, own_mask = options or CutOutOptions(), None if mask is None else Path(mask)
        remover, reason = self.roster.remover_for(wanted, own_mask is not None)
        request = SubjectRequest(Path(image), own_mask, wanted.remove_background, remover)
        return cut_and_report(request, reason, progress or Progress())

    def submit_image_to_3d(
        self, image: Path, options: ShapeOptions, caller: Caller = LOCAL, mask: Path | None = None
    ) -> Job:
        """Check and record a job that makes a model of a picture, of what ``mask`` keeps of it if there is one.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self.metrics.refusals_counted():
            info = check_image(image)
            if mask is not None:
                check_mask(mask)
            task, reason = self.roster.model_task(
                options, choose_seed(options.seed), file_stem(image.stem), mask is not None
            )
            return self._claim(JobKind.IMAGE_TO_3D, task, reason, caller, image, info, mask=mask)

    def submit_texture(
        self, mesh: Path, image: Path, options: TextureOptions, caller: Caller = LOCAL, mask: Path | None = None
    ) -> Job:
        """Check and record a job that paints a mesh from a picture of its front, ``mask`` as above.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self.metrics.refusals_counted():
            info = check_image(image)
            check_mesh_file(mesh)
            if mask is not None:
                check_mask(mask)
            task, reason = self.roster.texture_task(
                options, choose_seed(options.seed), file_stem(mesh.stem), mask is not None
            )
            return self._claim(JobKind.TEXTURE, task, reason, caller, image, info, mesh, mask)

    def submit_repair(self, mesh: Path, options: RepairOptions, caller: Caller = LOCAL) -> Job:
        """Check and record a job that makes a mesh ready to be printed.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self.metrics.refusals_counted():
            check_mesh_file(mesh)
            task = RepairTask(options, self._apart, file_stem(mesh.stem))
            return self._claim(JobKind.REPAIR, task, "", caller, mesh=mesh)

    def submit_text_to_image(self, prompt: str, options: PictureOptions, caller: Caller = LOCAL) -> Job:
        """Check and record a job that makes a picture from words.

        Raises:
            OrfeasError: why it was not accepted; then nothing is recorded.
        """
        with self.metrics.refusals_counted():
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
        with self.metrics.refusals_counted():
            first, first_reason = self.roster.picture_task_of_model(prompt, picture, seed, file_stem(prompt))
            task, reason = self.roster.model_task(shape, seed, first.stem)
            return self._claim(JobKind.TEXT_TO_3D, replace(task, picture=first), f"{first_reason} {reason}", caller)

    def image_to_3d(
        self, image: Path | str, options: ShapeOptions | None = None, mask: Path | str | None = None
    ) -> Job:
        """Make a model of a picture, of what ``mask`` keeps of it if there is one, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        own_mask = None if mask is None else Path(mask)
        return self._run_to_result(self.submit_image_to_3d(Path(image), options or ShapeOptions(), mask=own_mask))

    def texture_mesh(self, mesh: Path | str, image: Path | str, options: TextureOptions | None = None) -> Job:
        """Paint a mesh from a picture of its front, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        return self._run_to_result(self.submit_texture(Path(mesh), Path(image), options or TextureOptions()))

    def repair_mesh(self, mesh: Path | str, options: RepairOptions | None = None) -> Job:
        """Make a mesh ready to be printed, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        return self._run_to_result(self.submit_repair(Path(mesh), options or RepairOptions()))

    def text_to_image(self, prompt: str, options: PictureOptions | None = None) -> Job:
        """Make a picture from words, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        return self._run_to_result(self.submit_text_to_image(parse_prompt(prompt), options or PictureOptions()))

    def text_to_3d(self, prompt: str, picture: PictureOptions | None = None, shape: ShapeOptions | None = None) -> Job:
        """Make a model from words, and return the job when it is done.

        Raises:
            OrfeasError: why it was not accepted, or how it failed.
        """
        job = self.submit_text_to_3d(parse_prompt(prompt), picture or PictureOptions(), shape or ShapeOptions())
        return self._run_to_result(job)

    def _run_to_result(self, job: Job) -> Job:
        return self.result(self.run(job.job_id).job_id)

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
            show=show_in(self.workspace.job_folder(job_id)),
        )
        try:
            acquire(self._device, progress)
        except Cancelled as error:
            return self._end(self.jobs.cancelled(job_id, error, {}))
        try:
            maker = self._zero_gpu.make if self._zero_gpu and is_learned(task) else make
            job = run_task(job_id, task, maker, self.jobs, self.workspace, progress)
        finally:
            self._device.release()
            self.workspace.drop_preview(job_id)
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

    def _claim(
        self,
        kind: JobKind,
        task: Task,
        reason: str,
        caller: Caller,
        upload: Path | None = None,
        image: ImageInfo | None = None,
        mesh: Path | None = None,
        mask: Path | None = None,
    ) -> Job:
        job = self.jobs.claim(
            kind,
            caller,
            engine=engine_name(task),
            engine_reason=reason,
            is_preview=is_preview(task),
            name=task.stem,
            prompt=task.prompt,
            final_prompt=task.final_prompt,
            options=reported_options(task),
            image=image,
        )
        self._drop_forsaken_tasks()
        keep_inputs(job.job_id, Inputs(upload, mesh, mask), self.jobs, self.workspace)
        self._tasks[job.job_id] = task
        return job

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
