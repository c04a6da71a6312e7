"""A sphere tracer with the light of a small photo studio: a large soft key, a fill, a rim and seamless paper."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scripts.examples.distances import Array, length

SIZE_PX = 1024
SAMPLES_A_SIDE = 2
TILE_PX = 64
STEPS = 110
SHADOW_STEPS = 36
NEAR = 0.0006
FAR = 14.0
NOISE = 0.006
# In radii of the scene's bounds.
SHADOW_REACH = 3.4

Distance = Callable[[Array], Array]
Paint = Callable[[Array], Array]


@dataclass(frozen=True)
class Material:
    """How a surface answers light.

    Attributes:
        colour: linear RGB, or a function of points ``[3, n]`` that gives ``[3, n]``.
        roughness: 0 a mirror, 1 chalk.
        reflectance: part of the light reflected head on, 0.04 for most things that are no metal.
        wrap: how far light creeps around into the shadow, as in rubber and fruit.
        is_metal: whether reflections take the colour.
        bump: height of the fine structure in scene units as a function of points.
        glow: part of the colour that shines by itself.
    """

    colour: tuple[float, float, float] | Paint
    roughness: float = 0.5
    reflectance: float = 0.04
    wrap: float = 0.0
    is_metal: bool = False
    bump: Distance | None = None
    glow: float = 0.0


@dataclass(frozen=True)
class Part:
    """A solid and what it is made of."""

    distance: Distance
    material: Material


@dataclass(frozen=True)
class Scene:
    """Something to photograph, standing on the ground at y = 0.

    Attributes:
        parts: its solids.
        target: what the camera looks at.
        azimuth_deg: of the camera, 0 from the front, positive from the right.
        elevation_deg: of the camera over the horizon.
        distance: of the camera.
        fov_deg: height of the view.
        backdrop: linear RGB of the seamless paper.
        bounds: centre and radius of a ball around all parts.
        caution: part of the distance that a step may take, below 1 for solids with bent distances.
    """

    parts: tuple[Part, ...]
    target: tuple[float, float, float]
    azimuth_deg: float
    elevation_deg: float
    distance: float
    backdrop: tuple[float, float, float]
    bounds: tuple[tuple[float, float, float], float]
    fov_deg: float = 26.0
    caution: float = 0.9
    key: tuple[float, float, float] = field(default=(-0.55, 0.75, 0.55))


def photograph(build: Callable[[], Scene], seed: int, size_px: int = SIZE_PX, workers: int = 2) -> Image.Image:
    """The scene that ``build`` sets up as an sRGB picture, ``size_px`` square, the same every time for a seed."""
    samples = size_px * SAMPLES_A_SIDE
    tile = TILE_PX * SAMPLES_A_SIDE
    corners = [(row, column) for row in range(0, samples, tile) for column in range(0, samples, tile)]
    with ProcessPoolExecutor(workers) as pool:
        tiles = list(pool.map(partial(_render_tile, build, samples, tile), corners, chunksize=4))
    linear = np.zeros((samples, samples, 3), np.float32)
    for (row, column), pixels in zip(corners, tiles, strict=True):
        linear[row : row + tile, column : column + tile] = pixels
    linear = linear.reshape(size_px, SAMPLES_A_SIDE, size_px, SAMPLES_A_SIDE, 3).mean(axis=(1, 3))
    return _develop(linear, seed)


def _develop(linear: Array, seed: int) -> Image.Image:
    """Film curve, a little vignette and sensor noise, sRGB."""
    size = len(linear)
    place = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    vignette = 1 - 0.06 * (place[:, None] ** 2 + place[None] ** 2)
    exposed = linear * vignette[..., None]
    film = exposed * (2.51 * exposed + 0.03) / (exposed * (2.43 * exposed + 0.59) + 0.14)  # ACES, after Narkowicz
    srgb = np.where(film <= 0.0031308, 12.92 * film, 1.055 * np.maximum(film, 0.0031308) ** (1 / 2.4) - 0.055)
    grain = np.random.default_rng(seed).normal(0, NOISE, srgb.shape)
    return Image.fromarray((np.clip(srgb + grain, 0, 1) * 255 + 0.5).astype(np.uint8))


def _render_tile(build: Callable[[], Scene], samples: int, tile: int, corner: tuple[int, int]) -> Array:
    """Linear RGB ``[tile, tile, 3]`` of the tile at ``corner``."""
    scene = build()
    rows, columns = np.mgrid[corner[0] : corner[0] + tile, corner[1] : corner[1] + tile]
    v = (1 - (rows.ravel() + 0.5) / samples * 2).astype(np.float32)
    u = ((columns.ravel() + 0.5) / samples * 2 - 1).astype(np.float32)
    origin, direction = _camera(scene, u, v)
    colour = _backdrop(scene, v)
    hits, t = _march(scene, origin, direction)
    ground = ~hits & (direction[1] < -1e-3)
    if ground.any():
        at = origin + direction[:, ground] * (-origin[1] / direction[1, ground])
        colour[:, ground] *= _ground_light(scene, at)
    if hits.any():
        at = origin + direction[:, hits] * t[hits]
        colour[:, hits] = _shade(scene, at, direction[:, hits])
    return colour.T.reshape(tile, tile, 3)


def _camera(scene: Scene, u: Array, v: Array) -> tuple[Array, Array]:
    """Where the camera stands ``[3, 1]`` and the unit directions ``[3, n]`` in which it looks."""
    azimuth, elevation = np.radians(scene.azimuth_deg), np.radians(scene.elevation_deg)
    back = np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], np.float32
    )
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)], np.float32)
    up = np.cross(back, right)
    reach = np.float32(np.tan(np.radians(scene.fov_deg) / 2))
    direction = reach * (right[:, None] * u + up[:, None] * v) - back[:, None]
    origin = np.array(scene.target, np.float32) + back * scene.distance
    return origin[:, None], direction / length(*direction)


def _backdrop(scene: Scene, v: Array) -> Array:
    """Seamless paper: lighter below and in the middle, a little darker towards the top."""
    paper = np.array(scene.backdrop, np.float32)[:, None]
    light = 1.0 - 0.16 * np.clip(v, -1, 1) - 0.05 * v * v
    return paper * light


def _distance(scene: Scene, p: Array) -> Array:
    return np.asarray(np.minimum.reduce([part.distance(p) for part in scene.parts]))


def _march(scene: Scene, origin: Array, direction: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which rays ``[n]`` meet a solid, and how far along."""
    centre = np.array(scene.bounds[0], np.float32)[:, None]
    to_centre = centre - origin
    along = (to_centre * direction).sum(axis=0)
    off = length(*(to_centre - direction * along))
    radius = scene.bounds[1]
    half = np.sqrt(np.maximum(radius * radius - off * off, 0))
    t = np.maximum(along - half, 0)
    end = along + half
    hits = np.zeros(len(t), bool)
    active = np.flatnonzero(off < radius)
    for _ in range(STEPS):
        if not len(active):
            break
        step = _distance(scene, origin + direction[:, active] * t[active])
        close = step < NEAR * 1.5
        hits[active[close]] = True
        t[active] += np.where(close, 0, step * scene.caution)
        active = active[~close & (t[active] < end[active])]
    return hits, t


