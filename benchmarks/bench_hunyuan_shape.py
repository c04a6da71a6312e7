"""Hunyuan3D-2.1's shape, stage by stage, against plain baselines in the same run.

    python -m benchmarks.bench_hunyuan_shape --size small
    python -m benchmarks.bench_hunyuan_shape --size release --device cuda

The weights are random numbers in a checkpoint of the published layout, written to a scratch folder and read by the
engine's own loader; the geometry decoder's last maps are set so that its field is a ball, at the full cost of every
point. Baselines: the plain loop (every step, both rows with whole contexts, keys and values anew) and the dense decode
with scikit-image's marching cubes. Arithmetic is counted by specification §10's closed forms.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.bench_field_to_mesh import decode_dense, extract_dense, is_same
from benchmarks.report import Figure, machine, report
from orfeas.devices import choose_dtype
from orfeas.engines.hunyuan.autoencoder import ShapeDecoder
from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import (
    AutoencoderConfig,
    DenoiserConfig,
    EncoderConfig,
    ProcessorConfig,
    ShapeConfig,
)
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.files import CHECKPOINTS, CONFIG, WeightFiles
from orfeas.engines.hunyuan.finish import finish_mesh
from orfeas.engines.hunyuan.framing import frame
from orfeas.engines.hunyuan.pipeline import Networks, make_field
from orfeas.engines.hunyuan.plan import Placement, make_plans, measure
from orfeas.engines.hunyuan.sampler import Guidance, Sampled, draw_noise, make_schedule, sample
from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import decode_volume
from orfeas.progress import Progress, Stage

SMALL = ShapeConfig(
    model=DenoiserConfig(
        in_channels=8, hidden_size=256, context_dim=128, depth=7, num_heads=4, num_moe_layers=2, num_experts=4
    ),
    vae=AutoencoderConfig(num_latents=256, embed_dim=8, width=64, heads=4, num_decoder_layers=2),
    conditioner=EncoderConfig(hidden_size=128, num_hidden_layers=4, num_attention_heads=4, image_size=224),
    image_processor=ProcessorConfig(size=256),
)
SIZES = {"small": SMALL, "release": ShapeConfig()}
GUIDANCE_SCALE = 5.0
GUIDANCE_ENDS = (0.8, 0.5)
CACHE_THRESHOLDS = (0.05, 0.1, 0.2)
BALL_RADIUS = 0.6
TARGET_FACES = 40_000
# Side of the square product that measures what the device can do.
PEAK_SIDE = {"cuda": 8192, "mps": 4096, "cpu": 2048}


@dataclass(frozen=True)
class Bench:
    """What is run, and on what."""

    config: ShapeConfig
    networks: Networks
    steps: int
    resolution: int

    @property
    def device(self) -> torch.device:
        return self.networks.device


def write_random_checkpoint(folder: Path, config: ShapeConfig) -> WeightFiles:
    """A checkpoint of random weights of 16 bits, whose geometry decoder gives a ball."""
    with torch.device("meta"):
        parts: dict[str, nn.Module] = {
            "model": Denoiser(config.model),
            "vae": ShapeDecoder(config.vae),
            "conditioner": Conditioner(config.conditioner),
        }
    torch.manual_seed(0)
    tensors = {
        f"{part}.{name}": random_weight(name, tuple(tensor.shape))
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    }
    set_ball(tensors, config.vae)
    files = WeightFiles(folder / CONFIG, folder / CHECKPOINTS[0])
    save_file(tensors, files.checkpoint)
    return files


def random_weight(name: str, shape: tuple[int, ...]) -> Tensor:
    weight = torch.empty(shape, dtype=torch.float16)
    if len(shape) == 1:
        return weight.fill_(0.0 if name.endswith("bias") else 1.0)
    return weight.normal_(std=1 / math.sqrt(math.prod(shape[1:])))


def set_ball(tensors: dict[str, Tensor], config: AutoencoderConfig) -> None:
    """Let the last norm turn distance into a value: of (p, -p, 1, -1, 0 …) it makes the 1 smaller, the longer p is."""
    prefix = "vae.geo_decoder."
    query, bias = tensors[f"{prefix}query_proj.weight"].zero_(), tensors[f"{prefix}query_proj.bias"].zero_()
    for axis in range(3):
        query[axis, axis], query[axis + 3, axis] = 1, -1
    bias[6], bias[7] = 1, -1
    for name in ("attn", "mlp"):
        tensors[f"{prefix}cross_attn_decoder.{name}.c_proj.weight"].zero_()
    out = tensors[f"{prefix}output_proj.weight"].zero_()
    out[0, 6] = 4 / math.sqrt(config.width / 2)
    tensors[f"{prefix}output_proj.bias"].fill_(-4 / math.sqrt(1 + BALL_RADIUS**2))


def seconds(work: Callable[[], object], device: torch.device, runs: int = 1) -> float:
    """The shortest of some runs, each waited for."""
    best = math.inf
    for _ in range(runs):
        synchronise(device)
        start = time.perf_counter()
        work()
        synchronise(device)
        best = min(best, time.perf_counter() - start)
    return best


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """TFLOP/s of one large square product."""
    side = PEAK_SIDE[device.type]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / seconds(lambda: a @ b, device, runs=5) / 1e12


def denoiser_flop(config: ShapeConfig) -> float:
    """One row of one evaluation with cached keys and values (specification §10)."""
    model = config.model
    c, n, m = model.hidden_size, config.vae.num_latents + 1, config.conditioner.num_tokens
    per_block = 8 * n * c**2 + 4 * n**2 * c + 4 * n * c**2 + 4 * n * m * c + 16 * n * c**2
    skips = sum(model.takes_skip(block) for block in range(model.depth))
    mixed = sum(model.has_experts(block) for block in range(model.depth))
    return model.depth * per_block + skips * 4 * n * c**2 + mixed * model.moe_top_k * 16 * n * c**2


def unconditional_saving(config: ShapeConfig) -> float:
    """What a guided pair does not compute: the unconditional row's cross-attention, one self-attention of block 0."""
    model = config.model
    c, n, m = model.hidden_size, config.vae.num_latents + 1, config.conditioner.num_tokens
    return model.depth * (4 * n * c**2 + 4 * n * m * c) + 8 * n * c**2 + 4 * n**2 * c


