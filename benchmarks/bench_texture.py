"""Texturing, stage by stage, each beside a plain way to do the same, in one run.

    OMP_WAIT_POLICY=passive python -m benchmarks.bench_texture --sizes 512 2048 4096

The model is a ring with a ball in it, forty thousand faces, some of which no view sees. Six views are drawn at the
size of the texture, at most 2048, and baked with five channels. The plain ways: triangles drawn one after another;
albedo and metallic-roughness baked apart, with all views merged anew after each; OpenCV's inpainting of the flat
texture; trimesh's GLB.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.report import Figure, median_figure, report
from orfeas.meshes.export import export
from orfeas.options import OutputFormat, TextureFormat
from orfeas.progress import Progress
from orfeas.textures.bake import SHARPNESS, Paint, Shot, back_project, bake, rim_px
from orfeas.textures.cameras import CANDIDATES, View, project
from orfeas.textures.gutters import to_texture
from orfeas.textures.inpaint import fill
from orfeas.textures.material import dress
from orfeas.textures.rasterize import rasterize, to_pixels
from orfeas.textures.subject import Subject, set_up
from orfeas.textures.texels import Texels, make_texels
from orfeas.textures.unwrap import Layout, unwrap
from tests.meshes.solids import blob, joined

VIEWS = CANDIDATES[:6]
MOST_PICTURE_PX = 2048
CHANNELS = 5
CPU = torch.device("cpu")
# On two cores.
TARGET_SIZE = 2048
TARGETS_S = {"unwrap": 0.5, "draw 6 views": 1.5, "texels to texture": 3.0, "GLB jpeg": 0.3}


def model() -> trimesh.Trimesh:
    ball = blob(8000)
    small = trimesh.Trimesh(ball.vertices * 0.6 + (0.0, 0.0, 0.2), ball.faces, process=False)
    return joined(trimesh.creation.torus(1.0, 0.42, 200, 80), small)


def timed(name: str, work: Callable[[], object], runs: int, target_s: float | None = None) -> list[Figure]:
    """By the clock, and by the processor's time, which says what an idle machine with one core would take."""
    wall, processor = [], []
    for _ in range(runs):
        start, start_processor = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    return [median_figure(name, wall, "s", target_s), median_figure(f"{name}, processor", processor, "s")]


def pictures(side_px: int) -> list[Shot]:
    """Waves in five channels, a picture for each view."""
    random = np.random.default_rng(0)
    place = np.arange(side_px) / side_px
    shots = []
    for view in VIEWS:
        waves = random.uniform(2, 9, (CHANNELS, 2))
        image = np.stack([np.sin(a * place[None, :] * 6 + b * place[:, None] * 6) for a, b in waves], axis=2)
        shots.append(Shot(view, torch.from_numpy((127.5 + 127.5 * image).astype(np.uint8))))
    return shots


def draw(subject: Subject, views: Sequence[View], side_px: int) -> None:
    for view in views:
        rasterize(project(subject.points, view.camera), subject.faces, side_px, side_px, "corners")


def draw_one_by_one(subject: Subject, view: View, side_px: int) -> NDArray[np.int64]:
    """A z-buffer with a loop over faces, each over its bounding box."""
    points = project(subject.points, view.camera)
    corners = to_pixels(points, side_px, side_px, "corners")[subject.faces].numpy()
    depth = np.full((side_px, side_px), np.inf, dtype=np.float32)
    owner = np.full((side_px, side_px), -1)
    for number, (a, b, c) in enumerate(corners):
        left, top = np.floor(np.minimum(np.minimum(a, b), c)[:2]).astype(int)
        right, bottom = np.ceil(np.maximum(np.maximum(a, b), c)[:2]).astype(int)
        x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        of_b = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
        of_c = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
        distance = a[2] + of_b * (b[2] - a[2]) + of_c * (c[2] - a[2])
        box = (slice(top, bottom), slice(left, right))
        is_nearer = (of_b >= 0) & (of_c >= 0) & (of_b + of_c <= 1) & (distance < depth[box])
        depth[box][is_nearer], owner[box][is_nearer] = distance[is_nearer], number
    return owner


def bake_anew(subject: Subject, texels: Texels, shots: Sequence[Shot]) -> list[Tensor]:
    """Both materials apart, keeping a texture per view and merging all of them after each."""
    merged = []
    for channels in (slice(0, 3), slice(3, CHANNELS)):
        layers: list[Tensor] = []
        for shot in shots:
            part = Shot(shot.view, shot.image[..., channels].contiguous())
            sample = back_project(subject, texels, part, rim_px(shot.image.shape[0]))
            layer = torch.zeros((len(texels.index), part.image.shape[2] + 1))
            weight = (shot.view.weight * sample.cosine**SHARPNESS)[:, None]
            layer[sample.texel] = torch.cat([sample.values * weight, weight], dim=1)
            layers.append(layer)
            total = torch.stack(layers).sum(dim=0)
            result = total[:, :-1] / total[:, -1:].clamp(min=1e-8)
        merged.append(result)
    return merged


