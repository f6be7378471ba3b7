"""An honest stand-in for a text-to-image model: a labelled still life, drawn from a prompt.

It understands no language: it knows a few words for things, colours and materials, and takes the
rest from a digest of the prompt and the seed. It never pretends to be a model; the label says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from providers.errors import InputError
from providers.local.arrays import Floats
from providers.local.label import labelled
from providers.local.studio.colour import linear, tone_mapped
from providers.local.studio.look import Look
from providers.local.studio.render import Backdrop, Material, Studio
from providers.local.studio.shelf import SHELF

SMALLEST, LARGEST = 64, 4096  # pixels of a side
_RENDERED = 640_000  # pixels that are traced; a larger picture is this one, enlarged

_THINGS: Mapping[str, str] = {
    "mug": "mug", "cup": "mug", "coffee": "mug", "tea": "mug", "teacup": "mug",
    "flask": "flask", "thermos": "flask", "tumbler": "flask",
    "bottle": "bottle", "perfume": "bottle", "wine": "bottle", "shampoo": "bottle",
    "shoe": "shoe", "shoes": "shoe", "sneaker": "shoe", "sneakers": "shoe", "boot": "shoe",
    "trainer": "shoe", "trainers": "shoe", "boots": "shoe",
    "bag": "bag", "handbag": "bag", "purse": "bag", "backpack": "bag", "tote": "bag",
    "lamp": "lamp", "lantern": "lamp",
    "watch": "watch", "wristwatch": "watch", "clock": "watch",
    "plant": "plant", "succulent": "plant", "cactus": "plant", "potted": "plant",
    "book": "books", "books": "books", "notebook": "books", "novel": "books",
    "chair": "armchair", "armchair": "armchair", "sofa": "armchair", "couch": "armchair",
    "soap": "soap",
    "sunglasses": "sunglasses", "glasses": "sunglasses", "spectacles": "sunglasses",
    "vase": "vase", "jar": "vase", "jug": "vase", "pitcher": "vase", "urn": "vase",
    "box": "parcel", "gift": "parcel", "parcel": "parcel", "package": "parcel",
    "ball": "sphere", "sphere": "sphere", "globe": "sphere", "planet": "sphere",
    "bowl": "bowl", "fruit": "bowl", "dish": "bowl",
    "candle": "candle",
}  # fmt: skip
_ANYTHING = ("vase", "parcel", "sphere", "bottle", "candle", "bowl", "flask")

_COLOURS: Mapping[str, str] = {
    "red": "#b92f2b", "crimson": "#a3202f", "blue": "#2c5f9e", "navy": "#22355e",
    "green": "#3b7a50", "emerald": "#1f7a5c", "olive": "#8b8a2e", "white": "#f0eee8",
    "cream": "#ece0c4", "black": "#2b2c30", "yellow": "#e2b033", "orange": "#d9742c",
    "pink": "#dd8c9d", "purple": "#76569a", "violet": "#76569a", "brown": "#7a4f34",
    "grey": "#868a91", "gray": "#868a91", "teal": "#2b7d7e", "turquoise": "#35a3a0",
    "gold": "#d4a550", "golden": "#d4a550", "silver": "#c9ccd0", "copper": "#c47c50",
    "beige": "#d6c3a2", "leather": "#8a5230", "brass": "#cfa45a", "steel": "#c3c8cd",
    "chrome": "#d0d4d8", "wooden": "#9a683f", "terracotta": "#bf6a48", "handmade": "#cdbb8c",
    "clay": "#b8735a", "honey": "#d39a3a", "lavender": "#a99bc8", "mint": "#9cc9b0",
}  # fmt: skip
_PLAIN = (
    "#b5483a", "#2f6690", "#3f7d5a", "#d59b2d", "#76569a", "#2b7d7e",
    "#c96f4a", "#40507a", "#a23e5a", "#7f8f3a",
)  # fmt: skip
_METALS = {"gold", "golden", "silver", "copper", "brass", "steel", "chrome", "metal"}
_GLOSS: Mapping[str, float] = {
    "glass": 0.95, "ceramic": 0.7, "porcelain": 0.75, "velvet": 0.03, "leather": 0.35,
    "wooden": 0.2, "matte": 0.08, "linen": 0.03, "glossy": 0.9, "clay": 0.1,
}  # fmt: skip
_PAPERS = (
    "#d9d4cb", "#c9d3d6", "#e0cfc0", "#cdd6c6", "#d8c9d2", "#bfc8d4",
    "#e3d9b8", "#9fb0b5", "#c2a892", "#7f8c99", "#a9b79a", "#b9a7b5",
)  # fmt: skip


def draw_photo(prompt: str, width: int, height: int, seed: int) -> Image.Image:
    """Return an RGB picture of `width` x `height` pixels, the same for the same prompt and seed.

    One subject on a paper backdrop, with light, shadow and grain, and a label in the corner that
    says that it is a stand-in. Whoever changes how it looks raises the revision of its entry in
    the catalog: the revision is what tells old results from new ones.

    Raises:
        InputError: the prompt is empty, or a side is not from 64 to 4096 pixels.
    """
    if not prompt.strip():
        raise InputError("the prompt is empty. Say what to photograph.")
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise InputError(
            f"a stand-in of {width}x{height} cannot be drawn: each side is"
            f" {SMALLEST} to {LARGEST} pixels."
        )
    digest = hashlib.sha256(f"{seed}\n{prompt.strip()}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    words = re.findall(r"[a-z]+", prompt.lower())
    main, accent, paper = _colours(words, chance)
    subject = SHELF[_thing(words, chance)](Look(main, accent, chance))
    traced = _fitted(width, height)
    picture = tone_mapped(Studio(subject, _backdrop(paper, chance), *traced).photo())
    return labelled(_developed(picture, width, height, chance), prompt)


def _thing(words: Sequence[str], chance: np.random.Generator) -> str:
    """Return what stands on the table: the first thing that the prompt names, else anything."""
    spare = _ANYTHING[int(chance.integers(len(_ANYTHING)))]
    named = next((_THINGS[word] for word in words if word in _THINGS), spare)
    return "flask" if named == "bottle" and {"steel", "water", "metal"} & set(words) else named


def _colours(words: Sequence[str], chance: np.random.Generator) -> tuple[Material, Material, str]:
    """Return the subject's material, an accent that goes with it, and a paper unlike both."""
    order = chance.permutation(len(_PLAIN))
    named = next((word for word in words if word in _COLOURS), None)
    main = _COLOURS[named] if named else _PLAIN[int(order[0])]
    gloss = next(
        (_GLOSS[word] for word in words if word in _GLOSS), float(chance.uniform(0.3, 0.7))
    )
    spare = [_PLAIN[int(place)] for place in order if _apart(_PLAIN[int(place)], main) > 0.25]
    metal = bool(_METALS & set(words)) and (named in _METALS or named is None)
    papers = [_PAPERS[int(place)] for place in chance.permutation(len(_PAPERS))]
    paper = max(papers[:4], key=lambda colour: min(_apart(colour, main), 0.45))
    if _apart(paper, main) < 0.22:
        paper = max(papers, key=lambda colour: _apart(colour, main))
    return (
        Material(linear(main), 0.75 if metal else gloss, metal),
        Material(linear(spare[0]), 0.3),
        paper,
    )