def plain_loop(bench: Bench, tokens: Tensor, noise: Tensor) -> Tensor:
    """Specification §5 as it is written."""
    denoiser, both = bench.networks.denoiser(), torch.cat([tokens, torch.zeros_like(tokens)])
    x = noise.to(bench.device)
    for now, then in pairwise(make_schedule(bench.steps, bench.config.scheduler).sigmas.tolist()):
        context = denoiser.make_context(both, is_unconditional=False)
        times = torch.full((2,), now, device=bench.device)
        seen, unseen = denoiser(x.repeat(2, 1, 1).to(tokens.dtype), times, context).float().chunk(2)
        x = x + (then - now) * (unseen + GUIDANCE_SCALE * (seen - unseen))
    return x


@torch.inference_mode()
def bench_sampling(bench: Bench, peak: float) -> list[Figure]:
    networks, config, device = bench.networks, bench.config, bench.device
    load_s = seconds(lambda: (networks.conditioner(), networks.denoiser(), networks.decoder()), device)
    picture = Image.new("RGBA", (1024, 1024))
    ImageDraw.Draw(picture).ellipse((200, 150, 800, 900), fill=(180, 60, 40, 255))
    image = frame(picture, config.image_processor).to_tensor()
    conditioner, denoiser = networks.conditioner(), networks.denoiser()
    tokens = conditioner(image)
    encode_s = seconds(lambda: conditioner(image), device, runs=3)
    noise = draw_noise(0, config.vae.num_latents, config.vae.embed_dim)
    schedule, progress = make_schedule(bench.steps, config.scheduler), Progress()

    whole = Guidance(GUIDANCE_SCALE)

    def run(guidance: Guidance = whole, cache_threshold: float = 0.0) -> Sampled:
        with progress.stage(Stage.SHAPE):
            return sample(denoiser, tokens, noise, schedule, guidance, progress, cache_threshold=cache_threshold)

    found: list[Sampled] = []
    first_s = seconds(lambda: found.append(run()), device)
    fast = found[0].latents
    sample_s = seconds(run, device, runs=2)
    plain = plain_loop(bench, tokens, noise)
    plain_s = seconds(lambda: plain_loop(bench, tokens, noise), device)
    flop = (2 * denoiser_flop(config) - unconditional_saving(config)) * (bench.steps - 1)
    rate = flop / sample_s / 1e12
    return [
        Figure("matmul peak", peak, "TFLOP/s"),
        Figure("load all weights", load_s, "s"),
        Figure("encode the picture", encode_s, "s", runs=3),
        Figure("sample, the first time", first_s, "s"),
        Figure(f"sample, {bench.steps} guided steps", sample_s, "s", runs=2),
        Figure("plain loop, as many steps", plain_s, "s"),
        Figure("plain loop / sample", plain_s / sample_s, "×"),
        Figure("sample against plain loop, largest difference", float((fast - plain).abs().max()), ""),
        Figure("denoiser", rate, "TFLOP/s"),
        Figure("denoiser, share of matmul peak", 100 * rate / peak, "%"),
        *bench_shortcuts(run, fast, sample_s, device),
    ]


