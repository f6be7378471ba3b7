"""Pixels from an aspect ratio and megapixels."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

PIXELS_PER_MEGAPIXEL = 1024 * 1024  # as vendors count: 1024 x 1024 is one megapixel


def ratio_of(aspect_ratio: str) -> Fraction:
    """Return "4:5" as the fraction 4/5 (width over height)."""
    width, height = aspect_ratio.split(":")
    return Fraction(int(width), int(height))


def size_of(aspect_ratio: str, megapixels: float, multiple_of: int = 16) -> tuple[int, int]:
    """Return (width, height) in pixels near `megapixels`, both multiples of `multiple_of`.

    Never more pixels than asked for, since most vendors bill the next megapixel.
    """
    ratio = float(ratio_of(aspect_ratio))
    height = sqrt(megapixels * PIXELS_PER_MEGAPIXEL / ratio)
    steps_high = max(1, int(height / multiple_of + 1e-9))
    steps_wide = max(1, round(steps_high * ratio))
    while steps_wide > 1 and (
        steps_wide * steps_high * multiple_of**2 > megapixels * PIXELS_PER_MEGAPIXEL
    ):
        steps_wide -= 1
    return steps_wide * multiple_of, steps_high * multiple_of
