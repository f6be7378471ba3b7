"""Pixels from an aspect ratio and megapixels."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isqrt, sqrt

PIXELS_PER_MEGAPIXEL = 1024 * 1024  # as vendors count: 1024 x 1024 is one megapixel


def is_ratio(text: str) -> bool:
    """True for "16:9" and its like, which `ratio_of` reads."""
    return re.fullmatch(r"[1-9]\d{0,4}:[1-9]\d{0,4}", text) is not None


def ratio_of(aspect_ratio: str) -> Fraction:
    """Return "4:5" as the fraction 4/5 (width over height)."""
    width, height = aspect_ratio.split(":")
    return Fraction(int(width), int(height))


EXACT_SHARE = 0.75  # of the pixels asked for: an exact ratio is worth that many, and no fewer


def size_of(aspect_ratio: str, megapixels: float, multiple_of: int = 16) -> tuple[int, int]:
    """Return (width, height) in pixels near `megapixels`, both multiples of `multiple_of`.

    Never more pixels than asked for, since most vendors bill the next megapixel. The ratio is
    exact where one is near: 16:9 is 1280x720 rather than 1360x768, which would have to be cropped.
    """
    ratio, most = ratio_of(aspect_ratio), megapixels * PIXELS_PER_MEGAPIXEL
    unit = ratio.numerator * ratio.denominator * multiple_of**2
    times = isqrt(int(most // unit))
    if times**2 * unit >= EXACT_SHARE * most:
        side = times * multiple_of
        return ratio.numerator * side, ratio.denominator * side
    return _nearest(float(ratio), most, multiple_of)


def _nearest(ratio: float, most: float, multiple_of: int) -> tuple[int, int]:
    steps_high = max(1, int(sqrt(most / ratio) / multiple_of + 1e-9))
    steps_wide = max(1, round(steps_high * ratio))
    while steps_wide > 1 and steps_wide * steps_high * multiple_of**2 > most:
        steps_wide -= 1
    return steps_wide * multiple_of, steps_high * multiple_of
