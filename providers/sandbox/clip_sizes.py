"""The size of a clip: by the picture's own shape or an asked one, and the resolution's word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from providers.sandbox.endpoints import Endpoint

Size = tuple[int, int]
_EVEN = 2  # what H.264 needs of a side


def clip_size(endpoint: Endpoint, given: Mapping[str, Any], first: Size | None) -> Size:
    """Return (width, height) of the clip: of a side, or of an area, in the vendor's steps."""
    rule = endpoint.size
    ratio = _ratio(endpoint, given, first)
    word = str(endpoint.value(given, rule.get("resolution_field")) or "")
    step = rule.get("step", _EVEN)
    if "area" in rule:
        wide, high = rule["area"][word]
        high_exact = sqrt(wide * high / ratio)
        return _stepped(high_exact * ratio, step), _stepped(high_exact, step)
    short = rule["short"][word]
    long = min(short * max(ratio, 1 / ratio), rule.get("longest", float("inf")))
    short = min(short, long * min(ratio, 1 / ratio))
    sides = _stepped(long, step), _stepped(short, step)
    return sides if ratio >= 1 else (sides[1], sides[0])


def _ratio(endpoint: Endpoint, given: Mapping[str, Any], first: Size | None) -> float:
    """Return width by height; a word that is no ratio ("auto") means the picture's own."""
    rule = endpoint.size
    own = first[0] / first[1] if first else None
    asked = ratio_in(endpoint.value(given, rule.get("aspect_field")))
    if own is not None and (asked is None or rule.get("image_wins")):
        near = [ratio_in(word) or 1.0 for word in rule.get("nearest", ())]
        return min(near, key=lambda one: max(one / own, own / one)) if near else own
    return asked or 16 / 9


def ratio_in(word: Any) -> float | None:
    """Return what "16:9" says, or None for another word."""
    match = re.fullmatch(r"(\d+):(\d+)", str(word))
    return int(match.group(1)) / int(match.group(2)) if match else None


def _stepped(side: float, step: int) -> int:
    return max(step, round(side / step) * step)


def least_size(
    endpoint: Endpoint,
    given: Mapping[str, Any],
    inputs: Sequence[Size],
    presets: Mapping[str, Size],
) -> Size:
    """Return the size of joined clips: the one asked for, else the least width and height."""
    asked = endpoint.value(given, endpoint.size["field"])
    if isinstance(asked, dict):
        side = int(endpoint.fields[endpoint.size["field"]].minimum or _EVEN)
        size = asked.get("width", side), asked.get("height", side)
    else:
        size = presets.get(str(asked)) or (
            min((wide for wide, _ in inputs), default=1280),
            min((high for _, high in inputs), default=720),
        )
    return size[0] // _EVEN * _EVEN, size[1] // _EVEN * _EVEN
