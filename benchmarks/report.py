"""One way to print figures and to keep them with the machine they were taken on."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measurement: what, of what, the value with its unit, and the target where there is one."""

    name: str
    value: float
    unit: str
    target: float | None = None
    runs: int = 1

    @property
    def verdict(self) -> str:
        """Whether the target is kept; empty where there is none. Every target is an upper bound."""
        return "" if self.target is None else ("kept" if self.value <= self.target else "MISSED")


def median_figure(name: str, values: Sequence[float], unit: str, target: float | None = None) -> Figure:
    """The median of several runs."""
    return Figure(name, statistics.median(values), unit, target, len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print the table, and write ``results/<title>.json`` with the machine's description."""
    width = max(len(figure.name) for figure in figures)
    print(f"{title}, on {machine()}")
    for figure in figures:
        target = "" if figure.target is None else f"  target ≤ {figure.target:g} {figure.unit}  {figure.verdict}"
        print(f"  {figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<6} n={figure.runs}{target}")
    RESULTS.mkdir(exist_ok=True)
    content = {"title": title, "machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (RESULTS / f"{title}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    """The processor, its cores, the memory, the system and the Python, without the host's name."""
    memory_gb = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_gb:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        for line in cpu_info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
