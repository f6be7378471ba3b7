"""Solids as signed distances: the shapes that the stand-in photographer can put on its table.

A solid takes points, a (3, n) float32 array of x to the right, y up and z towards the viewer, and
gives each one's distance to its surface, below zero inside. Light and colour are in `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from providers.local.arrays import Floats

Solid: TypeAlias = Callable[[Floats], Floats]
Point: TypeAlias = tuple[float, float, float]


def _at(points: Floats, centre: Point) -> Floats:
    moved: Floats = points - np.array(centre, np.float32)[:, None]
    return moved


def ball(centre: Point, radii: Point | float) -> Solid:
    """Return a sphere, or an ellipsoid where three radii are given."""
    sizes = np.array([radii] * 3 if isinstance(radii, (int, float)) else radii, np.float32)[:, None]

    def distance(points: Floats) -> Floats:
        scaled = _at(points, centre) / sizes
        near = np.sqrt((scaled * scaled).sum(0))
        slope = np.sqrt(np.square(scaled / sizes).sum(0))
        result: Floats = near * (near - 1) / np.maximum(slope, 1e-4)
        return result

    return distance


def block(centre: Point, halves: Point, rounding: float = 0.05) -> Solid:
    """Return a box with rounded edges; `halves` are half its sides, the rounding included."""
    inner = np.maximum(np.array(halves, np.float32) - rounding, 0.001)[:, None]

    def distance(points: Floats) -> Floats:
        beyond = np.abs(_at(points, centre)) - inner
        outside = np.sqrt(np.square(np.maximum(beyond, 0)).sum(0))
        result: Floats = outside + np.minimum(beyond.max(0), 0) - rounding
        return result

    return distance


def rod(start: Point, end: Point, radius: float, radius_end: float | None = None) -> Solid:
    """Return a rod with round ends, thinning or thickening to `radius_end`."""
    axis = np.array(end, np.float32) - np.array(start, np.float32)
    change = (radius if radius_end is None else radius_end) - radius

    def distance(points: Floats) -> Floats:
        local = _at(points, start)
        along = np.clip((local * axis[:, None]).sum(0) / float(axis @ axis), 0, 1)
        away = np.sqrt(np.square(local - axis[:, None] * along).sum(0))
        result: Floats = away - (radius + change * along)
        return result

    return distance


def disc(centre: Point, radius: float, half: float, axis: int = 1, rounding: float = 0.02) -> Solid:
    """Return a round plate or cylinder of half height `half` along `axis` (0 x, 1 y, 2 z)."""
    others = [other for other in range(3) if other != axis]

    def distance(points: Floats) -> Floats:
        local = _at(points, centre)
        across = np.hypot(local[others[0]], local[others[1]]) - (radius - rounding)
        along = np.abs(local[axis]) - (half - rounding)
        outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
        result: Floats = outside + np.minimum(np.maximum(across, along), 0) - rounding
        return result

    return distance


def ring(
    centre: Point, radius: float, thickness: float, axis: int = 1, squash: float = 1.0
) -> Solid:
    """Return a ring around `axis`; `squash` above 1 makes it narrower in x."""
    others = [other for other in range(3) if other != axis]

    def distance(points: Floats) -> Floats:
        local = _at(points, centre)
        first = local[others[0]] * (squash if others[0] == 0 else 1.0)
        result: Floats = np.hypot(np.hypot(first, local[others[1]]) - radius, local[axis])
        return (result - thickness) / max(1.0, squash)

    return distance


def turned(profile: Sequence[tuple[float, float]], smooth: int = 5) -> Solid:
    """Return a solid of revolution through (radius, height) pairs, from the foot up.

    `smooth` is how far the corners of the profile are rounded, in hundredths of its height.
    """
    radii, heights = (np.array(column, np.float64) for column in zip(*profile, strict=True))
    low, high = float(heights[0]), float(heights[-1])
    levels = np.linspace(low, high, 101)
    outline = np.interp(levels, heights, radii)
    if smooth:
        padded = np.pad(outline, smooth, mode="edge")
        outline = np.convolve(padded, np.ones(2 * smooth + 1) / (2 * smooth + 1), "valid")
    steepest = float(np.abs(np.diff(outline)).max() / (levels[1] - levels[0]))
    scale = 1 / float(np.sqrt(1 + min(steepest, 2.5) ** 2))

    def distance(points: Floats) -> Floats:
        radius = np.interp(points[1], levels, outline).astype(np.float32)
        side = (np.hypot(points[0], points[2]) - radius) * scale
        ends = np.maximum(low - points[1], points[1] - high)
        # Rounded where side and end meet, so that the rim catches the light.
        outside = np.hypot(np.maximum(side + 0.02, 0), np.maximum(ends + 0.02, 0)) - 0.02
        result: Floats = np.where(
            (side > -0.02) & (ends > -0.02), outside, np.maximum(side, ends)
        ).astype(np.float32)
        return result

    return distance


def join(*solids: Solid, soft: float = 0.0) -> Solid:
    """Return the union; `soft` melts them into each other over that distance."""

    def distance(points: Floats) -> Floats:
        result = solids[0](points)
        for solid in solids[1:]:
            other = solid(points)
            if soft:
                mix = np.clip(0.5 + 0.5 * (other - result) / soft, 0, 1)
                result = other + (result - other) * mix - soft * mix * (1 - mix)
            else:
                result = np.minimum(result, other)
        return result

    return distance


def cut(solid: Solid, *others: Solid) -> Solid:
    """Return `solid` without the others."""

    def distance(points: Floats) -> Floats:
        result = solid(points)
        for other in others:
            result = np.maximum(result, -other(points))
        return result

    return distance


def common(*solids: Solid) -> Solid:
    """Return what lies in all of them."""

    def distance(points: Floats) -> Floats:
        result = solids[0](points)
        for other in solids[1:]:
            result = np.maximum(result, other(points))
        return result

    return distance


def grown(solid: Solid, by: float) -> Solid:
    """Return `solid` with a skin of thickness `by`."""
    return lambda points: solid(points) - by


def slab(normal: Point, low: float, high: float) -> Solid:
    """Return all between two planes: where `normal` (of length 1) times the point is in range."""
    direction = np.array(normal, np.float32)[:, None]

    def distance(points: Floats) -> Floats:
        level = (points * direction).sum(0)
        result: Floats = np.maximum(low - level, level - high)
        return result

    return distance


def spun(solid: Solid, degrees: float, axis: int = 1, about: Point = (0, 0, 0)) -> Solid:
    """Return `solid` turned by `degrees` around an axis through `about`."""
    cosine, sine = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    first, second = ((1, 2), (2, 0), (0, 1))[axis]

    def distance(points: Floats) -> Floats:
        local = _at(points, about)
        back = local.copy()
        back[first] = cosine * local[first] + sine * local[second]
        back[second] = cosine * local[second] - sine * local[first]
        return solid(back + np.array(about, np.float32)[:, None])

    return distance


def moved(solid: Solid, by: Point) -> Solid:
    """Return `solid` moved by the given distances."""
    return lambda points: solid(_at(points, by))


def rosette(solid: Solid, count: int, offset: float = 0.0) -> Solid:
    """Return `count` copies of a solid that lies along x, spread around the y axis."""
    step = 2 * np.pi / count

    def distance(points: Floats) -> Floats:
        angle = np.arctan2(points[2], points[0]) + offset
        angle -= np.round(angle / step) * step
        radius = np.hypot(points[0], points[2])
        folded = np.stack([radius * np.cos(angle), points[1], radius * np.sin(angle)])
        return solid(folded.astype(np.float32))

    return distance
