"""What the stand-in photographer has on its shelf: mugs, shoes, lamps, chairs, books and so on.

Each builder takes the chosen colours and a generator for its small liberties, and gives a
`Subject` that stands on y = 0. Which one a prompt calls for is decided in `standin`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from providers.local.render import Material, Subject, linear
from providers.local.solids import (
    Solid,
    ball,
    block,
    common,
    cut,
    disc,
    grown,
    join,
    ring,
    rod,
    rosette,
    slab,
    spun,
    turned,
)

_WOOD = Material(linear("#8a5a35"), 0.25)
_GOLD = Material(linear("#d8b26a"), 0.8, metal=True)
_STEEL = Material(linear("#c4c8cc"), 0.8, metal=True)
_PAPER = Material(linear("#efe7d4"), 0.05)
_DARK = Material(linear("#26262a"), 0.4)


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of one picture: `main` is the subject's own, `accent` goes with it."""

    main: Material
    accent: Material
    chance: np.random.Generator


def _mug(look: Look) -> Subject:
    body = turned([(0.50, 0), (0.56, 0.05), (0.58, 0.5), (0.58, 1.2)], 2)
    inside = disc((0, 0.75, 0), 0.50, 0.64)
    handle = ring((-0.60, 0.62, 0), 0.33, 0.085, axis=2)
    whole = cut(join(body, handle, soft=0.08), inside)
    coffee = disc((0, 0.98, 0), 0.515, 0.02)
    parts = [
        (spun(whole, 200), look.main),
        (coffee, Material(linear("#4a2c1a"), 0.6)),
    ]
    return Subject(parts, 0.98, 1.22, 0.72)


def _bottle(look: Look) -> Subject:
    width = float(look.chance.uniform(0.36, 0.44))
    profile = [
        (width * 0.9, 0),
        (width, 0.06),
        (width, 1.15),
        (width * 0.86, 1.32),
        (0.15, 1.62),
        (0.14, 1.98),
    ]
    glass = turned(profile, 4)
    band = common(grown(glass, 0.008), slab((0, 1, 0), 0.32, 0.92))
    cork = turned([(0.11, 1.97), (0.12, 2.14)], 1)
    lip = ring((0, 1.93, 0), 0.14, 0.035)
    stripe = common(grown(glass, 0.012), slab((0, 1, 0), 0.70, 0.76))
    parts = [(join(glass, lip), look.main), (band, _PAPER), (stripe, look.accent), (cork, _WOOD)]
    return Subject(parts, 0.46, 2.16, 0.46)


def _flask(look: Look) -> Subject:
    body = turned([(0.40, 0), (0.42, 0.05), (0.42, 1.42), (0.30, 1.68), (0.29, 1.74)], 4)
    cap = turned([(0.31, 1.74), (0.32, 1.78), (0.32, 2.05), (0.28, 2.1)], 1)
    loop = ring((0, 2.08, 0), 0.17, 0.045, axis=2)
    base = common(grown(body, 0.008), slab((0, 1, 0), 0, 0.22))
    return Subject(
        [(body, look.main), (join(cap, loop), look.accent), (base, _DARK)], 0.45, 2.3, 0.45
    )


def _vase(look: Look) -> Subject:
    belly, neck, high = (float(look.chance.uniform(*span)) for span in _VASE)
    profile = [
        (0.26, 0),
        (0.34, 0.05),
        (belly, 0.36 * high),
        (belly * 0.86, 0.58 * high),
        (neck, 0.84 * high),
        (neck * 1.5, high),
    ]
    body = cut(turned(profile, 8), rod((0, 0.5 * high, 0), (0, high + 0.2, 0), neck * 0.8))
    level = float(look.chance.uniform(0.3, 0.5)) * high
    band = common(grown(body, 0.006), slab((0, 1, 0), level, level + 0.16))
    return Subject([(body, look.main), (band, look.accent)], belly + 0.05, high, belly + 0.05)


_VASE = ((0.5, 0.72), (0.16, 0.26), (1.6, 2.0))


