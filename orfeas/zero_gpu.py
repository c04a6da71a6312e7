"""Learned jobs on ZeroGPU, where a Space has no GPU of its own and is lent one for a call at a time.

The platform forks a process for the call, on the GPU; arguments and result are pickled on their way. So what crosses is
a :class:`Work` of plain values, and the worker builds its own engines, which stay with it for as long as the platform
keeps it. Steps and cancellation cross as files in the job's folder.
"""

import functools
import json
import logging
import math
import secrets
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path

from orfeas.apart import Apart
from orfeas.errors import EngineUnavailable, InternalError, OrfeasError, RateLimited, ServerBusy
from orfeas.files import write_whole
from orfeas.job_files import JobFiles
from orfeas.options import (
    EngineChoice,
    PictureOptions,
    Quality,
    RemoverChoice,
    ShapeOptions,
    TextEngineChoice,
    TextureEngineChoice,
    TextureOptions,
)
from orfeas.pipelines import make
from orfeas.progress import CancelFlag, Progress, Stage, Step
from orfeas.records import JobKind
from orfeas.roster import Roster
from orfeas.running import attempt, show_in
from orfeas.settings import Settings
from orfeas.tasks import Made, ModelTask, RepairTask, Task
from orfeas.workspace import FLAG

LOGGER = logging.getLogger(__name__)

TOLD = "told.json"
POLL_S = 0.1
# Seconds to ask for, generous: too few end a job, too many let it wait longer for its GPU. Estimates, not measured.
LONGEST_S = 120
LOAD_S = 20
SHAPE_STEP_S = 0.4
SURFACE_S = {Quality.DRAFT: 10, Quality.STANDARD: 15, Quality.HIGH: 25, Quality.ULTRA: 40}
PAINT_S = {Quality.DRAFT: 25, Quality.STANDARD: 40, Quality.HIGH: 60, Quality.ULTRA: 90}
PICTURE_S = 25
CUT_OUT_S = 15


@dataclass(frozen=True)
class Work:
    """A job as it crosses to the worker: everything in it can be pickled.

    Attributes:
        settings: what the worker's engines are built with.
        kind: what the job makes.
        options: effective values.
        picture: effective values of the picture that is made of words first, if any.
        prompt: the words; empty where it began with a picture.
        stem: names the files.
        folder: the job's own.
    """

    settings: Settings
    kind: JobKind
    options: ShapeOptions | TextureOptions | PictureOptions
    picture: PictureOptions | None
    prompt: str
    stem: str
    folder: Path

    @classmethod
    def of(cls, task: Task, kind: JobKind, folder: Path, settings: Settings) -> "Work":
        """The task as it crosses."""
        assert not isinstance(task, RepairTask), "a repair has no use for a GPU"
        picture = task.picture.options if isinstance(task, ModelTask) and task.picture else None
        return cls(settings, kind, task.options, picture, task.prompt, task.stem, folder)

    def task(self, roster: Roster) -> Task:
        """The same task again, with the engines of ``roster``.

        Raises:
            OrfeasError: an engine is not ready there.
        """
        options = self.options
        has_mask = JobFiles(self.folder, self.stem).mask.exists()
        if isinstance(options, PictureOptions):
            return roster.picture_task(self.prompt, options, options.seed, self.stem)[0]
        if isinstance(options, TextureOptions):
            return roster.texture_task(options, options.seed, self.stem, has_mask)[0]
        model = roster.model_task(options, options.seed, self.stem, has_mask)[0]
        if self.picture is None:
            return model
        picture = roster.picture_task_of_model(self.prompt, self.picture, self.picture.seed, self.stem)[0]
        return replace(model, picture=picture)


@dataclass(frozen=True)
class Outcome:
    """What a worker hands back: what it made or how it failed, and seconds by stage."""

    made: Made | OrfeasError
    timings_s: dict[Stage, float] = field(default_factory=dict)


class ZeroGpu:
    """The GPU that is lent, as the process sees it that has none.

    Args:
        settings: what the worker's engines are built with.

    Raises:
        InternalError: the platform's own package is missing.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            # Only here: the package patches torch as soon as it is imported.
            from spaces import GPU
        except ImportError as error:
            raise InternalError("this is ZeroGPU, and its package `spaces` is not installed; install it.") from error
        self._settings = settings
        self._call: Callable[[Work], Outcome] = GPU(duration=duration_s)(work_on_gpu)

    def make(self, task: Task, kind: JobKind, folder: Path, progress: Progress) -> Made:
        """The task's work, done by a worker on the GPU, as :func:`orfeas.pipelines.make` does it here.

        Who stops waiting for a GPU is let go at once; a worker that gets it later finds the flag, and ends.

        Raises:
            OrfeasError: as the engines say; ``Cancelled`` while it waits for a GPU, too.
            RateLimited: the visitor has used up their GPU time.
            ServerBusy: no GPU was free, or the platform has lent the visitor enough for now.
            EngineUnavailable: the GPU was taken away before the job was done.
        """
        work = Work.of(task, kind, folder, self._settings)
        call = _Call(self._call, work)
        call.start()
        told: Told | None = None
        while call.is_alive():
            call.join(POLL_S)
            last = read_told(folder)
            if last is None:
                progress.check()
            elif last != told:
                told = last
                progress.relay(told.step, told.timings_s)
        assert call.outcome is not None, "a call that has ended has an outcome"
        if call.outcome.timings_s:
            progress.timings_s = dict(call.outcome.timings_s)
        if isinstance(call.outcome.made, OrfeasError):
            raise call.outcome.made
        return call.outcome.made


class _Call(threading.Thread):
    """One call to the GPU, in a thread of its own and in the context of the event that asked for it."""

    def __init__(self, call: Callable[[Work], Outcome], work: Work) -> None:
        super().__init__(daemon=True)
        self._context = copy_context()
        self._call = call
        self._work = work
        self.outcome: Outcome | None = None

    def run(self) -> None:
        """Call, and keep what comes of it."""
        timings_s: dict[Stage, float] = {}

        def call() -> Made:
            outcome = _call_gpu(lambda: self._context.run(self._call, self._work), duration_s(self._work))
            timings_s.update(outcome.timings_s)
            if isinstance(outcome.made, OrfeasError):
                raise outcome.made
            return outcome.made

        made = attempt(call, self._work.folder.name)
        self.outcome = Outcome(made, timings_s)


def _call_gpu(call: Callable[[], Outcome], lent_s: int) -> Outcome:
    """What the worker handed back; what the platform says in Gradio's words becomes an error of ours."""
    import gradio as gr

    try:
        return call()
    except gr.Error as error:
        raise _explain(str(error.title), str(error.message), lent_s) from error
    except RuntimeError as error:
        if not str(error).startswith("ZeroGPU API"):
            raise
        LOGGER.warning("%s", error)
        raise ServerBusy("The platform that lends GPUs does not answer as it should. Try again in a minute.") from error


