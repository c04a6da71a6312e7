"""A robot, a doughnut, a cactus and a sailboat, about one unit large, standing on the ground at y = 0."""

import numpy as np
from numpy.typing import NDArray

from scripts.examples.distances import (
    Array,
    blend,
    box,
    capsule,
    carve,
    cylinder,
    ellipsoid,
    extrude,
    join,
    lathe,
    length,
    mirror,
    move,
    noise,
    polygon,
    specks,
    sphere,
    torus,
    turn,
)
from scripts.examples.paints import column, mix, rgb, step, wood
from scripts.examples.render import Material, Part, Scene

CLOSE_LOOK = 0.05
# The doughnut's radii: of the ring, of the dough, of the dough with its icing.
RING, DOUGH, ICING = 0.41, 0.178, 0.195


def robot() -> Scene:
    """A tin toy robot."""

    def shell(p: Array) -> Array:
        body = box(move(p, 0, 0.60, 0), 0.29, 0.27, 0.20, 0.06)
        head = box(move(p, 0, 1.10, 0), 0.25, 0.185, 0.19, 0.075)
        feet = box(move(mirror(p), 0.155, 0.065, 0.05), 0.125, 0.065, 0.185, 0.055)
        return join(body, head, np.maximum(feet, 0.004 - p[1]))

    def metal(p: Array) -> Array:
        q = mirror(p)
        neck = cylinder(move(p, 0, 0.89, 0), 0.10, 0.07) - 0.008 * np.cos(p[1] * 160)
        legs = cylinder(move(q, 0.155, 0.22, 0), 0.072, 0.14) - 0.008 * np.cos(p[1] * 130)
        arms = capsule(q, (0.32, 0.74, 0), (0.46, 0.55, 0.04), 0.052)
        arms = join(arms, capsule(q, (0.46, 0.55, 0.04), (0.47, 0.40, 0.17), 0.052))
        antenna = capsule(p, (0, 1.26, 0), (0, 1.47, 0), 0.014)
        bezels = turn(move(q, 0.105, 1.135, 0.188), 0, 90)
        return join(neck, legs, arms, antenna, torus(bezels, 0.074, 0.018))

    def trim(p: Array) -> Array:
        q = mirror(p)
        ears = cylinder(turn(move(q, 0.265, 1.11, 0), 2, 90), 0.085, 0.035, 0.02)
        shoulders = sphere(move(q, 0.315, 0.745, 0), 0.085)
        claw = turn(turn(move(q, 0.475, 0.345, 0.225), 0, -52), 1, 0)
        hand = carve(torus(claw, 0.072, 0.034), box(move(claw, 0, 0, 0.1), 0.045, 0.1, 0.09), 0.02)
        knob = sphere(move(p, 0, 1.49, 0), 0.05)
        return join(ears, shoulders, hand, knob)

    def panel(p: Array) -> Array:
        return box(move(p, 0, 0.62, 0.195), 0.19, 0.155, 0.018, 0.015)

    def dials(p: Array) -> Array:
        buttons = join(*(sphere(move(p, x, 0.535, 0.212), 0.03) for x in (-0.115, -0.035, 0.045)))
        lever = capsule(p, (0.125, 0.53, 0.2), (0.14, 0.58, 0.255), 0.014, 0.02)
        return join(buttons, lever)

    def gauge(p: Array) -> Array:
        return cylinder(turn(move(p, -0.055, 0.67, 0.212), 0, 90), 0.078, 0.014, 0.01)

    def gauge_face(p: Array) -> Array:
        x, y = p[0] + 0.055, p[1] - 0.67
        needle = step(-np.abs(x * 0.8 - y * 0.6), -0.006, 0.004) * step(x * 0.6 + y * 0.8, -0.005, 0.01)
        ticks = step(np.cos(12 * np.arctan2(y, x)), 0.86, 0.1) * step(length(x, y), 0.05, 0.006)
        rim = step(length(x, y), 0.068, 0.004)
        face = mix(column("#f4efe0"), column("#22252b"), np.maximum(ticks, rim))
        return mix(face, column("#c22a1e"), needle * step(-length(x, y), -0.058, 0.006))

    def grille(p: Array) -> Array:
        slats = [box(move(p, x, 1.015, 0.186), 0.011, 0.036, 0.014, 0.006) for x in (-0.08, -0.04, 0, 0.04, 0.08)]
        screws = sphere(move(mirror(p), 0.155, 0.742, 0.21), 0.012)
        vents = [box(move(p, 0.115, y, 0.212), 0.045, 0.009, 0.004) for y in (0.645, 0.675, 0.705)]
        return join(screws, *slats, *vents)

    def lamps(p: Array) -> Array:
        return ellipsoid(move(mirror(p), 0.105, 1.135, 0.185), 0.066, 0.066, 0.04)

    def eyes(p: Array) -> Array:
        off = length(np.abs(p[0]) - 0.105, p[1] - 1.135)
        return mix(column("#fff3b8"), column("#f7a81b"), step(off, 0.035, 0.06))

    def tin(p: Array) -> Array:
        wear = step(noise(p, 14) + 0.5 * noise(p, 40), 0.95, 0.15) * 0.35
        return mix(column("#2f8f9d"), column("#7fb7bd"), wear)

    chrome = Material((0.72, 0.73, 0.75), roughness=0.22, is_metal=True)
    return Scene(
        parts=(
            Part(shell, Material(tin, roughness=0.22, reflectance=0.05)),
            Part(metal, chrome),
            Part(trim, Material(rgb("#d8392b"), roughness=0.2, reflectance=0.05)),
            Part(panel, Material(rgb("#ece2c6"), roughness=0.3)),
            Part(dials, Material(rgb("#e0a11b"), roughness=0.2, reflectance=0.05)),
            Part(gauge, Material(gauge_face, roughness=0.15)),
            Part(grille, Material(rgb("#23272e"), roughness=0.4)),
            Part(lamps, Material(eyes, roughness=0.08, glow=0.55)),
        ),
        target=(0, 0.76, 0.02),
        azimuth_deg=20,
        elevation_deg=10,
        distance=4.6,
        backdrop=(0.80, 0.74, 0.60),
        bounds=((0, 0.76, 0.03), 0.92),
        caution=0.8,
    )


