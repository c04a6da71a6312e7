"""Pieces of a model as a file holds them, and joining them into one mesh."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.color import ColorVisuals
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import MATERIALS, base_colour_factor
from orfeas.meshes.atlas import Use, pack
from orfeas.meshes.limits import check_corners, check_counts, check_points
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.weld import weld

ROUGHNESS = 0.9


@dataclass(frozen=True)
class Part:
    """Triangles with one look, in the working frame (conventions §1).

    Attributes:
        vertices: ``[n, 3]`` millimetres.
        faces: ``[m, 3]`` int64.
        uv: ``[n, 2]``, origin lower left (conventions §5), or None.
        colours: ``[n, 4]`` uint8 sRGB, or None.
        material: the same object in every part that shares it, or None.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    uv: NDArray[np.float64] | None = None
    colours: NDArray[np.uint8] | None = None
    material: PBRMaterial | None = None

    @property
    def is_textured(self) -> bool:
        """Whether it has a base-colour texture and UVs to place it with."""
        return self.uv is not None and self.material is not None and self.material.baseColorTexture is not None


def join(parts: Sequence[Part]) -> trimesh.Trimesh:
    """One mesh of all parts, in which vertices alike in every respect are one.

    A look that all parts share stays as it is. Different ones become one texture of their base colours, or colours on
    the vertices where none has a texture.

    Raises:
        InvalidMesh: no faces, too many, corners that do not exist, or numbers that are not finite.
    """
    check_counts(sum(len(part.faces) for part in parts))
    for part in parts:
        check_corners(part.faces, len(part.vertices))
        check_points(part.vertices)
        if part.uv is not None:
            check_points(part.uv)
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        raise InvalidMesh("The model has no faces.")
    materials = {id(part.material): part.material for part in parts if part.material is not None}
    if len(materials) == 1 and all(part.material is not None and part.colours is None for part in parts):
        has_uv = all(part.uv is not None for part in parts)
        uvs = [part.uv for part in parts if part.uv is not None] if has_uv else []
        look = _Look(np.concatenate(uvs) if uvs else None, next(iter(materials.values())))
    elif any(part.is_textured for part in parts):
        look = _pack(parts)
    elif any(part.material is not None or part.colours is not None for part in parts):
        look = _Look(colours=np.concatenate([_colours(part) for part in parts]))
    elif all(part.uv is not None for part in parts):
        look = _Look(np.concatenate([part.uv for part in parts if part.uv is not None]), _matt(None))
    else:
        look = _Look()
    return _mesh(parts, look, len(materials))


@dataclass(frozen=True)
class _Look:
    uv: NDArray[np.float64] | None = None
    material: PBRMaterial | None = None
    colours: NDArray[np.uint8] | None = None


def _pack(parts: Sequence[Part]) -> _Look:
    """All base colours in one texture; a part with colours on its vertices gets their mean."""
    pictures: list[Image.Image] = []
    numbers: dict[int, int] = {}
    uses: list[Use] = []
    for part in parts:
        key = id(part) if part.material is None else id(part.material)
        if key not in numbers:
            numbers[key] = len(pictures)
            pictures.append(_picture(part))
        uses.append(Use(numbers[key], np.zeros((len(part.vertices), 2)) if part.uv is None else part.uv))
    texture, uvs = pack(pictures, uses)
    return _Look(np.concatenate(uvs), _matt(texture))


def _matt(texture: Image.Image | None) -> PBRMaterial:
    return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=ROUGHNESS
    )


def _picture(part: Part) -> Image.Image:
    if part.material is not None and part.material.baseColorTexture is not None:
        texture: Image.Image = part.material.baseColorTexture
        return texture
    red, green, blue, alpha = (int(value) for value in _colours(part).mean(axis=0).round())
    return Image.new("RGBA", (1, 1), (red, green, blue, alpha))


def _colours(part: Part) -> NDArray[np.uint8]:
    """``[n, 4]`` uint8 sRGB: its own, else its material's base colour, else white."""
    if part.colours is not None:
        return part.colours
    factor = np.ones(4) if part.material is None else base_colour_factor(part.material)
    encoded = (np.append(to_srgb(factor[:3]), factor[3]) * 255.0).round().astype(np.uint8)
    return np.broadcast_to(encoded, (len(part.vertices), 4))


def _mesh(parts: Sequence[Part], look: _Look, materials: int) -> trimesh.Trimesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([part.vertices for part in parts])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)])
    columns = [vertices, *(array for array in (look.uv, look.colours) if array is not None)]
    first, inverse = weld(np.column_stack(columns))
    visual: TextureVisuals | ColorVisuals | None = None
    if look.material is not None:
        uv = None if look.uv is None else look.uv[first]
        visual = TextureVisuals(uv=uv, material=look.material)  # type: ignore[no-untyped-call]  # trimesh's gap
    elif look.colours is not None:
        visual = ColorVisuals(vertex_colors=look.colours[first])
    return trimesh.Trimesh(
        vertices=vertices[first],
        faces=inverse[faces],
        visual=visual,
        metadata={MATERIALS: materials},
        process=False,
    )
