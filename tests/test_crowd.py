"""Many clients at once, in good order and in none: one job on the device, and nothing stuck afterwards."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError

from orfeas.engines.base import ShapeRequest, ShapeResult
from orfeas.engines.inflate import Inflate
from orfeas.progress import Progress
from orfeas.server import Server, build
from orfeas.settings import Settings
from tests.running import CALM_S

AT_RANDOM_S = 5.0
SETTLE_S = 20.0


class Watched(Inflate):
    """The real engine, which counts how many are at work in it at once."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.at_work = 0
        self.most_at_work = 0
        self.started = 0

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        with self.lock:
            self.at_work += 1
            self.started += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            return super().generate(request, progress)
        finally:
            with self.lock:
                self.at_work -= 1


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, str, Watched]]:
    server = build(Settings(data_dir=tmp_path / "data", port=0))
    engine = Watched()
    server.studio.roster.shape = (engine,)
    url = server.start()
    try:
        yield server, url.rstrip("/"), engine
    finally:
        server.stop()


def client_of(url: str) -> Client:
    return Client(url, verbose=False, ssl_verify=False, httpx_kwargs={"timeout": CALM_S})


def test_of_forty_submissions_by_one_session_exactly_one_is_accepted(
    served: tuple[Server, str, Watched], mug: Path
) -> None:
    _, url, engine = served
    client = client_of(url)
    uploaded = handle_file(str(mug))
    start = threading.Barrier(40)

    def submit(_: int) -> str:
        start.wait()
        try:
            client.predict(uploaded, quality="high", api_name="/generate_3d")
        except ValidationError as error:
            assert "Duplicate job: " in str(error)
            return "refused"
        return "accepted"

    with ThreadPoolExecutor(40) as pool:
        outcomes = Counter(pool.map(submit, range(40)))
    assert outcomes == {"accepted": 1, "refused": 39}
    assert engine.started == 1


def test_twelve_clients_each_get_their_own_model(served: tuple[Server, str, Watched], mug: Path) -> None:
    _, url, engine = served

    def make(seed: int) -> int:
        _, job = client_of(url).predict(handle_file(str(mug)), quality="draft", seed=seed, api_name="/generate_3d")
        return int(job["options"]["seed"])

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(make, range(12))) == list(range(12))
    assert engine.most_at_work == 1


def wait_and_take(client: Client, picture: str, _: str, __: random.Random) -> None:
    client.predict(handle_file(picture), quality="draft", api_name="/generate_3d")


def cancel_by_the_client(client: Client, picture: str, _: str, chance: random.Random) -> None:
    job = client.submit(handle_file(picture), quality="standard", api_name="/generate_3d")
    time.sleep(chance.random())
    job.cancel()


def cancel_by_http(client: Client, picture: str, url: str, chance: random.Random) -> None:
    job = client.submit(handle_file(picture), quality="standard", api_name="/generate_3d")
    time.sleep(chance.random())
    for output in job.outputs()[-1:]:
        httpx.post(f"{url}/jobs/{output[-1]['job_id']}/cancel").raise_for_status()
    job.result()


def vanish(client: Client, picture: str, url: str, chance: random.Random) -> None:
    """Listen to a job like a page does, and drop the line in the middle."""
    image = {"path": upload(url, picture), "meta": {"_type": "gradio.FileData"}}
    values = [image, *defaults_of(client)]
    body = {"data": values, "session_hash": f"{chance.getrandbits(64):x}"}
    event = httpx.post(f"{url}/gradio_api/call/generate_3d", json=body).raise_for_status().json()["event_id"]
    with httpx.stream("GET", f"{url}/gradio_api/call/generate_3d/{event}", timeout=60) as stream:
        next(stream.iter_lines())
        time.sleep(chance.random() / 2)


def defaults_of(client: Client) -> list[object]:
    """The default of every parameter of ``/generate_3d`` but the picture."""
    described = client.view_api(return_format="dict", print_info=False)
    assert isinstance(described, dict)
    return [each["parameter_default"] for each in described["named_endpoints"]["/generate_3d"]["parameters"][1:]]


def upload(url: str, picture: str) -> str:
    with Path(picture).open("rb") as file:
        paths: list[str] = httpx.post(f"{url}/gradio_api/upload", files={"files": file}).raise_for_status().json()
    return paths[0]


def submit_twice(client: Client, picture: str, _: str, __: random.Random) -> None:
    first = client.submit(handle_file(picture), quality="draft", api_name="/generate_3d")
    client.predict(handle_file(picture), quality="draft", api_name="/generate_3d")
    first.result()


def test_ten_clients_at_random_leave_nothing_stuck(served: tuple[Server, str, Watched], mug: Path) -> None:
    server, url, engine = served
    deadline = time.monotonic() + AT_RANDOM_S
    unexpected: list[str] = []
    finished: Counter[str] = Counter()

    def is_enough() -> bool:
        seen = engine.started > 10 and finished["wait_and_take"] and finished["vanish"]
        return bool(seen) and time.monotonic() > deadline

    def behave(seed: int) -> None:
        chance = random.Random(seed)
        client = client_of(url)
        while not is_enough():
            act = chance.choice([wait_and_take, cancel_by_the_client, cancel_by_http, vanish, submit_twice])
            try:
                act(client, str(mug), url, chance)
                finished[act.__name__] += 1
            except (AppError, ValidationError) as error:
                if not any(title in str(error) for title in ("Duplicate job", "Cancelled")):
                    unexpected.append(str(error))
            except (CancelledError, KeyError, httpx.ReadTimeout):
                pass  # what gradio_client says of a cancelled job
            if chance.random() < 0.2:
                client = client_of(url)

    threads = [threading.Thread(target=behave, args=(seed,)) for seed in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(AT_RANDOM_S + 60)
    assert not any(thread.is_alive() for thread in threads)
    assert unexpected == []
    assert engine.started > 10
    assert engine.most_at_work == 1
    settle(server)
    assert engine.at_work == 0
    assert finished["wait_and_take"] > 0
    assert finished["vanish"] > 0
    ended = re.findall(r'orfeas_jobs_total\{.*status="cancelled".*\} (\d+)', server.studio.metrics.render().decode())
    assert sum(map(int, ended)) > 0
    _, job = client_of(url).predict(handle_file(str(mug)), quality="draft", api_name="/generate_3d")
    assert job["status"] == "completed"


def settle(server: Server) -> None:
    """Wait until nobody has a live job any more; a client that vanished is noticed within seconds."""
    end = time.monotonic() + SETTLE_S
    while server.studio.jobs.live_ids() and time.monotonic() < end:
        time.sleep(0.2)
    assert server.studio.jobs.live_ids() == frozenset()
