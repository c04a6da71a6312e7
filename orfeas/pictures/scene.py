"""A model set up to be drawn: its points, its normals, its look."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, base_colour_factor
from orfeas.meshes.creases import CREASES_UP_TO, Split, has_area, is_closed, split_at_creases
from orfeas.meshes.halfedges import half_edges
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.srgb import to_linear
from orfeas.meshes.weld import weld

# Of a model without colours: a light grey with a little sheen. Linear light.
CLAY, CLAY_ROUGHNESS = 0.45, 0.55
# Faces whose normals are added up in one go, a fraction of a second's work.
FACES_AT_ONCE = 2_000_000
# Heights at which the outline of the turning model is kept.
RINGS = 64


@dataclass(frozen=True)
class Paint:
    """What the surface is made of.

    Attributes:
        colour: ``[3]`` linear light; what the texture or the vertices' colours are multiplied with.
        metallic: in [0, 1]; what the texture's is multiplied with.
        roughness: in [0, 1]; what the texture's is multiplied with.
        texture: ``[H, W, 3]`` uint8 sRGB, or None.
        metallic_roughness: ``[H, W, 3]`` uint8, green roughness, blue metallic, or None.
    """

    colour: NDArray[np.float32]
    metallic: float = 0.0
    roughness: float = 1.0
    texture: NDArray[np.uint8] | None = None
    metallic_roughness: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Scene:
    """Triangles that turn about the vertical axis (conventions §1), within one unit of the origin.

    Attributes:
        points: ``[n, 3]`` float32.
        normals: ``[n, 3]`` float32, of unit length, or 0 where faces cancel out.
        faces: ``[m, 3]`` int32, counter-clockwise outside, none without area.
        is_closed: whether no face's inner side can be seen.
        outline: ``[k, 2]`` float64, radius and height of circles that hold the model while it turns.
        paint: what it is made of.
        uv: ``[n, 2]`` float32, origin lower left (conventions §5), or None.
        colours: ``[n, 3]`` float32, linear light, or None.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    faces: NDArray[np.int32]
    is_closed: bool
    outline: NDArray[np.float64]
    paint: Paint
    uv: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None


def set_scene(mesh: trimesh.Trimesh, check: Callable[[], None] = lambda: None) -> Scene:
    """Set ``mesh`` up, in any unit; it is not changed. Faces without area are left out, and there may be none left.

    Normals are smooth but across edges of more than 40°; those a mesh brings along are not read.

    Args:
        mesh: the model.
        check: called between pieces of work, may stop it.

    Raises:
        InvalidMesh: it has no faces, a face names a vertex that is not there, or a number in it is not finite.
    """
    faces = np.asarray(mesh.faces, dtype=np.int64)
    if not len(faces):
        raise InvalidMesh("The model is empty.")
    check_corners(faces, len(mesh.vertices))
    used = np.zeros(len(mesh.vertices), dtype=np.bool_)
    used[faces] = True
    check_points(np.asarray(mesh.vertices)[used])
    points = _centred(np.asarray(mesh.vertices, dtype=np.float64), used)
    check()
    split, closed = _split(points, faces, check)
    check()
    look = appearance_of(mesh)
    place = points[split.vertex]
    if look.uv is not None:
        check_points(look.uv)
    uv = None if look.uv is None else look.uv[split.vertex].astype(np.float32)
    colours = None if look.colours is None else to_linear(look.colours[split.vertex, :3] / 255.0).astype(np.float32)
    return Scene(
        points=place.astype(np.float32),
        normals=split.normals.astype(np.float32),
        faces=split.faces.astype(np.int32),
        is_closed=closed,
        outline=_outline(place),
        paint=_paint(look.material, has_colours=colours is not None, has_uv=uv is not None),
        uv=uv,
        colours=colours,
    )


def _centred(vertices: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The middle of the box at the origin, the farthest vertex one unit from it; unused vertices at the origin."""
    low, high = vertices[used].min(axis=0), vertices[used].max(axis=0)
    points = np.where(used[:, None], vertices - (low + high) / 2, 0.0)
    points /= float(np.linalg.norm(points, axis=1).max()) or 1.0
    return points


def _split(points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None]) -> tuple[Split, bool]:
    """The mesh by its normals, and whether it is known to be closed."""
    if len(faces) > CREASES_UP_TO:
        return _blend(points, faces, check), False
    first, place = weld(points)
    places, welded = points[first], place[faces]
    chosen = has_area(places, welded)
    faces, welded = faces[chosen], welded[chosen]
    check()
    sides = half_edges(welded)
    return split_at_creases(places, faces, welded, sides), is_closed(places, welded, sides)


def _blend(points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None]) -> Split:
    """One normal at each vertex: the mean of its faces', by their areas, which is quick."""
    normals, is_some = np.zeros_like(points), np.empty(len(faces), dtype=np.bool_)
    for start in range(0, len(faces), FACES_AT_ONCE):
        check()
        part = faces[start : start + FACES_AT_ONCE]
        a, b, c = (points[corner] for corner in part.T)
        twice_area = np.cross(b - a, c - a)
        is_some[start : start + FACES_AT_ONCE] = (twice_area != 0).any(axis=1)
        for corner in part.T:
            for axis in range(3):
                normals[:, axis] += np.bincount(corner, twice_area[:, axis], minlength=len(points))
    length = np.linalg.norm(normals, axis=1)
    normals /= np.where(length > 0, length, 1.0)[:, None]
    return Split(np.arange(len(points)), normals, faces[is_some])


def _outline(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[k, 2]`` radius and height: each slice of the model lies within the circles at its lower and upper end."""
    if not len(points):
        return np.zeros((1, 2))
    radius, height = np.hypot(points[:, 0], points[:, 2]), points[:, 1]
    low, high = height.min(), height.max()
    ring = np.minimum(((height - low) / ((high - low) or 1.0) * RINGS).astype(np.int64), RINGS - 1)
    widest = np.zeros(RINGS)
    np.maximum.at(widest, ring, radius)
    ends = np.linspace(low, high, RINGS + 1)
    return np.column_stack([np.concatenate([widest, widest]), np.concatenate([ends[:-1], ends[1:]])])


def _paint(material: PBRMaterial | None, *, has_colours: bool, has_uv: bool) -> Paint:
    if material is None or (material.baseColorFactor is None and material.baseColorTexture is None):
        colour = 1.0 if has_colours else CLAY
        return Paint(np.full(3, colour, dtype=np.float32), roughness=CLAY_ROUGHNESS)
    texture, surface = material.baseColorTexture, material.metallicRoughnessTexture
    return Paint(
        colour=base_colour_factor(material)[:3].astype(np.float32),
        # What glTF takes where a material does not say.
        metallic=1.0 if material.metallicFactor is None else float(material.metallicFactor),
        roughness=1.0 if material.roughnessFactor is None else float(material.roughnessFactor),
        texture=_pixels(texture) if has_uv and texture is not None else None,
        metallic_roughness=_pixels(surface) if has_uv and surface is not None else None,
    )


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))