def _explain(title: str, message: str, lent_s: int) -> OrfeasError:
    """The error of ours for one of the platform's; titles as of its package ``spaces`` 0.51.3."""
    if title.startswith("ZeroGPU worker error") and "aborted" in message:
        error: OrfeasError = EngineUnavailable(
            f"The GPU was lent for {lent_s} seconds and was taken away before the job was done. "
            "Choose a lower quality and try again."
        )
    elif title.startswith("ZeroGPU worker error"):
        error = InternalError(f"The GPU worker could not start or answer ({message}). Try again.")
    elif title.startswith(("ZeroGPU queue", "ZeroGPU client")):
        error = ServerBusy(f"No GPU was free ({message.rstrip('.')}). Try again in a minute.")
    elif title.startswith("ZeroGPU pending credits"):
        error = ServerBusy(message)
    elif title.startswith("ZeroGPU quota"):
        error = RateLimited(message)
    else:
        reference = secrets.token_hex(4)
        LOGGER.error("no GPU was lent; reference %s; %s: %s", reference, title, message)
        return InternalError(f"No GPU was lent for this job. The operator finds it in the log under {reference}.")
    LOGGER.warning("%s: %s", title, message)
    return error


def duration_s(work: Work) -> int:
    """Seconds to ask the GPU for, from the options; at most :data:`LONGEST_S`."""
    seconds = 0.0
    options = work.options
    words = options if isinstance(options, PictureOptions) else work.picture
    if words is not None and words.engine is TextEngineChoice.DIFFUSION:
        seconds += LOAD_S + PICTURE_S
    if isinstance(options, ShapeOptions) and options.engine is EngineChoice.HUNYUAN:
        seconds += LOAD_S + options.num_inference_steps * SHAPE_STEP_S + SURFACE_S[options.quality]
    if isinstance(options, ShapeOptions):
        paints = options.texture and options.texture_engine is TextureEngineChoice.HUNYUAN
    else:
        paints = isinstance(options, TextureOptions) and options.engine is TextureEngineChoice.HUNYUAN
    if paints and not isinstance(options, PictureOptions):
        seconds += LOAD_S + PAINT_S[options.quality]
    if not isinstance(options, PictureOptions) and options.remover is RemoverChoice.BIREFNET:
        seconds += CUT_OUT_S
    return min(LONGEST_S, math.ceil(seconds))


def work_on_gpu(work: Work) -> Outcome:
    """Do the work, in the process that has the GPU; never raises, since only an error's name would cross."""
    progress = Progress(
        report=lambda step: tell(work.folder, Told(step, progress.timings_s)),
        is_cancelled=CancelFlag(work.folder / FLAG).is_set,
        show=show_in(work.folder),
    )
    made = attempt(lambda: make(work.task(_roster(work.settings)), work.kind, work.folder, progress), work.folder.name)
    return Outcome(made, progress.timings_s)


@functools.cache
def _roster(settings: Settings) -> Roster:
    """The worker's own engines, kept from job to job: of a worker, only what modules hold outlives a call."""
    return Roster(settings, Apart())


@dataclass(frozen=True)
class Told:
    """How far a worker is: its last step, and seconds by stage."""

    step: Step
    timings_s: dict[Stage, float]


def tell(folder: Path, told: Told) -> None:
    """Leave it where the other process looks; a fraction of a millisecond."""
    step = told.step
    record = {"stage": step.stage, "done": step.done, "total": step.total, "timings_s": told.timings_s}
    write_whole(folder / TOLD, json.dumps(record).encode())


def read_told(folder: Path) -> Told | None:
    """What the worker told last; None before the first."""
    try:
        record = json.loads((folder / TOLD).read_bytes())
    except FileNotFoundError:
        return None
    timings_s = {Stage(stage): seconds for stage, seconds in record["timings_s"].items()}
    return Told(Step(Stage(record["stage"]), record["done"], record["total"]), timings_s)
