"""An armchair, a mug, a rubber duck and an apple, about one unit large, standing on the ground at y = 0."""

import numpy as np

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
    specks,
    sphere,
    torus,
    turn,
)
from scripts.examples.paints import column, mix, rgb, step, wood
from scripts.examples.render import Material, Part, Scene


def chair() -> Scene:
    """An armchair in teal wool on oak legs."""
    fabric = Material(rgb("#1a6a68"), roughness=1.0, reflectance=0.015, wrap=0.15, bump=_weave)
    cushion = Material(rgb("#217775"), roughness=1.0, reflectance=0.015, wrap=0.15, bump=_weave)
    oak = Material(wood("#b98552", "#a06d3f"), roughness=0.35)

    def frame(p: Array) -> Array:
        back = box(turn(move(p, 0, 0.70, -0.34), 0, -11), 0.43, 0.42, 0.085, 0.08)
        arms = box(turn(move(mirror(p), 0.43, 0.45, 0.02), 2, -4), 0.075, 0.20, 0.37, 0.07)
        return blend(blend(back, arms, 0.05), box(move(p, 0, 0.29, -0.01), 0.42, 0.085, 0.37, 0.05), 0.04)

    def cushions(p: Array) -> Array:
        q = move(p, 0, 0.435, 0.045)
        puff = 0.03 * np.cos(np.clip(q[0] / 0.34, -1, 1) * 1.57) * np.cos(np.clip(q[2] / 0.37, -1, 1) * 1.57)
        seat = box(q, 0.335, 0.075, 0.365, 0.065) - puff
        r = turn(move(p, 0, 0.735, -0.215), 0, -13)
        puff = 0.04 * np.cos(np.clip(r[0] / 0.34, -1, 1) * 1.57) * np.cos(np.clip(r[1] / 0.28, -1, 1) * 1.57)
        buttons = sphere(move(mirror(r), 0.13, 0.03, 0.132), 0.035)
        return join(seat, carve(box(r, 0.33, 0.27, 0.07, 0.065) - puff, buttons, 0.06))

    def legs(p: Array) -> Array:
        return capsule(mirror(mirror(p), 2), (0.31, 0.24, 0.27), (0.37, 0.025, 0.34), 0.042, 0.022)

    return Scene(
        parts=(Part(frame, fabric), Part(cushions, cushion), Part(legs, oak)),
        target=(0, 0.53, 0),
        azimuth_deg=30,
        elevation_deg=14,
        distance=3.9,
        backdrop=(0.78, 0.70, 0.62),
        bounds=((0, 0.56, 0), 0.85),
        caution=0.8,
    )


def _weave(p: Array) -> Array:
    across, along, through = np.sin(p[0] * 330), np.sin(p[1] * 330), np.sin(p[2] * 330)
    threads = across * along + along * through + through * across
    return np.asarray(0.00009 * threads + 0.0006 * noise(p, 55))


def mug() -> Scene:
    """A stoneware mug with coffee, glazed in coral over a raw foot."""

    def body(p: Array) -> Array:
        wall = lathe(
            p, ((0, 0.012), (0.33, 0.012), (0.385, 0.07), (0.40, 0.84), (0.382, 0.84), (0.366, 0.12), (0, 0.10)), 0.014
        )
        q = turn(move(p, 0.43, 0.45, 0), 0, 90)
        q = q * np.array([[1.12], [1.0], [0.82]], np.float32)
        handle = torus(q, 0.225, 0.05) * 0.85
        return blend(wall, np.maximum(handle, 0.385 - length(p[0], p[2])), 0.05)

    def glaze(p: Array) -> Array:
        edge = 0.13 + 0.012 * noise(p * np.array([[1], [0], [1]], np.float32), 7)
        coat = mix(column("#d9593f"), column("#c24a33"), 0.5 + 0.5 * noise(p, 5))
        inside = (length(p[0], p[2]) < 0.388) & (p[1] > 0.1)
        coat = np.where(inside, column("#f3e6d2"), coat)
        coat = mix(coat, column("#f2d9c0"), step(p[1], 0.842, 0.012) * 0.75)
        clay = mix(column("#c9a27c"), column("#b48a63"), 0.5 + 0.5 * noise(p, 30))
        freckles = np.maximum(specks(p, 26, 0.4, 0.3), specks(p + 5, 60, 0.5, 0.25))
        return mix(clay, mix(coat, column("#5b2a20"), 0.6 * freckles), step(p[1] - edge, 0.0, 0.012))

    def coffee(p: Array) -> Array:
        return cylinder(move(p, 0, 0.70, 0), 0.39, 0.03)

    def crema(p: Array) -> Array:
        rim = step(length(p[0], p[2]), 0.335, 0.05)
        return mix(column("#2a140a"), column("#7a4a26"), np.clip(rim + 0.12 * noise(p, 9), 0, 1))

    return Scene(
        parts=(
            Part(body, Material(glaze, roughness=0.10, reflectance=0.05)),
            Part(coffee, Material(crema, roughness=0.05, reflectance=0.03)),
        ),
        target=(0.09, 0.42, 0),
        azimuth_deg=-24,
        elevation_deg=20,
        distance=3.5,
        backdrop=(0.70, 0.76, 0.80),
        bounds=((0.1, 0.43, 0), 0.78),
        caution=0.85,
    )


