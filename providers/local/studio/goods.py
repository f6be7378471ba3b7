"""Things put together from parts: shoes, bags, watches, books, chairs, boxes."""

from __future__ import annotations

from providers.local.studio.colour import linear
from providers.local.studio.look import GOLD, PAPER, STEEL, WOOD, Look, standing_at
from providers.local.studio.render import Material, Subject
from providers.local.studio.solids import (
    Solid,
    ball,
    block,
    common,
    cut,
    disc,
    grown,
    join,
    moved,
    ring,
    rod,
    rosette,
    slab,
    spun,
)


def shoe(look: Look) -> Subject:
    """Return a running shoe."""
    outline = join(
        rod((-0.72, 0.1, 0), (0.1, 0.1, 0), 0.36, 0.33),
        rod((0.1, 0.1, 0), (0.82, 0.1, 0), 0.33, 0.38),
        soft=0.2,
    )
    sole = common(outline, slab((0, 1, 0), 0.0, 0.2))
    foot = join(
        ball((0.56, 0.26, 0), (0.60, 0.30, 0.35)),
        rod((-0.62, 0.42, 0), (0.30, 0.34, 0), 0.34, 0.32),
        rod((-0.74, 0.42, 0), (-0.66, 0.84, 0), 0.31, 0.27),
        rod((-0.40, 0.66, 0), (0.20, 0.44, 0), 0.27, 0.25),
        soft=0.14,
    )
    upper = cut(foot, rod((-0.60, 0.98, 0), (-0.64, 1.6, 0), 0.23), slab((0, 1, 0), -1, 0.17))
    tongue = rod((-0.34, 1.0, 0), (0.0, 0.72, 0), 0.13)
    skin = cut(grown(upper, 0.014), slab((0, 1, 0), -1, 0.2))
    stripes = common(
        skin,
        join(slab((0.86, 0.51, 0), -0.06, 0.08), slab((0.86, 0.51, 0), 0.18, 0.32)),
        slab((0, 1, 0), 0, 0.66),
        slab((1, 0, 0), -0.5, 0.5),
    )
    heel = common(skin, slab((1, 0, 0), -2, -0.88), slab((0, 1, 0), 0, 0.8))
    cap = common(skin, slab((1, 0, 0), 0.84, 2))
    steps = [(0.12 * step - 0.14, 0.87 - 0.075 * step) for step in range(4)]
    laces = join(*(rod((x, y, -0.17), (x + 0.05, y - 0.02, 0.17), 0.032) for x, y in steps))
    parts = [
        (sole, Material(linear("#f5f3ec"), 0.2)),
        (join(upper, tongue, soft=0.04), look.main),
        (join(stripes, heel, cap), look.accent),
        (laces, PAPER),
    ]
    return standing_at(parts, -24, 1.22, 1.16, 0.9)


def bag(look: Look) -> Subject:
    """Return a handbag."""
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
        (join(clasp, rings), GOLD),
    ]
    return standing_at(parts, 18, 1.12, 1.52, 0.62)


def watch(look: Look) -> Subject:
    """Return a wristwatch standing on its strap."""
    face = (0.0, 0.84, 0.62)
    band = cut(disc((0, 0.8, 0), 0.78, 0.27, axis=0), disc((0, 0.8, 0), 0.68, 0.6, axis=0))
    loop = common(band, slab((0, 0, 1), -9, 0.6))
    case = disc(face, 0.60, 0.13, axis=2, rounding=0.06)
    bezel = ring((0, 0.84, 0.75), 0.52, 0.055, axis=2)
    crown = disc((0.64, 0.84, 0.62), 0.08, 0.06, axis=0)
    dial = disc((0, 0.84, 0.72), 0.49, 0.05, axis=2)
    hands = join(
        rod((0, 0.84, 0.785), (0.20, 1.02, 0.785), 0.022),
        rod((0, 0.84, 0.785), (-0.2, 1.14, 0.785), 0.016),
    )
    dots = spun(rosette(ball((0.40, 0, 0), 0.026), 12), 90, 0)
    marks = moved(dots, (0, 0.84, 0.775))
    parts = [
        (loop, Material(linear("#5b3a26"), 0.25)),
        (join(case, bezel, crown), STEEL),
        (dial, look.main),
        (join(hands, marks), PAPER),
    ]
    return standing_at(parts, 20, 0.82, 1.6, 0.86)


def books(look: Look) -> Subject:
    """Return a stack of four books."""
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
            (spun(pages, angle), PAPER),
            (spun(band, angle), GOLD),
        ]
        level += 2 * half
    return Subject(parts, 1.12, level + 0.02, 1.0)


def armchair(look: Look) -> Subject:
    """Return an armchair with a pillow."""
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
        (legs, WOOD),
    ]
    return standing_at(parts, 28, 1.26, 1.66, 1.2)


def soap(look: Look) -> Subject:
    """Return two bars of soap."""
    lower = spun(block((0, 0.25, 0), (0.86, 0.25, 0.56), 0.16), -16)
    upper = block((0.05, 0.71, 0.02), (0.82, 0.24, 0.52), 0.17)
    oval = ring((0.05, 0.955, 0.02), 0.27, 0.022, axis=1, squash=0.6)
    upper = spun(cut(upper, oval), 20)
    wrap = common(grown(lower, 0.012), spun(slab((1, 0, 0), -0.3, 0.3), -16))
    return Subject([(upper, look.main), (lower, look.main), (wrap, look.accent)], 1.08, 1.0, 0.92)


def sunglasses(look: Look) -> Subject:
    """Return a pair of sunglasses."""

    def rim(x: float) -> Solid:
        return ring((x, 0.44, 0), 0.37, 0.065, axis=2, squash=0.85)

    lenses = join(*(ball((x, 0.44, 0), (0.42, 0.36, 0.035)) for x in (-0.56, 0.56)))
    bridge = rod((-0.16, 0.56, 0.02), (0.16, 0.56, 0.02), 0.055)
    arms = join(
        *(rod((x, 0.6, 0), (x * 0.97, 0.56, -1.15), 0.05, 0.045) for x in (-1.0, 1.0)),
        *(rod((x * 0.97, 0.56, -1.15), (x * 0.95, 0.22, -1.5), 0.045, 0.06) for x in (-1.0, 1.0)),
    )
    frame = join(rim(-0.56), rim(0.56), bridge, soft=0.04)
    parts = [(join(frame, arms), look.main), (lenses, Material(linear("#2b3036"), 0.95))]
    return standing_at(
        [(moved(solid, (0, 0, 0.62)), material) for solid, material in parts], 24, 1.36, 0.9, 1.3
    )


def parcel(look: Look) -> Subject:
    """Return a gift box with a bow."""
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
    return standing_at(
        [(join(body, lid), look.main), (join(band, bow), look.accent)], 30, 1.02, 1.54, 1.0
    )
