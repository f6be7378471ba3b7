"""Light on solids: a small studio with one key light, softboxes and a seamless paper backdrop.

Solids and materials in, linear picture out; deterministic, no randomness. What is put on the
table, and what it is for, is decided in `standin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from providers.local.arrays import Flags, Floats
from providers.local.studio.solids import Solid

_KEY = np.array([-0.52, 0.72, 0.46], np.float32)  # from the upper left, before the subject
_KEY /= float(np.sqrt((_KEY * _KEY).sum()))
_FAR = 40.0
_STEPS = 90


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface answers light; `colour` is linear RGB, 0 to 1."""

    colour: tuple[float, float, float]
    gloss: float = 0.35
    metal: bool = False
    glow: float = 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """Solids with their materials, standing on y = 0 within the given half sizes and height."""

    parts: Sequence[tuple[Solid, Material]]
    half_width: float
    height: float
    half_depth: float

    def distance(self, points: Floats) -> Floats:
        """Return the distance of each point to the nearest part."""
        result = self.parts[0][0](points)
        for solid, _ in self.parts[1:]:
            result = np.minimum(result, solid(points))
        return result


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The paper: linear RGB high up and low down, and where the light pool lies, 0 to 1."""

    top: tuple[float, float, float]
    foot: tuple[float, float, float]
    glow_x: float
    glow_y: float


class Studio:
    """A camera in front of one subject; `photo` gives its picture."""

    def __init__(self, subject: Subject, backdrop: Backdrop, width: int, height: int) -> None:
        self._subject, self._backdrop = subject, backdrop
        self._width, self._height = width, height
        short = min(width, height)
        fill = 0.66  # of the short side, so that a shadow and a label find room
        seen = max(2 * subject.half_width, subject.height * 1.06, 2 * subject.half_depth)
        self._pixel = seen / fill / short
        tilt, away = np.radians(13.0), seen * 4.2
        middle = np.array([0, subject.height * 0.47, 0], np.float32)
        self._back = np.array([0, np.sin(tilt), np.cos(tilt)], np.float32)
        self._up = np.array([0, np.cos(tilt), -np.sin(tilt)], np.float32)
        self._eye = middle + self._back * np.float32(away)
        self._away = float(away)
        self._shadow = self._floor_shadow()

    def photo(self) -> Floats:
        """Return the picture as (height, width, 3) linear RGB, smoothed where edges are."""
        rows, columns = np.mgrid[0 : self._height, 0 : self._width].astype(np.float32)
        flat = self._shade(columns.ravel() + 0.5, rows.ravel() + 0.5)
        picture = flat.reshape(self._height, self._width, 3)
        edges = _edges(picture)
        if edges.any():
            at_row, at_column = (place.astype(np.float32) for place in np.nonzero(edges))
            total = np.zeros((at_row.size, 3), np.float32)
            for right, down in ((0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625)):
                total += np.minimum(self._shade(at_column + right, at_row + down), 1.2)
            picture[edges] = total / 4
        return picture

    def _shade(self, x: Floats, y: Floats) -> Floats:
        """Return the linear colour seen at pixel places `x`, `y`."""
        across = (x - self._width / 2) * self._pixel
        upward = (self._height / 2 - y) * self._pixel
        rays = np.stack(
            [
                across,
                self._up[1] * upward - self._back[1] * self._away,
                self._up[2] * upward - self._back[2] * self._away,
            ]
        )
        rays /= np.sqrt((rays * rays).sum(0))
        colours = self._paper(
            x * np.float32(1 / self._width), y * np.float32(1 / self._height), rays
        )
        far = self._march(rays)
        seen = np.nonzero(far < _FAR)[0]
        if seen.size:
            points = self._eye[:, None] + rays[:, seen] * far[seen]
            colours[seen] = self._surface(points, rays[:, seen])
        return colours

    def _march(self, rays: Floats) -> Floats:
        """Return how far along each ray the subject is; _FAR where it is missed."""
        near, leave = self._bounds(rays)
        far = np.full(rays.shape[1], _FAR, np.float32)
        alive = np.nonzero(leave > near)[0]
        along = near[alive]
        for _ in range(_STEPS):
            if not alive.size:
                break
            gap = self._subject.distance(self._eye[:, None] + rays[:, alive] * along)
            hit = gap < 0.0012
            far[alive[hit]] = along[hit]
            along = along + gap * np.float32(0.9)
            going = ~hit & (along < leave[alive])
            alive, along = alive[going], along[going]
        return far

    def _bounds(self, rays: Floats) -> tuple[Floats, Floats]:
        """Return where each ray enters and leaves the box that holds the subject."""
        subject = self._subject
        low = np.array([-subject.half_width, 0.0, -subject.half_depth], np.float32) - 0.02
        high = np.array([subject.half_width, subject.height, subject.half_depth], np.float32) + 0.02
        safe = np.where(np.abs(rays) < 1e-6, np.float32(1e-6), rays)
        first = (low - self._eye)[:, None] / safe
        second = (high - self._eye)[:, None] / safe
        near: Floats = np.minimum(first, second).max(0)
        leave: Floats = np.maximum(first, second).min(0)
        return near, leave

    def _surface(self, points: Floats, rays: Floats) -> Floats:
        """Return the lit colour of surface points."""
        normals = self._normals(points)
        colour, gloss, metal, glow = self._materials(points)
        facing = np.maximum((normals * _KEY[:, None]).sum(0), 0)
        lit = facing * self._light(points + normals * 0.02, 0.05, 14, 9.0)
        ambient = (0.34 + 0.22 * normals[1]) * self._openness(points, normals)
        bounce = np.maximum(-normals[1], 0) * 0.12 + np.maximum(normals[0], 0) * 0.10
        diffuse = colour * (lit * 0.95 + ambient + bounce)[:, None]
        mirror = rays - 2 * (rays * normals).sum(0) * normals
        edge = np.clip(1 + (rays * normals).sum(0), 0, 1) ** 4
        shine = _softboxes(mirror, gloss)[:, None]
        strength = gloss * (0.10 + 0.55 * edge)
        glossy = diffuse + shine * strength[:, None]
        wall = 0.16 + 0.3 * np.clip(0.4 - mirror[0], 0, 1)  # the lit side of the room
        metallic = colour * (shine * 0.85 + 0.22 * diffuse + wall[:, None])
        result: Floats = np.where(metal[:, None], metallic, glossy) + colour * glow[:, None]
        return result

    def _normals(self, points: Floats) -> Floats:
        total = np.zeros_like(points)
        for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            offset = np.array(corner, np.float32)[:, None]
            total += offset * self._subject.distance(points + offset * np.float32(0.0025))
        length = np.sqrt((total * total).sum(0))
        result: Floats = total / np.maximum(length, 1e-9)
        return result

    def _materials(self, points: Floats) -> tuple[Floats, Floats, Flags, Floats]:
        gaps = np.stack([solid(points) for solid, _ in self._subject.parts])
        nearest = gaps.argmin(0)
        materials = [material for _, material in self._subject.parts]
        colour = np.array([material.colour for material in materials], np.float32)[nearest]
        gloss = np.array([material.gloss for material in materials], np.float32)[nearest]
        metal = np.array([material.metal for material in materials], np.bool_)[nearest]
        glow = np.array([material.glow for material in materials], np.float32)[nearest]
        return colour, gloss, metal, glow

    def _light(self, points: Floats, start: float, steps: int, hardness: float) -> Floats:
        """Return how much of the key light reaches each point, 0 to 1, with soft borders."""
        reach = np.ones(points.shape[1], np.float32)
        along = np.full(points.shape[1], start, np.float32)
        for _ in range(steps):
            gap = self._subject.distance(points + _KEY[:, None] * along)
            reach = np.minimum(reach, np.clip(0.5 + 0.5 * hardness * gap / along, 0, 1))
            along = along + np.clip(np.abs(gap), 0.05, 0.5)
        result: Floats = reach * reach * (3 - 2 * reach)
        return result

    def _openness(self, points: Floats, normals: Floats) -> Floats:
        """Return 1 in the open, less in folds and near the floor."""
        closed = np.zeros(points.shape[1], np.float32)
        for far, weight in ((0.06, 1.3), (0.18, 0.8), (0.4, 0.4)):
            probe = points + normals * np.float32(far)
            gap = np.minimum(self._subject.distance(probe), np.maximum(probe[1], 0))
            closed += weight * np.maximum(far - gap, 0) / far
        result: Floats = np.clip(1 - 0.32 * closed, 0.25, 1)
        return result

    def _floor_shadow(self) -> Floats:
        """Return the light that reaches the floor, on a grid that covers the subject's shadow."""
        self._reach = 2.2 * max(
            self._subject.half_width, self._subject.height, self._subject.half_depth
        )
        steps = np.linspace(-self._reach, self._reach, 150, dtype=np.float32)
        x, z = np.meshgrid(steps, steps)
        points = np.stack([x.ravel(), np.full(x.size, 0.01, np.float32), z.ravel()])
        light = self._light(points, 0.02, 34, 3.2)
        near = self._subject.distance(points + np.array([[0], [0.05], [0]], np.float32))
        contact = np.clip(near / 0.45, 0, 1) ** 0.7
        reached = ((0.5 + 0.5 * light) * (0.55 + 0.45 * contact)).reshape(x.shape)
        return _smoothed(reached.astype(np.float32))

    def _paper(self, u: Floats, v: Floats, rays: Floats) -> Floats:
        """Return the backdrop's colour: a gradient with a pool of light, and the shadow on it."""
        paper = self._backdrop
        mix = np.clip(v, 0, 1)[:, None] ** 1.3
        colour = np.array(paper.top, np.float32) * (1 - mix) + np.array(paper.foot) * mix
        away = np.hypot((u - paper.glow_x) * 1.1, v - paper.glow_y)
        colour = colour * (1.16 - 0.42 * np.clip(away, 0, 1.2) ** 1.6)[:, None]
        down = np.minimum(rays[1], -1e-4)
        floor = self._eye[:, None] + rays * (-self._eye[1] / down)
        shadow = _sample(self._shadow, floor[0] / self._reach, floor[2] / self._reach)
        result: Floats = (colour * np.where(rays[1] < -1e-3, shadow, 1)[:, None]).astype(np.float32)
        return result