def doughnut() -> Scene:
    """A doughnut with pink icing and sprinkles."""
    random = np.random.default_rng(11)
    around, over = _scatter(random, 95)
    count = len(around)
    spin = random.uniform(0, np.pi, count)
    out = np.stack([np.cos(around) * np.cos(over), np.sin(over), np.sin(around) * np.cos(over)])
    ring = np.stack([np.cos(around), np.zeros(count), np.sin(around)]) * RING
    across = np.stack([-np.sin(around), np.zeros(count), np.cos(around)])
    along = np.cos(spin) * across + np.sin(spin) * np.cross(out.T, across.T).T
    middles = (ring + out * ICING).astype(np.float32)
    middles[1] = middles[1] * 0.88 + 0.185
    halves = (along * 0.026).astype(np.float32)
    hues = np.array([rgb(c) for c in ("#fdf6e8", "#ffd23f", "#3bb4e5", "#5fbf5a", "#e8443a", "#8a4fc7")], np.float32)
    sprinkle_hues = hues[np.random.default_rng(4).permutation(count) % len(hues)].T

    def flat(p: Array) -> Array:
        return move(p, 0, 0.185, 0) * np.array([[1], [1 / 0.88], [1]], np.float32)

    def dough(p: Array) -> Array:
        return torus(flat(p), RING, DOUGH + 0.004 * noise(p, 5)) * 0.88

    def crust(p: Array) -> Array:
        band = np.exp(-(((p[1] - 0.165) / 0.035) ** 2))
        baked = mix(column("#c07a36"), column("#9a5a22"), 0.5 + 0.5 * noise(p, 9))
        return mix(baked, column("#ecc98c"), 0.8 * band)

    def icing(p: Array) -> Array:
        q = flat(p)
        angle = np.arctan2(p[2], p[0])
        outside = step(length(p[0], p[2]), RING, 0.3)
        drips = 0.035 * np.sin(5 * angle + 0.6) + 0.022 * np.sin(9 * angle + 2) + 0.012 * np.sin(16 * angle)
        inner = 0.02 * np.sin(4 * angle + 1)
        edge = q[1] - 0.02 + mix(inner, drips, outside)
        return blend_max(torus(q, RING, ICING), -edge, 0.05) * 0.8

    def sprinkles(p: Array) -> Array:
        shell = torus(flat(p), RING, ICING) * 0.85
        distance = np.maximum(shell, 0.02)
        near = np.flatnonzero(shell < CLOSE_LOOK)
        if len(near):
            distance[near] = _sticks(p[:, near], middles, halves)[0] - 0.0125
        return np.asarray(distance)

    def sprinkle_paint(p: Array) -> Array:
        return np.asarray(sprinkle_hues[:, _sticks(p, middles, halves)[1]], np.float32)

    return Scene(
        parts=(
            Part(dough, Material(crust, roughness=0.7, wrap=0.3, bump=lambda p: 0.0012 * noise(p, 60))),
            Part(icing, Material(rgb("#f0709f"), roughness=0.16, reflectance=0.045, wrap=0.35)),
            Part(sprinkles, Material(sprinkle_paint, roughness=0.3, wrap=0.2)),
        ),
        target=(0, 0.17, 0),
        azimuth_deg=14,
        elevation_deg=54,
        distance=3.2,
        backdrop=(0.66, 0.82, 0.80),
        key=(-0.35, 1.0, 0.35),
        bounds=((0, 0.2, 0), 0.66),
        caution=0.8,
    )


