"""What the ``spaces`` package does on ZeroGPU, for tests on a machine that has none.

After spaces 0.51.3 (``spaces/zero/wrappers.py``, ``spaces/zero/torch/patching.py``): a worker is forked from the
process, in a thread of the caller's; arguments and results are pickled on their way; a worker that is idle is used
again; only a ``gr.Error`` crosses as itself, of any other error its class's name; a worker that has died, as one does
that ran past its duration, is "GPU task aborted". Torch says that there is a GPU, and touching it here is an error; the
worker has what the machine has. Differs on purpose: no platform is asked, and there is one GPU.

What happens is written to the file that ``STAND_IN_LOG`` names, an event a line. The file that ``STAND_IN_QUEUE`` names
says how it goes: while it says "full", no GPU is free; a name of ``REFUSALS`` or ``FAILURES`` refuses; "brief" lends a
GPU for a second.
"""

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import wraps
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from pickle import PicklingError
from threading import Thread
from typing import Any

if "gradio" in sys.modules and not hasattr(sys.modules["gradio"], "Blocks"):
    raise ImportError("gradio is still being imported, and may not import this package itself")

FORK = multiprocessing.get_context("fork")
DEFAULT_DURATION_S = 60
IS_ZERO_GPU = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")

# What the platform says instead of lending, in the package's own words.
REFUSALS = {
    "quota": ("ZeroGPU quota exceeded", "You have exceeded your free ZeroGPU quota (37s requested vs. 0s left)."),
    "timeout": ("ZeroGPU queue timeout", "No GPU was available after 60s."),
    "broken": ("ZeroGPU worker error", "RuntimeError"),
    "expired": ("ZeroGPU client error", "Expired ZeroGPU proxy token"),
    "duration": ("ZeroGPU illegal duration", "The requested GPU duration (37s) is larger than the maximum allowed"),
    "credits": (
        "ZeroGPU pending credits exceeded",
        "You have too many ZeroGPU credits allocated to running tasks. "
        "Try again once some of those tasks have completed.",
    ),
    "new": ("ZeroGPU of another day", "What no release has said yet."),
}
# What it raises without Gradio's clothes.
FAILURES = {
    "schedule": "ZeroGPU API /schedule error: 502 (Bad Gateway)",
    "stream": "Unexpected end of stream",
}

_decorated: dict[Callable[..., Any], Callable[..., Any]] = {}
_forked = False


def _log(event: str) -> None:
    with Path(os.environ["STAND_IN_LOG"]).open("a", encoding="utf-8") as file:
        file.write(f"{event}\n")


class _Worker:
    """A forked process that does calls of one function; ``None`` in its results says that it has died."""

    def __init__(self, task: Callable[..., Any]) -> None:
        self.arguments: SimpleQueue[Any] = SimpleQueue(ctx=FORK)
        self.results: SimpleQueue[Any] = SimpleQueue(ctx=FORK)
        self.process = FORK.Process(target=_serve, args=(task, self.arguments, self.results), daemon=True)
        self.process.start()
        Thread(target=self._close_on_exit, daemon=True).start()
        _log("forked")

    def _close_on_exit(self) -> None:
        self.process.join()
        self.results.put(None)


def _serve(task: Callable[..., Any], arguments: "SimpleQueue[Any]", results: "SimpleQueue[Any]") -> None:
    global _forked
    _forked = True
    signal.signal(signal.SIGTERM, lambda *_: arguments.close())
    _unpatch_torch()
    while True:
        try:
            args, kwargs = arguments.get()
        except OSError:
            return

        def run(args: tuple[Any, ...] = args, kwargs: dict[str, Any] = kwargs) -> None:
            import gradio as gr

            answer: tuple[str, Any]
            try:
                answer = ("ok", task(*args, **kwargs))
            except Exception as error:
                traceback.print_exc()
                answer = ("error", error if isinstance(error, gr.Error) else type(error).__name__)
            try:
                results.put(answer)
            except Exception as error:
                results.put(("error", PicklingError.__name__ if "pickle" in str(error) else type(error).__name__))

        with ThreadPoolExecutor() as executor:
            executor.submit(copy_context().run, run).result()


