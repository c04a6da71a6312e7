"""Hunyuan3D-2.1's painting of views, part by part, against the published loop in the same run.

    python -m benchmarks.bench_paint --size small --views 4 --view-size 128 --steps 4
    python -m benchmarks.bench_paint --size release --device cuda --views 6 --view-size 512

The weights are random numbers in files of the published layout, written to a scratch folder and read by the engine's
own loader; DINOv2's states are random too, since it runs once. The baseline is the published loop: three predictions in
one batch, each looking at the whole context, keys and values anew in every step. Arithmetic is counted by PyTorch's own
counter on one step without data.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.bench_hunyuan_shape import PEAK_SIDE, matmul_peak, memory_figures, random_weight, seconds
from benchmarks.report import Figure, machine, report
from orfeas.devices import choose_published_dtype
from orfeas.engines.hunyuan.paint.autoencoder import PictureAutoencoder
from orfeas.engines.hunyuan.paint.config import DINO_SIZE, LATENT_PX, PaintConfig, UnetConfig, VaeConfig
from orfeas.engines.hunyuan.paint.files import PaintFiles, PartFiles
from orfeas.engines.hunyuan.paint.networks import MAIN_PART, REFERENCE_PART, PaintNetworks
from orfeas.engines.hunyuan.paint.pipeline import make_contexts
from orfeas.engines.hunyuan.paint.plan import Placement, make_plans, measure
from orfeas.engines.hunyuan.paint.sampler import Solver, draw_noise, sample_views
from orfeas.engines.hunyuan.paint.unet import Features, MainStream, PaintContext, ReferenceStream, Row
from orfeas.engines.hunyuan.paint.voxels import find_voxels
from orfeas.progress import Progress, Stage

TINY = UnetConfig(
    block_out_channels=(32, 64),
    attention_head_dim=(2, 4),
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    layers_per_block=1,
    norm_num_groups=8,
)
SMALL = UnetConfig(block_out_channels=(64, 128, 256, 256), attention_head_dim=(1, 2, 4, 4), norm_num_groups=16)
TINY_VAE = VaeConfig(block_out_channels=(16, 16, 32, 32), layers_per_block=1, norm_num_groups=8)
SIZES = {
    "tiny": PaintConfig(TINY, TINY_VAE),
    "small": PaintConfig(SMALL, TINY_VAE),
    "release": PaintConfig(),
}
GUIDANCE_SCALE = 3.0
DINO_STATES = 257
# The published loop computes what it then multiplies by zero; a scale of zero would leave it out here.
NEXT_TO_NOTHING = 1e-30


@dataclass(frozen=True)
class Bench:
    """What is painted, and on what."""

    networks: PaintNetworks
    views: int
    view_size: int
    steps: int

    @property
    def device(self) -> torch.device:
        return self.networks.device

    @property
    def latent_size(self) -> int:
        return self.view_size // LATENT_PX


@dataclass(frozen=True)
class Scene:
    """What the views look at, on the device."""

    states: Tensor
    features: Features
    cells: Sequence[Tensor]
    controls: Tensor
    noise: Tensor


def write_random_release(folder: Path, config: PaintConfig) -> PaintFiles:
    """Random weights of 16 bits; DINOv2's files are named and not written."""
    with torch.device("meta"):
        reference, painter = ReferenceStream(config.unet), MainStream(config.unet)
        autoencoder = PictureAutoencoder(config.vae)
    streams: dict[str, nn.Module] = {MAIN_PART: painter, REFERENCE_PART: reference}
    torch.manual_seed(0)
    tensors = {
        f"{part}.{name}": random_weight(name, tuple(tensor.shape))
        for part, module in streams.items()
        for name, tensor in module.state_dict().items()
    }
    unet, vae = (PartFiles(folder / f"{part}.json", folder / f"{part}.safetensors") for part in ("unet", "vae"))
    save_file(tensors, unet.checkpoint)
    own = {name: random_weight(name, tuple(tensor.shape)) for name, tensor in autoencoder.state_dict().items()}
    save_file(own, vae.checkpoint)
    return PaintFiles(unet, vae, folder / "schedule.json", PartFiles(folder / "dino.json", folder / "dino.safetensors"))


