"""Pieces of a model as a file holds them, and joining them into one mesh."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import MATERIALS, Appearance, base_colour_factor, tinted, visual_of
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


def moved(part: Part, matrix: NDArray[np.float64]) -> Part:
    """The part after ``matrix`` ``[4, 4]``, which acts on columns; a mirror image is wound the other way round."""
    faces = part.faces if np.linalg.det(matrix[:3, :3]) >= 0 else part.faces[:, ::-1]
    return replace(part, vertices=part.vertices @ matrix[:3, :3].T + matrix[:3, 3], faces=faces)


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
    return _mesh(parts, _look(parts))


def _look(parts: Sequence[Part]) -> Appearance:
    """The look of all parts together, ``n`` being all their vertices."""
    materials = {id(part.material): part.material for part in parts if part.material is not None}
    has_uv = all(part.uv is not None for part in parts)
    uv = np.concatenate([part.uv for part in parts if part.uv is not None]) if has_uv else None
    if len(materials) == 1 and all(part.material is not None and part.colours is None for part in parts):
        return Appearance(next(iter(materials.values())), uv=uv, materials=1)
    if any(part.is_textured for part in parts):
        return _pack(parts, len(materials))
    if any(part.material is not None or part.colours is not None for part in parts):
        colours = np.concatenate([_colours(part) for part in parts])
        return Appearance(colours=colours, materials=len(materials))
    return Appearance(None if uv is None else _matt(None), uv=uv)


def _pack(parts: Sequence[Part], materials: int) -> Appearance:
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
    return Appearance(_matt(texture), texture, np.concatenate(uvs), materials=materials)


def _matt(texture: Image.Image | None) -> PBRMaterial:
    return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=ROUGHNESS
    )


def _picture(part: Part) -> Image.Image:
    if part.material is None or part.material.baseColorTexture is None:
        red, green, blue, alpha = (int(value) for value in _colours(part).mean(axis=0).round())
        return Image.new("RGBA", (1, 1), (red, green, blue, alpha))
    return tinted(part.material.baseColorTexture, base_colour_factor(part.material)).convert("RGBA")


def _colours(part: Part) -> NDArray[np.uint8]:
    """``[n, 4]`` uint8 sRGB: its own, else its material's base colour, else white."""
    if part.colours is not None:
        return part.colours
    factor = np.ones(4) if part.material is None else base_colour_factor(part.material)
    encoded = (np.append(to_srgb(factor[:3]), factor[3]) * 255.0).round().astype(np.uint8)
    return np.broadcast_to(encoded, (len(part.vertices), 4))


def _mesh(parts: Sequence[Part], look: Appearance) -> trimesh.Trimesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([part.vertices for part in parts])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)])
    columns = [vertices, *(array for array in (look.uv, look.colours) if array is not None)]
    first, inverse = weld(np.column_stack(columns))
    return trimesh.Trimesh(
        vertices=vertices[first],
        faces=inverse[faces],
        visual=visual_of(look, first),
        metadata={MATERIALS: look.materials},
        process=False,
    )