def _scatter(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Angles around and over a ring for ``count`` things that keep a distance from each other."""
    placed: list[tuple[float, float, NDArray[np.float64]]] = []
    while len(placed) < count:
        around, over = random.uniform(0, 2 * np.pi), np.pi / 2 + random.uniform(-1.05, 1.05)
        reach = RING + ICING * np.cos(over)
        spot = np.array([reach * np.cos(around), ICING * np.sin(over), reach * np.sin(around)])
        if all(np.linalg.norm(spot - other) > 0.062 for _, _, other in placed):
            placed.append((around, over, spot))
    angles = np.array([(around, over) for around, over, _ in placed], np.float32)
    return angles[:, 0], angles[:, 1]


def _sticks(p: Array, middles: Array, halves: Array) -> tuple[Array, NDArray[np.intp]]:
    """Distance to the nearest of many line segments, and which one it is."""
    from_middle = p[:, None] - middles[:, :, None]
    square = float((halves[:, 0] ** 2).sum())
    t = np.clip((from_middle * halves[:, :, None]).sum(axis=0) / square, -1, 1)
    squares = ((from_middle - halves[:, :, None] * t) ** 2).sum(axis=0)
    return np.sqrt(squares.min(axis=0)), squares.argmin(axis=0)


def cactus() -> Scene:
    """A cactus with a flower in a terracotta pot."""

    def pot(p: Array) -> Array:
        wall = (
            (0, 0.01),
            (0.23, 0.01),
            (0.315, 0.36),
            (0.36, 0.36),
            (0.375, 0.50),
            (0.33, 0.50),
            (0.30, 0.40),
            (0, 0.38),
        )
        return lathe(p, wall, 0.012)

    def clay(p: Array) -> Array:
        stain = 0.5 * noise(p * np.array([[3], [1], [3]], np.float32), 2) + 0.5 * noise(p, 24)
        return mix(column("#c4683f"), column("#d98a5f"), 0.5 + 0.5 * stain)

    def soil(p: Array) -> Array:
        return cylinder(move(p, 0, 0.42, 0), 0.325, 0.03) - 0.012 * noise(p, 26)

    def plant(p: Array) -> Array:
        trunk = _ribbed(p, (0, 0.42, 0), (0, 1.10, 0), 0.215, 14)
        right = blend(
            capsule(p, (0.12, 0.66, 0.02), (0.35, 0.72, 0.05), 0.075),
            _ribbed(p, (0.37, 0.74, 0.05), (0.40, 1.00, 0.06), 0.092, 9),
            0.08,
        )
        left = blend(
            capsule(p, (-0.12, 0.80, 0.04), (-0.30, 0.86, 0.10), 0.06),
            _ribbed(p, (-0.32, 0.88, 0.10), (-0.34, 1.06, 0.12), 0.075, 9),
            0.07,
        )
        return blend(blend(trunk, right, 0.05), left, 0.05) * 0.85

    def skin(p: Array) -> Array:
        green = mix(column("#3c8a4a"), column("#2c6f40"), 0.5 + 0.5 * noise(p, 6))
        angle = np.arctan2(p[2], p[0])
        trunk = step(-length(p[0], p[2]), -0.245, 0.02)
        ridge = step(np.cos(14 * angle), 0.80, 0.3) * trunk
        green = mix(green, column("#7cbf6b"), 0.35 * ridge)
        sideways = np.sin(7 * angle) / 7 * 0.23
        upward = np.sin(p[1] * 36) / 36
        areole = trunk * step(-length(sideways, upward * 0.9), -0.0085, 0.006)
        return mix(green, column("#fff3cf"), np.maximum(areole, specks(p, 15, 0.24, 0.9) * _arms(p)))

    def petals(p: Array) -> Array:
        total = np.full(p.shape[1], 9.0, np.float32)
        for ring, (tilt, reach, turned) in enumerate(((38, 0.10, 0), (62, 0.085, 22.5))):
            for index in range(8):
                q = turn(move(p, 0, 1.305, 0), 1, turned + 45 * index)
                q = move(turn(q, 2, tilt - 8 * ring), reach, 0, 0)
                total = np.minimum(total, ellipsoid(q, 0.105, 0.016, 0.042))
        return total * 0.8

    def pink(p: Array) -> Array:
        out = length(p[0], p[1] - 1.30, p[2])
        return mix(column("#f7c6d8"), column("#e0407f"), step(out, 0.10, 0.14))

    def heart(p: Array) -> Array:
        return ellipsoid(move(p, 0, 1.345, 0), 0.042, 0.04, 0.042) - 0.004 * noise(p, 90)

    return Scene(
        parts=(
            Part(pot, Material(clay, roughness=0.85, bump=lambda p: 0.0008 * noise(p, 70))),
            Part(soil, Material(rgb("#3b2a20"), roughness=1.0, reflectance=0.01)),
            Part(plant, Material(skin, roughness=0.45, wrap=0.25)),
            Part(petals, Material(pink, roughness=0.6, wrap=0.5)),
            Part(heart, Material(rgb("#f5c431"), roughness=0.7, wrap=0.3)),
        ),
        target=(0.02, 0.72, 0),
        azimuth_deg=8,
        elevation_deg=12,
        distance=4.5,
        backdrop=(0.84, 0.76, 0.70),
        bounds=((0, 0.72, 0), 0.86),
        caution=0.75,
    )


def _arms(p: Array) -> Array:
    return step(length(p[0], p[2]), 0.28, 0.02) * step(p[1], 0.6, 0.02)


def _ribbed(
    p: Array, foot: tuple[float, float, float], top: tuple[float, float, float], radius: float, ribs: int
) -> Array:
    """A round-ended column with vertical ribs that fade out at its top."""
    angle = np.arctan2(p[2] - foot[2], p[0] - foot[0])
    fade = step(-p[1], -(top[1] + 0.75 * radius), 0.5 * radius)
    ridges = np.abs(np.cos(ribs / 2 * angle)) * fade
    return np.asarray(capsule(p, foot, top, radius) - 0.10 * radius * ridges)


def sailboat() -> Scene:
    """A wooden toy sailboat."""

    def hull(p: Array) -> Array:
        q = move(p, 0.05, 0.30, 0)
        flare = 0.26 * np.clip(-q[1], 0, 0.3)
        lens = length(q[0] * 0.88, np.abs(q[2]) + 0.62 + flare, q[1] * 0.55) - 0.86
        solid = blend_max(lens, q[1] - 0.02, 0.03)
        solid = blend_max(solid, -(q[1] + 0.293), 0.03)
        solid = blend_max(solid, -(q[0] + 0.62), 0.04)
        return carve(solid, cockpit(p), 0.03)

    def cockpit(p: Array) -> Array:
        return box(move(p, -0.22, 0.34, 0), 0.19, 0.10, 0.105, 0.05)

    def planks(p: Array) -> Array:
        oiled = wood("#c58f55", "#ac753e")(turn(p, 2, 90))
        red = column("#c8322b") * np.ones_like(p)
        white = column("#f5f0e4") * np.ones_like(p)
        painted = np.where(p[1] < 0.215, red, white)
        return np.where((p[1] > 0.306) | (cockpit(p) < 0.012), oiled, painted)

    def rig(p: Array) -> Array:
        mast = capsule(p, (0.06, 0.28, 0), (0.06, 1.52, 0), 0.024, 0.015)
        boom = capsule(p, (0.05, 0.48, 0), (-0.52, 0.46, 0.10), 0.016)
        sprit = capsule(p, (0.55, 0.31, 0), (0.80, 0.36, 0), 0.018)
        return join(mast, boom, sprit)

    def sails(p: Array) -> Array:
        main = _sail(p, ((0.035, 0.50), (0.035, 1.44), (-0.21, 1.06), (-0.53, 0.50)), 0.13)
        jib = _sail(p, ((0.09, 0.46), (0.09, 1.36), (0.76, 0.40)), 0.09)
        return join(main, jib)

    def canvas(p: Array) -> Array:
        cloth = mix(column("#fbf5e6"), column("#efe5cd"), 0.5 + 0.5 * noise(p, 5))
        seams = step(np.cos(p[1] * 52), 0.985, 0.01) * 0.25
        cloth = mix(cloth, column("#b9a583"), seams)
        stripe = ((p[1] > 0.70) & (p[1] < 0.86) & (p[0] < 0.05)).astype(np.float32)
        return mix(cloth, column("#2b6ca3"), stripe)

    def flag(p: Array) -> Array:
        wave = 0.02 * np.sin(p[0] * 24)
        return (
            extrude(
                polygon(p[:2], ((0.055, 1.40), (0.055, 1.52), (-0.15, 1.46))),
                p[2] - wave,
                0.007,
                0.004,
            )
            * 0.8
        )

    return Scene(
        parts=(
            Part(hull, Material(planks, roughness=0.25, reflectance=0.045)),
            Part(rig, Material(wood("#a8703c", "#8d5a2c"), roughness=0.4)),
            Part(sails, Material(canvas, roughness=0.9, wrap=0.6, bump=_cloth)),
            Part(flag, Material(rgb("#d8392b"), roughness=0.8, wrap=0.5)),
        ),
        target=(0.06, 0.76, 0),
        azimuth_deg=24,
        elevation_deg=9,
        distance=4.6,
        backdrop=(0.64, 0.74, 0.84),
        bounds=((0.06, 0.77, 0), 0.98),
        caution=0.7,
    )


def blend_max(a: Array, b: Array, radius: float) -> Array:
    """What two solids share, the edge rounded by about ``radius``."""
    return -blend(-a, -b, radius)


def _sail(p: Array, corners: tuple[tuple[float, float], ...], belly: float) -> Array:
    """A thin cloth between ``corners`` that the wind fills towards the viewer."""
    flat = polygon(p[:2], corners)
    centre = np.array(corners, np.float32).mean(axis=0, keepdims=True).T
    fullness = np.maximum(_depth_inside(p[:2], corners) / _depth_inside(centre, corners), 0)
    return extrude(flat, p[2] - belly * fullness, 0.007, 0.004) * 0.6


def _depth_inside(p: Array, corners: tuple[tuple[float, float], ...]) -> Array:
    """Product of the distances to all sides: smooth, zero on the outline, largest in the middle."""
    product = np.ones(p.shape[1], np.float32)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        side = (x1 - x0) * (p[1] - y0) - (y1 - y0) * (p[0] - x0)
        product = product * np.maximum(side * _turning(corners), 0)
    return product


def _turning(corners: tuple[tuple[float, float], ...]) -> float:
    """1 for corners that run counter-clockwise, -1 for clockwise."""
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return 1.0 if sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) > 0 else -1.0


def _cloth(p: Array) -> Array:
    return np.asarray(0.00006 * np.sin(p[0] * 420) * np.sin(p[1] * 420))