def GPU(task: Any = None, *, duration: Any = None, size: str | None = None) -> Any:  # noqa: N802 as the package says
    """The decorator; off ZeroGPU the function stays as it is."""
    if not callable(task):
        return lambda function: _decorate(function, task if task is not None else duration)
    return _decorate(task, duration)


def _decorate(task: Callable[..., Any], duration: Any) -> Callable[..., Any]:
    if not IS_ZERO_GPU:
        return task
    if task in _decorated:
        return _decorated[task]
    idle: list[_Worker] = []

    @wraps(task)
    def handler(*args: Any, **kwargs: Any) -> Any:
        if _forked:
            return task(*args, **kwargs)
        seconds = duration(*args, **kwargs) if callable(duration) else duration or DEFAULT_DURATION_S
        lent_s = _schedule(seconds)
        worker = idle.pop() if idle else None
        if worker is None or not worker.process.is_alive():
            worker = _Worker(task)
        worker.arguments.put((args, kwargs))
        taken_back = Thread(target=_take_back, args=(worker, worker_done := [], lent_s), daemon=True)
        taken_back.start()
        answer = worker.results.get()
        worker_done.append(True)
        if answer is None:
            raise _error("ZeroGPU worker error", "GPU task aborted")
        kind, value = answer
        if kind == "error":
            raise value if isinstance(value, Exception) else _error("ZeroGPU worker error", value)
        idle.append(worker)
        return value

    _decorated[task] = _decorated[handler] = handler
    return handler


def _schedule(seconds: float) -> float:
    """Wait for the GPU; returns for how many seconds it is lent."""
    _log(f"asked {seconds:g}")
    queue = Path(os.environ["STAND_IN_QUEUE"])
    while (how := queue.read_text() if queue.exists() else "") == "full":
        time.sleep(0.05)
    if how in REFUSALS:
        raise _error(*REFUSALS[how])
    if how in FAILURES:
        raise RuntimeError(FAILURES[how])
    _log("lent")
    return 1 if how == "brief" else seconds


def _take_back(worker: _Worker, done: list[bool], lent_s: float) -> None:
    end = time.monotonic() + lent_s
    while time.monotonic() < end:
        if done:
            return
        time.sleep(0.05)
    if not done and worker.process.is_alive():
        worker.process.kill()


def _error(title: str, message: str) -> Exception:
    import gradio as gr

    return gr.Error(message, title=title, print_exception=False)


def gradio_auto_wrap(task: Any) -> Any:
    """Gradio passes every event's function through here; it is left alone unless the Space asks for more."""
    return task


def _touched(*_: object, **__: object) -> None:
    _log("CUDA was touched in the process that has none")
    raise RuntimeError("Low-level CUDA init reached in the process that has no GPU.")


if IS_ZERO_GPU:
    import gradio as _gradio
    import torch as _torch

    _UNPATCHED = {
        name: getattr(_torch.cuda, name) for name in ("is_available", "device_count", "current_device", "_lazy_init")
    }
    _launch = _gradio.Blocks.launch

    def _patched_launch(*args: Any, **kwargs: Any) -> Any:
        _log(f"launched with {len(_decorated) // 2} functions")
        return _launch(*args, **kwargs)

    _gradio.Blocks.launch = _patched_launch  # type: ignore[method-assign]
    _torch.cuda.is_available = lambda: True
    _torch.cuda.device_count = lambda: 1
    _torch.cuda.current_device = lambda: 0
    _torch.cuda._lazy_init = _touched


def _unpatch_torch() -> None:
    for name, function in _UNPATCHED.items():
        setattr(_torch.cuda, name, function)
