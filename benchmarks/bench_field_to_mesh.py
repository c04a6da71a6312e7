"""Field to mesh: coarse to fine against a plain dense decode, in one run, with the meshes compared.

    python -m benchmarks.bench_field_to_mesh --resolution 256 --fields decoder sphere

The dense baseline asks for every sample, chunk by chunk, and hands the grid to scikit-image's marching cubes. The
``decoder`` field has the arithmetic of the golden set's small geometry decoder (specification §7.2 and §7.3) with the
set's ``smooth`` replacements, so its mesh is a closed blob and its cost that of a decoder of width 64 over 24 tokens.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
import trimesh
from safetensors.torch import load_file
from scipy.spatial import KDTree
from skimage.measure import marching_cubes
from torch import Tensor
from torch.nn import functional

from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import Field, decode_volume
from orfeas.progress import Progress, Stage

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "shape" / "io.safetensors"
BOUNDS = 1.01
WIDTH, HEADS, TOKENS, FREQUENCIES = 64, 4, 24, 8


@dataclass(frozen=True)
class Timing:
    """One field at one resolution: coarse to fine is the median of three, dense is once.

    ``is_same`` is whether both meshes have the same counts and the same vertices to 1e-5.
    """

    field: str
    resolution: int
    faces: int
    dense_points: int
    points: int
    dense_decode_s: float
    dense_extract_s: float
    decode_s: float
    extract_s: float
    speedup: float
    is_same: bool


def sphere(points: Tensor) -> Tensor:
    return torch.rsub(torch.linalg.vector_norm(points, dim=-1), 0.6).mul(8).clamp(-1, 1)


def small_decoder(device: torch.device) -> Field:
    """The golden set's geometry decoder, with keys and values made once; what it adds to the residual is zero."""
    golden = {name.removeprefix("smooth.override.geo_decoder."): t.to(device) for name, t in load_file(GOLDEN).items()}
    random = torch.Generator().manual_seed(0)

    def weight(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, generator=random).div(columns**0.5).to(device)

    query, project = weight(WIDTH, WIDTH), torch.zeros(WIDTH, WIDTH, device=device)
    up, down = weight(4 * WIDTH, WIDTH), torch.zeros(WIDTH, 4 * WIDTH, device=device)
    head = WIDTH // HEADS
    keys = functional.layer_norm(weight(TOKENS, WIDTH).view(1, TOKENS, HEADS, head).transpose(1, 2), (head,))
    values = weight(TOKENS, WIDTH).view(1, TOKENS, HEADS, head).transpose(1, 2)
    frequencies = 2.0 ** torch.arange(FREQUENCIES, device=device)

    @torch.inference_mode()
    def field(points: Tensor) -> Tensor:
        angles = (points[..., None] * frequencies).flatten(-2)
        features = torch.cat([points, angles.sin(), angles.cos()], dim=-1)
        x = functional.linear(features, golden["query_proj.weight"], golden["query_proj.bias"])
        q = functional.linear(functional.layer_norm(x, (WIDTH,)), query).view(1, -1, HEADS, head).transpose(1, 2)
        attended = functional.scaled_dot_product_attention(functional.layer_norm(q, (head,)), keys, values)
        x = x + functional.linear(attended.transpose(1, 2).flatten(2), project)
        x = x + functional.linear(functional.gelu(functional.linear(functional.layer_norm(x, (WIDTH,)), up)), down)
        x = functional.layer_norm(x, (WIDTH,), golden["ln_post.weight"], eps=1e-5)
        return functional.linear(x, golden["output_proj.weight"])[..., 0]

    return field


def timed(work: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def decode_dense(field: Field, resolution: int, chunk: int, device: torch.device) -> Tensor:
    """Every sample, ``[R + 1, R + 1, R + 1]``."""
    axis = torch.linspace(-BOUNDS, BOUNDS, resolution + 1).to(device)
    n = resolution + 1
    logits = []
    for part in torch.split(torch.arange(n**3, device=device), chunk):
        points = axis[torch.stack([part // n**2, part // n % n, part % n], dim=-1)]
        logits.append(field(points[None])[0].float())
    return torch.cat(logits).view(n, n, n)


def extract_dense(grid: Tensor) -> trimesh.Trimesh:
    vertices, faces, _, _ = marching_cubes(grid.cpu().numpy(), 0.0)  # type: ignore[no-untyped-call]  # no types there
    return trimesh.Trimesh(vertices / (len(grid) - 1) * 2 * BOUNDS - BOUNDS, faces[:, ::-1], process=False)


def is_same(one: trimesh.Trimesh, other: trimesh.Trimesh) -> bool:
    if len(one.vertices) != len(other.vertices) or len(one.faces) != len(other.faces):
        return False
    there = np.max(KDTree(one.vertices).query(other.vertices)[0])
    back = np.max(KDTree(other.vertices).query(one.vertices)[0])
    return bool(max(there, back) < 1e-5)


def measure(name: str, field: Field, resolution: int, chunk: int, device: torch.device) -> Timing:
    grids: list[Tensor] = []
    meshes: list[trimesh.Trimesh] = []
    volumes = []
    progress = Progress()

    def decode() -> None:
        with progress.stage(Stage.SURFACE):
            volumes.append(decode_volume(field, resolution, progress, bounds=BOUNDS, chunk=chunk, device=device))

    decode_s = median(timed(decode, device) for _ in range(3))
    extract_s = timed(lambda: meshes.append(extract_surface(volumes[-1])[0].mesh), device)
    dense_decode_s = timed(lambda: grids.append(decode_dense(field, resolution, chunk, device)), device)
    dense_extract_s = timed(lambda: meshes.append(extract_dense(grids[-1])), device)
    return Timing(
        field=name,
        resolution=resolution,
        faces=len(meshes[0].faces),
        dense_points=(resolution + 1) ** 3,
        points=volumes[-1].points,
        dense_decode_s=round(dense_decode_s, 3),
        dense_extract_s=round(dense_extract_s, 3),
        decode_s=round(decode_s, 3),
        extract_s=round(extract_s, 3),
        speedup=round((dense_decode_s + dense_extract_s) / (decode_s + extract_s), 1),
        is_same=is_same(meshes[0], meshes[1]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, nargs="+", default=[256])
    parser.add_argument("--fields", nargs="+", choices=["decoder", "sphere"], default=["decoder", "sphere"])
    parser.add_argument("--chunk", type=int, default=65_536)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    print(json.dumps({"hardware": hardware, "threads": torch.get_num_threads(), "torch": torch.__version__}))
    for resolution in options.resolution:
        for name in options.fields:
            field = small_decoder(device) if name == "decoder" else sphere
            print(json.dumps(asdict(measure(name, field, resolution, options.chunk, device))), flush=True)


if __name__ == "__main__":
    main()
