"""Sizes: which part of a picture, on which canvas, at how many pixels, a port takes.

The result is inside every limit that is stated, and fitting it again changes nothing. An aspect
that was asked for is met within half a pixel, or within a step where only whole steps are taken;
a bound on it is never crossed, since a vendor refuses 2.501 where it takes 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt

from providers.catalog.limits import PortLimits
from providers.catalog.shape import framed, parse_size
from providers.catalog.size import PIXELS_PER_MEGAPIXEL, ratio_of
from providers.fit.choice import FitChoice, FitError
from providers.fit.cut import TRIM

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Framing:
    """The size of the part around the centre, or of the canvas around the picture, then of both.

    None is nothing; never both `crop` and `pad`.
    """

    crop: Size | None = None
    pad: Size | None = None
    resize: Size | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The aspect that is wanted, width over height: one with its tolerance in pixels, or bounds."""

    exact: Fraction | None
    low: Fraction | None
    high: Fraction | None
    tolerance: Fraction

    def allows(self, size: Size) -> bool:
        """Return whether a picture of that size has the aspect."""
        if self.exact is None:
            ratio = Fraction(*size)
            return not (
                (self.low is not None and ratio < self.low)
                or (self.high is not None and ratio > self.high)
            )
        width, height = size
        off = height - width / self.exact if self.exact >= 1 else width - height * self.exact
        return abs(off) <= self.tolerance

    def inside(self, size: Size) -> Size:
        """Return the largest size in `size` that has the aspect."""
        if self.exact is not None:
            return framed(size, self.exact, grows=False)
        width, height = size
        if self.high is not None and Fraction(*size) > self.high:
            return max(1, floor(height * self.high)), height
        assert self.low is not None
        return width, max(1, floor(width / self.low))

    def around(self, size: Size) -> Size:
        """Return the smallest size around `size` that has the aspect."""
        if self.exact is not None:
            return framed(size, self.exact, grows=True)
        width, height = size
        if self.high is not None and Fraction(*size) > self.high:
            return width, ceil(width / self.high)
        assert self.low is not None
        return ceil(height * self.low), height


def frame(size: Size, limits: PortLimits, choice: FitChoice, aspect: str | None = None) -> Framing:
    """Return which part or canvas of a picture of that size is sent, and at how many pixels.

    Raises:
        FitError: it is too small, or its aspect may be changed only with the template's word.
    """
    wanted = _wanted(limits, aspect)
    part = size if wanted.allows(size) else _part(size, wanted, choice)
    target = _target(part, limits, wanted)
    if target is None or (limits.min_side is not None and min(target) < limits.min_side):
        raise _too_small(size, target or part, limits)
    if part[0] > size[0] or part[1] > size[1]:
        canvas = part if target == part else framed(size, Fraction(*target), grows=True)
        return Framing(
            pad=None if canvas == size else canvas,
            resize=None if canvas == target else target,
        )
    if _within(part, limits) and limits.size is None:
        return Framing(crop=None if target == size else target)
    crop = part if _same_shape(part, target) else framed(size, Fraction(*target), grows=False)
    return Framing(
        crop=None if crop == size else crop,
        resize=None if target == crop else target,
    )


def words(size: Size) -> str:
    """Return a size as people write it: "1344x768"."""
    return f"{size[0]}x{size[1]}"


def _wanted(limits: PortLimits, aspect: str | None) -> Wanted:
    low, high = _bound(limits.min_aspect), _bound(limits.max_aspect)
    half = Fraction(1, 2)
    if limits.size is not None:
        return Wanted(Fraction(*parse_size(limits.size)), None, None, half)
    if aspect is None:
        return Wanted(None, low, high, half)
    exact = ratio_of(aspect)
    if low is not None:
        exact = max(exact, low)
    if high is not None:
        exact = min(exact, high)
    # Whole steps of 8 cannot meet 16:9 within half a pixel: they meet it within less than a step.
    step = limits.multiple_of
    return Wanted(exact, low, high, step - half if step and step > 1 else half)


