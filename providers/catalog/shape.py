"""Shapes: what is known, or foreseen, of the media on an edge, without any of its bytes.

The plan foresees the shape of what every step makes from the shapes of what it is given, so that
fits, limits and prices can be worked out for a whole chain before its first call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

from providers.catalog.schema import Binding, FieldRule, Model
from providers.catalog.size import is_ratio, ratio_of, size_of
from providers.kinds import KINDS
from providers.media import Media, Value

MATCH = "match"  # the aspect ratio of the picture that is given


@dataclass(frozen=True, slots=True)
class Shape:
    """What one value is like; None is not known. Sizes in pixels, of the upright picture."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    alpha: bool | None = None
    audio: bool | None = None
    media_type: str | None = None
    mode: str | None = None
    size_bytes: int | None = None
    characters: int | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height where both are known."""
        if self.width is None or self.height is None:
            return None
        return self.width, self.height


UNKNOWN = Shape()
Shapes = Mapping[str, "Shape | tuple[Shape, ...]"]


def shape_of(value: Value) -> Shape | tuple[Shape, ...]:
    """Return the shape of a value; a number or a JSON value has none that matters."""
    if isinstance(value, Media):
        return Shape(
            value.width,
            value.height,
            value.seconds,
            value.alpha,
            value.has_audio,
            value.media_type,
            value.mode,
            value.size_bytes,
        )
    if isinstance(value, str):
        return Shape(characters=len(value))
    if isinstance(value, tuple):
        return tuple(one for item in value for one in flat(shape_of(item)))
    return UNKNOWN


def shapes_of(values: Mapping[str, Value]) -> dict[str, Shape | tuple[Shape, ...]]:
    """Return the shape on each port."""
    return {port: shape_of(value) for port, value in values.items()}


def flat(shape: Shape | tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return the shapes on a port, one or several, as several."""
    return shape if isinstance(shape, tuple) else (shape,)


def foreseen(
    model: Model, binding: Binding, parameters: Mapping[str, Any], inputs: Shapes
) -> Shape:
    """Return what one call of this binding makes on its main port, as far as that can be told."""
    word = next(iter(KINDS[model.kind].outputs.values())).type.word
    if word == "text":
        return UNKNOWN
    if word == "audio":
        return Shape(seconds=_asked_seconds(binding, parameters))
    makes, first = binding.makes, _first(inputs)
    size = _made_size(model, binding, parameters, first)
    width, height = size or (None, None)
    alpha = (
        first.alpha if makes.alpha is None and makes.size not in (None, "asked") else makes.alpha
    )
    if word == "image":
        return Shape(width, height, alpha=alpha, media_type=_format(binding, parameters))
    seconds = makes.seconds or _asked_seconds(binding, parameters) or first.seconds
    audio = makes.audio
    has_audio = bool(parameters.get(audio, False)) if isinstance(audio, str) else audio
    return Shape(width, height, seconds, audio=has_audio or first.audio, media_type="video/mp4")


def sent_seconds(binding: Binding, seconds: float) -> float | None:
    """Return the playing time that the vendor is asked for: the next that it offers.

    None when it offers none so long.
    """
    rule = _seconds_rule(binding)
    if rule is None or not rule.round_up_to:
        return seconds
    return next((offered for offered in sorted(rule.round_up_to) if offered >= seconds), None)


def _seconds_rule(binding: Binding) -> FieldRule | None:
    for rule in binding.fields.values():
        if isinstance(rule, FieldRule) and rule.source == "seconds":
            return rule
    return None


def _asked_seconds(binding: Binding, parameters: Mapping[str, Any]) -> float | None:
    seconds = parameters.get("seconds")
    return None if seconds is None else sent_seconds(binding, float(seconds))


def _first(inputs: Shapes) -> Shape:
    for port in ("image", "images", "video", "videos"):
        for shape in flat(inputs.get(port, ())):
            return shape
    return UNKNOWN


def _made_size(
    model: Model, binding: Binding, parameters: Mapping[str, Any], first: Shape
) -> tuple[int, int] | None:
    if binding.makes.fixed:
        return parse_size(binding.makes.fixed)
    rule = binding.makes.size or _USUAL.get(model.kind, "input")
    return _SIZES[rule](binding, parameters, first.size)


def parse_size(text: str) -> tuple[int, int]:
    """Return "1024x576" as (1024, 576)."""
    width, _, height = text.partition("x")
    return int(width), int(height)


Size = tuple[int, int] | None


