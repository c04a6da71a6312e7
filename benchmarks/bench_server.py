"""The server: start-up, idle memory, plain routes, check_image, the queue's overhead and 1 to 20 clients.

    python -m benchmarks.bench_server

``python app.py`` is started as a user starts it and driven over HTTP; the same calls go to a bare Gradio app with one
function that returns its input, started in the same run, so that what is Gradio's and what is ours can be told apart.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from gradio_client import Client, handle_file

from benchmarks.report import Figure, median_figure, percentile, report

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "chair.jpg"
MB = 2**20
BARE = """
import gradio as gr
with gr.Blocks() as demo:
    box = gr.Textbox()
    gr.Button().click(lambda text: text, box, box, api_name="echo")
demo.queue().launch(server_port={port}, quiet=True)
"""


def main() -> None:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        with serve([sys.executable, "app.py"], folder) as (url, process, ready_s):
            figures.append(Figure("ready after start", ready_s, "s", 5.0))
            time.sleep(2)
            figures.append(Figure("idle memory", memory_mb(process), "MB", 400))
            figures += plain_routes(url)
            figures += check_image(url)
            figures += parallel_clients(url)
        port = free_port()
        with serve([sys.executable, "-c", BARE.format(port=port)], folder, port) as (url, process, ready_s):
            figures.append(Figure("bare Gradio: ready after start", ready_s, "s"))
            figures.append(Figure("bare Gradio: idle memory", memory_mb(process), "MB"))
            client = Client(url, verbose=False)
            figures.append(
                median_figure(
                    "bare Gradio: echo round trip", timed_ms(lambda: client.predict("x", api_name="/echo")), "ms"
                )
            )
    report("server", figures)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(command: list[str], folder: str, port: int = 0) -> Iterator[tuple[str, psutil.Process, float]]:
    """Start a server process; gives its URL, the process, and seconds until it answered."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "ORFEAS_PORT": str(port),
        "ORFEAS_DATA_DIR": folder,
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    httpx.get(f"{url}/", timeout=1).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.02)
            yield url, psutil.Process(process.pid), time.perf_counter() - start
        finally:
            process.terminate()


def memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / MB


def timed_ms(call: Callable[[], object], runs: int = 30) -> list[float]:
    call()
    values = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        values.append((time.perf_counter() - start) * 1000)
    return values


def plain_routes(url: str) -> list[Figure]:
    with httpx.Client(base_url=url) as client:
        health = timed_ms(lambda: client.get("/health").raise_for_status(), runs=200)
        metrics = timed_ms(lambda: client.get("/metrics").raise_for_status(), runs=50)
    return [
        median_figure("/health p50", health, "ms", 5),
        Figure("/health p95", percentile(health, 0.95), "ms", runs=len(health)),
        median_figure("/metrics p50", metrics, "ms"),
    ]


def check_image(url: str) -> list[Figure]:
    client = Client(url, verbose=False)
    uploaded = handle_file(str(EXAMPLE))
    whole = timed_ms(lambda: client.predict(uploaded, api_name="/check_image"))
    from orfeas.images.validation import check_image as check

    return [
        median_figure("/check_image in the server", timed_ms(lambda: check(EXAMPLE)), "ms", 10),
        median_figure("/check_image round trip, upload and queue included", whole, "ms"),
        median_figure("/engines round trip", timed_ms(lambda: client.predict(api_name="/engines")), "ms"),
    ]


def parallel_clients(url: str) -> list[Figure]:
    """Each client makes one draft; all have finished after so many seconds, and that many a minute."""
    figures = []
    for count in (1, 3, 10, 20):
        clients = [Client(url, verbose=False) for _ in range(count)]
        ends: list[float] = []
        start = time.perf_counter()

        def work(client: Client, start: float = start, ends: list[float] = ends) -> None:
            client.predict(handle_file(str(EXAMPLE)), quality="draft", api_name="/generate_3d")
            ends.append(time.perf_counter() - start)

        threads = [threading.Thread(target=work, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ends) == count, f"{count - len(ends)} of {count} clients failed"
        figures.append(median_figure(f"{count} clients, one draft each: median wait", ends, "s"))
        figures.append(Figure(f"{count} clients, one draft each: all done", max(ends), "s"))
    return figures


if __name__ == "__main__":
    main()
