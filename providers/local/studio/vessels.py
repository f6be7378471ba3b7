"""Things with an axis to turn about: mugs, bottles, vases, lamps, pots, balls."""

from __future__ import annotations

from providers.local.studio.colour import linear
from providers.local.studio.look import DARK, GOLD, PAPER, WOOD, Look
from providers.local.studio.render import Material, Subject
from providers.local.studio.solids import (
    ball,
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

_VASE_SIZES = ((0.5, 0.72), (0.16, 0.26), (1.6, 2.0))  # belly, neck and height


def mug(look: Look) -> Subject:
    """Return a mug with its handle to the right."""
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


def bottle(look: Look) -> Subject:
    """Return a bottle with a label and a cork."""
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
    parts = [(join(glass, lip), look.main), (band, PAPER), (stripe, look.accent), (cork, WOOD)]
    return Subject(parts, 0.46, 2.16, 0.46)


def flask(look: Look) -> Subject:
    """Return a drinking bottle with a screw cap."""
    body = turned([(0.40, 0), (0.42, 0.05), (0.42, 1.42), (0.30, 1.68), (0.29, 1.74)], 4)
    cap = turned([(0.31, 1.74), (0.32, 1.78), (0.32, 2.05), (0.28, 2.1)], 1)
    loop = ring((0, 2.08, 0), 0.17, 0.045, axis=2)
    base = common(grown(body, 0.008), slab((0, 1, 0), 0, 0.22))
    return Subject(
        [(body, look.main), (join(cap, loop), look.accent), (base, DARK)], 0.45, 2.3, 0.45
    )


def vase(look: Look) -> Subject:
    """Return a vase of a shape that chance picks."""
    belly, neck, high = (float(look.chance.uniform(*span)) for span in _VASE_SIZES)
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


def bowl(look: Look) -> Subject:
    """Return a bowl of fruit."""
    outer = turned([(0.34, 0), (0.36, 0.08), (0.62, 0.3), (0.86, 0.62), (0.92, 0.8)], 3)
    whole = cut(outer, ball((0, 0.98, 0), (0.82, 0.72, 0.82)))
    fruit = join(
        ball((-0.28, 0.74, 0.1), 0.34),
        ball((0.32, 0.72, 0.18), 0.33),
        ball((0.02, 0.78, -0.3), 0.34),
    )
    return Subject([(whole, look.main), (fruit, look.accent)], 0.96, 1.14, 0.96)


def candle(look: Look) -> Subject:
    """Return a candle in a glass."""
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
        (band, PAPER),
        (wax, Material(linear("#f4ead2"), 0.3)),
        (wick, DARK),
        (flame, Material(linear("#ffd27a"), 0.0, glow=2.2)),
    ]
    return Subject(parts, 0.6, 1.4, 0.6)


def lamp(look: Look) -> Subject:
    """Return a table lamp, lit."""
    base = turned([(0.46, 0), (0.46, 0.06), (0.40, 0.1), (0.06, 0.13)], 1)
    stem = join(rod((0, 0.1, 0), (0, 1.3, 0), 0.045), ball((0, 0.62, 0), 0.1), soft=0.08)
    shade = turned([(0.68, 1.2), (0.36, 1.92)], 0)
    hollow = cut(shade, turned([(0.64, 1.15), (0.33, 1.89)], 0))
    trim = join(ring((0, 1.22, 0), 0.665, 0.022), ring((0, 1.9, 0), 0.37, 0.022))
    bulb = ball((0, 1.42, 0), 0.18)
    parts = [
        (join(base, stem), look.main if look.main.metal else GOLD),
        (hollow, look.accent if look.main.metal else look.main),
        (trim, GOLD),
        (bulb, Material(linear("#ffe9b8"), 0.1, glow=1.6)),
    ]
    return Subject(parts, 0.72, 1.96, 0.72)


def plant(look: Look) -> Subject:
    """Return a succulent in a pot."""
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


def sphere(look: Look) -> Subject:
    """Return a ball with two stripes on a small stand."""
    whole = ball((0, 0.8, 0), 0.8)
    band = common(grown(whole, 0.008), spun(slab((0, 1, 0), -0.1, 0.1), 24, 2, (0, 0.8, 0)))
    ring_foot = ring((0, 0.06, 0), 0.34, 0.06)
    stripe = common(grown(whole, 0.006), slab((0.4, 0.9165, 0), 0.72, 0.92))
    return Subject(
        [(whole, look.main), (join(band, stripe), look.accent), (ring_foot, WOOD)],
        0.82,
        1.61,
        0.82,
    )