def _bound(written: float | None) -> Fraction | None:
    """A bound as it was meant: 2.33333 is 7:3, which is taken though it is a hair above."""
    return None if written is None else Fraction(written).limit_denominator(1000)


def _part(size: Size, wanted: Wanted, choice: FitChoice) -> Size:
    inside = wanted.inside(size)
    if choice.mode == "pad":
        return wanted.around(size)
    lost = [whole - part for whole, part in zip(size, inside, strict=True)]
    is_little = all(part <= max(1, TRIM * whole) for part, whole in zip(lost, size, strict=True))
    if choice.mode is None and not is_little:
        ratio = wanted.exact or (wanted.high if lost[0] > 0 else wanted.low) or Fraction(1)
        raise FitError(
            f"the picture is {words(size)}, and {ratio_words(ratio)} is needed",
            "Set fit: {mode: crop} or fit: {mode: pad, colour: white} on the step; nothing is "
            "ever stretched",
        )
    return inside


def _target(part: Size, limits: PortLimits, wanted: Wanted) -> Size | None:
    """The size that is sent; None when so small a picture has none."""
    if limits.size is not None:
        return parse_size(limits.size)
    target = part if _within(part, limits) else _shrunk(part, limits, wanted)
    return target and _in_steps(target, limits.multiple_of or 1, wanted)


def _within(size: Size, limits: PortLimits) -> bool:
    is_short = limits.max_side is None or max(size) <= limits.max_side
    most = _most_pixels(limits)
    return is_short and (most is None or size[0] * size[1] <= most)


def _most_pixels(limits: PortLimits) -> int | None:
    most = limits.max_megapixels
    return None if most is None else int(most * PIXELS_PER_MEGAPIXEL)


def _shrunk(size: Size, limits: PortLimits, wanted: Wanted) -> Size | None:
    """The largest size of the same shape within the limits: the longer side leads.

    The shorter one is rounded, and where that crosses a limit the longer one gives way.
    """
    is_wide = size[0] >= size[1]
    ratio = Fraction(*size) if wanted.exact is None else wanted.exact
    ratio = ratio if is_wide else 1 / ratio
    lead, most = max(size), _most_pixels(limits)
    if limits.max_side is not None:
        lead = min(lead, limits.max_side)
    if most is not None:
        lead = min(lead, isqrt(int(most * ratio)) + 1)
    while lead > 0:
        other = max(1, round(lead / ratio))
        found = (lead, other) if is_wide else (other, lead)
        if _within(found, limits) and wanted.allows(found):
            return found
        lead -= 1
    return None


def _in_steps(size: Size, step: int, wanted: Wanted) -> Size | None:
    width, height = (side - side % step for side in size)
    while width and height and not wanted.allows((width, height)):
        if wanted.exact is not None:
            return None
        if wanted.high is not None and Fraction(width, height) > wanted.high:
            width -= step
        else:
            height -= step
    return (width, height) if width and height else None


def _same_shape(part: Size, target: Size) -> bool:
    """True when scaling the part to the target moves no edge by more than a pixel."""
    long = 0 if part[0] >= part[1] else 1
    scaled = part[1 - long] * Fraction(target[long], part[long])
    return abs(scaled - target[1 - long]) <= 1


def _too_small(size: Size, sent: Size, limits: PortLimits) -> FitError:
    least = max(limits.min_side or 1, limits.multiple_of or 1)
    given = f"the picture is {words(size)}"
    if min(size) >= least:
        given += f", of which {words(sent)} would be sent"
    return FitError(
        f"{given}, and {least} pixels a side are needed",
        "Give a larger one, or put an upscale step before",
    )


def ratio_words(ratio: Fraction) -> str:
    """Return a ratio as people write it: "16:9", or "1.85:1" where that says more."""
    if ratio.denominator <= 100:
        return f"{ratio.numerator}:{ratio.denominator}"
    return f"{float(ratio):.3g}:1"