def _asked(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    makes, aspect = binding.makes, parameters.get("aspect_ratio")
    if isinstance(aspect, str) and aspect in makes.sizes:
        return parse_size(makes.sizes[aspect])
    megapixels = float(parameters.get("megapixels", 1))
    if aspect == MATCH:
        if first is None:
            return None
        aspect = f"{first[0]}:{first[1]}"
    if not isinstance(aspect, str) or not is_ratio(aspect):
        return None
    return size_of(aspect, megapixels, makes.multiple_of or 16)


def _scaled(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    scale = parameters.get("scale")
    if first is None or scale is None:
        return None
    return round(first[0] * float(scale)), round(first[1] * float(scale))


def _by_resolution(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    """The pixels that the resolution names, at the aspect of what is given or asked."""
    area = binding.makes.areas.get(str(parameters.get("resolution")))
    ratio = _asked_ratio(parameters, first)
    if area is None or ratio is None:
        return None
    wide, high = parse_size(area)
    step = binding.makes.multiple_of or 2
    width, height = sqrt(wide * high * ratio), sqrt(wide * high / ratio)
    return max(step, round(width / step) * step), max(step, round(height / step) * step)


def _inside(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    """The largest even size of the shape that is given or asked in the box, upright or not."""
    ratio = _asked_ratio(parameters, first)
    if binding.makes.inside is None or ratio is None:
        return None
    long, short = sorted(parse_size(binding.makes.inside), reverse=True)
    wide, high = (long, short) if ratio >= 1 else (short, long)
    width, height = min(wide, high * ratio), min(high, wide / ratio)
    return round(width / 2) * 2, round(height / 2) * 2


def _asked_ratio(parameters: Mapping[str, Any], first: Size) -> float | None:
    aspect = parameters.get("aspect_ratio", MATCH)
    if isinstance(aspect, str) and is_ratio(aspect):
        return float(ratio_of(aspect))
    return first[0] / first[1] if first else None


def _resized(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    width, height = parameters.get("width"), parameters.get("height")
    if first is None or (width and height):
        return (width, height) if width and height else None
    if width:
        return width, max(1, round(first[1] * width / first[0]))
    return (max(1, round(first[0] * height / first[1])), height) if height else first


def _stated(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    """The width that is stated, and the height that follows from the aspect."""
    width, aspect = parameters.get("width"), parameters.get("aspect_ratio")
    if not width or not isinstance(aspect, str) or not is_ratio(aspect):
        return None
    return width, max(1, round(width / float(ratio_of(aspect))))


def _printed(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
    """The millimetres that are stated, at so many pixels per inch."""
    sides = [parameters.get(name) for name in ("width_mm", "height_mm", "dpi")]
    if any(side is None for side in sides):
        return None
    wide, high, dpi = (float(str(side)) for side in sides)
    return max(1, round(wide / 25.4 * dpi)), max(1, round(high / 25.4 * dpi))


def _framed(grows: bool) -> Callable[[Binding, Mapping[str, Any], Size], Size]:
    def size(binding: Binding, parameters: Mapping[str, Any], first: Size) -> Size:
        aspect = parameters.get("aspect_ratio")
        if first is None or not isinstance(aspect, str) or not is_ratio(aspect):
            return _resized(binding, parameters, first)
        return framed(first, ratio_of(aspect), grows)

    return size


def framed(size: tuple[int, int], ratio: Fraction, grows: bool) -> tuple[int, int]:
    """Return the largest size inside `size` of that ratio, or the smallest around it."""
    width, height = size
    is_wider = Fraction(width, height) > ratio
    if is_wider == grows:
        return width, max(1, round(width / ratio))
    return max(1, round(height * ratio)), height


def _format(binding: Binding, parameters: Mapping[str, Any]) -> str | None:
    word = parameters.get("output_format")
    if word is None:
        for field, rule in binding.fields.items():
            if field in ("output_format", "format") and isinstance(rule, FieldRule):
                word = rule.send
    return f"image/{'jpeg' if word == 'jpg' else word}" if word else None


_USUAL = {
    "text-to-image": "asked",
    "image-edit": "asked",
    "upscale": "scaled",
    "image-to-video": "input",
    "contact-sheet": "asked",
}
_SIZES: Mapping[str, Callable[[Binding, Mapping[str, Any], Size], Size]] = {
    "asked": _asked,
    "input": lambda binding, parameters, first: first,
    "scaled": _scaled,
    "resized": _resized,
    "cropped": _framed(grows=False),
    "padded": _framed(grows=True),
    "stated": _stated,
    "print": _printed,
    "resolution": _by_resolution,
    "inside": _inside,
}
