"""Colours between the screen and the light of the studio, which is linear."""

from __future__ import annotations

import numpy as np

from providers.local.arrays import Floats
from providers.local.studio.solids import Point


def tone_mapped(picture: Floats) -> Floats:
    """Return linear RGB as display values, 0 to 1, highlights rolled off gently."""
    rolled = np.where(picture < 0.7, picture, 1 - 0.3 * np.exp((0.7 - picture) / 0.3))
    clipped = np.clip(rolled, 0, 1)
    result: Floats = np.where(
        clipped <= 0.0031308,
        clipped * 12.92,
        1.055 * np.maximum(clipped, 1e-6) ** (1 / 2.4) - 0.055,
    ).astype(np.float32)
    return result


def linear(colour: str) -> Point:
    """Return "#rrggbb" as linear RGB, 0 to 1."""
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return red, green, blue