def inpaint_flat(texels: Texels, paint: Paint) -> None:
    """OpenCV's Navier-Stokes inpainting, which takes three channels of 8 bits at a time; twice for five."""
    side = texels.side_px
    image = np.zeros((side * side, 3), dtype=np.uint8)
    image[texels.index] = (255 * paint.values[:, :3]).to(torch.uint8)
    hole = np.ones(side * side, dtype=np.uint8)
    hole[texels.index] = ~paint.is_painted
    for _ in range(2):
        cv2.inpaint(image.reshape(side, side, 3), hole.reshape(side, side), 3, cv2.INPAINT_NS)


@dataclass(frozen=True)
class Scene:
    """A model laid out for a texture, with its pictures and what they paint."""

    layout: Layout
    subject: Subject
    uv: Tensor
    texels: Texels
    shots: list[Shot]
    paint: Paint


def set_scene(mesh: trimesh.Trimesh, size: int) -> Scene:
    layout = unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), size)
    subject, uv = set_up(layout.vertices, layout.faces, CPU), torch.from_numpy(layout.uv)
    texels, shots = make_texels(subject, uv, size), pictures(min(size, MOST_PICTURE_PX))
    return Scene(layout, subject, uv, texels, shots, bake(subject, texels, shots, Progress()))


def bake_and_fill(scene: Scene, size: int) -> NDArray[np.uint8]:
    texels = make_texels(scene.subject, scene.uv, size)
    paint = bake(scene.subject, texels, scene.shots, Progress())
    return to_texture(texels, fill(texels, paint, Progress()))


def stages(mesh: trimesh.Trimesh, scene: Scene, size: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    subject, texels, shots, paint = scene.subject, scene.texels, scene.shots, scene.paint
    values = fill(texels, paint, Progress())
    texture = to_texture(texels, values)
    dressed = dress(scene.layout, np.ascontiguousarray(texture[..., :3]), np.ascontiguousarray(texture[..., 3:]))
    side = shots[0].image.shape[0]
    work: dict[str, Callable[[], object]] = {
        "unwrap": lambda: unwrap(vertices, faces, size),
        "draw 6 views": lambda: draw(subject, VIEWS, side),
        "texels": lambda: make_texels(subject, scene.uv, size),
        "bake 6 views": lambda: bake(subject, texels, shots, Progress()),
        "fill": lambda: fill(texels, paint, Progress()),
        "pad": lambda: to_texture(texels, values),
        "texels to texture": lambda: bake_and_fill(scene, size),
    }
    for texture_format in TextureFormat:
        work[f"GLB {texture_format}"] = partial(export, dressed, OutputFormat.GLB, None, texture_format)
    return work


def plain_ways(scene: Scene) -> dict[str, Callable[[], object]]:
    """The baselines, by name."""
    texels, paint = scene.texels, scene.paint
    texture = to_texture(texels, paint.values)
    dressed = dress(scene.layout, np.ascontiguousarray(texture[..., :3]), np.ascontiguousarray(texture[..., 3:]))
    return {
        "draw 1 view": lambda: draw_one_by_one(scene.subject, VIEWS[0], scene.shots[0].image.shape[0]),
        "bake 6 views": lambda: bake_anew(scene.subject, texels, scene.shots),
        "fill and pad": lambda: inpaint_flat(texels, paint),
        "GLB png": lambda: dressed.export(file_type="glb"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 2048, 4096])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    mesh = model()
    figures = [Figure("load average before", os.getloadavg()[0], ""), Figure("faces", len(mesh.faces), "")]
    for size in options.sizes:
        scene = set_scene(mesh, size)
        open_percent = 100 * float((~scene.paint.is_painted).float().mean())
        figures.append(Figure(f"{size}: texels open after baking", open_percent, "%"))
        for name, work in stages(mesh, scene, size).items():
            target = TARGETS_S.get(name) if size == TARGET_SIZE else None
            figures += timed(f"{size}: {name}", work, options.runs, target)
        for name, work in plain_ways(scene).items():
            figures += timed(f"{size}: plainly {name}", work, 1)
    figures.append(Figure("load average after", os.getloadavg()[0], ""))
    report("texture", figures)


if __name__ == "__main__":
    main()
