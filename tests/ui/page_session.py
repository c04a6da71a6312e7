"""One page as the server sees it: events are found in the page's own description and sent as the browser sends them."""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

# What Gradio's page says and answers: JSON of its own making.
Json = Any

# What an event may take; the line to the server waits for its next message for as long.
WAIT_S = 60


@dataclass(frozen=True)
class Pending:
    """An event in Gradio's queue, and its answer once there is one."""

    fn_index: int
    answer: Future[Json] = field(default_factory=Future)


class PageSession:
    """A page without a browser; ``values`` hold what its inputs hold, by ``elem_id``."""

    def __init__(
        self, url: str, login: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=WAIT_S, headers={"user-agent": "a browser", **(headers or {})})
        if login is not None:
            self._http.post("login", data={"username": login[0], "password": login[1]}).raise_for_status()
        self._config: Json = self._http.get("config").json()
        # What events last said of each component besides its value, such as whether it is visible.
        self.props: dict[str, Json] = {}
        self.session = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._pending: dict[str, Pending] = {}
        self._listener: threading.Thread | None = None
        self._names = {c["id"]: c["props"].get("elem_id") or c["type"] for c in self._config["components"]}
        self.values: dict[str, Json] = {
            self._names[c["id"]]: c["props"].get("value") for c in self._config["components"]
        }

    def close(self) -> None:
        with self._lock:
            listener = self._listener
        if listener is not None:
            listener.join(WAIT_S)
        self._http.close()

    def upload(self, path: Path) -> Json:
        """The value of an image or file input that holds the file."""
        stored = self._http.post("gradio_api/upload", files={"files": (path.name, path.read_bytes())}).json()[0]
        return {"path": stored, "meta": {"_type": "gradio.FileData"}}

    def send(self, name: str, event: str, event_data: Json = None) -> dict[str, Json]:
        """Fire an event and what follows its success; what it changed, by ``elem_id``.

        Raises:
            RuntimeError: the event failed; the message is what the toast says.
        """
        dependency = self._find(name, event)
        return self._fire(dependency, event_data) | self._then(dependency)

    def press(self, name: str, event: str, event_data: Json = None) -> dict[str, Json]:
        """Fire an event only, as a page that goes away before the next one starts."""
        return self._fire(self._find(name, event), event_data)

    def begin(self, name: str, event: str) -> None:
        """Fire an event, and go on before it has ended."""
        self._join(self._body(self._find(name, event), None))

    @contextmanager
    def follow(self, name: str, event: str) -> Iterator[None]:
        """Fire an event; what follows its success runs meanwhile, and has ended on leaving."""
        dependency = self._find(name, event)
        self._fire(dependency, None)
        worker = threading.Thread(target=self._then, args=(dependency,))
        worker.start()
        try:
            yield
        finally:
            worker.join()

    def tick_drawer(self) -> dict[str, Json]:
        """Let the drawer's own clock tick, which is the page's first."""
        ticks = [d for d in self._config["dependencies"] if any(event == "tick" for _, event in d["targets"])]
        return self._fire(min(ticks, key=lambda d: d["targets"][0][0]), None)

    def open(self, token: str = "") -> dict[str, Json]:
        """Load the page in a browser that keeps ``token``."""
        changed = self.load(token)
        return changed | self._then(self._load)

    def load(self, token: str) -> dict[str, Json]:
        """Load the page only, without waiting for the job that it finds."""
        self.values["browserstate"] = token
        return self._fire(self._load, None)

    @contextmanager
    def heart(self) -> Iterator[None]:
        """The line that a browser keeps open for as long as its tab is; leaving closes the tab."""
        with self._http.stream("GET", f"gradio_api/heartbeat/{self.session}") as stream:
            lines = stream.iter_lines()
            next(lines)
            yield

    @property
    def _load(self) -> Json:
        return next(d for d in self._config["dependencies"] if any(event == "load" for _, event in d["targets"]))

    def _find(self, name: str, event: str) -> Json:
        return next(
            d
            for d in self._config["dependencies"]
            if [name, event] in [[self._names.get(t), e] for t, e in d["targets"]]
        )

    def _then(self, dependency: Json) -> dict[str, Json]:
        changed: dict[str, Json] = {}
        for following in self._config["dependencies"]:
            if following["trigger_after"] == dependency["id"]:
                changed |= self._fire(following, None)
        return changed

    def _fire(self, dependency: Json, event_data: Json) -> dict[str, Json]:
        if not dependency["backend_fn"]:
            return {}  # the browser's own
        if dependency["trigger_mode"] == "once" and self._is_pending(dependency["id"]):
            return {}  # the browser does not send it
        body = self._body(dependency, event_data)
        output = self._queued(body) if dependency["queue"] else self._direct(body)
        changed: dict[str, Json] = {}
        for target, value in zip(dependency["outputs"], output["data"], strict=True):
            is_update = isinstance(value, dict) and value.get("__type__") == "update"
            is_left = is_update and set(value) <= {"__type__", "props"}
            if is_update:
                self.props[self._names[target]] = value
            if is_left or self._names[target] == "state":
                continue
            changed[self._names[target]] = value.get("value", value) if is_update else value
        return changed

    def _body(self, dependency: Json, event_data: Json) -> Json:
        return {
            "fn_index": dependency["id"],
            "data": [self.values.get(self._names[i]) for i in dependency["inputs"]],
            "event_data": event_data,
            "session_hash": self.session,
        }

    def _direct(self, body: Json) -> Json:
        answer = self._http.post("gradio_api/run/predict", json=body)
        if answer.status_code != 200:
            raise RuntimeError(answer.json()["error"])
        return answer.json()

    def _queued(self, body: Json) -> Json:
        message = self._join(body).result(WAIT_S)
        if not message["success"]:
            raise RuntimeError(message["output"]["error"])
        return message["output"]

    def _is_pending(self, fn_index: int) -> bool:
        with self._lock:
            return any(event.fn_index == fn_index for event in self._pending.values())

    def _join(self, body: Json) -> Future[Json]:
        with self._lock:
            answer = self._http.post("gradio_api/queue/join", json=body).raise_for_status()
            event = self._pending[answer.json()["event_id"]] = Pending(body["fn_index"])
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen)
                self._listener.start()
        return event.answer

    def _listen(self) -> None:
        """Hear how events end, on one line for all of them: Gradio drops what waits where a session's line breaks."""
        while True:
            with self._lock:
                if not self._pending:
                    self._listener = None
                    return
            with self._http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
                for line in stream.iter_lines():
                    message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                    if message.get("msg") == "process_completed":
                        with self._lock:
                            event = self._pending.pop(message["event_id"])
                        event.answer.set_result(message)
