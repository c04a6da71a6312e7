"""A command's job, from its start to its file: told on standard error, stopped by Ctrl-C."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orfeas.files import check_writable, write_whole
from orfeas.options import (
    OutputFormat,
)
from orfeas.records import Job, JobStatus, MeshReport, counted, to_json
from orfeas.settings import read_settings
from orfeas.studio import Studio
from orfeas.ui.words import progress_text
from orfeas.workspace import scratch_folder

POLL_S = 0.1


def run_job(options: argparse.Namespace, submit: Callable[[Studio], Job], output_format: OutputFormat | None) -> int:
    """Run a job in a studio of its own, and write its model; without a format its picture."""
    check_writable(options.output)
    with stopped_by_signals() as stop, scratch_studio() as studio:
        job = _follow(studio, submit(studio), stop)
        made = (
            studio.results.download(job.job_id, output_format) if output_format else studio.results.picture(job.job_id)
        )
        data = made.read_bytes()
    write_whole(options.output, data)
    if options.json:
        print(json.dumps(to_json(job), indent=2))
    else:
        print(_summary(job, options.output))
    return 0


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and a polite kill set; a handler of signals must take no lock, so it only sets this."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(studio: Studio, job: Job, stop: threading.Event) -> Job:
    """Run the job, telling its stages on standard error, until it has ended or ``stop`` is set.

    Raises:
        OrfeasError: how the job ended, where it did not complete.
    """
    worker = threading.Thread(target=studio.run, args=(job.job_id,))
    worker.start()
    _tell_stages(studio, job.job_id, worker, stop)
    return studio.result(job.job_id)


def _tell_stages(studio: Studio, job_id: str, worker: threading.Thread, stop: threading.Event) -> None:
    """A line for each stage; a terminal also sees the steps and the time left, in place."""
    told, stage = "", ""
    while worker.is_alive():
        worker.join(POLL_S)
        if stop.is_set():
            studio.cancel(job_id)
        job = studio.job(job_id)
        text = progress_text(job)
        if sys.stderr.isatty():
            if text != told and not job.status.is_final:
                told = text
                print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif job.stage != stage:
            stage = job.stage
            print(stage.replace("_", " "), file=sys.stderr)
    if told:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _summary(job: Job, output: Path) -> str:
    assert job.status is JobStatus.COMPLETED
    preview = " (preview engine)" if job.is_preview else ""
    seed = f", seed {job.options['seed']}" if "seed" in job.options else ""
    prompt = f"\nPrompt given to the model: {job.final_prompt}" if job.final_prompt != job.prompt else ""
    notes = prompt + "".join(f"\n{note}" for note in job.notes)
    return f"{output}: {_measures(job.mesh)}by {job.engine}{preview}{seed}, {job.timings_s['total']:.2f} s{notes}"


def _measures(mesh: MeshReport | None) -> str:
    if mesh is None:
        return ""
    x, y, z = mesh.size_mm
    closed = "watertight" if mesh.is_watertight else "not watertight"
    return f"{counted(mesh.faces, 'face')}, {closed}, {x:.1f} × {y:.1f} × {z:.1f} mm, "


@contextmanager
def scratch_studio() -> Iterator[Studio]:
    """A studio with a workspace of its own for one command, so that a running server's is not touched."""
    with scratch_folder() as folder:
        settings = read_settings().model_copy(update={"data_dir": folder})
        with Studio(settings) as studio:
            yield studio
