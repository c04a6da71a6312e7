"""A real server in this process, for every test that needs one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from gradio_client import Client

from orfeas.server import Server, build
from orfeas.settings import Settings

# What a client waits for an answer at most; the usual five seconds are too few for a machine with other things to do.
CALM_S = 60


@dataclass(frozen=True)
class Running:
    """A server that answers at ``url`` (it ends with a slash)."""

    url: str
    server: Server

    def client(self) -> Client:
        """A new session, as a script has one."""
        return Client(self.url, verbose=False, ssl_verify=False, httpx_kwargs={"timeout": CALM_S})


@contextmanager
def running(data_dir: Path, **settings: str | int) -> Iterator[Running]:
    server = build(Settings.model_validate({"data_dir": data_dir, "port": 0, **settings}))
    try:
        yield Running(server.start(), server)
    finally:
        server.stop()


def wait_for_job(server: Running, client: Client) -> str:
    """The id of the session's live job, once there is one."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        job = server.server.studio.jobs.live(client.session_hash)
        if job is not None and job.status == "running":
            return job.job_id
        time.sleep(0.01)
    raise AssertionError("no job ran")


def wait_for_end(client: Client, job_id: str) -> dict[str, object]:
    """The record of a job that should end at once."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        job: dict[str, object] = client.predict(job_id, api_name="/job_status")
        if job["finished"]:
            return job
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def wait_for_step(client: Client, job_id: str, stage: str) -> None:
    """Return once the job has done a step of the stage."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        job = client.predict(job_id, api_name="/job_status")
        if job["stage"] == stage and job["step"] >= 1:
            return
        assert not job["finished"], job
        time.sleep(0.02)
    raise AssertionError(f"{stage} was never under way")


def mesh_worker() -> psutil.Process:
    """The process that a server in this one has mesh work done by, once it computes."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for child in psutil.Process().children():
            with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if "orfeas.apart" in " ".join(child.cmdline()) and child.cpu_percent(0.1) > 20:
                    return child
    raise AssertionError("no process works on meshes")
