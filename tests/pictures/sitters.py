"""Models to be drawn, of which every pixel can be told."""

from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.options import OutputFormat
from orfeas.pictures.render import Renderer
from orfeas.pictures.scene import set_scene

# By the axis and the side that a cube's face looks to; white light changes none of their channels' order.
SIDES: dict[tuple[int, int], tuple[int, int, int]] = {
    (0, 1): (220, 30, 30),
    (0, -1): (30, 220, 30),
    (1, 1): (30, 30, 220),
    (1, -1): (220, 220, 30),
    (2, 1): (220, 30, 220),
    (2, -1): (30, 220, 220),
}


def painted_cube() -> trimesh.Trimesh:
    """A cube with a colour for each of its sides."""
    cube = trimesh.creation.box()
    corners = np.asarray(cube.vertices)[cube.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    axis = np.abs(normals).argmax(axis=1)
    sign = np.sign(normals[np.arange(12), axis]).astype(int)
    colours = np.array([(*SIDES[int(a), int(s)], 255) for a, s in zip(axis, sign, strict=True)], dtype=np.uint8)
    return trimesh.Trimesh(
        vertices=corners.reshape(-1, 3),
        faces=np.arange(36).reshape(-1, 3),
        vertex_colors=np.repeat(colours, 3, axis=0),
        process=False,
    )


def colours_of(mesh: trimesh.Trimesh) -> NDArray[np.uint8]:
    """``[n, 4]`` the colours on a model's vertices."""
    colours = appearance_of(mesh).colours
    assert colours is not None, "a model without them"
    return colours


def side_seen(pixel: NDArray[np.uint8]) -> tuple[int, int]:
    """Which side of the painted cube has the colour of a pixel."""
    assert pixel[3] == 255, "nothing is there"
    is_high = pixel[:3] > int(pixel[:3].max()) / 2
    return next(side for side, colour in SIDES.items() if (is_high == (np.array(colour) > 100)).all())


def plate(
    texture: Image.Image | None = None,
    *,
    uv: NDArray[np.floating] | None = None,
    surface: Image.Image | None = None,
    metallic: float = 0.0,
    roughness: float = 1.0,
    colour: tuple[int, int, int] = (255, 255, 255),
) -> trimesh.Trimesh:
    """A square without thickness that faces +Z, the whole of its texture on it."""
    material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=texture,
        baseColorFactor=(*colour, 255),
        metallicRoughnessTexture=surface,
        metallicFactor=metallic,
        roughnessFactor=roughness,
    )
    corners = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    look = TextureVisuals(uv=corners if uv is None else uv, material=material)  # type: ignore[no-untyped-call]
    return trimesh.Trimesh(
        vertices=np.column_stack([corners - 0.5, np.zeros(4)]), faces=[(0, 1, 2), (0, 2, 3)], visual=look, process=False
    )


def drawn(
    mesh: trimesh.Trimesh,
    azimuth_deg: float = 0.0,
    elevation_deg: float = 0.0,
    size_px: int = 64,
    background: tuple[int, int, int] | None = None,
) -> NDArray[np.uint8]:
    """``[size, size, 4]`` the model's picture."""
    return np.asarray(Renderer(set_scene(mesh), elevation_deg, size_px, background).draw(azimuth_deg))


def written(mesh: trimesh.Trimesh, folder: Path) -> Path:
    """The model as a GLB."""
    path = folder / "model.glb"
    path.write_bytes(export(mesh, OutputFormat.GLB, None))
    return path
