"""Memory over 200 jobs in one process: it should be flat once the libraries are loaded.

python -m benchmarks.bench_many_jobs [number of jobs]
"""

import gc
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

from benchmarks.report import Figure, report
from orfeas import Studio, parse_shape_options
from orfeas.settings import read_settings

EXAMPLE = Path(__file__).parents[1] / "assets" / "examples" / "chair.jpg"
WARM_UP = 20
MB = 2**20


def main(jobs: int) -> None:
    process = psutil.Process()
    sizes: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"data_dir": Path(folder)})
        with Studio(settings) as studio:
            for seed in range(jobs):
                studio.image_to_3d(EXAMPLE, parse_shape_options(quality="draft", seed=seed))
                gc.collect()
                sizes.append(process.memory_info().rss / MB)
    settled = np.array(sizes[WARM_UP:])
    slope_kb = float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) * 1024
    report(
        "many_jobs",
        [
            Figure("memory after the first job", sizes[0], "MB"),
            Figure(f"memory after {WARM_UP} jobs", sizes[WARM_UP - 1], "MB"),
            Figure(f"memory after {jobs} jobs", sizes[-1], "MB", runs=jobs),
            Figure("growth per job after the warm-up", slope_kb, "kB", 20, len(settled)),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
