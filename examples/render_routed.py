"""Render the pictures of routed.csv and characters.csv: `uv run python examples/render_routed.py`.

Things and toy characters on plain paper in the small studio that draws this project's stand-ins.
The pictures routed-*.jpg and character-*.jpg beside this file were made by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from providers.local.arrays import Floats
from providers.local.studio.colour import linear, tone_mapped
from providers.local.studio.look import GOLD, Look
from providers.local.studio.render import Backdrop, Material, Studio, Subject
from providers.local.studio.shelf import SHELF
from providers.local.studio.solids import ball, disc, join, ring, rod, turned

FOLDER = Path(__file__).parent
_NEAR = 0.8  # of what the studio shows: goods fill more of their picture
# file, width, height, thing, its colour, another that goes with it, paper
GOODS: Sequence[tuple[str, int, int, str, str, str, str]] = (
    ("routed-shoe.jpg", 1200, 900, "shoe", "#b9413a", "#f0e6d2", "#56646b"),
    ("routed-shoe-small.jpg", 560, 420, "shoe", "#2f5f8f", "#e0a03f", "#7a6a5c"),
    ("routed-armchair.jpg", 1200, 1000, "armchair", "#3f7a66", "#9a683f", "#d8cfc0"),
    ("routed-lamp.jpg", 900, 1200, "lamp", "#c99b4e", "#2f4858", "#8fa39a"),
    ("routed-bag.jpg", 1200, 900, "bag", "#7d3b26", "#d8a657", "#d9d2c2"),
    ("routed-vase.png", 900, 1100, "vase", "#2f7f7a", "#e6d9b8", "transparent"),
)
CHARACTERS: Sequence[tuple[str, str, str, str, str]] = (
    ("character-robot.jpg", "robot", "#d9742c", "#2f4858", "#cfd8d6"),
    ("character-bear.jpg", "bear", "#8a5a34", "#ecd9b8", "#c9d3c0"),
)


def robot(look: Look) -> Subject:
    """Return a round toy robot with an aerial, standing."""
    dark, eye = Material(linear("#20262e"), 0.7), Material(linear("#8fe0ff"), 0.6, glow=0.5)
    body = turned(((0.0, 0.30), (0.40, 0.30), (0.46, 0.55), (0.42, 0.92), (0.0, 0.96)), 12)
    face = ball((0, 1.25, 0.16), (0.31, 0.21, 0.26))
    arms = join(
        rod((-0.47, 0.80, 0), (-0.66, 0.46, 0.12), 0.085),
        rod((0.47, 0.80, 0), (0.70, 1.06, 0.14), 0.085),
    )
    legs = join(
        rod((-0.2, 0.12, 0), (-0.2, 0.36, 0), 0.11), rod((0.2, 0.12, 0), (0.2, 0.36, 0), 0.11)
    )
    feet = join(
        ball((-0.22, 0.09, 0.08), (0.18, 0.09, 0.24)), ball((0.22, 0.09, 0.08), (0.18, 0.09, 0.24))
    )
    parts = [
        (join(body, ball((0, 1.25, 0), (0.42, 0.34, 0.36))), look.main),
        (join(arms, legs, disc((0, 0.98, 0), 0.2, 0.06)), look.accent),
        (join(feet, ball((-0.67, 0.44, 0.13), 0.12), ball((0.71, 1.09, 0.15), 0.12)), look.main),
        (face, dark),
        (join(ball((-0.13, 1.27, 0.38), 0.065), ball((0.13, 1.27, 0.38), 0.065)), eye),
        (rod((0, 1.55, 0), (0, 1.78, 0), 0.025), look.accent),
        (join(ball((0, 1.82, 0), 0.07), ring((0, 0.62, 0), 0.455, 0.03)), GOLD),
    ]
    return Subject(parts, 0.8, 1.9, 0.5)


def bear(look: Look) -> Subject:
    """Return a sitting toy bear."""
    dark = Material(linear("#1d1a18"), 0.8)
    head = join(
        ball((0, 1.12, 0), (0.42, 0.38, 0.36)),
        ball((-0.32, 1.42, 0), (0.15, 0.15, 0.1)),
        ball((0.32, 1.42, 0), (0.15, 0.15, 0.1)),
        soft=0.05,
    )
    limbs = join(
        rod((-0.36, 0.72, 0.05), (-0.60, 0.42, 0.22), 0.14),
        rod((0.36, 0.72, 0.05), (0.60, 0.42, 0.22), 0.14),
        rod((-0.26, 0.18, 0.1), (-0.44, 0.17, 0.55), 0.17),
        rod((0.26, 0.18, 0.1), (0.44, 0.17, 0.55), 0.17),
    )
    pale = join(
        ball((0, 1.03, 0.30), (0.19, 0.15, 0.14)),
        ball((0, 0.48, 0.26), (0.28, 0.32, 0.16)),
        ball((-0.47, 0.18, 0.68), (0.12, 0.12, 0.06)),
        ball((0.47, 0.18, 0.68), (0.12, 0.12, 0.06)),
        ball((-0.32, 1.42, 0.06), (0.09, 0.09, 0.06)),
        ball((0.32, 1.42, 0.06), (0.09, 0.09, 0.06)),
    )
    parts = [
        (join(ball((0, 0.5, 0), (0.42, 0.48, 0.36)), head, limbs, soft=0.06), look.main),
        (pale, look.accent),
        (join(ball((-0.15, 1.2, 0.325), 0.045), ball((0.15, 1.2, 0.325), 0.045)), dark),
        (ball((0, 1.08, 0.44), (0.07, 0.05, 0.04)), dark),
        (ring((0, 0.83, 0.02), 0.30, 0.05), Material(linear("#a63a3a"), 0.3)),
    ]
    return Subject(parts, 0.75, 1.6, 0.8)


def picture(
    subject: Subject, width: int, height: int, paper: str, seed: int, near: float = 1.0
) -> Image.Image:
    """Return a photograph of it on paper with a trace of noise, or cut out on nothing."""
    if paper == "transparent":
        return _cut_out(subject, width, height)
    wide, high = round(width / near), round(height / near)
    left, top = (wide - width) // 2, (high - height) // 2
    colour = linear(paper)
    shade = tuple(part * 0.72 for part in colour)
    whole = tone_mapped(Studio(subject, Backdrop(shade, colour, 0.4, 0.5), wide, high).photo())
    shown = whole[top : top + height, left : left + width]
    noise = np.random.default_rng(seed).standard_normal((height, width, 1), dtype=np.float32)
    return Image.fromarray(np.clip(np.rint(shown * 255 + noise * 1.6), 0, 255).astype(np.uint8))


def _cut_out(subject: Subject, width: int, height: int) -> Image.Image:
    """Return the subject alone: what differs between black paper and white is not the subject."""
    black, white = (
        Studio(subject, Backdrop(paper, paper, 0.4, 0.45), width, height).photo()
        for paper in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    )
    alpha: Floats = 1 - np.clip(np.maximum(white - black, 0).max(2) / 0.12, 0, 1)
    own = tone_mapped(black / np.maximum(alpha, 0.05)[:, :, None])
    cut = Image.fromarray(np.clip(np.rint(own * 255), 0, 255).astype(np.uint8))
    cut.putalpha(Image.fromarray(np.rint(alpha * 255).astype(np.uint8)))
    return cut


def _look(colour: str, accent: str, seed: int) -> Look:
    chance = np.random.default_rng(seed)
    return Look(Material(linear(colour), 0.35), Material(linear(accent), 0.3), chance)


def _save(image: Image.Image, name: str) -> None:
    options = {"optimize": True} if name.endswith(".png") else {"quality": 85, "optimize": True}
    image.save(FOLDER / name, **options)
    print(f"{name:26} {image.width} x {image.height} {(FOLDER / name).stat().st_size // 1000} kB")


def main() -> None:
    """Render all of them."""
    for number, (name, width, height, thing, colour, accent, paper) in enumerate(GOODS):
        subject = SHELF[thing](_look(colour, accent, number))
        _save(picture(subject, width, height, paper, number, _NEAR), name)
    for number, (name, which, colour, accent, paper) in enumerate(CHARACTERS):
        subject = {"robot": robot, "bear": bear}[which](_look(colour, accent, number))
        _save(picture(subject, 900, 900, paper, number), name)


if __name__ == "__main__":
    main()