def duck() -> Scene:
    """A rubber duck."""

    def body(p: Array) -> Array:
        trunk = ellipsoid(move(p, -0.02, 0.325, 0), 0.54, 0.36, 0.42)
        trunk = blend(trunk, capsule(p, (-0.30, 0.42, 0), (-0.62, 0.68, 0), 0.20, 0.045), 0.22)
        trunk = blend(trunk, capsule(p, (0.26, 0.52, 0), (0.29, 0.78, 0), 0.24, 0.22), 0.14)
        trunk = blend(trunk, sphere(move(p, 0.30, 0.92, 0), 0.305), 0.06)
        wing = turn(turn(move(mirror(p, 2), -0.10, 0.45, 0.375), 2, 16), 1, -6)
        wing = ellipsoid(wing, 0.29, 0.16, 0.085)
        return np.asarray(np.maximum(blend(trunk, wing, 0.05), 0.005 - p[1]))

    def beak(p: Array) -> Array:
        q = mirror(p, 2)
        upper = ellipsoid(turn(move(p, 0.625, 0.875, 0), 2, 12), 0.155, 0.048, 0.125)
        lower = ellipsoid(turn(move(p, 0.595, 0.815, 0), 2, -8), 0.12, 0.038, 0.098)
        nostrils = sphere(move(q, 0.60, 0.925, 0.035), 0.012)
        return carve(blend(upper, lower, 0.03), nostrils, 0.015)

    def eyes(p: Array) -> Array:
        return ellipsoid(turn(move(mirror(p, 2), 0.505, 0.995, 0.178), 1, -40), 0.05, 0.066, 0.032)

    def pupils(p: Array) -> Array:
        return ellipsoid(turn(move(mirror(p, 2), 0.528, 0.992, 0.186), 1, -40), 0.036, 0.05, 0.03)

    rubber = Material(rgb("#fbb406"), roughness=0.22, reflectance=0.045, wrap=0.45)
    return Scene(
        parts=(
            Part(body, rubber),
            Part(beak, Material(rgb("#f26a12"), roughness=0.25, wrap=0.3)),
            Part(eyes, Material(rgb("#fafafa"), roughness=0.12)),
            Part(pupils, Material(rgb("#0d0d10"), roughness=0.05)),
        ),
        target=(0.04, 0.56, 0),
        azimuth_deg=32,
        elevation_deg=11,
        distance=4.1,
        backdrop=(0.56, 0.74, 0.80),
        bounds=((0, 0.58, 0), 0.92),
        caution=0.75,
    )


def apple() -> Scene:
    """A red apple with a leaf."""

    def fruit(p: Array) -> Array:
        q = move(p, 0, 0.388, 0)
        around = np.arctan2(q[2], q[0])
        low = step(-q[1], 0.05, 0.7)
        lobes = 1 + 0.03 * np.cos(5 * around) * low + 0.02 * np.cos(3 * around + 1) * (1 - low)
        radial = length(q[0], q[2]) / lobes * (1 + 0.22 * low)
        return (length(radial - 0.205, q[1] * 0.76 + 0.012 * np.cos(2 * around)) - 0.305) * 0.75

    def skin(p: Array) -> Array:
        around = np.arctan2(p[2], p[0])
        ring = np.stack([np.cos(around), p[1] * 0.16, np.sin(around)])
        streaks = 0.55 * noise(ring, 9) + 0.45 * noise(ring, 23)
        crown = step(p[1], 0.71, 0.2) * step(-length(p[0], p[2]), -0.27, 0.3)
        red = mix(column("#b30d1a"), column("#8c0613"), 0.5 + 0.5 * noise(p, 2.2))
        red = mix(red, column("#d8402a"), step(streaks, 0.28, 0.4) * 0.6)
        skin = mix(red, column("#c99a34"), np.clip(crown * 1.15 + 0.35 * streaks * crown, 0, 1))
        return mix(skin, column("#f0c79c"), 0.55 * specks(p, 24, 0.34, 0.5))

    def stem(p: Array) -> Array:
        return blend(
            capsule(p, (0, 0.60, 0), (0.015, 0.82, 0), 0.021, 0.018),
            capsule(p, (0.015, 0.82, 0), (0.07, 0.96, 0.02), 0.018, 0.03),
            0.02,
        )

    def leaf(p: Array) -> Array:
        q = turn(turn(move(p, 0.05, 0.86, 0.02), 1, 12), 2, 18)
        q = turn(q, 0, 34)
        along = np.clip(q[0] / 0.44, 0, 1)
        width = 0.125 * np.sin(np.pi * along**0.8) + 0.004
        curl = 0.10 * along * along - 0.9 * q[2] * q[2] + 0.006 * np.cos(along * 40) * np.abs(q[2]) * 6
        outside = np.maximum(np.maximum(-q[0], q[0] - 0.44), np.abs(q[2]) - width)
        return extrude(outside, q[1] + curl, 0.008, 0.004) * 0.6

    def green(p: Array) -> Array:
        return mix(column("#346b1e"), column("#568f28"), 0.5 + 0.5 * noise(p, 12))

    return Scene(
        parts=(
            Part(fruit, Material(skin, roughness=0.16, reflectance=0.05, wrap=0.2)),
            Part(stem, Material(rgb("#5a3a22"), roughness=0.7, bump=lambda p: 0.004 * noise(p, 60))),
            Part(leaf, Material(green, roughness=0.4, wrap=0.5)),
        ),
        target=(0.02, 0.45, 0),
        azimuth_deg=10,
        elevation_deg=17,
        distance=3.35,
        backdrop=(0.76, 0.76, 0.72),
        bounds=((0, 0.48, 0), 0.74),
        caution=0.8,
    )