def make_scene(bench: Bench) -> Scene:
    """A half-covered position map, and the features of a random reference."""
    networks, size = bench.networks, bench.view_size
    generator = torch.Generator().manual_seed(1)
    latent_size = bench.latent_size
    maps = torch.rand(1, bench.views, 3, size, size, generator=generator)
    maps[:, :, :, : size // 2] = 1
    latents = torch.randn(1, 4, latent_size, latent_size, generator=generator)
    features = networks.reference().record(latents.to(bench.device, networks.dtype), networks.reference_text())
    return Scene(
        states=torch.randn(DINO_STATES, DINO_SIZE, generator=generator).to(bench.device),
        features=features,
        cells=find_voxels(maps, latent_size, networks.config.unet.levels),
        controls=torch.randn(bench.views, 8, bench.latent_size, bench.latent_size, generator=generator).to(
            bench.device
        ),
        noise=draw_noise(0, bench.views, latent_size),
    )


def paint(bench: Bench, scene: Scene, *, is_split: bool = False) -> Tensor:
    """As the engine does it."""
    painter, progress = bench.networks.painter(), Progress()
    contexts = make_contexts(painter, scene.states, scene.features, scene.cells, GUIDANCE_SCALE, is_split=is_split)
    solver = Solver(bench.networks.config.schedule, bench.steps)
    with progress.stage(Stage.TEXTURE):
        return sample_views(painter, scene.noise, scene.controls, contexts, solver, GUIDANCE_SCALE, progress)


def make_plain_context(painter: MainStream, scene: Scene) -> PaintContext:
    """Three rows that each look at everything (specification §5.4)."""
    zeros = torch.zeros_like(scene.states)
    rows = (
        Row(zeros, scene.features, NEXT_TO_NOTHING),
        Row(zeros, scene.features),
        Row(scene.states, scene.features),
    )
    return painter.make_context(rows, scene.cells)


def plain_loop(bench: Bench, scene: Scene) -> Tensor:
    """Specification §5.4 and §6.2 as they are written."""
    painter, dtype = bench.networks.painter(), bench.networks.dtype
    solver = Solver(bench.networks.config.schedule, bench.steps)
    latents = scene.noise.to(bench.device)
    controls = scene.controls.to(dtype).expand(3, *scene.controls.shape)
    for timestep in solver.timesteps:
        context = make_plain_context(painter, scene)
        sample = latents.to(dtype).expand(3, *latents.shape)
        u, r, f = painter(sample, controls, timestep, context).float()
        latents = solver.step(u + GUIDANCE_SCALE * (r - u) + GUIDANCE_SCALE * (f - r), timestep, latents)
    return latents


def count_flop(bench: Bench) -> float:
    """Multiplications and additions of one step with two predictions, counted without data."""
    config, latent = bench.networks.config, bench.latent_size
    levels = [(latent >> level) ** 2 for level in range(config.unet.levels)]
    with torch.device("meta"):
        painter = MainStream(config.unet).requires_grad_(False)
        features = {
            place: torch.zeros(levels[level], config.unet.block_out_channels[level])
            for place, level in painter.levels.items()
        }
        cells = [torch.zeros(1, bench.views * tokens, 3) for tokens in levels]
        states = torch.zeros(DINO_STATES, DINO_SIZE)
        context = painter.make_context([Row(states[:1], {}, 0.0), Row(states, features)], cells)
        sample = torch.zeros(2, 2, bench.views, 4, latent, latent)
        controls = torch.zeros(2, bench.views, 8, latent, latent)
        with FlopCounterMode(display=False) as counter:
            painter(sample, controls, 0, context)
    return float(counter.get_total_flops())


@torch.inference_mode()
def run(bench: Bench) -> list[Figure]:
    """All figures; times are the shortest of a few runs."""
    networks, device = bench.networks, bench.device
    load_s = seconds(lambda: (networks.reference(), networks.painter(), networks.autoencoder()), device)
    peak = matmul_peak(device, networks.dtype)
    record_s = seconds(lambda: make_scene(bench), device)
    scene = make_scene(bench)
    fast = paint(bench, scene)
    paint_s = seconds(lambda: paint(bench, scene), device, runs=2)
    memory = memory_figures(device)
    split = paint(bench, scene, is_split=True)
    split_s = seconds(lambda: paint(bench, scene, is_split=True), device)
    plain = plain_loop(bench, scene)
    plain_s = seconds(lambda: plain_loop(bench, scene), device)
    flop = count_flop(bench)
    rate = flop * bench.steps / paint_s / 1e12
    picture = torch.rand(1, 3, bench.view_size, bench.view_size)
    autoencoder = networks.autoencoder()
    latents = autoencoder.encode(picture)
    return [
        Figure("matmul peak", peak, "TFLOP/s"),
        Figure("load both streams and the autoencoder", load_s, "s"),
        Figure("read the reference", record_s, "s"),
        Figure("one step", paint_s / bench.steps, "s", runs=2),
        Figure("one step, one prediction at a time", split_s / bench.steps, "s"),
        Figure("one step of the published loop", plain_s / bench.steps, "s"),
        Figure("published loop / ours", plain_s / paint_s, "×"),
        Figure("ours against the published loop, largest difference", float((fast - plain).abs().max()), ""),
        Figure("one at a time against both, largest difference", float((fast - split).abs().max()), ""),
        Figure("arithmetic of one step", flop / 1e12, "TFLOP"),
        Figure("painting", rate, "TFLOP/s"),
        Figure("painting, share of matmul peak", 100 * rate / peak, "%"),
        Figure("encode a picture", seconds(lambda: autoencoder.encode(picture), device, runs=3), "s", runs=3),
        Figure("decode a picture", seconds(lambda: autoencoder.decode(latents), device, runs=3), "s", runs=3),
        *memory,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--device", default="cpu", choices=sorted(PEAK_SIDE))
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--view-size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=15)
    options = parser.parse_args()
    device, config = torch.device(options.device), SIZES[options.size]
    dtype = choose_published_dtype(device, measure(config).total)
    plan = make_plans(config, options.views, options.view_size, dtype)[Placement.RESIDENT]
    with tempfile.TemporaryDirectory() as folder:
        files = write_random_release(Path(folder), config)
        networks = PaintNetworks(files, config, device, dtype, plan)
        figures = run(Bench(networks, options.views, options.view_size, options.steps))
        # Before the folder goes: Windows cannot delete a file that is mapped.
        networks.release()
    assert all(math.isfinite(figure.value) for figure in figures)
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else machine()
    print(f"{hardware}, {dtype}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    name = torch.cuda.get_device_name(device).replace(" ", "-") if device.type == "cuda" else device.type
    report(f"paint_{options.size}_{name}_{options.views}x{options.view_size}", figures)


if __name__ == "__main__":
    main()
