"""The Dockerfile, held against the code, and its steps done without a container engine."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.processes import ROOT, START_LIMIT_S
from tests.test_readme import PIN, front_matter, requirements


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile and what it is given, on one line."""

    name: str
    value: str


def read_steps() -> list[Step]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in "\n".join(lines).replace("\\\n", " ").splitlines()]


STEPS = read_steps()


def values(name: str) -> list[str]:
    return [step.value for step in STEPS if step.name == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for value in values("ENV") for pair in value.split())


def test_it_runs_the_python_of_the_space() -> None:
    assert re.fullmatch(rf"python:{re.escape(front_matter()['python_version'])}\.\d+-slim-\w+", values("FROM")[0])


def test_it_installs_exactly_what_this_environment_has() -> None:
    assert [value for value in values("RUN") if "pip install" in value] == [
        'python -m pip install --no-cache-dir ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"}'
        " -r requirements-mcp.txt"
    ]
    pins = [PIN.fullmatch(line) for name in ("", "-mcp") for line in requirements(f"requirements{name}.txt")]
    for pin in pins:
        assert pin is not None
        assert version(pin[1]).split("+")[0] == pin[2]


def test_the_packages_come_before_the_code_so_that_a_change_of_code_builds_fast() -> None:
    order = [step.value for step in STEPS if step.name in ("COPY", "RUN")]
    assert order[0] == "requirements.txt requirements-mcp.txt ./"
    assert "pip install" in order[1]


def test_it_runs_as_nobody_special_and_takes_signals_itself() -> None:
    assert int(values("USER")[-1]) > 0
    names = [step.name for step in STEPS]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in ("RUN", "COPY"))
    assert json.loads(values("CMD")[-1]) == ["python", "app.py"]


def test_what_it_keeps_lies_in_its_volume_and_its_port_is_open() -> None:
    assert environment()["ORFEAS_DATA_DIR"].startswith(f"{values('VOLUME')[0]}/")
    assert environment()["HF_HOME"].startswith(f"{values('VOLUME')[0]}/")
    assert environment()["ORFEAS_PORT"] == values("EXPOSE")[0]
    assert environment()["ORFEAS_HOST"] == "0.0.0.0"


def copied() -> list[tuple[list[str], str]]:
    parts = [value.split() for value in values("COPY")]
    return [(sources, target) for *sources, target in parts]


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert lines[-1] == "**/__pycache__"
    assert {line.removeprefix("!") for line in lines[1:-1]} == {name for sources, _ in copied() for name in sources}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The root of what the image would hold, in ``/app``, its code compiled."""
    for sources, target in copied():
        for source in sources:
            place = tmp_path / "app" / target / ("" if target != "./" else source)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / source, place)
    compile_step = next(value for value in values("RUN") if "compileall" in value)
    subprocess.run([sys.executable, *compile_step.split()[1:]], cwd=tmp_path / "app", check=True)
    return tmp_path


def test_its_command_starts_its_healthcheck_tells_and_a_stop_is_clean(image: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {name: f"{image}{value}" if value.startswith("/") else value for name, value in environment().items()}
    env = {"PATH": os.environ["PATH"], "HOME": str(image / "home"), **own, "ORFEAS_PORT": port}
    check = json.loads(values("HEALTHCHECK")[0].partition("CMD ")[2])
    command = json.loads(values("CMD")[-1])
    cwd = image / values("WORKDIR")[0].lstrip("/")

    def health() -> int:
        return subprocess.run([sys.executable, *check[1:]], env=env, cwd=cwd, capture_output=True).returncode

    assert health() == 1
    with (image / "log.txt").open("w") as log:
        process = subprocess.Popen([sys.executable, *command[1:]], env=env, cwd=cwd, stdout=log, stderr=log)
    end = time.monotonic() + START_LIMIT_S
    while health() != 0:
        assert process.poll() is None, (image / "log.txt").read_text()
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (image / "data" / "orfeas" / "history.sqlite3").is_file()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
