"""A picture of a model: drawn at twice the size, shaded in linear light, with straight alpha."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orfeas.meshes.srgb import to_linear, to_srgb
from orfeas.pictures.camera import DISTANCE, Camera, Window, axes, find_window
from orfeas.pictures.light import CELLS, PLAIN_SHINE, ROUGHNESSES, at_roughness, make_matt, make_shine
from orfeas.pictures.scene import Paint, Scene
from orfeas.pictures.zbuffer import View

# Samples along a side of a pixel.
SAMPLES = 2
# Steps of light between black and white, fine enough for 8 bits of sRGB in the shadows.
LIGHT_STEPS = 2**14 - 1

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[int, int, int]


class Renderer:
    """Draws one scene from any side; safe to use from several threads.

    Every picture has the same window, which holds the model from all azimuths, so that nothing jumps when it turns.

    Args:
        scene: what is drawn.
        elevation_deg: of every camera.
        size_px: side of the pictures.
        background: sRGB, or None for a clear one.
    """

    def __init__(self, scene: Scene, elevation_deg: float, size_px: int, background: Colour | None = None) -> None:
        self._scene = scene
        self._elevation_deg = elevation_deg
        self._size_px = size_px
        self._window = find_window(scene.outline, elevation_deg)
        self._background = None if background is None else to_linear(np.array(background) / 255.0).astype(np.float32)
        self._skin = _make_skin(scene, self._window, SAMPLES * size_px)
        self._matt, self._shine = make_matt(), make_shine()
        self._byte_of_light = (to_srgb(np.arange(LIGHT_STEPS + 1) / LIGHT_STEPS) * 255.0 + 0.5).astype(np.uint8)

    def draw(self, azimuth_deg: float, check: Callable[[], None] = lambda: None) -> Image.Image:
        """The model as seen from there, RGBA with straight alpha.

        Args:
            azimuth_deg: 0 is the front, 90 from +X.
            check: called between pieces of work, may stop it.
        """
        camera = Camera(azimuth_deg, self._elevation_deg)
        view = View(self._scene, camera, self._window, SAMPLES * self._size_px, check)
        planes = [np.zeros((self._size_px, self._size_px), np.float32) for _ in range(4)]
        sight = self._look(view)
        if sight is not None:
            check()
            for plane, samples in zip(planes, [*self._shade(sight), sight.is_covered], strict=True):
                rows, columns = (slice(side.start // SAMPLES, side.stop // SAMPLES) for side in sight.box)
                size = (columns.stop - columns.start, rows.stop - rows.start)
                plane[rows, columns] = cv2.resize(samples, size, interpolation=cv2.INTER_AREA)
        return Image.fromarray(self._develop(planes[:3], planes[3]))

    def _look(self, view: View) -> "_Sight | None":
        """What the samples see, or None where they see nothing."""
        facing = self._scene.normals @ axes(view.camera)[:2].T.astype(np.float32)
        # Where the table of lights has the normal, and that something is there.
        outer, inner = (
            np.pad((sign * facing + 1.0) * ((CELLS - 1) / 2), ((0, 0), (0, 1)), constant_values=1.0).astype(np.float32)
            for sign in (1.0, -1.0)
        )
        cells = view.draw(outer, inner)
        box = _find_box(cells[..., 2])
        if box is None:
            return None
        column, row, there = _planes(cells[box])
        is_covered = (there > 0).astype(np.float32)
        values = self._skin.values
        return _Sight(box, is_covered, column, row, () if values is None else _planes(view.draw(values, values)[box]))

    def _shade(self, sight: "_Sight") -> list[Floats]:
        """``[h, w]`` red, green and blue light that comes from each sample; none where nothing is seen."""
        skin = self._skin
        coloured, white = self._lights(sight)
        coloured *= sight.is_covered
        white *= sight.is_covered
        if skin.texture is not None:
            texels = _sample(skin.texture, sight.values)
            tables = zip(cv2.split(texels), skin.light_of_byte, strict=True)
            own = [np.asarray(cv2.LUT(plane, table), dtype=np.float32) for plane, table in tables]
        elif self._scene.colours is not None:
            own = [plane * share for plane, share in zip(sight.values, skin.paint.colour, strict=True)]
        else:
            own = [np.full_like(coloured, share) for share in skin.paint.colour]
        for plane in own:
            plane *= coloured
            plane += white
        return own

    def _lights(self, sight: "_Sight") -> tuple[Floats, Floats]:
        """``[h, w]`` light in the surface's own colour, and white light."""
        paint, surface = self._skin.paint, self._skin.surface
        if surface is None:
            shine = at_roughness(self._shine, paint.roughness)
            coloured = self._matt * (1 - paint.metallic) + shine * paint.metallic
            white = shine * (PLAIN_SHINE * (1 - paint.metallic))
            in_colour, in_white = _planes(
                cv2.remap(np.dstack([coloured, white]), sight.column, sight.row, cv2.INTER_LINEAR)
            )
            return in_colour, in_white
        _, roughness, metallic = _planes(_sample(surface, sight.values))
        metallic *= paint.metallic / 255.0
        roughness *= paint.roughness * (ROUGHNESSES - 1) / 255.0
        row = sight.row.clip(0, CELLS - 1) + np.rint(roughness) * CELLS
        matt = np.asarray(cv2.remap(self._matt, sight.column, sight.row, cv2.INTER_LINEAR), dtype=np.float32)
        shine = np.asarray(cv2.remap(self._shine, sight.column, row, cv2.INTER_LINEAR), dtype=np.float32)
        return matt + (shine - matt) * metallic, shine * (1 - metallic) * PLAIN_SHINE

    def _develop(self, light: Sequence[Floats], covered: Floats) -> Bytes:
        """``[S, S, 4]`` uint8 sRGB, from how much of each pixel is covered, and the light from there, ``[S, S]``."""
        if self._background is None:
            share = np.reciprocal(np.maximum(covered, np.float32(1e-6)))
            light = [plane * share for plane in light]
        else:
            clear, behind = 1 - covered, self._background
            light = [plane + np.float32(share) * clear for plane, share in zip(light, behind, strict=True)]
            covered = np.ones_like(covered)
        steps = [(plane.clip(0.0, 1.0) * LIGHT_STEPS + 0.5).astype(np.uint16) for plane in light]
        return np.dstack([*(self._byte_of_light[plane] for plane in steps), (covered * 255.0 + 0.5).astype(np.uint8)])


