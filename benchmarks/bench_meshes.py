"""Inspecting, repairing and reducing meshes, each beside a common alternative, in one run.

    OMP_WAIT_POLICY=passive python -m benchmarks.bench_meshes --faces 100000 400000 1200000 1600000

The model is a gyroid within a ball: one closed surface of high genus, with sixty crumbs around it. Broken, it has a
tenth of its faces turned and a thousandth of them missing. The alternatives are trimesh's own (its repair takes minutes
for larger models and is left out there); faster ones have licences that do not go with ours. Errors are distances of
samples on the result to the model, in per cent of its diagonal. Last, a server repairs a broken mesh while ``/health``
is asked.
"""

import argparse
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import trimesh
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from benchmarks.report import Figure, percentile, report
from orfeas.meshes.closest import Nearest
from orfeas.meshes.export import export
from orfeas.meshes.mend import mend
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat, RepairOptions, parse_repair_options
from orfeas.progress import Progress, Stage
from orfeas.server import build
from orfeas.settings import Settings
from tests.meshes.solids import box, joined

TARGET_FACES = 40_000
CRUMBS = 60
MOST_FOR_TRIMESH = 100_000
# On two cores, for a model of so many faces.
TARGETS_S = {("inspect", 1_600_000): 2.0, ("repair", 400_000): 3.0, ("reduce and repair", 1_600_000): 2.5}
TARGET_MEAN_ERROR = 0.006
TARGET_HEALTH_MS = 20.0
HEALTH_FACES = 1_200_000
SAMPLES = 50_000


def gyroid(faces: int) -> trimesh.Trimesh:
    """A closed surface of about so many faces, with crumbs around it."""
    cells = round(150 * (faces / 407_620) ** 0.5)
    grid = np.linspace(-3.2, 3.2, cells)
    x, y, z = np.meshgrid(grid, grid, grid, indexing="ij", sparse=True)
    sheet = np.abs(np.sin(2 * x) * np.cos(2 * y) + np.sin(2 * y) * np.cos(2 * z) + np.sin(2 * z) * np.cos(2 * x)) - 0.4
    field = np.maximum(sheet, x**2 + y**2 + z**2 - 9.0).astype(np.float32)
    points, triangles, _, _ = marching_cubes(field, 0.0, spacing=(6.4 / (cells - 1),) * 3)  # type: ignore[no-untyped-call]  # untyped
    rng = np.random.default_rng(0)
    crumbs = [box(0.01, at=tuple(rng.uniform(0.0, 6.4, 3))) for _ in range(CRUMBS)]
    return joined(trimesh.Trimesh(points, triangles, process=False), *crumbs)


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


def trimesh_measures(mesh: trimesh.Trimesh) -> None:
    fresh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)
    _ = (fresh.is_watertight, fresh.is_winding_consistent, fresh.euler_number, fresh.volume, fresh.area, fresh.extents)
    _ = fresh.body_count


def trimesh_repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    fresh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)
    trimesh.repair.fix_normals(fresh)  # type: ignore[no-untyped-call]  # trimesh leaves this untyped
    trimesh.repair.fill_holes(fresh)
    return fresh


def trimesh_reduce(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    parts = mesh.split(only_watertight=False)
    largest: trimesh.Trimesh = max(parts, key=lambda part: len(part.faces))
    return largest.simplify_quadric_decimation(face_count=TARGET_FACES)


def timed(name: str, faces: int, work: Callable[[], object]) -> tuple[Figure, object]:
    start = time.perf_counter()
    result = work()
    target = TARGETS_S.get((name, faces))
    return Figure(f"{faces // 1000}k {name}", time.perf_counter() - start, "s", target), result


def mean_error(result: trimesh.Trimesh, model: trimesh.Trimesh) -> float:
    """Mean distance of samples on ``result`` to ``model``, in per cent of the diagonal."""
    samples: NDArray[np.float64] = trimesh.sample.sample_surface(result, SAMPLES, seed=0)[0]
    points, faces = np.asarray(model.vertices), np.asarray(model.faces)
    near = Nearest(points, faces).find(samples).interpolate(points, faces)
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    return 100.0 * float(np.linalg.norm(near - samples, axis=1).mean()) / diagonal


def figures_of(faces: int) -> list[Figure]:
    model = gyroid(faces)
    damaged = broken(model)
    print(f"{len(model.faces):,} faces", flush=True)
    figures = [
        timed("inspect", faces, lambda: measure(model))[0],
        timed("inspect, trimesh", faces, lambda: trimesh_measures(model))[0],
    ]
    works: list[tuple[str, Callable[[], trimesh.Trimesh]]] = [
        ("repair", lambda: ready(damaged, 0)),
        ("repair, trimesh", lambda: trimesh_repair(damaged)),
        ("reduce and repair", lambda: ready(model, TARGET_FACES)),
        ("reduce, trimesh", lambda: trimesh_reduce(model)),
    ]
    for name, work in works:
        if name == "repair, trimesh" and faces > MOST_FOR_TRIMESH:
            continue
        figure, result = timed(name, faces, work)
        assert isinstance(result, trimesh.Trimesh), "all of these return a mesh"
        after = measure(result)
        bad = after.boundary_edges + after.non_manifold_edges
        figures += [figure, Figure(f"{figure.name}: edges left open or crowded", bad, "edges")]
        if name.startswith("reduce"):
            target = TARGET_MEAN_ERROR if name == "reduce and repair" and faces == 1_600_000 else None
            figures.append(Figure(f"{figure.name}: mean distance", mean_error(result, model), "%", target))
    return figures


def health_while_repairing() -> list[Figure]:
    """How long ``/health`` takes while a server repairs a large mesh."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "broken.stl"
        path.write_bytes(export(broken(gyroid(HEALTH_FACES)), OutputFormat.STL, None))
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
    options = parser.parse_args()
    figures = [figure for faces in options.faces for figure in figures_of(faces)]
    report("meshes", [*figures, *health_while_repairing()])


if __name__ == "__main__":
    main()
