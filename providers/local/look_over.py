"""The look before anything is paid: is this a photograph that is worth working on?"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from providers.errors import InputError
from providers.local.arrays import Floats
from providers.local.edit import flatten
from providers.local.image import open_thumbnail
from providers.local.probe import probe_image

_SIDE = 256  # pixels at which a photograph is looked over
_FLAT = 6.0  # levels of 255 by which a picture must leave the slow changes of its light


def look_over(path: Path) -> tuple[int, int]:
    """Return the size of a photograph that is worth working on.

    Raises:
        InputError: it cannot be read, or shows nothing.
    """
    facts = probe_image(path)
    if _is_blank(open_thumbnail(path, _SIDE)):
        raise InputError("the picture is blank: nothing stands out in it. Give a photograph.")
    return facts.width, facts.height


def _is_blank(small: Image.Image) -> bool:
    """True where light changes slowly over the picture, and nothing else is there but noise."""
    pixels = np.asarray(flatten(small), np.float32)
    fine = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2.5), np.float32)
    return float(np.percentile(np.abs(fine - _slow_light(fine)).max(2), 99.5)) < _FLAT


def _slow_light(pixels: Floats) -> Floats:
    """Return the cubic surface that is nearest to each band."""
    height, width = pixels.shape[:2]
    down, across = (np.linspace(-1, 1, side) for side in (height, width))
    powers = [(i, j) for i in range(4) for j in range(4 - i)]
    surface = np.stack([np.outer(down**i, across**j).ravel() for i, j in powers], 1)
    bands = pixels.reshape(-1, 3).astype(np.float64)
    weights, *_ = np.linalg.lstsq(surface, bands, rcond=None)
    return np.asarray((surface @ weights).reshape(pixels.shape), np.float32)