@dataclass(frozen=True)
class _Skin:
    """What is drawn besides the normals, and the pictures it is looked up in, as large as a picture needs them.

    Attributes:
        paint: factors.
        values: ``[n, 3]`` linear colours, or places in the pictures in texels, or None.
        texture: ``[H, W, 3]`` uint8 sRGB, or None.
        surface: ``[H, W, 3]`` uint8, green roughness, blue metallic, or None.
        light_of_byte: ``[3, 256]`` linear light of the texture's bytes.
    """

    paint: Paint
    values: Floats | None
    texture: Bytes | None
    surface: Bytes | None
    light_of_byte: Floats


@dataclass(frozen=True)
class _Sight:
    """What is seen in a box of the samples, ``[h, w]`` each.

    Attributes:
        box: rows and columns, of whole pixels.
        is_covered: 1 or 0.
        column: of the normal in a table of lights.
        row: the same.
        values: the three planes of the skin's values, if any.
    """

    box: tuple[slice, slice]
    is_covered: Floats
    column: Floats
    row: Floats
    values: Sequence[Floats]


def _planes(image: NDArray[np.integer | np.floating]) -> list[Floats]:
    """The channels of ``[h, w, c]``, each by itself in memory."""
    return [np.asarray(plane, dtype=np.float32) for plane in cv2.split(image)]


def _find_box(is_covered: Floats) -> tuple[slice, slice] | None:
    """The rows and columns of whole pixels where something is seen."""
    rows, columns = (np.flatnonzero(is_covered.any(axis=axis)) // SAMPLES * SAMPLES for axis in (1, 0))
    if not len(rows):
        return None
    return slice(rows[0], rows[-1] + SAMPLES), slice(columns[0], columns[-1] + SAMPLES)


def _make_skin(scene: Scene, window: Window, side: int) -> _Skin:
    paint = scene.paint
    pictures = [picture for picture in (paint.texture, paint.metallic_roughness) if picture is not None]
    light = to_linear(np.arange(256) / 255.0)
    tables = np.outer(paint.colour, light).astype(np.float32)
    if not pictures or scene.uv is None:
        return _Skin(paint, scene.colours, None, None, tables)
    height, width = pictures[0].shape[:2]
    texels = _area(scene.uv, scene.faces) * height * width
    samples = _area(scene.points, scene.faces) * (side / (2 * window.half * DISTANCE)) ** 2
    halvings = int(np.log2(max(texels / max(samples, 1e-9), 1.0)) / 2 + 0.5)
    size = (max(width >> halvings, 1), max(height >> halvings, 1))
    texture, surface = (
        None if picture is None else np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        for picture in (paint.texture, paint.metallic_roughness)
    )
    # Texel centres, and rows from the top: conventions §5. A whole number of pictures makes no difference.
    uv = scene.uv - np.floor(scene.uv.min(axis=0, initial=np.inf))
    places = np.column_stack([uv[:, 0] * size[0] - 0.5, (1 - uv[:, 1]) * size[1] - 0.5, np.zeros(len(uv))])
    return _Skin(paint, places.astype(np.float32), texture, surface, tables)


def _sample(texture: Bytes, places: Sequence[Floats]) -> Bytes:
    """``[h, w, 3]`` uint8 of a texture that repeats, bilinear, at columns and rows ``[h, w]``."""
    sampled = cv2.remap(texture, places[0], places[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(sampled, dtype=np.uint8)


def _area(points: Floats, faces: NDArray[np.int32]) -> float:
    """Of all faces together; ``points`` ``[n, 2]`` or ``[n, 3]``."""
    a, b, c = (points[corner].astype(np.float64) for corner in faces.T)
    one, other = b - a, c - a
    squared = (one**2).sum(1) * (other**2).sum(1) - (one * other).sum(1) ** 2
    return float(np.sqrt(np.maximum(squared, 0.0)).sum() / 2)