def _normal(distance: Distance, p: Array, reach: float) -> Array:
    """Unit gradient of a distance by four samples at the corners of a tetrahedron."""
    total = np.zeros_like(p)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        k = np.array(corner, np.float32)[:, None]
        total += k * distance(p + k * np.float32(reach))
    return total / np.maximum(length(*total), 1e-9)


def _shadow(scene: Scene, p: Array, light: Array, softness: float) -> Array:
    """0 in full shadow to 1 in full light of a lamp whose size is ``softness``."""
    lit = np.ones(p.shape[1], np.float32)
    t = np.full(p.shape[1], 0.012, np.float32)
    active = np.arange(p.shape[1])
    for _ in range(SHADOW_STEPS):
        q = p[:, active] + light * t[active]
        d = _distance(scene, q)
        lit[active] = np.minimum(lit[active], 0.5 + 0.5 * d / (softness * t[active]))
        t[active] += np.clip(d, 0.012, 0.16)
        active = active[(lit[active] > 0) & (t[active] < 4.0)]
        if not len(active):
            break
    lit = np.clip(lit, 0, 1)
    return lit * lit * (3 - 2 * lit)


def _openness(scene: Scene, p: Array, n: Array, reach: float) -> Array:
    """How much of the surroundings a point sees, 0 to 1."""
    hidden = np.zeros(p.shape[1], np.float32)
    weight = 1.0
    for step in range(1, 6):
        d = np.float32(reach * step / 5)
        q = p + n * d
        hidden += weight * np.maximum(d - np.minimum(_distance(scene, q), q[1]), 0) / d
        weight *= 0.72
    return np.asarray(np.clip(1 - 0.36 * hidden, 0.10, 1))


def _ground_light(scene: Scene, p: Array) -> Array:
    """What is left of the light on the paper: a soft shadow and a darker contact."""
    light = np.ones(p.shape[1], np.float32)
    centre = np.array(scene.bounds[0], np.float32)[:, None]
    far = length(p[0] - centre[0], p[2] - centre[2]) / scene.bounds[1]
    near = np.flatnonzero(far < SHADOW_REACH)
    if len(near):
        q = p[:, near] + np.array([[0], [1e-3], [0]], np.float32)
        shadow = _shadow(scene, q, _unit(scene.key), 0.36)
        up = np.zeros_like(q)
        up[1] = 1
        hidden = np.zeros(len(near), np.float32)
        for d in (0.02, 0.06, 0.14, 0.3, 0.6):
            hidden += np.clip(d - _distance(scene, q + up * np.float32(d)), 0, d) / d / 5
        fade = np.clip((SHADOW_REACH - far[near]) / (SHADOW_REACH - 1.2), 0, 1)
        light[near] = 1 - fade * fade * (1 - (0.66 + 0.34 * shadow) * (1 - 0.60 * hidden))
    return light


