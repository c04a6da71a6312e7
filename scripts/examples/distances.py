"""Signed distances to simple solids, and ways to join and move them (after Inigo Quilez' articles on the subject).

Points are ``[3, n]`` float32 arrays, distances ``[n]``: negative inside. Y is up, and the camera looks along −Z.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# float32 in the main; what a step of float64 does to the last digit does not matter here.
Array = NDArray[np.floating]


def length(*components: Array) -> Array:
    """Euclidean length of vectors given by their components."""
    total = components[0] * components[0]
    for component in components[1:]:
        total = total + component * component
    return np.sqrt(total)


def move(p: Array, x: float, y: float, z: float) -> Array:
    """The points as seen from a solid whose centre is moved to ``(x, y, z)``."""
    return p - np.array([[x], [y], [z]], np.float32)


def turn(p: Array, axis: int, degrees: float) -> Array:
    """The points as seen from a solid turned about an axis through the origin (0 is x, 1 is y, 2 is z)."""
    angle = np.radians(-degrees)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turned = np.empty_like(p)
    turned[axis] = p[axis]
    turned[first] = cosine * p[first] - sine * p[second]
    turned[second] = sine * p[first] + cosine * p[second]
    return turned


def mirror(p: Array, axis: int = 0) -> Array:
    """The points folded onto the positive side of an axis, which doubles a solid."""
    folded = p.copy()
    folded[axis] = np.abs(folded[axis])
    return folded


def sphere(p: Array, radius: float) -> Array:
    """Ball about the origin."""
    return length(*p) - radius


def ellipsoid(p: Array, x: float, y: float, z: float) -> Array:
    """Ellipsoid with these half axes; a bound, exact on the surface."""
    scaled = length(p[0] / x, p[1] / y, p[2] / z)
    gradient = length(p[0] / x**2, p[1] / y**2, p[2] / z**2)
    return scaled * (scaled - 1) / np.maximum(gradient, 1e-6)


def box(p: Array, x: float, y: float, z: float, rounding: float = 0.0) -> Array:
    """Box with these half sides, its edges rounded within them."""
    q = np.abs(p) - np.array([[x - rounding], [y - rounding], [z - rounding]], np.float32)
    outside = length(*np.maximum(q, 0))
    return np.asarray(outside + np.minimum(q.max(axis=0), 0) - rounding)


def cylinder(p: Array, radius: float, half_height: float, rounding: float = 0.0) -> Array:
    """Upright cylinder about the origin with rounded rims."""
    return _capped(length(p[0], p[2]) - radius + rounding, np.abs(p[1]) - half_height + rounding) - rounding


def _capped(radial: Array, axial: Array) -> Array:
    return np.minimum(np.maximum(radial, axial), 0) + length(np.maximum(radial, 0), np.maximum(axial, 0))


def capsule(p: Array, start: Sequence[float], end: Sequence[float], radius: float, end_radius: float = -1) -> Array:
    """Stick from ``start`` to ``end`` with round ends; it may taper to ``end_radius``."""
    a, b = (np.array(point, np.float32)[:, None] for point in (start, end))
    along = b - a
    t = np.clip(((p - a) * along).sum(axis=0) / float((along * along).sum()), 0, 1)
    thickness = radius if end_radius < 0 else radius + (end_radius - radius) * t
    return length(*(p - a - along * t)) - thickness


def torus(p: Array, radius: float, thickness: float | Array) -> Array:
    """Ring lying flat about the origin."""
    return length(length(p[0], p[2]) - radius, p[1]) - thickness


def lathe(p: Array, profile: Sequence[tuple[float, float]], rounding: float = 0.0) -> Array:
    """Solid of revolution about Y of a closed polygon ``(radius, height)``, grown by ``rounding``."""
    return polygon(np.stack([length(p[0], p[2]), p[1]]), profile) - rounding


def polygon(p: Array, corners: Sequence[tuple[float, float]]) -> Array:
    """Distance in the plane, ``[2, n]`` points, to a closed polygon."""
    points = np.array(corners, np.float32)
    nearest = np.full(p.shape[1], np.inf, np.float32)
    sign = np.ones(p.shape[1], np.float32)
    for current, previous in zip(points, np.roll(points, 1, axis=0), strict=True):
        edge = previous - current
        w = p - current[:, None]
        t = np.clip((w[0] * edge[0] + w[1] * edge[1]) / float(edge @ edge), 0, 1)
        nearest = np.minimum(nearest, (w[0] - edge[0] * t) ** 2 + (w[1] - edge[1] * t) ** 2)
        above, below = p[1] >= current[1], p[1] < previous[1]
        left = edge[0] * w[1] > edge[1] * w[0]
        crosses = (above & below & left) | (~above & ~below & ~left)
        sign = np.where(crosses, -sign, sign)
    return sign * np.sqrt(nearest)


def extrude(flat: Array, depth: Array, half_depth: float, rounding: float = 0.0) -> Array:
    """Solid of a plane distance ``flat``, ``half_depth`` thick to either side of ``depth`` zero."""
    return _capped(flat + rounding, np.abs(depth) - half_depth + rounding) - rounding


def join(*distances: Array) -> Array:
    """The nearest of several solids."""
    return np.asarray(np.minimum.reduce(distances))


def blend(a: Array, b: Array, radius: float) -> Array:
    """Union with a fillet of about ``radius``."""
    h = np.maximum(radius - np.abs(a - b), 0) / radius
    return np.minimum(a, b) - h * h * radius * 0.25


def carve(a: Array, b: Array, radius: float) -> Array:
    """``a`` without ``b``, the edge rounded by about ``radius``."""
    return -blend(-a, b, radius)


def hash_of(*cells: Array) -> Array:
    """A number in 0–1 for every combination of whole numbers, the same every time."""
    total = sum(cell * factor for cell, factor in zip(cells, (127.1, 311.7, 74.7), strict=False))
    scattered: Array = np.sin(np.asarray(total, np.float64)).astype(np.float64) * 43758.5453
    return (scattered - np.floor(scattered)).astype(np.float32)


def noise(p: Array, scale: float) -> Array:
    """Smooth noise in about −1 to 1 with features of ``1 / scale``."""
    q = p * np.float32(scale)
    cell = np.floor(q)
    f = q - cell
    f = f * f * (3 - 2 * f)
    total: Array = np.zeros(p.shape[1], np.float32)
    for corner in range(8):
        offsets = [(corner >> axis) & 1 for axis in range(3)]
        weight = np.ones(p.shape[1], np.float32)
        for axis, offset in enumerate(offsets):
            weight = weight * (f[axis] if offset else 1 - f[axis])
        total = total + weight * hash_of(*(cell[axis] + offset for axis, offset in enumerate(offsets)))
    return 2 * total - 1


def specks(p: Array, scale: float, size: float, share: float) -> Array:
    """1 inside round specks up to ``size / scale`` across in a ``share`` of the cells of a grid, 0 outside."""
    q = p * np.float32(scale)
    cell = np.floor(q)
    offset = [hash_of(*(cell[axis] + 17.0 * axis + shift for axis in range(3))) for shift in (0.0, 5.0, 9.0)]
    radius = 0.5 * size * (0.35 + 0.65 * hash_of(cell[0] + 3, cell[1] + 7, cell[2]))
    centre = cell + 0.5 + (np.stack(offset) - 0.5) * (1 - size)
    inside = np.clip((radius - length(*(q - centre))) / 0.12 + 0.5, 0, 1)
    return inside * (hash_of(cell[2], cell[0] + 2, cell[1] + 1) < share)
