"""What this machine can run and what is missing, in words; behind ``python -m orfeas doctor``."""

import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from orfeas.devices import find_devices, require_device
from orfeas.errors import EngineUnavailable
from orfeas.records import EngineInfo
from orfeas.settings import Settings, unknown_names
from orfeas.studio import Studio
from orfeas.version import VERSION
from orfeas.workspace import scratch_folder

GB = 1e9
# A job's files are a few megabytes; below this the next few hundred would already fill the disk.
LOW_DISK_GB = 1.0
PACKAGES = ("gradio", "torch", "diffusers", "transformers", "onnxruntime", "trimesh", "numpy", "pillow")


@dataclass(frozen=True)
class Diagnosis:
    """``text`` for people, ``is_healthy`` for scripts: whether nothing is in the way of a job."""

    text: str
    is_healthy: bool


def diagnose(settings: Settings) -> Diagnosis:
    """Look at the machine, the packages, the data folder and the engines. Loads torch, starts nothing."""
    problems: list[str] = []
    lines = [
        f"ORFEAS {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"Processor: {os.cpu_count()} cores, {psutil.virtual_memory().available / GB:.1f} GB of memory free",
        *(f"Device: {device}" for device in find_devices()),
        _packages(problems),
        _data_folder(settings.data_dir, problems),
        f"Network: {'never used (ORFEAS_OFFLINE)' if settings.offline else 'used only to fetch weights when asked'}",
        *_engines(settings, problems),
    ]
    try:
        require_device(settings)
    except EngineUnavailable as error:
        problems.append(str(error))
    if settings.weights is not None and not settings.weights.is_dir():
        problems.append(f"ORFEAS_WEIGHTS is {settings.weights}, and there is no such folder.")
    problems += [f"{name} is set, and means nothing to ORFEAS: is it misspelt?" for name in unknown_names()]
    lines += [f"Problem: {problem}" for problem in problems] or ["No problem found."]
    return Diagnosis("\n".join(lines), is_healthy=not problems)


def _packages(problems: list[str]) -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        problems.append("Python 3.11, 3.12 or 3.13 is needed.")
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            problems.append(f"The package {name} is missing: pip install -r requirements.txt")
    return f"Packages: {', '.join(found)}"


def _data_folder(folder: Path, problems: list[str]) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problems.append(f"The data folder cannot be written ({error.strerror}): set ORFEAS_DATA_DIR.")
        return f"Data: {folder}, not writable"
    free_gb = shutil.disk_usage(folder).free / GB
    if free_gb < LOW_DISK_GB:
        problems.append(f"Only {free_gb:.1f} GB of disk are free for the data folder.")
    return f"Data: {folder}, {free_gb:.0f} GB free"


def _engines(settings: Settings, problems: list[str]) -> list[str]:
    with (
        scratch_folder() as scratch,
        Studio(settings.model_copy(update={"data_dir": scratch})) as studio,
    ):
        infos = studio.engines()
    if not any(info.is_ready and info.kind == "shape" for info in infos):
        problems.append("No engine can make a shape here.")
    return [_engine_line(info) for info in infos]


def _engine_line(info: EngineInfo) -> str:
    state = "ready" if info.is_ready else f"not ready: {info.why_not}. Needs: {info.needs}"
    return f"Engine: {info.title} ({info.kind.replace('_', ' ')}), {state}"
