"""A contract with Gradio itself: a real server, real events. It fails when Gradio changes what the probe reads."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gradio as gr
import httpx
import pytest
from gradio_client import Client

from orfeas.ui.queue_probe import attach_job, attached_job, is_waiting

WAIT_S = 20


@dataclass
class Door:
    """A page with one endpoint whose validator claims ``job-<text>`` and whose handler waits to be let go."""

    blocks: gr.Blocks
    url: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)
    started: list[str | None] = field(default_factory=list)
    sessions: list[str | None] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def validate(self, text: str, request: gr.Request) -> list[dict[str, object]]:
        self.sessions.append(request.session_hash)
        attach_job(request, f"job-{text}")
        return [gr.validate(True, "")]

    def handle(self, text: str, request: gr.Request) -> str:
        with self.changed:
            self.started.append(attached_job(request))
            self.changed.notify_all()
        assert self.let_go.wait(WAIT_S)
        return text

    def wait_for_start(self, job_id: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: job_id in self.started, WAIT_S)

    def wait_until_gone(self, job_id: str) -> None:
        self.wait_until(lambda: not is_waiting(self.blocks, job_id))

    @staticmethod
    def wait_until(is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end
            time.sleep(0.02)


async def open_door() -> Door:
    # Gradio makes an event loop of its own, and never closes it, wherever it finds none running.
    with gr.Blocks() as blocks:
        door = Door(blocks)
        text = gr.Textbox(label="text")
        gr.Button().click(
            door.handle, text, text, api_name="work", validator=door.validate, concurrency_id="d", concurrency_limit=1
        )
    blocks.queue(api_open=False, max_size=8)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _, door.url, _ = blocks.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    return door


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    # Its statistics run through pandas after every event, with a call that this pandas warns of.
    monkeypatch.setenv("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    door = asyncio.run(open_door())
    try:
        yield door
    finally:
        door.let_go.set()
        door.blocks.close(verbose=False)


def submit(door: Door, text: str, **more: str) -> str:
    answer = httpx.post(f"{door.url}gradio_api/call/work", json={"data": [text], **more})
    answer.raise_for_status()
    event_id: str = answer.json()["event_id"]
    return event_id


def test_a_job_is_waiting_while_its_event_is_queued_or_running_and_not_after(door: Door) -> None:
    client = Client(door.url, verbose=False)
    running = client.submit("first", api_name="/work")
    door.wait_for_start("job-first")
    queued = client.submit("second", api_name="/work")
    door.wait_until(lambda: is_waiting(door.blocks, "job-second"))

    assert is_waiting(door.blocks, "job-first")
    assert is_waiting(door.blocks, "job-second")
    assert door.started == ["job-first"]
    assert not is_waiting(door.blocks, "job-third")

    door.let_go.set()
    assert (running.result(WAIT_S), queued.result(WAIT_S)) == ("first", "second")
    door.wait_until_gone("job-first")
    door.wait_until_gone("job-second")
    client.close()


def test_the_handler_finds_the_validators_job_under_whatever_session(door: Door) -> None:
    door.let_go.set()
    submit(door, "bare")
    submit(door, "named", session_hash="mine")
    httpx.post(f"{door.url}gradio_api/call/v2/work", json={"text": "v2"}).raise_for_status()
    joined = {"data": ["joined"], "fn_index": 0, "session_hash": "page"}
    httpx.post(f"{door.url}gradio_api/queue/join", json=joined).raise_for_status()
    for job_id in ("job-bare", "job-named", "job-v2", "job-joined"):
        door.wait_for_start(job_id)

    assert door.sessions == [None, "mine", None, "page"]


def test_a_job_cancelled_while_queued_is_no_longer_waiting(door: Door) -> None:
    submit(door, "first", session_hash="one")
    door.wait_for_start("job-first")
    event_id = submit(door, "second", session_hash="two")
    assert is_waiting(door.blocks, "job-second")

    cancel = {"session_hash": "two", "fn_index": 0, "event_id": event_id}
    httpx.post(f"{door.url}gradio_api/cancel", json=cancel).raise_for_status()

    assert not is_waiting(door.blocks, "job-second")
    assert is_waiting(door.blocks, "job-first")


def test_a_job_whose_client_vanished_while_queued_is_no_longer_waiting(door: Door) -> None:
    submit(door, "first", session_hash="one")
    door.wait_for_start("job-first")
    submit(door, "second", session_hash="two")
    with httpx.stream("GET", f"{door.url}gradio_api/queue/data?session_hash=two", timeout=WAIT_S) as stream:
        lines = stream.iter_lines()
        assert "estimation" in next(lines)
        assert is_waiting(door.blocks, "job-second")

    door.wait_until_gone("job-second")
    assert is_waiting(door.blocks, "job-first")
