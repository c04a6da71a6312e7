"""Picture to textured GLB, by stage and quality, against marching cubes of the same silhouette.

    python -m benchmarks.bench_image_to_glb [picture ...]

The whole path is timed as a job of the studio: reading, cut-out, shape, surface, texture and writing. The baseline is
what a few lines of scikit-image and trimesh do with the same cut-out: a distance-transform height, marching cubes,
and trimesh's own GLB writer, without a texture.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from scipy import ndimage
from skimage import measure

from benchmarks.report import Figure, median_figure, report
from orfeas import Studio, parse_shape_options
from orfeas.settings import read_settings

ROOT = Path(__file__).parents[1]
RUNS = 7
TARGETS_S = {"draft": 0.7, "standard": 1.5}
BASELINE_CELLS = 128


def main(pictures: list[Path]) -> None:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"data_dir": Path(folder)})
        with Studio(settings) as studio:
            for picture in pictures:
                for quality in ("draft", "standard", "high", "ultra"):
                    figures += time_quality(studio, picture, quality)
                baseline = [time_baseline(studio) for _ in range(3)]
                figures.append(median_figure(f"{picture.stem} baseline, marching cubes, untextured", baseline, "s"))
    report("image_to_glb", figures)


def time_quality(studio: Studio, picture: Path, quality: str) -> list[Figure]:
    """Stages and total of one quality; the first run, which imports libraries, is told apart."""
    timings: list[dict[str, float]] = []
    for _ in range(RUNS if quality in TARGETS_S else 3):
        job = studio.image_to_3d(picture, parse_shape_options(quality=quality, remove_background="always", seed=1))
        timings.append(dict(job.timings_s))
    name = f"{picture.stem} {quality}"
    stages = [
        median_figure(f"{name} {stage}", [timing[stage] for timing in timings], "s", None)
        for stage in timings[0]
        if stage != "total"
    ]
    total = median_figure(f"{name} total", [timing["total"] for timing in timings], "s", TARGETS_S.get(quality))
    return [*stages, total]


def time_baseline(studio: Studio) -> float:
    """Seconds for an untextured solid of the same cut-out by general-purpose libraries."""
    job = studio.history("local")[0]
    with Image.open(studio.results.cut_out(job.job_id)) as image:
        alpha = np.asarray(image.getchannel("A").resize((BASELINE_CELLS, BASELINE_CELLS))) >= 128
    start = time.perf_counter()
    height = np.sqrt(ndimage.distance_transform_edt(np.pad(alpha, 2)))
    depth = np.arange(-BASELINE_CELLS // 4, BASELINE_CELLS // 4)
    field = height[:, :, None] ** 2 * BASELINE_CELLS / 8 - depth[None, None, :] ** 2
    vertices, faces, _, _ = measure.marching_cubes(field, 0.5)  # type: ignore[no-untyped-call]  # scikit-image has no types
    trimesh.Trimesh(vertices, faces).export(file_type="glb")
    return time.perf_counter() - start


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or [ROOT / "assets" / "examples" / "chair.jpg"])