def _shoe(look: Look) -> Subject:
    sole = join(
        block((-0.45, 0.13, 0), (0.66, 0.13, 0.34), 0.12),
        block((0.52, 0.11, 0), (0.74, 0.11, 0.40), 0.11),
        soft=0.15,
    )
    foot = join(
        ball((0.62, 0.26, 0), (0.60, 0.30, 0.36)),
        rod((-0.55, 0.48, 0), (0.42, 0.32, 0), 0.33, 0.30),
        rod((-0.68, 0.42, 0), (-0.62, 0.80, 0), 0.34, 0.26),
        soft=0.16,
    )
    upper = cut(foot, rod((-0.56, 0.92, 0), (-0.62, 1.5, 0), 0.22), slab((0, 1, 0), -1, 0.12))
    tongue = rod((-0.36, 0.98, 0), (0.10, 0.62, 0), 0.15)
    stripe = common(
        grown(upper, 0.014), slab((0.86, 0.51, 0), -0.02, 0.13), slab((0, 1, 0), 0, 0.72)
    )
    second = common(grown(upper, 0.014), slab((0.86, 0.51, 0), 0.24, 0.39), slab((0, 1, 0), 0, 0.6))
    heel = common(grown(upper, 0.014), slab((1, 0, 0), -2, -0.86))
    laces = join(
        *(
            rod(
                (x, 0.84 - 0.62 * (x + 0.2), -0.17),
                (x + 0.05, 0.82 - 0.62 * (x + 0.2), 0.17),
                0.035,
            )
            for x in (-0.16, 0.0, 0.16, 0.32)
        )
    )
    parts = [
        (sole, Material(linear("#f3f1ea"), 0.2)),
        (join(upper, tongue, soft=0.04), look.main),
        (join(stripe, second, heel), look.accent),
        (laces, _PAPER),
    ]
    return _turned_by(parts, -24, 1.36, 1.16, 0.9)


def _bag(look: Look) -> Subject:
    body = common(
        block((0, 0.52, 0), (1.0, 0.52, 0.34), 0.14),
        slab((0.985, 0.17, 0), -9, 0.97),
        slab((-0.985, 0.17, 0), -9, 0.97),
    )
    flap = common(grown(body, 0.03), slab((0, 1, 0), 0.55, 9))
    strap = ring((0, 0.98, 0), 0.46, 0.055, axis=2)
    rings = join(ring((-0.45, 1.06, 0), 0.08, 0.028, axis=2), ring((0.45, 1.06, 0), 0.08, 0.028, 2))
    clasp = block((0, 0.56, 0.37), (0.14, 0.09, 0.035), 0.03)
    parts = [
        (body, look.main),
        (join(flap, strap), look.main),
        (grown(common(body, slab((0, 1, 0), 0.52, 0.55)), 0.035), look.accent),
        (join(clasp, rings), _GOLD),
    ]
    return _turned_by(parts, 18, 1.12, 1.52, 0.62)


def _lamp(look: Look) -> Subject:
    base = turned([(0.46, 0), (0.46, 0.06), (0.40, 0.1), (0.06, 0.13)], 1)
    stem = join(rod((0, 0.1, 0), (0, 1.3, 0), 0.045), ball((0, 0.62, 0), 0.1), soft=0.08)
    shade = turned([(0.68, 1.2), (0.36, 1.92)], 0)
    hollow = cut(shade, turned([(0.64, 1.15), (0.33, 1.89)], 0))
    trim = join(ring((0, 1.22, 0), 0.665, 0.022), ring((0, 1.9, 0), 0.37, 0.022))
    bulb = ball((0, 1.42, 0), 0.18)
    parts = [
        (join(base, stem), look.main if look.main.metal else _GOLD),
        (hollow, look.accent if look.main.metal else look.main),
        (trim, _GOLD),
        (bulb, Material(linear("#ffe9b8"), 0.1, glow=1.6)),
    ]
    return Subject(parts, 0.72, 1.96, 0.72)


def _watch(look: Look) -> Subject:
    face = (0.0, 0.84, 0.62)
    loop = cut(disc((0, 0.8, 0), 0.78, 0.27, axis=0), disc((0, 0.8, 0), 0.68, 0.6, axis=0))
    case = disc(face, 0.60, 0.13, axis=2, rounding=0.06)
    bezel = ring((0, 0.84, 0.75), 0.52, 0.055, axis=2)
    crown = disc((0.64, 0.84, 0.62), 0.08, 0.06, axis=0)
    dial = disc((0, 0.84, 0.72), 0.49, 0.05, axis=2)
    hands = join(
        rod((0, 0.84, 0.785), (0.20, 1.02, 0.785), 0.022),
        rod((0, 0.84, 0.785), (-0.2, 1.14, 0.785), 0.016),
    )
    marks = join(
        *(
            ball((0.40 * float(np.sin(angle)), 0.84 + 0.40 * float(np.cos(angle)), 0.775), 0.025)
            for angle in np.arange(12) * np.pi / 6
        )
    )
    parts = [
        (loop, Material(linear("#5b3a26"), 0.25)),
        (join(case, bezel, crown), _STEEL),
        (dial, look.main),
        (join(hands, marks), _PAPER),
    ]
    return _turned_by(parts, 20, 0.82, 1.6, 0.86)


