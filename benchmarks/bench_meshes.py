"""Inspecting, repairing and reducing meshes, each beside the common alternatives, in one run.

    OMP_WAIT_POLICY=passive python -m benchmarks.bench_meshes --faces 100000 400000 1200000 1600000

There are two models, each with sixty crumbs around it: a ball of gyroid, solid, one surface of high genus; and one of
thin double walls, with twice the surface and sharp rims, which is harder to reduce. Broken, a model has a tenth of its
faces turned and a thousandth of them missing. Every work runs in a process of its own, those of ORFEAS
three times; the median counts. Its memory is what the process and its children hold at most beyond the model, asked
every 20 ms. Errors are distances of samples on the result to the model, in per cent of its diagonal. ``reduce and
repair`` is what a user calls, with the reports before and after. Last, a server repairs a broken mesh while ``/health``
is asked.

Before each work, memory is touched and given back. A virtual machine that leaves its host what it does not use gets it
again a page at a time, which may take longer than the work, whosever it is (3 ms for a MB where this was written).
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
import trimesh
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from benchmarks import mesh_alternatives
from benchmarks.mesh_alternatives import TARGET_FACES, count_crossing_faces_by_pymeshlab
from benchmarks.report import Figure, median_figure, percentile, report
from orfeas.meshes.closest import Nearest
from orfeas.meshes.crossings import find_crossings
from orfeas.meshes.export import export
from orfeas.meshes.mend import mend
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat, RepairOptions, parse_repair_options
from orfeas.progress import Progress, Stage
from orfeas.server import build
from orfeas.settings import Settings
from tests.meshes.solids import box, joined

CRUMBS = 60
# trimesh's repair takes minutes for more.
MOST_FACES = {"repair, trimesh": 100_000}
# On two cores, for a model of so many faces.
TARGETS_S = {("inspect", 1_600_000): 2.0, ("repair", 400_000): 3.0, ("reduce and repair", 1_600_000): 2.5}
TARGET_MEAN_ERROR = 0.006
TARGET_HEALTH_MS = 20.0
HEALTH_FACES = 1_200_000
SAMPLES = 50_000
POLL_S = 0.02
RUNS = 3
TOUCHED_BYTES = 3 * 2**29
MB = 2**20


def gyroid(faces: int, wall: float = 0.0) -> trimesh.Trimesh:
    """A closed surface of about so many faces; ``wall`` makes it thin double walls."""
    cells = round(150 * (faces / (407_620 if wall else 284_000)) ** 0.5)
    grid = np.linspace(-3.2, 3.2, cells)
    x, y, z = np.meshgrid(grid, grid, grid, indexing="ij", sparse=True)
    level = np.sin(2 * x) * np.cos(2 * y) + np.sin(2 * y) * np.cos(2 * z) + np.sin(2 * z) * np.cos(2 * x)
    solid = np.abs(level) - wall if wall else level
    field = np.maximum(solid, np.sqrt(x**2 + y**2 + z**2) - 3.0).astype(np.float32)
    points, triangles, _, _ = marching_cubes(field, 0.0, spacing=(6.4 / (cells - 1),) * 3)  # type: ignore[no-untyped-call]  # untyped
    return trimesh.Trimesh(points, triangles, process=False)


def with_crumbs(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    rng = np.random.default_rng(0)
    return joined(mesh, *(box(0.01, at=tuple(rng.uniform(0.0, 6.4, 3))) for _ in range(CRUMBS)))


def broken(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    rng = np.random.default_rng(1)
    faces = np.array(mesh.faces)
    turned = rng.random(len(faces)) < 0.1
    faces[turned] = faces[turned][:, ::-1]
    return trimesh.Trimesh(mesh.vertices, faces[rng.random(len(faces)) > 0.001], process=False)


def ready(mesh: trimesh.Trimesh, target_faces: int) -> trimesh.Trimesh:
    progress = Progress()
    with progress.stage(Stage.REPAIR):
        return mend(mesh, RepairOptions(target_faces=target_faces), progress).mesh


INSPECT: dict[str, Callable[[trimesh.Trimesh], object]] = {"inspect": measure, **mesh_alternatives.INSPECT}
REPAIR = {"repair": lambda mesh: ready(mesh, 0), **mesh_alternatives.REPAIR}
OWN = ("inspect", "repair", "reduce and repair")
REDUCE = {"reduce and repair": lambda mesh: ready(mesh, TARGET_FACES), **mesh_alternatives.REDUCE}


def run(name: str, given: Path, made: Path) -> None:
    """One measurement in this process: the mesh of ``given`` to that of ``made``, and to JSON what it took."""
    held = np.load(given)
    mesh = trimesh.Trimesh(held["points"], held["faces"], process=False)
    before = psutil.Process().memory_info().rss
    start = time.perf_counter()
    result = {**INSPECT, **REPAIR, **REDUCE}[name](mesh)
    print(json.dumps({"s": time.perf_counter() - start, "before": before}))
    if isinstance(result, trimesh.Trimesh):
        np.savez(made, points=result.vertices, faces=result.faces)


def measured_again(name: str, given: Path, made: Path) -> tuple[list[float], float]:
    """As :func:`measured`, of as many runs as count: all their seconds, and the highest peak."""
    runs = [measured(name, given, made) for _ in range(RUNS if name in OWN else 1)]
    return [seconds for seconds, _ in runs], max(memory for _, memory in runs)


def measured(name: str, given: Path, made: Path) -> tuple[float, float]:
    """Seconds, and the peak of memory in MB over that of the model, of a work in a process of its own."""
    np.ones(TOUCHED_BYTES // 8)
    command = [sys.executable, "-m", "benchmarks.bench_meshes", "--one", name, str(given), str(made)]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, sum(one.memory_info().rss for one in (tree, *tree.children(recursive=True))))
            time.sleep(POLL_S)
        assert process.stdout is not None, "it is a pipe"
        told = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}")
    found = json.loads(told.strip().rpartition("\n")[2])
    return found["s"], (peak - found["before"]) / MB


class Body:
    """A surface, and how to find the nearest place on it, which takes long to set up for a large one."""

    def __init__(self, mesh: trimesh.Trimesh) -> None:
        self.mesh = mesh
        self._points, self._faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
        self._nearest = Nearest(self._points, self._faces)
        self.diagonal = float(np.linalg.norm(np.ptp(self._points, axis=0)))

    def mean_distance(self, mesh: trimesh.Trimesh) -> float:
        """Of samples on ``mesh`` to the nearest places here."""
        samples: NDArray[np.float64] = trimesh.sample.sample_surface(mesh, SAMPLES, seed=0)[0]
        near = self._nearest.find(samples).interpolate(self._points, self._faces)
        return float(np.linalg.norm(near - samples, axis=1).mean())


def mean_error(result: trimesh.Trimesh, model: Body) -> float:
    """Mean distance of samples on either to the other, in per cent of the diagonal."""
    return 100.0 * (model.mean_distance(result) + Body(result).mean_distance(model.mesh)) / 2.0 / model.diagonal


def what_came_out(label: str, result: trimesh.Trimesh, model: Body | None, is_held: bool) -> list[Figure]:
    """How sound a mesh is, and how near to ``model`` if given; ``is_held`` sets the targets."""
    after = measure(result)
    bad = after.boundary_edges + after.non_manifold_edges
    figures = [Figure(f"{label}: edges left open or crowded", bad, "edges", 0 if is_held else None)]
    if model is None:
        return figures
    crossing = len(np.unique(find_crossings(np.asarray(result.vertices), np.asarray(result.faces, np.int64))))
    figures.append(Figure(f"{label}: faces that cross", crossing, "faces", 0 if is_held else None))
    if mesh_alternatives.HAS_PYMESHLAB:
        crossing = count_crossing_faces_by_pymeshlab(result)
        figures.append(Figure(f"{label}: faces that cross, says pymeshlab", crossing, "faces"))
    figures.append(
        Figure(f"{label}: mean distance", mean_error(result, model), "%", TARGET_MEAN_ERROR if is_held else None)
    )
    return figures


def figures_of(faces: int, wall: float, works: dict[str, Callable[[trimesh.Trimesh], object]]) -> list[Figure]:
    """What each of ``works`` comes to for a model of so many faces."""
    solid = gyroid(faces, wall)
    body, model = Body(solid), with_crumbs(solid)
    kind = " thin" if wall else ""
    print(f"{len(model.faces):,} faces{kind}", flush=True)
    figures = []
    with TemporaryDirectory() as folder:
        whole, damaged, made = (Path(folder) / name for name in ("whole.npz", "damaged.npz", "made.npz"))
        for path, mesh in ((whole, model), (damaged, broken(model))):
            np.savez(path, points=mesh.vertices, faces=mesh.faces)
        for name in works:
            if faces > MOST_FACES.get(name, faces):
                continue
            seconds, memory = measured_again(name, damaged if name in REPAIR else whole, made)
            label = f"{faces // 1000}k{kind} {name}"
            target = None if wall else TARGETS_S.get((name, faces))
            figures += [median_figure(label, seconds, "s", target), Figure(f"{label}: memory", memory, "MB")]
            if name not in INSPECT:
                held = np.load(made)
                result = trimesh.Trimesh(held["points"], held["faces"], process=False)
                figures += what_came_out(label, result, body if name in REDUCE else None, target is not None)
    return figures


def health_while_repairing() -> list[Figure]:
    """How long ``/health`` takes while a server repairs a large mesh."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "broken.stl"
        path.write_bytes(export(broken(with_crumbs(gyroid(HEALTH_FACES))), OutputFormat.STL, None))
        server = build(Settings(data_dir=Path(folder) / "data", port=0))
        url = server.start()
        try:
            options = parse_repair_options(target_faces=TARGET_FACES)
            job = server.studio.submit_repair(path, options)
            worker = threading.Thread(target=server.studio.run, args=(job.job_id,))
            worker.start()
            waits_ms = []
            with httpx.Client() as client:
                while worker.is_alive():
                    start = time.perf_counter()
                    client.get(f"{url}health").raise_for_status()
                    waits_ms.append(1000 * (time.perf_counter() - start))
                    time.sleep(0.02)
            taken = server.studio.job(job.job_id).timings_s["total"]
        finally:
            server.stop()
    name = f"{HEALTH_FACES // 1000}k repair in a server"
    return [
        Figure(name, taken, "s"),
        Figure(f"{name}: /health p50", percentile(waits_ms, 0.5), "ms", None, len(waits_ms)),
        Figure(f"{name}: /health p95", percentile(waits_ms, 0.95), "ms", TARGET_HEALTH_MS, len(waits_ms)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, nargs="+", default=[100_000, 400_000, 1_200_000, 1_600_000])
    parser.add_argument("--one", nargs=3, metavar=("WORK", "GIVEN", "MADE"), help="one measurement, in this process")
    options = parser.parse_args()
    if options.one:
        run(options.one[0], Path(options.one[1]), Path(options.one[2]))
        return
    figures = []
    for faces in options.faces:
        figures += figures_of(faces, 0.0, {**INSPECT, **REPAIR, **REDUCE})
        figures += figures_of(faces, 0.4, dict(REDUCE))
    report("meshes", [*figures, *health_while_repairing()])


if __name__ == "__main__":
    main()