def _apart(first: str, second: str) -> float:
    """Return how far apart two colours look, 0 to about 1.7."""
    pairs = zip(linear(first), linear(second), strict=True)
    return float(np.sqrt(sum((np.sqrt(one) - np.sqrt(two)) ** 2 for one, two in pairs)))


def _backdrop(paper: str, chance: np.random.Generator) -> Backdrop:
    red, green, blue = linear(paper)
    dark, light = (float(chance.uniform(*span)) for span in ((0.62, 0.8), (0.95, 1.08)))
    return Backdrop(
        top=(red * dark, green * dark, blue * dark),
        foot=(red * light, green * light, blue * light),
        glow_x=float(chance.uniform(0.3, 0.6)),
        glow_y=float(chance.uniform(0.45, 0.6)),
    )


def _fitted(width: int, height: int) -> tuple[int, int]:
    ratio = min(1.0, (_RENDERED / (width * height)) ** 0.5)
    return max(8, round(width * ratio)), max(8, round(height * ratio))


def _developed(
    picture: Floats, width: int, height: int, chance: np.random.Generator
) -> Image.Image:
    """Return the picture at its full size in 8 bit, with a trace of film grain against banding."""
    values = picture * np.float32(255)
    if values.shape[:2] != (height, width):
        bands = [
            Image.fromarray(values[:, :, band]).resize((width, height), Image.Resampling.BICUBIC)
            for band in range(3)
        ]
        values = np.dstack([np.asarray(band, np.float32) for band in bands])
    grain = chance.standard_normal((height, width), dtype=np.float32)
    values = values + grain[:, :, None] * np.float32(1.1)
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