def _plant(look: Look) -> Subject:
    pot = turned([(0.36, 0), (0.38, 0.03), (0.50, 0.62), (0.56, 0.64), (0.57, 0.78)], 1)
    soil = disc((0, 0.76, 0), 0.50, 0.02)
    leaves = Material(linear("#5f8f58"), 0.3)
    young = Material(linear("#8fb877"), 0.3)
    outer = rosette(spun(ball((0.42, 0.86, 0), (0.40, 0.075, 0.17)), 24, 2, (0, 0.86, 0)), 9)
    middle = rosette(spun(ball((0.33, 0.9, 0), (0.34, 0.075, 0.15)), 46, 2, (0, 0.9, 0)), 8, 0.35)
    inner = rosette(spun(ball((0.24, 0.95, 0), (0.28, 0.07, 0.11)), 68, 2, (0, 0.95, 0)), 6, 0.2)
    parts = [
        (pot, look.main),
        (soil, Material(linear("#3a2a20"), 0.05)),
        (outer, leaves),
        (middle, leaves),
        (inner, young),
    ]
    return Subject(parts, 0.86, 1.52, 0.86)


def _books(look: Look) -> Subject:
    covers = [
        look.main,
        look.accent,
        Material(linear("#d9cdb4"), 0.2),
        Material(linear("#44506a"), 0.25),
    ]
    parts: list[tuple[Solid, Material]] = []
    level = 0.0
    for cover in covers:
        half = float(look.chance.uniform(0.11, 0.18))
        wide, deep = (float(look.chance.uniform(*span)) for span in ((0.82, 0.98), (0.56, 0.68)))
        angle = float(look.chance.uniform(-14, 22))
        y = level + half
        board = block((0, y, 0), (wide, half, deep), 0.035)
        pages = block((0.02, y, 0), (wide, half - 0.035, deep - 0.05), 0.01)
        band = common(grown(board, 0.006), slab((1, 0, 0), -0.62, -0.5), slab((0, 0, 1), 0.2, 9))
        parts += [
            (spun(board, angle), cover),
            (spun(pages, angle), _PAPER),
            (spun(band, angle), _GOLD),
        ]
        level += 2 * half
    return Subject(parts, 1.12, level + 0.02, 1.0)


def _armchair(look: Look) -> Subject:
    seat = block((0, 0.48, 0.05), (0.62, 0.2, 0.62), 0.09)
    back = spun(block((0, 0.98, -0.52), (0.66, 0.62, 0.17), 0.14), -7, 0, (0, 0.5, -0.5))
    arms = join(
        block((-0.74, 0.62, 0.04), (0.16, 0.34, 0.64), 0.12),
        block((0.74, 0.62, 0.04), (0.16, 0.34, 0.64), 0.12),
    )
    cushion = block((0, 0.74, 0.1), (0.56, 0.13, 0.56), 0.11)
    pillow = spun(block((0.08, 1.08, -0.16), (0.34, 0.3, 0.11), 0.1), -14, 0, (0, 0.8, -0.2))
    feet = [(x, z) for x in (-0.66, 0.66) for z in (-0.5, 0.56)]
    legs = join(*(rod((x, 0.32, z), (x * 1.05, 0.05, z * 1.05), 0.07, 0.04) for x, z in feet))
    parts = [
        (join(seat, back, soft=0.03), look.main),
        (join(arms, cushion), look.main),
        (pillow, look.accent),
        (legs, _WOOD),
    ]
    return _turned_by(parts, 28, 1.26, 1.66, 1.2)


def _soap(look: Look) -> Subject:
    lower = spun(block((0, 0.25, 0), (0.86, 0.25, 0.56), 0.16), -16)
    upper = block((0.05, 0.73, 0.02), (0.82, 0.24, 0.52), 0.17)
    oval = ring((0.05, 0.975, 0.02), 0.27, 0.022, axis=1, squash=0.6)
    upper = spun(cut(upper, oval), 20)
    wrap = common(grown(lower, 0.012), spun(slab((1, 0, 0), -0.3, 0.3), -16))
    return Subject([(upper, look.main), (lower, look.main), (wrap, look.accent)], 1.08, 1.0, 0.92)


def _sunglasses(look: Look) -> Subject:
    def rim(x: float) -> Solid:
        return ring((x, 0.44, 0), 0.37, 0.065, axis=2, squash=0.85)

    lenses = join(*(spun(ball((x, 0.44, 0), (0.42, 0.36, 0.035)), 0) for x in (-0.56, 0.56)))
    bridge = rod((-0.16, 0.56, 0.02), (0.16, 0.56, 0.02), 0.055)
    arms = join(
        *(rod((x, 0.6, 0), (x * 0.97, 0.56, -1.15), 0.05, 0.045) for x in (-1.0, 1.0)),
        *(rod((x * 0.97, 0.56, -1.15), (x * 0.95, 0.22, -1.5), 0.045, 0.06) for x in (-1.0, 1.0)),
    )
    frame = join(rim(-0.56), rim(0.56), bridge, soft=0.04)
    parts = [(join(frame, arms), look.main), (lenses, Material(linear("#2b3036"), 0.95))]
    return _turned_by(
        [(_lowered(solid, -0.62), material) for solid, material in parts], 24, 1.36, 0.9, 1.3
    )


