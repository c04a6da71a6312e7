"""Small models of which everything is known."""

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.provenance import Provenance
from orfeas.records import JobKind

PROVENANCE = Provenance(
    kind=JobKind.TEXT_TO_3D,
    engine="inflate",
    engine_revision="3",
    is_preview=True,
    options={"seed": 7, "size_mm": 80.0, "texture": True, "quality": "draft"},
    prompt='a "red" apple ☃ ' + "and a worm " * 40,
    notes=("The pictogram is an apple.",),
)


def gradient(size_px: int = 64) -> Image.Image:
    """Red grows with u, green with v from below, blue is half: a JPEG of it is true to two levels."""
    ramp = (np.arange(size_px) + 0.5) / size_px * 255.0
    red, green = np.broadcast_arrays(ramp[None, :], ramp[::-1, None])
    return Image.fromarray(np.stack([red, green, np.full_like(red, 128.0)], axis=2).round().astype(np.uint8))


def textured_ball(steps: int = 12, texture: Image.Image | None = None) -> trimesh.Trimesh:
    """A closed ball of radius 1 with its seam at +X and a vertex on either side of it."""
    u, v = np.meshgrid(np.linspace(0, 1, steps + 1), np.linspace(0, 1, steps + 1), indexing="ij")
    longitude, colatitude = 2 * np.pi * (u % 1.0), np.pi * v
    ring = np.sin(colatitude)
    ring[:, [0, -1]] = 0.0
    points = np.stack([ring * np.cos(longitude), np.cos(colatitude), -ring * np.sin(longitude)], axis=2)
    number = np.arange((steps + 1) ** 2).reshape(steps + 1, steps + 1)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    below = np.stack([a, b, c], axis=2)[:, :-1].reshape(-1, 3)
    above = np.stack([a, c, d], axis=2)[:, 1:].reshape(-1, 3)
    material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=texture or gradient(), metallicFactor=0.0, roughnessFactor=0.75
    )
    uv = np.stack([u, 1.0 - v], axis=2).reshape(-1, 2)
    return trimesh.Trimesh(
        vertices=points.reshape(-1, 3),
        faces=np.concatenate([below, above]),
        visual=TextureVisuals(uv=uv, material=material),  # type: ignore[no-untyped-call]  # trimesh's gap
        process=False,
    )


def box(size: float = 1.0, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    """A cube."""
    cube: trimesh.Trimesh = trimesh.creation.box(extents=[size] * 3)
    return trimesh.Trimesh(vertices=cube.vertices + np.array(at), faces=cube.faces, process=False)


def slab(thickness: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0), size: float = 1.0) -> trimesh.Trimesh:
    """A square plate that faces +Z."""
    plate = box(size)
    vertices = plate.vertices * (1.0, 1.0, thickness / size) + np.array(at)
    return trimesh.Trimesh(vertices=vertices, faces=plate.faces, process=False)


def coloured_box() -> trimesh.Trimesh:
    """A cube with another colour at each corner."""
    cube = box()
    colours = np.column_stack([(cube.vertices > 0) * [255, 200, 100], np.full(8, 255)]).astype(np.uint8)
    return trimesh.Trimesh(vertices=cube.vertices, faces=cube.faces, vertex_colors=colours, process=False)


def blob(faces: int = 2000) -> trimesh.Trimesh:
    """A lumpy closed body without symmetry, of about so many faces."""
    steps = max(6, round((faces / 2) ** 0.5))
    ball = textured_ball(steps)
    x, y, z = ball.vertices.T
    bump = 1.0 + 0.2 * np.sin(3 * x + 1) + 0.15 * np.cos(4 * y) + 0.1 * np.sin(5 * z)
    first = trimesh.Trimesh(vertices=ball.vertices * bump[:, None], faces=ball.faces, process=True)
    return trimesh.Trimesh(vertices=first.vertices, faces=first.faces, process=False)


def joined(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    """Several bodies in one mesh, without looks."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return trimesh.Trimesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]),
        process=False,
    )


def inverted(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The same body, inside out."""
    return trimesh.Trimesh(vertices=mesh.vertices, faces=np.asarray(mesh.faces)[:, ::-1], process=False)


def soup(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Triangles that share no vertex."""
    corners = np.asarray(mesh.vertices)[mesh.faces].reshape(-1, 3)
    return trimesh.Trimesh(vertices=corners, faces=np.arange(len(corners)).reshape(-1, 3), process=False)


def without_faces(mesh: trimesh.Trimesh, *dropped: int) -> trimesh.Trimesh:
    """The mesh with holes."""
    return with_faces(mesh, np.delete(np.asarray(mesh.faces), dropped, axis=0))


def scaled(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    """So many times as large, looking the same."""
    grown = with_faces(mesh, np.asarray(mesh.faces))
    grown.vertices = mesh.vertices * factor
    return grown


def with_faces(mesh: trimesh.Trimesh, faces: NDArray[np.int64]) -> trimesh.Trimesh:
    """Other faces on the same vertices, which look as they do."""
    visual = visual_of(appearance_of(mesh), np.arange(len(mesh.vertices)))
    return trimesh.Trimesh(vertices=mesh.vertices, faces=faces, visual=visual, process=False)
