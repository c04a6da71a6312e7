"""What prepares a model for printing, by the size of the model, against trimesh where it does the same.

    python -m benchmarks.bench_printing

Each is run in a process of its own, so that peaks of memory do not add up. Next to the time on the clock stands that on
processors, its own and its children's, which other work on the machine hardly changes, and the longest that the work
went without asking whether it should stop. trimesh smooths in the same way; its rays need an R-tree that ORFEAS does
not have, so rays are held against trying every triangle.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import trimesh

from benchmarks.report import Figure, report
from orfeas.meshes.printing.fit import fit
from orfeas.meshes.printing.hollow import hollow
from orfeas.meshes.printing.orient import orient_for_printing
from orfeas.meshes.printing.overhang import measure_overhang
from orfeas.meshes.printing.rays import cast, meet, ray_grid
from orfeas.meshes.printing.remesh import can_remesh, remesh
from orfeas.meshes.printing.samples import spread
from orfeas.meshes.printing.smooth import smooth
from orfeas.meshes.printing.thickness import measure_thickness
from orfeas.meshes.printing.triangles import triangles_of
from orfeas.options import RemeshChoice

BASELINES = ("100 rays, every triangle", "trimesh: smooth 10")
SIZES = (100_000, 400_000, 1_200_000)
MAX_GAP_S = 1.0
Check = Callable[[], None]


class Watch:
    """The longest time between two calls."""

    def __init__(self) -> None:
        self.last = time.perf_counter()
        self.longest = 0.0

    def __call__(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self.last)
        self.last = now


def figure(faces: int) -> trimesh.Trimesh:
    """A lumpy body of 120 mm, cut flat below."""
    steps = round((faces / 2) ** 0.5)
    longitude, latitude = np.meshgrid(np.arange(steps) / steps * 2 * np.pi, np.linspace(0, np.pi, steps + 1)[1:-1])
    x, y, z = np.sin(latitude) * np.cos(longitude), np.cos(latitude), np.sin(latitude) * np.sin(longitude)
    bump = 50.0 * (1.0 + 0.15 * np.sin(5 * x + 1) + 0.1 * np.cos(7 * y) + 0.02 * np.sin(60 * z))
    rings = np.stack([x * bump, y * bump, z * bump], axis=2).reshape(-1, 3)
    points = np.concatenate([rings, [[0.0, 55.0, 0.0], [0.0, -55.0, 0.0]]])
    points[:, 1] = np.maximum(points[:, 1], -40.0)
    number = np.arange(len(rings)).reshape(steps - 1, steps)
    a, b = number[:-1], number[1:]
    c, d = np.roll(b, -1, axis=1), np.roll(a, -1, axis=1)
    top, bottom = len(rings), len(rings) + 1
    first, last = number[0], number[-1]
    faces_of = [
        np.stack([a, d, b], axis=2).reshape(-1, 3),
        np.stack([d, c, b], axis=2).reshape(-1, 3),
        np.column_stack([np.full(steps, top), np.roll(first, -1), first]),
        np.column_stack([np.full(steps, bottom), last, np.roll(last, -1)]),
    ]
    return trimesh.Trimesh(points, np.concatenate(faces_of), process=False)


def rays_of(mesh: trimesh.Trimesh, check: Check) -> None:
    """A hundred thousand rays inward, as wall thickness casts them."""
    triangles = triangles_of(mesh)
    grid = ray_grid(triangles.corners, check)
    places = spread(triangles.corners, triangles.areas, 100_000)
    cast(grid, places.points, -triangles.normals[places.face], leaving=True, check=check)


def every_triangle(mesh: trimesh.Trimesh, check: Check) -> None:
    """A hundred rays against every triangle."""
    triangles = triangles_of(mesh)
    grid = ray_grid(triangles.corners)
    places = spread(triangles.corners, triangles.areas, 100)
    for point, face in zip(places.points, places.face, strict=True):
        shape = (len(grid.triangles), 3)
        direction = np.broadcast_to(-triangles.normals[face], shape)
        meet(grid.triangles, np.broadcast_to(point, shape), direction, 0.0, True)
        check()


def smooth_by_trimesh(mesh: trimesh.Trimesh, check: Check) -> None:
    check()
    trimesh.smoothing.filter_taubin(mesh, 0.5, 0.53, 20)  # type: ignore[no-untyped-call]  # trimesh leaves this untyped


WORK: dict[str, Callable[[trimesh.Trimesh, Check], object]] = {
    "fit": lambda mesh, check: fit(mesh, (100.0, 100.0, 100.0)),
    "orient": lambda mesh, check: orient_for_printing(mesh, check),
    "smooth 10": lambda mesh, check: smooth(mesh, 10, check),
    "thickness": lambda mesh, check: measure_thickness(mesh, check=check),
    "overhang": lambda mesh, check: measure_overhang(mesh, check=check),
    "100k rays": rays_of,
    "hollow 3 mm": lambda mesh, check: hollow(mesh, 3.0, check=check),
    "hollow 3 mm, 2 holes": lambda mesh, check: hollow(mesh, 3.0, 2, 4.0, check=check),
    "triangles 20k": lambda mesh, check: remesh(mesh, RemeshChoice.TRIANGLES, 20_000, check=check),
    "quads 10k": lambda mesh, check: remesh(mesh, RemeshChoice.QUADS, 10_000, check=check),
    "100 rays, every triangle": every_triangle,
    "trimesh: smooth 10": smooth_by_trimesh,
}


def cpu_s() -> float:
    """On processors, by this process and those of its children that have ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_utime + resource.getrusage(one).ru_stime for one in who)


def run(name: str, faces: int) -> None:
    """One measurement, as JSON: seconds, the longest gap, and the peak of memory over that of the model."""
    mesh = figure(faces)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    watch = Watch()
    start, cpu_start = time.perf_counter(), cpu_s()
    WORK[name](mesh, watch)
    took, cpu = time.perf_counter() - start, cpu_s() - cpu_start
    watch()
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 0)
    peak += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"s": took, "cpu_s": cpu, "gap_s": watch.longest, "mib": peak / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--work", nargs="+", choices=list(WORK), default=list(WORK))
    parser.add_argument("--one", action="store_true", help="one measurement, in this process")
    options = parser.parse_args()
    if options.one:
        run(options.work[0], options.faces[0])
        return
    figures = []
    for name in options.work:
        if name.startswith(("triangles", "quads")) and not can_remesh():
            continue
        for faces in options.faces:
            command = [
                sys.executable,
                "-m",
                "benchmarks.bench_printing",
                "--one",
                "--faces",
                str(faces),
                "--work",
                name,
            ]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found = json.loads(output)
            label = f"{name}, {faces:,} faces"
            figures.append(Figure(label, round(found["s"], 3), "s"))
            figures.append(Figure(f"{label}, processors", round(found["cpu_s"], 3), "s"))
            figures.append(Figure(f"{label}, peak", round(found["mib"], 0), "MiB"))
            if name not in BASELINES:
                figures.append(Figure(f"{label}, longest gap", round(found["gap_s"], 3), "s", MAX_GAP_S))
    report("printing", figures)


if __name__ == "__main__":
    main()