def bench_shortcuts(run: Callable[..., Sampled], exact: Tensor, exact_s: float, device: torch.device) -> list[Figure]:
    """What the approximations save, and how far they stray with random weights; the trained ones are another matter."""
    shortcuts = [
        (f"guidance up to {end:g} of the steps", partial(run, Guidance(GUIDANCE_SCALE, 0.0, end)))
        for end in GUIDANCE_ENDS
    ] + [(f"step caching at {threshold:g}", partial(run, cache_threshold=threshold)) for threshold in CACHE_THRESHOLDS]
    figures = []
    for name, work in shortcuts:
        start = time.perf_counter()
        found = work()
        synchronise(device)
        taken_s = time.perf_counter() - start
        figures += [
            Figure(f"{name}, whole sampling / this", exact_s / taken_s, "×"),
            Figure(f"{name}, evaluations left out", 100 * found.reused / found.evaluations, "%"),
            Figure(f"{name}, change of the latents", 100 * float((found.latents - exact).norm() / exact.norm()), "%"),
        ]
    return figures


def bench_decoding(bench: Bench) -> list[Figure]:
    config, device, progress = bench.config, bench.device, Progress()
    latents = draw_noise(1, config.vae.num_latents, config.vae.embed_dim)
    fields = [make_field(bench.networks, latents)]
    tokens_s = seconds(lambda: fields.append(make_field(bench.networks, latents)), device)
    chunk, index_device = bench.networks.plan.chunk, device if device.type == "cuda" else torch.device("cpu")
    volumes, meshes = [], []

    def decode() -> None:
        with progress.stage(Stage.SURFACE):
            volumes.append(decode_volume(fields[0], bench.resolution, progress, chunk=chunk, device=index_device))

    decode()
    decode_s = seconds(decode, device, runs=2)
    extract_s = seconds(lambda: meshes.append(extract_surface(volumes[-1])[0].mesh), device)
    finish_s = seconds(lambda: meshes.append(finish_mesh(meshes[0], TARGET_FACES, lambda: None)), device)
    grids: list[Tensor] = []
    dense_s = seconds(lambda: grids.append(decode_dense(fields[0], bench.resolution, chunk, index_device)), device)
    dense_points, points = (bench.resolution + 1) ** 3, volumes[-1].points
    same = is_same(meshes[0], extract_dense(grids[0]))
    return [
        Figure("latents to tokens", tokens_s, "s"),
        Figure(f"decode, resolution {bench.resolution}", decode_s, "s", runs=2),
        Figure("extract the surface", extract_s, "s"),
        Figure("finish the mesh", finish_s, "s"),
        Figure("dense decode", dense_s, "s"),
        Figure("dense / decode", dense_s / decode_s, "×"),
        Figure("points asked for", points, ""),
        Figure("points asked for, share of dense", 100 * points / dense_points, "%"),
        Figure("same mesh as dense", float(same), ""),
    ]


def memory_figures(device: torch.device) -> list[Figure]:
    memory = psutil.Process().memory_info()
    figures = [Figure("host memory at its peak", getattr(memory, "peak_wset", _peak_rss()) / 1e9, "GB")]
    if device.type == "cuda":
        figures.append(Figure("device memory at its peak", torch.cuda.max_memory_allocated(device) / 1e9, "GB"))
    return figures


def _peak_rss() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return psutil.Process().memory_info().rss
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--device", default="cpu", choices=sorted(PEAK_SIDE))
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--placement", choices=[p.name.lower() for p in Placement], default="resident")
    parser.add_argument("--compile", action="store_true", help="put the denoiser through torch.compile")
    options = parser.parse_args()
    device, config = torch.device(options.device), SIZES[options.size]
    dtype = choose_dtype(device, measure(config).total)
    plan = make_plans(config, dtype)[Placement[options.placement.upper()]]
    with tempfile.TemporaryDirectory() as folder:
        files = write_random_checkpoint(Path(folder), config)
        networks = Networks(files, config, device, dtype, plan, is_compiled=options.compile)
        bench = Bench(config, networks, options.steps, options.resolution)
        figures = bench_sampling(bench, matmul_peak(device, dtype)) + bench_decoding(bench)
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else machine()
    print(f"{hardware}, {dtype}, {torch.get_num_threads()} threads, torch {torch.__version__}: {plan.sentence}")
    name = torch.cuda.get_device_name(device).replace(" ", "-") if device.type == "cuda" else device.type
    compiled = "_compiled" if options.compile else ""
    report(f"hunyuan_shape_{options.size}_{name}_{options.placement}{compiled}", figures + memory_figures(device))


if __name__ == "__main__":
    main()