def _unit(vector: tuple[float, float, float]) -> Array:
    unit: Array = (np.array(vector, np.float32) / np.linalg.norm(vector)).astype(np.float32)
    return unit[:, None]


def _studio(scene: Scene, d: Array, roughness: Array | float) -> Array:
    """Light that comes from direction ``d``: paper below, a dim room, a big window of light, a strip, a lamp above."""
    blur = 0.04 + 0.75 * np.asarray(roughness)
    paper = np.array(scene.backdrop, np.float32)[:, None]
    up = np.clip(d[1] * 0.5 + 0.5, 0, 1)
    below = np.clip(0.5 - d[1] / (0.3 + 2 * blur), 0, 1)
    room = 0.30 + 0.42 * up
    light = room * (0.55 + 0.45 * paper / paper.mean()) * (1 - below) + paper * 0.85 * below
    for lamp, size, power in (
        (scene.key, (0.34, 0.42), 4.2),
        ((0.9, 0.25, 0.35), (0.13, 0.55), 1.7),
        ((0.1, 1.0, -0.25), (0.5, 0.3), 1.9),
    ):
        axis = _unit(lamp)
        side = np.cross(np.array([0, 1, 0.01]), axis[:, 0]).astype(np.float32)
        side /= np.linalg.norm(side)
        top = np.cross(axis[:, 0], side).astype(np.float32)
        facing = (d * axis).sum(axis=0)
        a = np.abs((d * side[:, None]).sum(axis=0)) / np.maximum(facing, 0.05)
        b = np.abs((d * top[:, None]).sum(axis=0)) / np.maximum(facing, 0.05)
        window = np.clip((size[0] - a) / blur + 0.5, 0, 1) * np.clip((size[1] - b) / blur + 0.5, 0, 1)
        spread = size[0] * size[1] / ((size[0] + blur * 0.5) * (size[1] + blur * 0.5))
        light = light + power * window * spread * (facing > 0.05)
    return np.asarray(light, np.float32)


def _shade(scene: Scene, p: Array, view: Array) -> Array:
    """Linear RGB ``[3, n]`` of the surface points seen along ``view``."""
    nearest = np.argmin(np.stack([part.distance(p) for part in scene.parts]), axis=0)
    colour = np.zeros_like(p)
    for index, part in enumerate(scene.parts):
        mine = np.flatnonzero(nearest == index)
        if len(mine):
            colour[:, mine] = _shade_part(scene, part, p[:, mine], view[:, mine])
    return colour


def _shade_part(scene: Scene, part: Part, p: Array, view: Array) -> Array:
    material = part.material
    smooth = _normal(part.distance, p, 0.0015)
    n = smooth
    if material.bump is not None:
        slope = _normal_slope(material.bump, p)
        n = smooth - (slope - smooth * (slope * smooth).sum(axis=0))
        n = n / length(*n)
    albedo = material.colour(p) if callable(material.colour) else np.array(material.colour, np.float32)[:, None]
    open_sky = _openness(scene, p, smooth, 0.35)
    key = _unit(scene.key)
    shadow = _shadow(scene, p + smooth * np.float32(0.004), key, 0.30)
    facing = (n * key).sum(axis=0)
    wrap = material.wrap
    diffuse = np.clip((facing + wrap) / (1 + wrap), 0, 1) * (wrap * 0.5 + (1 - wrap * 0.5) * shadow)
    fill = np.clip((n * _unit((0.9, 0.3, 0.5))).sum(axis=0), 0, 1)
    rim = np.clip((n * _unit((0.3, 0.5, -0.9))).sum(axis=0), 0, 1)
    sky = 0.5 + 0.5 * n[1]
    paper = np.array(scene.backdrop, np.float32)[:, None]
    bounce = paper * (1 - sky) * np.exp(-0.8 * np.maximum(p[1], 0))
    light = (
        np.array([[1.42], [1.38], [1.31]], np.float32) * diffuse
        + (0.36 * fill + 0.25 * rim) * open_sky
        + (np.array([[0.36], [0.38], [0.42]], np.float32) * sky + 0.42 * bounce) * open_sky
    )
    mirrored = view - 2 * (view * n).sum(axis=0) * n
    grazing = np.clip(1 + (view * n).sum(axis=0), 0, 1)
    base = albedo if material.is_metal else np.full((3, 1), material.reflectance, np.float32)
    fresnel = base + (np.maximum(1 - material.roughness, base) - base) * grazing**5
    gloss = _studio(scene, mirrored, material.roughness) * fresnel * open_sky * (0.35 + 0.65 * shadow)
    body = 0.0 if material.is_metal else albedo * light * (1 - fresnel)
    return np.asarray(body + gloss + material.glow * albedo, np.float32)


def _normal_slope(height: Distance, p: Array) -> Array:
    """Gradient of a fine height field, for bump mapping."""
    reach = np.float32(0.0012)
    centre = height(p)
    slopes = []
    for axis in range(3):
        moved = p.copy()
        moved[axis] += reach
        slopes.append((height(moved) - centre) / reach)
    return np.stack(slopes)