def _smoothed(grid: Floats) -> Floats:
    """Return `grid` averaged over 5 by 5 places, which hides the steps of the shadow's rays."""
    for axis in (0, 1):
        padded = np.pad(grid, [(2, 2) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        parts = [np.take(padded, range(k, k + grid.shape[axis]), axis) for k in range(5)]
        grid = (sum(parts[1:], parts[0]) / np.float32(5)).astype(np.float32)
    return grid


def _sample(grid: Floats, x: Floats, z: Floats) -> Floats:
    """Return `grid` read at places from -1 to 1, smoothly; 1 beyond its border."""
    size = grid.shape[0]
    column = np.clip((x + 1) * (0.5 * (size - 1)), 0, size - 1.001)
    row = np.clip((z + 1) * (0.5 * (size - 1)), 0, size - 1.001)
    left, top = column.astype(np.intp), row.astype(np.intp)
    right, down = column - left, row - top
    upper = grid[top, left] * (1 - right) + grid[top, left + 1] * right
    lower = grid[top + 1, left] * (1 - right) + grid[top + 1, left + 1] * right
    value = upper * (1 - down) + lower * down
    fade = np.clip((np.maximum(np.abs(x), np.abs(z)) - 0.75) / 0.25, 0, 1)
    result: Floats = value * (1 - fade) + fade
    return result


def _softboxes(mirror: Floats, gloss: Floats) -> Floats:
    """Return what a mirror would see of the studio: a window left, a strip right, the room."""
    blur = 0.05 + 0.5 * (1 - gloss) ** 2
    room = 0.22 + 0.30 * np.clip(mirror[1], -0.4, 1)
    window = _box(mirror[0], -0.62, 0.30, blur) * _box(mirror[1], 0.42, 0.36, blur)
    strip = _box(mirror[0], 0.86, 0.09, blur) * _box(mirror[1], 0.25, 0.55, blur)
    front = (mirror[2] > -0.35).astype(np.float32)
    result: Floats = room + (2.6 * window + 1.1 * strip) * front
    return result


def _box(values: Floats, centre: float, half: float, blur: Floats) -> Floats:
    result: Floats = np.clip((half - np.abs(values - centre)) / blur + 0.5, 0, 1)
    return result


def _edges(picture: Floats) -> Flags:
    """Return where neighbouring pixels differ so much that one ray each is too few."""
    tone = np.sqrt(np.clip(picture, 0, 1))
    edges = np.zeros(picture.shape[:2], np.bool_)
    down = np.abs(np.diff(tone, axis=0)).max(2) > 0.035
    right = np.abs(np.diff(tone, axis=1)).max(2) > 0.035
    edges[:-1] |= down
    edges[1:] |= down
    edges[:, :-1] |= right
    edges[:, 1:] |= right
    return edges
