"""The size of the picture that a request implies, by the rule of its endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import sqrt
from typing import Any

from providers.sandbox.clip_sizes import clip_size, least_size
from providers.sandbox.endpoints import PIXELS_PER_MEGAPIXEL, Endpoint

Size = tuple[int, int]

# fal's presets, as its open toolkit states them.
PRESETS: Mapping[str, Size] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
SMALLEST, LARGEST = 64, 4096  # what can be drawn here; a request beyond it is brought inside
_DEFAULT_SIDE = 512  # fal's default for the side that a custom size leaves out
_STEP = 16
_INPUT_WORDS = ("match_input_image", "auto")


def size_of(endpoint: Endpoint, given: Mapping[str, Any], inputs: list[Size]) -> Size:
    """Return (width, height) of each picture or clip that this input asks for; a sound has none."""
    rule = endpoint.size
    first = inputs[0] if inputs else None
    if rule["rule"] == "none":
        return 0, 0
    if rule["rule"] == "fixed":
        return rule["width"], rule["height"]
    if rule["rule"] == "clip":
        return clip_size(endpoint, given, first)
    if rule["rule"] == "least":
        return least_size(endpoint, given, inputs, PRESETS)
    if rule["rule"] == "input":
        return first or (1024, 1024)
    if rule["rule"] == "scale":
        factor = float(endpoint.value(given, rule["field"]) or 1)
        wide, high = first or (1024, 1024)
        return max(1, round(wide * factor)), max(1, round(high * factor))
    if rule["rule"] == "preset":
        return _inside(_preset(endpoint.value(given, rule["field"]), first))
    if rule["rule"] == "aspect":
        return _inside(_aspect(endpoint, given, first))
    return _inside(_sides(given, first))


def _preset(value: Any, first: Size | None) -> Size:
    if isinstance(value, dict):
        return value.get("width", _DEFAULT_SIDE), value.get("height", _DEFAULT_SIDE)
    return PRESETS.get(value) or first or PRESETS["square_hd"]


def _sides(given: Mapping[str, Any], first: Size | None) -> Size:
    wide, high = first or (1024, 1024)
    return given.get("width") or wide, given.get("height") or high


def _aspect(endpoint: Endpoint, given: Mapping[str, Any], first: Size | None) -> Size:
    word = str(endpoint.value(given, endpoint.size["field"]) or "match_input_image")
    if word == "Not set" and "size" in endpoint.fields:
        wide, _, high = str(endpoint.value(given, "size")).partition("x")
        return int(wide), int(high)
    if word == "custom":
        return _sides(given, first)
    area = _area(endpoint.value(given, endpoint.size.get("area_field")))
    match = re.fullmatch(r"(\d+):(\d+)", word)
    if match:
        ratio = int(match.group(1)) / int(match.group(2))
    elif word in _INPUT_WORDS and first:
        ratio = first[0] / first[1]
    else:
        ratio = 1.0
    return _near(ratio, area)


def _area(value: Any) -> float:
    """Return megapixels from "0.5 MP", "1", "2K" or nothing."""
    text = str(value or "1")
    if text.endswith("K"):
        return float(text[:-1]) ** 2
    match = re.match(r"[\d.]+", text)
    return float(match.group(0)) if match else 1.0


def _near(ratio: float, area: float) -> Size:
    """Return sides in steps of 16 with that ratio and no more than that area."""
    height = sqrt(area * PIXELS_PER_MEGAPIXEL / ratio)
    high = max(1, int(height / _STEP + 1e-9))
    wide = max(1, int(high * ratio + 0.5))
    while wide > 1 and wide * high * _STEP**2 > area * PIXELS_PER_MEGAPIXEL:
        wide -= 1
    return wide * _STEP, high * _STEP


def _inside(size: Size) -> Size:
    wide, high = size
    return min(max(wide, SMALLEST), LARGEST), min(max(high, SMALLEST), LARGEST)