def _lowered(solid: Solid, depth: float) -> Solid:
    """Return `solid` moved along z, so that it turns about its middle."""
    return lambda points: solid(points + np.array([[0], [0], [depth]], np.float32))


def _parcel(look: Look) -> Subject:
    body = block((0, 0.55, 0), (0.74, 0.55, 0.6), 0.04)
    lid = block((0, 1.06, 0), (0.78, 0.13, 0.64), 0.04)
    band = join(
        common(grown(join(body, lid), 0.012), slab((1, 0, 0), -0.1, 0.1)),
        common(grown(join(body, lid), 0.012), slab((0, 0, 1), -0.1, 0.1)),
    )
    bow = join(
        spun(ring((-0.2, 1.32, 0), 0.15, 0.05, axis=2, squash=0.7), 12),
        spun(ring((0.2, 1.32, 0), 0.15, 0.05, axis=2, squash=0.7), -12),
        ball((0, 1.24, 0), 0.09),
        soft=0.05,
    )
    return _turned_by(
        [(join(body, lid), look.main), (join(band, bow), look.accent)], 30, 1.02, 1.54, 1.0
    )


def _sphere(look: Look) -> Subject:
    whole = ball((0, 0.8, 0), 0.8)
    band = common(grown(whole, 0.008), spun(slab((0, 1, 0), -0.1, 0.1), 24, 2, (0, 0.8, 0)))
    ring_foot = ring((0, 0.06, 0), 0.34, 0.06)
    stripe = common(grown(whole, 0.006), slab((0.4, 0.9165, 0), 0.72, 0.92))
    return Subject(
        [(whole, look.main), (join(band, stripe), look.accent), (ring_foot, _WOOD)],
        0.82,
        1.61,
        0.82,
    )


def _bowl(look: Look) -> Subject:
    outer = turned([(0.34, 0), (0.36, 0.08), (0.62, 0.3), (0.86, 0.62), (0.92, 0.8)], 3)
    whole = cut(outer, ball((0, 0.98, 0), (0.82, 0.72, 0.82)))
    fruit = join(
        ball((-0.28, 0.74, 0.1), 0.34),
        ball((0.32, 0.72, 0.18), 0.33),
        ball((0.02, 0.78, -0.3), 0.34),
    )
    return Subject([(whole, look.main), (fruit, look.accent)], 0.96, 1.14, 0.96)


def _candle(look: Look) -> Subject:
    jar = turned([(0.52, 0), (0.56, 0.04), (0.56, 1.0)], 2)
    body = cut(jar, disc((0, 1.0, 0), 0.5, 0.2))
    wax = disc((0, 0.82, 0), 0.51, 0.04)
    wick = rod((0, 0.8, 0), (0.01, 1.02, 0), 0.02)
    flame = join(
        ball((0.01, 1.12, 0), 0.075), rod((0.01, 1.14, 0), (0.01, 1.34, 0), 0.06, 0.01), soft=0.05
    )
    band = common(grown(jar, 0.008), slab((0, 1, 0), 0.3, 0.66))
    parts = [
        (body, look.main),
        (band, _PAPER),
        (wax, Material(linear("#f4ead2"), 0.3)),
        (wick, _DARK),
        (flame, Material(linear("#ffd27a"), 0.0, glow=2.2)),
    ]
    return Subject(parts, 0.6, 1.4, 0.6)


def _turned_by(
    parts: list[tuple[Solid, Material]], degrees: float, half: float, height: float, depth: float
) -> Subject:
    return Subject([(spun(solid, degrees), look) for solid, look in parts], half, height, depth)


SHELF: Mapping[str, Callable[[Look], Subject]] = {
    "armchair": _armchair,
    "bag": _bag,
    "books": _books,
    "bottle": _bottle,
    "bowl": _bowl,
    "candle": _candle,
    "flask": _flask,
    "lamp": _lamp,
    "mug": _mug,
    "parcel": _parcel,
    "plant": _plant,
    "shoe": _shoe,
    "soap": _soap,
    "sphere": _sphere,
    "sunglasses": _sunglasses,
    "vase": _vase,
    "watch": _watch,
}
