"""Render the photographs of the examples: `uv run python examples/render_photos.py`.

Things on paper, linen or wood in a small studio, as people photograph their goods: off the middle,
in uneven light of some colour, with soft shadows, a little blur and noise. The pictures beside this
file in `photos/` were made by it; it makes the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from providers.local.arrays import Floats
from providers.local.studio.colour import linear, tone_mapped
from providers.local.studio.look import Look
from providers.local.studio.render import Backdrop, Material, Studio
from providers.local.studio.shelf import SHELF

FOLDER = Path(__file__).parent / "photos"
_WHITE, _BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scene:
    """One photograph: a file, its size, what it shows on what, where that stands, in which light."""

    file: str
    width: int
    height: int
    thing: str
    colour: str
    accent: str
    paper: str
    surface: str = "paper"
    off: tuple[float, float] = (0.0, 0.0)  # of the shorter side, right and down
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gloss: float = 0.5
    metal: bool = False
    noise: float = 2.0  # levels of 255
    traced: float = 0.6  # of the size: what a lens resolves


SCENES: Sequence[Scene] = (
    Scene("mug.jpg", 500, 420, "mug", "#b4362e", "#e8dcc4", "#b9c2c6", off=(0.07, 0.05),
          light=(1.06, 1.0, 0.9), noise=3.0, traced=1.0),
    Scene("shoe.jpg", 1800, 1200, "shoe", "#2f6f8f", "#e07a3f", "#6f6a66", off=(-0.14, 0.04),
          light=(1.02, 1.0, 0.97), gloss=0.2),
    Scene("lamp.jpg", 1200, 1800, "lamp", "#c99b4e", "#2f4858", "#7f9183", off=(0.05, 0.12),
          light=(1.1, 1.0, 0.84), gloss=0.75, metal=True, noise=2.5),
    Scene("bag.jpg", 1700, 1300, "bag", "#7d3b26", "#d8a657", "#d9cfba", "linen",
          off=(0.12, -0.02), gloss=0.3),
    Scene("soap.jpg", 1600, 900, "soap", "#d8cba0", "#8c5a3c", "#5d7078", off=(-0.1, 0.03),
          light=(1.04, 1.0, 0.95), gloss=0.25),
    Scene("vase.png", 1000, 1250, "vase", "#2f7f7a", "#e6d9b8", "#ffffff", "nothing", gloss=0.6,
          noise=0.0, traced=2.0),
    Scene("plant.jpg", 1400, 2000, "plant", "#bf6a48", "#e2d3b1", "#cfc6b4", "linen",
          off=(-0.06, 0.16), light=(0.98, 1.0, 1.03)),
    Scene("books.jpg", 900, 680, "books", "#8f2f3c", "#d6a545", "#9b6b45", "wood",
          off=(0.06, 0.03), light=(1.07, 1.0, 0.88), noise=3.0, traced=0.8),
)  # fmt: skip


def photograph(scene: Scene, share: float = 1.0) -> Image.Image:
    """Return the photograph, at a share of its size where it is only to be looked at."""
    width, height = round(scene.width * share), round(scene.height * share)
    chance = np.random.default_rng(sum(scene.file.encode()))
    subject, light, alpha = _traced(scene, width, height)
    if scene.surface == "nothing":
        subject = subject / np.maximum(alpha, 0.05)[:, :, None]  # edges are the subject's alone
    surface = _SURFACES[scene.surface](width, height, chance) * np.array(linear(scene.paper))
    picture = subject + light * surface
    picture *= _uneven(width, height, chance)[:, :, None] * np.array(scene.light)
    shown = tone_mapped(picture.astype(np.float32)) * np.float32(255)
    shown += _noise(scene.noise, width, height, chance)
    result = Image.fromarray(np.clip(np.rint(shown), 0, 255).astype(np.uint8))
    if scene.surface == "nothing":
        result.putalpha(Image.fromarray(np.rint(alpha * 255).astype(np.uint8)))
    return result


def encoded(scene: Scene, picture: Image.Image) -> bytes:
    """Return the bytes of the file."""
    buffer = BytesIO()
    if scene.file.endswith(".png"):
        picture.save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=84, subsampling=2, optimize=True)
    return buffer.getvalue()


def _traced(scene: Scene, width: int, height: int) -> tuple[Floats, Floats, Floats]:
    """Return the subject's own light, the light that the backdrop has, and the subject's alpha.

    Two pictures are traced, on black and on white: what differs is backdrop and shadow.
    """
    look = Look(
        Material(linear(scene.colour), scene.gloss, scene.metal),
        Material(linear(scene.accent), 0.3),
        np.random.default_rng(sum(scene.thing.encode())),
    )
    across, down = (round(part * min(width, height)) for part in scene.off)
    ratio = scene.traced
    size = (round((width + 2 * abs(across)) * ratio), round((height + 2 * abs(down)) * ratio))
    thing = SHELF[scene.thing](look)
    black, white = (
        Studio(thing, Backdrop(paper, paper, 0.4, 0.45), *size).photo()
        for paper in (_BLACK, _WHITE)
    )
    left, top = abs(across) - across, abs(down) - down
    backdrop = np.maximum(white - black, 0)
    alpha = 1 - np.clip(backdrop.max(2) / 0.12, 0, 1)  # the deepest shadow is lighter than that
    whole = (width + 2 * abs(across), height + 2 * abs(down))
    by = cv2.INTER_AREA if ratio > 1 else cv2.INTER_CUBIC
    black, backdrop, alpha = (
        np.maximum(
            cv2.resize(part, whole, interpolation=by)[top : top + height, left : left + width], 0
        ).astype(np.float32)
        for part in (black, backdrop, alpha)
    )
    return black, backdrop, alpha


def _paper(width: int, height: int, chance: np.random.Generator) -> Floats:
    """A trace of grain, as card has it."""
    return (1 + 0.02 * _soft(width, height, chance, min(width, height) / 260))[:, :, None]


def _linen(width: int, height: int, chance: np.random.Generator) -> Floats:
    """Threads across and down, some thicker than others."""
    step = min(width, height) / 220
    warp, weft = (
        np.repeat(chance.normal(0, 1, round(side / step) + 2), max(1, round(step)))[:side]
        for side in (width, height)
    )
    warp, weft = (np.resize(line, side) for line, side in ((warp, width), (weft, height)))
    cloth = 0.024 * (warp[None, :] + weft[:, None])
    folds = 0.05 * _soft(width, height, chance, min(width, height) / 5)
    cloth = cv2.GaussianBlur(cloth.astype(np.float32), (0, 0), max(0.6, step / 4))
    return np.asarray(1 + cloth + folds, np.float32)[:, :, None]


def _wood(width: int, height: int, chance: np.random.Generator) -> Floats:
    """Boards that lie across, with a grain along them."""
    short = min(width, height)
    wavy = _soft(width, height, chance, short / 4) * short / 60
    rows = np.arange(height, dtype=np.float32)[:, None] + wavy
    grain = cv2.GaussianBlur(
        chance.standard_normal((height, width)).astype(np.float32),
        (0, 0),
        sigmaX=short / 8,
        sigmaY=max(0.7, short / 500),
    )
    grain /= max(float(grain.std()), 1e-6)
    rings = np.sin(rows / (short / 34)) * 0.06 + np.sin(rows / (short / 90)) * 0.025
    tone = 1 + 0.07 * grain + rings
    board = (rows / (short / 3.1)) % 1
    tone *= 1 - 0.55 * np.exp(-np.square(np.minimum(board, 1 - board) / 0.006))
    warm = np.array([1.0, 1.0 - 0.02, 1.0 - 0.05], np.float32)
    return np.asarray(tone[:, :, None] ** (2 - warm), np.float32)


def _nothing(width: int, height: int, chance: np.random.Generator) -> Floats:
    return np.zeros((height, width, 1), np.float32)


_SURFACES = {"paper": _paper, "linen": _linen, "wood": _wood, "nothing": _nothing}


def _soft(width: int, height: int, chance: np.random.Generator, spread: float) -> Floats:
    """Return slow waves of so many pixels, of mean 0 and spread 1."""
    ratio = min(1.0, 4 / spread)
    size = (max(4, round(width * ratio)), max(4, round(height * ratio)))
    field = chance.standard_normal((size[1], size[0])).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), max(0.5, spread * ratio / 2))
    field = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), np.float32)


def _uneven(width: int, height: int, chance: np.random.Generator) -> Floats:
    """Return light that falls off to one side and in the corners, with a soft pool in it."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = across / width - 0.5, down / height - 0.5
    angle = float(chance.uniform(0, 2 * np.pi))
    falloff = 1 + 0.22 * (u * np.cos(angle) + v * np.sin(angle))
    corners = 1 - 0.28 * (u * u + v * v)
    pool = 1 + 0.035 * _soft(width, height, chance, min(width, height) / 2.5)
    return np.asarray(falloff * corners * pool, np.float32)


def _noise(strength: float, width: int, height: int, chance: np.random.Generator) -> Floats:
    """Return a sensor's noise: of brightness, and a little of colour in larger grains."""
    grain = chance.standard_normal((height, width, 1)).astype(np.float32)
    small = chance.standard_normal((-(-height // 3), -(-width // 3), 3)).astype(np.float32)
    colour = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(strength * (0.7 * grain + 0.5 * colour), np.float32)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in SCENES:
        data = encoded(one, photograph(one))
        (FOLDER / one.file).write_bytes(data)
        print(f"{one.file:16} {one.width:5} x {one.height:<5} {len(data) / 1000:7.0f} kB")
