"""A picture from words by the diffusion engine, against calling its pipeline of diffusers plainly in the same run.

    python -m benchmarks.bench_text_to_image
    python -m benchmarks.bench_text_to_image --model black-forest-labs/FLUX.2-klein-4B --device cuda

``--size`` makes pipelines of random weights, as the tests do; ``--model`` takes a folder, or a repository that is in
the Hugging Face cache. What is ours besides the pipeline: a check before every layer, a step's report, a preview a
second.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil
import torch
from PIL import Image

from benchmarks.bench_hunyuan_shape import memory_figures, synchronise
from benchmarks.report import Figure, machine, median_figure, report
from orfeas.options import PictureOptions
from orfeas.progress import Progress, Step
from orfeas.residence import Tenants
from orfeas.text_to_image.base import PictureRequest
from orfeas.text_to_image.diffusion import Diffusion
from tests.text_to_image.diffusion.tiny import write_tiny_transformer, write_tiny_unet

PROMPT = "a red apple"
SIZES: dict[str, Callable[[Path], Path]] = {"tiny": write_tiny_unet, "tiny-transformer": write_tiny_transformer}
RUNS = 5


def timed(work: Callable[[], object], device: torch.device, runs: int) -> list[float]:
    """Seconds of each run, waited for."""
    spent = []
    for _ in range(runs):
        synchronise(device)
        start = time.perf_counter()
        work()
        synchronise(device)
        spent.append(time.perf_counter() - start)
    return spent


def bench(engine: Diffusion, options: PictureOptions, device: torch.device, runs: int) -> list[Figure]:
    effective = engine.resolve(options)
    request = PictureRequest(engine.compose(PROMPT, effective), effective)
    moments: list[float] = []
    shown: list[Image.Image] = []

    def note(step: Step) -> None:
        if step.total:
            synchronise(device)
            moments.append(time.perf_counter())

    made: list[Image.Image] = []
    load_s = timed(lambda: made.append(engine.generate(request, Progress()).image), device, 1)[0]
    engine.generate(request, Progress(note))
    steps = [after - before for before, after in pairwise(moments)]
    ours = timed(lambda: engine.generate(request, Progress()), device, runs)
    watched = timed(lambda: engine.generate(request, Progress(show=shown.append)), device, runs)
    held = engine._residence._held
    assert held is not None
    pipeline = held.pipeline()
    asked = {
        "num_inference_steps": effective.num_inference_steps,
        **({} if effective.guidance_scale == -1 else {"guidance_scale": effective.guidance_scale}),
        **({"height": effective.size_px, "width": effective.size_px} if effective.size_px else {}),
    }
    plain_made: list[Image.Image] = []

    def plain() -> None:
        generator = torch.Generator("cpu").manual_seed(effective.seed)
        plain_made.append(pipeline(prompt=request.prompt, generator=generator, **asked).images[0].convert("RGBA"))

    plain_s = timed(plain, device, runs)
    return [
        Figure("the first picture, loading included", load_s, "s"),
        median_figure(f"a picture in {effective.num_inference_steps} steps", ours, "s"),
        median_figure("the pipeline called plainly", plain_s, "s"),
        Figure("ours / plainly", statistics.median(ours) / statistics.median(plain_s), "×", 1.1),
        median_figure("a step", steps, "s") if steps else Figure("a step", ours[0], "s"),
        median_figure("with previews", watched, "s"),
        Figure("same picture as plainly", float(made[0].tobytes() == plain_made[0].tobytes()), ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--model", default="", help="a folder or a repository in the cache, instead of random weights")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--steps", type=int, default=0, help="0 takes the model's own")
    options = parser.parse_args()
    device = torch.device(options.device)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or str(SIZES[options.size](Path(folder)))
        engine = Diffusion(model, None, options.device, Tenants())
        asked = replace(PictureOptions(seed=1), num_inference_steps=options.steps)
        before = psutil.Process().memory_info().rss
        figures = bench(engine, asked, device, RUNS)
        plan = engine._residence.plan
    assert plan is not None
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else machine()
    print(f"{hardware}, {torch.get_num_threads()} threads, torch {torch.__version__}: {plan.sentence}")
    figures.append(Figure("host memory that it took", (psutil.Process().memory_info().rss - before) / 1e9, "GB"))
    name = Path(options.model).name if options.model else options.size
    report(f"text_to_image_{name}_{device.type}", figures + memory_figures(device))


if __name__ == "__main__":
    main()
