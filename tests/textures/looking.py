"""A textured model as a camera of ours sees it: the way back from texels to pixels."""

from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from PIL import Image

from orfeas.meshes.appearance import sample
from orfeas.textures.cameras import Camera, project
from orfeas.textures.rasterize import find_hits, interpolate, rasterize
from orfeas.textures.subject import Subject, set_up
from orfeas.textures.unwrap import Layout

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Look:
    """``colour`` ``[S, S, 3]`` in [0, 1] with black around, ``is_shown`` ``[S, S]``."""

    colour: NDArray[np.float64]
    is_shown: NDArray[np.bool_]


def look_at(layout: Layout, texture: NDArray[np.uint8], camera: Camera, side_px: int) -> Look:
    subject = subject_of(layout)
    points = project(subject.points, camera)
    hits = find_hits(rasterize(points, subject.faces, side_px, side_px, "corners"), points, subject.faces, "corners")
    uv = interpolate(hits, torch.from_numpy(layout.uv).float(), subject.faces).double().numpy()
    colour = np.zeros((side_px * side_px, 3))
    colour[hits.pixel.numpy()] = sample(Image.fromarray(texture), uv)[:, :3]
    is_shown = np.zeros(side_px * side_px, dtype=np.bool_)
    is_shown[hits.pixel.numpy()] = True
    return Look(colour.reshape(side_px, side_px, 3), is_shown.reshape(side_px, side_px))


def subject_of(layout: Layout) -> Subject:
    return set_up(layout.vertices, layout.faces, CPU)


def subject_of_mesh(mesh: trimesh.Trimesh) -> Subject:
    return set_up(np.asarray(mesh.vertices), np.asarray(mesh.faces), CPU)
