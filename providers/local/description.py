"""An honest stand-in for a model that says what pictures show: what can be measured, in words.

It recognises nothing. The same pixels always give the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from PIL import Image

from providers.local.arrays import Bytes
from providers.local.saliency import small_lab
from providers.local.segment import subject_mask

_SIDE = 160  # pixels: enough for colours and for where the subject is
_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "black": (25, 25, 28), "dark grey": (75, 77, 80), "grey": (135, 137, 140),
    "light grey": (200, 202, 205), "white": (245, 245, 243), "red": (190, 45, 42),
    "pink": (228, 150, 170), "orange": (222, 122, 45), "brown": (115, 75, 48),
    "beige": (216, 196, 165), "yellow": (230, 195, 60), "olive": (130, 130, 50),
    "green": (60, 135, 75), "teal": (45, 130, 130), "light blue": (150, 195, 225),
    "blue": (45, 95, 170), "navy": (32, 45, 88), "purple": (120, 80, 155),
}  # fmt: skip
_NAMED_SHARE = 0.08  # of the pixels, from which a colour is worth its name
_BRIGHTNESS = ((25, "dark"), (45, "rather dark"), (65, "of middling brightness"), (85, "bright"))
_USUAL_SHAPES = ("1:1", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4", "16:9", "9:16", "21:9")


def described(image: Image.Image, size: tuple[int, int]) -> str:
    """Return what an upright RGB or RGBA picture is like; `size` is what it has at full size."""
    small = image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    alpha = np.asarray(small.getchannel("A"), np.uint8) if small.mode == "RGBA" else None
    white = Image.new("RGBA", small.size, (255, 255, 255, 255))
    flat = Image.alpha_composite(white, small) if alpha is not None else small
    rgb = np.asarray(flat.convert("RGB"), np.uint8)
    mask = subject_mask(rgb) if alpha is None or alpha.min() > 0 else _shape_of(alpha)
    return (
        f"Stand-in description, measured and not recognised: a {_form(size)} picture of "
        f"{size[0]}x{size[1]} pixels{_near_ratio(size)}, {_brightness(rgb)}, mainly "
        f"{_colours(rgb)}, {_opacity(alpha)}. The subject is {_place(mask)} and covers about "
        f"{_percent(float(mask.mean()))} of it, mainly {_colours(rgb, mask)}."
    )


def _shape_of(alpha: Bytes) -> Bytes:
    return (alpha > 127).astype(np.uint8)


def _form(size: tuple[int, int]) -> str:
    ratio = size[0] / size[1]
    return "square" if 0.98 < ratio < 1.02 else "landscape" if ratio > 1 else "portrait"


def _near_ratio(size: tuple[int, int]) -> str:
    ratio = size[0] / size[1]
    near = min(_USUAL_SHAPES, key=lambda word: abs(_ratio(word) / ratio - 1))
    return f" ({near})" if abs(_ratio(near) / ratio - 1) < 0.02 else ""


def _ratio(word: str) -> float:
    return float(Fraction(word.replace(":", "/")))


def _brightness(rgb: Bytes) -> str:
    light = float(small_lab(rgb)[:, :, 0].mean())
    return next((word for most, word in _BRIGHTNESS if light < most), "very bright")


def _colours(rgb: Bytes, mask: Bytes | None = None) -> str:
    """Return the names of up to three colours, the most frequent first."""
    palette = np.array([list(_COLOURS.values())], np.uint8)
    pixels = small_lab(rgb)
    if mask is not None and mask.shape == rgb.shape[:2] and mask.any():
        pixels = pixels[mask > 0][:, None, :]
    names = small_lab(palette)[0]
    apart = np.square(pixels.reshape(-1, 1, 3) - names[None]).sum(2)
    counts = np.bincount(apart.argmin(1), minlength=len(_COLOURS))
    ordered = np.argsort(-counts, kind="stable")[:3]
    words = list(_COLOURS)
    named = [words[n] for n in ordered if counts[n] >= _NAMED_SHARE * counts.sum()]
    *others, last = named or [words[int(ordered[0])]]
    return f"{', '.join(others)} and {last}" if others else last


def _opacity(alpha: Bytes | None) -> str:
    if alpha is None or int(alpha.min()) == 255:
        return "opaque"
    return f"about {_percent(float((alpha < 128).mean()))} of it transparent"


def _place(mask: Bytes) -> str:
    if not mask.any():
        return "nowhere"
    rows, columns = np.nonzero(mask)
    down = _third((rows.mean() + 0.5) / mask.shape[0], ("at the top", "", "at the bottom"))
    across = _third((columns.mean() + 0.5) / mask.shape[1], ("on the left", "", "on the right"))
    return " ".join(filter(None, (down, across))) or "in the middle"


def _third(place: float, words: tuple[str, str, str]) -> str:
    return words[0] if place < 1 / 3 else words[2] if place > 2 / 3 else words[1]


def _percent(share: float) -> str:
    """Return a share to the next 5%: finer would be false precision."""
    return f"{round(share * 20) * 5}%"
