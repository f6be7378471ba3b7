"""Honest stand-ins for models that change a picture: a tint for an edit, a filter for an upscale."""

from __future__ import annotations

import colorsys
import hashlib

import numpy as np
from PIL import Image

from providers.errors import InputError
from providers.local.edit import resize
from providers.local.label import labelled

_SMALLEST_SCALE, _LARGEST_SCALE = 1.0, 8.0
_STRENGTH = 0.45  # of the tint


def redraw(image: Image.Image, prompt: str, seed: int = 0) -> Image.Image:
    """Return the picture at its own size in a tint of the prompt's own, labelled with the prompt.

    The same picture, prompt and seed give the same result; RGBA stays RGBA.

    Raises:
        InputError: the prompt is empty.
    """
    if not prompt.strip():
        raise InputError("redraw: the prompt is empty. Say what to change.")
    digest = hashlib.sha256(prompt.strip().encode()).digest()
    # Seeds are turns of the colour circle by the golden section: neighbours are far apart.
    hue = (int.from_bytes(digest[:2], "big") / 65536 + seed * 0.6180339887) % 1
    tint = np.array(colorsys.hsv_to_rgb(hue, 0.65, 1.0))
    colours = np.asarray(image.convert("RGB"), np.float32)
    grey = np.asarray(image.convert("L"), np.float32)[:, :, None]
    mixed = (1 - _STRENGTH) * colours + _STRENGTH * grey * tint.astype(np.float32)
    result = Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return labelled(result, prompt, covering=True)


def enlarge(image: Image.Image, scale: float) -> Image.Image:
    """Return the picture `scale` times as wide and high, labelled; Lanczos adds no detail.

    Raises:
        InputError: `scale` is not from 1 to 8, or the result is above MAX_PIXELS.
    """
    if not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE:
        raise InputError(f"enlarge: a scale of {scale:g} is not from 1 to {_LARGEST_SCALE:g}.")
    size = round(image.width * scale), round(image.height * scale)
    return labelled(resize(image, *size), f"enlarged {scale:g} times", covering=True)
