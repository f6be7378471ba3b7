"""The few pixels that a result is cut by: one vendor's 16:9 is another's 1.75 or 1.83."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from providers.catalog.shape import Shape, framed
from providers.catalog.size import is_ratio, ratio_of

TRIM = 0.04
"""The share of a side that is cut without asking."""


def cut_size(size: tuple[int, int], ratio: Fraction, step: int = 1) -> tuple[int, int] | None:
    """Return the size inside `size` that has the ratio within a pixel, in whole `step`s.

    None when it has it already, or when more than a few hundredths of a side would be lost: then
    another shape was asked for than was made, and cutting would hide it.
    """
    width, height = framed(size, ratio, grows=False)
    lost = (size[0] - width, size[1] - height)
    has_it = max(lost) <= 1 and _has_aspect(size, ratio)
    if has_it or lost[0] > TRIM * size[0] or lost[1] > TRIM * size[1]:
        return None
    # The nearest whole steps may be more than a pixel off: then a step less at a side is not.
    sizes = [
        (width - width % step - less_wide, height - height % step - less_high)
        for less_wide in (0, step)
        for less_high in (0, step)
    ]
    return next((cut for cut in sizes if _has_aspect(cut, ratio)), sizes[0])


def _has_aspect(size: tuple[int, int], ratio: Fraction) -> bool:
    """Return whether one of the sides is within a pixel of what the other asks for."""
    width, height = size
    return min(abs(width - height * ratio), abs(height - width / ratio)) <= 1


def kept(made: Shape, parameters: Mapping[str, Any]) -> Shape:
    """Return what flows on of a result: that which was made, cut to the aspect that was asked for.

    The vendor bills what it made.
    """
    aspect = parameters.get("aspect_ratio")
    if made.size is None or not isinstance(aspect, str) or not is_ratio(aspect):
        return made
    is_clip = made.media_type is not None and made.media_type.startswith("video/")
    cut = cut_size(made.size, ratio_of(aspect), 2 if is_clip else 1)
    return made if cut is None else replace(made, width=cut[0], height=cut[1])
