"""Fit: what must be done to a value so that a binding takes it, worked out from facts alone.

Pure: the plan asks from foreseen shapes, a run from measured ones, and both get the same answer.
Nothing is ever stretched; what would lose a part of the picture needs the template's word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any, Literal

from providers.catalog.limits import PortLimits
from providers.catalog.schema import Binding
from providers.catalog.shape import Shape, Shapes, flat, framed, parse_size
from providers.catalog.size import PIXELS_PER_MEGAPIXEL, is_ratio, ratio_of
from providers.errors import InputError

TRIM = 0.04
"""The share of a side that is cut without asking: one vendor's 16:9 is another's 1.75 or 1.83."""

DEFAULT_COLOUR = "white"
PLAIN_MODES = frozenset({"RGB", "RGBA", "L", "LA", "P", "1", None})


@dataclass(frozen=True, slots=True)
class FitChoice:
    """What the template allows: how an aspect is changed, what lies behind, how a text is cut."""

    mode: Literal["crop", "pad"] | None = None
    colour: str | None = None
    text: Literal["refuse", "cut"] | None = None


class FitError(InputError):
    """A value that cannot be made to fit: `problem` says why and `fix` what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}. {fix}.")
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class PictureFit:
    """What is done to a picture, in this order; None and False are nothing.

    `crop` and `pad` are the size around the centre, `resize` the size after that, in pixels.
    """

    crop: tuple[int, int] | None = None
    pad: tuple[int, int] | None = None
    resize: tuple[int, int] | None = None
    flatten: bool = False
    colour: str = DEFAULT_COLOUR
    media_type: str | None = None
    max_bytes: int | None = None
    is_heavy: bool = False
    plain: bool = False

    @property
    def is_nothing(self) -> bool:
        """True when the picture passes as it is, byte for byte."""
        return (
            not (
                self.crop
                or self.pad
                or self.resize
                or self.flatten
                or self.media_type
                or self.is_heavy
            )
            and not self.plain
        )

    def words(self) -> list[str]:
        """Return what is done, as people read it."""
        done = []
        if self.crop:
            done.append(f"cropped to {_size(self.crop)}")
        if self.pad:
            done.append(f"padded to {_size(self.pad)} with {self.colour}")
        if self.resize:
            done.append(f"resized to {_size(self.resize)}")
        if self.flatten:
            done.append(f"laid on {self.colour}")
        if self.plain:
            done.append("converted to plain colours")
        if self.media_type:
            done.append(f"written as {self.media_type}")
        if self.is_heavy and self.max_bytes:
            done.append(f"compressed below {self.max_bytes:,} bytes")
        return done


def fit_picture(
    shape: Shape, limits: PortLimits, choice: FitChoice, aspect: str | None = None
) -> PictureFit:
    """Return what must be done to a picture of this shape; what is not known is not looked at.

    Args:
        shape: Of the picture.
        limits: What the port takes.
        choice: What the template allows.
        aspect: The aspect ratio that the picture must have, as "16:9".

    Raises:
        FitError: it is too small, or its aspect may be changed only with the template's word.
    """
    crop = pad = resize = None
    if shape.size is not None:
        size = shape.size
        ratio = _ratio(size, limits, aspect)
        framing = _framing(size, ratio, choice) if ratio is not None else None
        if framing is not None:
            size = framing
            crop, pad = (size, None) if _is_inside(size, shape.size) else (None, size)
        if limits.min_side is not None and min(size) < limits.min_side:
            raise FitError(
                f"the picture is {_size(size)}, and {limits.min_side} pixels a side are needed",
                "Give a larger one, or put an upscale step before",
            )
        resize = _resized(size, limits)
        size = resize or size
        if limits.multiple_of and (trimmed := _trimmed(size, limits.multiple_of)) != size:
            crop, resize = _with_trim(crop or size, trimmed, resize)
    flatten = bool(shape.alpha) and not limits.alpha
    is_heavy = bool(limits.max_bytes and shape.size_bytes and shape.size_bytes > limits.max_bytes)
    media_type = _media_type(shape, limits, flatten, is_heavy)
    return PictureFit(
        crop=crop,
        pad=pad,
        resize=resize,
        flatten=flatten,
        colour=choice.colour or DEFAULT_COLOUR,
        media_type=media_type,
        max_bytes=limits.max_bytes,
        is_heavy=is_heavy,
        plain=shape.mode not in PLAIN_MODES,
    )


def fit_text(text: str, limits: PortLimits, choice: FitChoice) -> str:
    """Return the text, cut after its last whole sentence that fits where the template allows it.

    Raises:
        FitError: it is too long, and may not be cut.
    """
    most = limits.max_characters
    if most is None or len(text) <= most:
        return text
    if choice.text != "cut":
        raise too_long(len(text), most)
    head = text[:most]
    ends = [found.end() for found in re.finditer(r"[.!?。！？](?=\s|$)", head)]
    if ends and ends[-1] >= most // 4:
        return head[: ends[-1]]
    spaces = [found.start() for found in re.finditer(r"\s", head)]
    return head[: spaces[-1]].rstrip() if spaces and spaces[-1] > 0 else head


def too_long(characters: int, most: int) -> FitError:
    """Return the error of a text that may not be cut."""
    return FitError(
        f"the text has {characters:,} characters, and {most:,} are taken",
        "Shorten it, or set fit: {text: cut} on the step",
    )


def unfit(
    binding: Binding, shapes: Shapes, parameters: Mapping[str, Any], choice: FitChoice
) -> tuple[str, FitError] | None:
    """Return the first port whose value cannot be made to fit, and why, or None."""
    for port, given in shapes.items():
        limits = binding.limits.of(port)
        several = flat(given)
        if limits.max_items is not None and len(several) > limits.max_items:
            problem = f"{len(several)} are given, and {limits.max_items} are taken"
            return port, FitError(problem, "Leave some out")
        for shape in several:
            try:
                _fit_one(shape, limits, choice, asked_aspect(limits, parameters))
            except FitError as error:
                return port, error
    return None


def asked_aspect(limits: PortLimits, parameters: Mapping[str, Any]) -> str | None:
    """Return the aspect ratio that the port's picture must have because it was asked for."""
    aspect = parameters.get(limits.follows) if limits.follows else None
    return aspect if isinstance(aspect, str) and is_ratio(aspect) else None


def _fit_one(shape: Shape, limits: PortLimits, choice: FitChoice, aspect: str | None) -> None:
    if shape.characters is not None:
        most = limits.max_characters
        if most is not None and shape.characters > most and choice.text != "cut":
            raise too_long(shape.characters, most)
    elif shape.seconds is not None:
        _check_seconds(shape.seconds, limits)
    else:
        fit_picture(shape, limits, choice, aspect)


def _check_seconds(seconds: float, limits: PortLimits) -> None:
    least, most = limits.min_seconds, limits.max_seconds
    if most is not None and seconds > most:
        raise FitError(f"it plays {seconds:g} s, and {most:g} s are taken", "Trim it before")
    if least is not None and seconds < least:
        raise FitError(f"it plays {seconds:g} s, and {least:g} s are needed", "Give a longer one")


def _ratio(size: tuple[int, int], limits: PortLimits, aspect: str | None) -> Fraction | None:
    if limits.size is not None:
        return Fraction(*parse_size(limits.size))
    wanted = ratio_of(aspect) if aspect else Fraction(*size)
    # Rounded outwards: a bound of 0.4 is not below itself for want of digits.
    if limits.min_aspect is not None and float(wanted) < limits.min_aspect:
        return Fraction(limits.min_aspect).limit_denominator(1000)
    if limits.max_aspect is not None and float(wanted) > limits.max_aspect:
        return Fraction(limits.max_aspect).limit_denominator(1000)
    return ratio_of(aspect) if aspect else None


def _framing(size: tuple[int, int], ratio: Fraction, choice: FitChoice) -> tuple[int, int] | None:
    inside = framed(size, ratio, grows=False)
    lost = [whole - kept for whole, kept in zip(size, inside, strict=True)]
    if max(lost) <= 0:
        return None
    if choice.mode is None:
        if all(part <= max(1, TRIM * whole) for part, whole in zip(lost, size, strict=True)):
            return inside
        raise FitError(
            f"the picture is {_size(size)}, and {_ratio_words(ratio)} is needed",
            "Set fit: {mode: crop} or fit: {mode: pad, colour: white} on the step; nothing is "
            "ever stretched",
        )
    return inside if choice.mode == "crop" else framed(size, ratio, grows=True)


def _resized(size: tuple[int, int], limits: PortLimits) -> tuple[int, int] | None:
    if limits.size is not None:
        exact = parse_size(limits.size)
        return exact if exact != size else None
    scale = 1.0
    if limits.max_side is not None:
        scale = min(scale, limits.max_side / max(size))
    if limits.max_megapixels is not None:
        scale = min(scale, sqrt(limits.max_megapixels * PIXELS_PER_MEGAPIXEL / (size[0] * size[1])))
    if scale >= 1:
        return None
    wide, high = (max(1, int(side * scale + 1e-6)) for side in size)
    if size[0] * high == size[1] * wide:
        return wide, high
    # The side that is rounded least leads, so that the ratio stays within a pixel.
    return (
        (wide, max(1, round(size[1] * wide / size[0])))
        if wide >= high
        else (max(1, round(size[0] * high / size[1])), high)
    )


def _trimmed(size: tuple[int, int], step: int) -> tuple[int, int]:
    return size[0] - size[0] % step or step, size[1] - size[1] % step or step


def _with_trim(
    given: tuple[int, int], trimmed: tuple[int, int], resize: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return the crop and the resize that end at whole steps without a stretch."""
    if resize is None:
        return trimmed, None
    return framed(given, Fraction(*trimmed), grows=False), trimmed


def _media_type(shape: Shape, limits: PortLimits, flatten: bool, is_heavy: bool) -> str | None:
    if not limits.formats or shape.media_type is None:
        return None
    keeps_alpha = bool(shape.alpha) and not flatten
    if shape.media_type.removeprefix("image/") in limits.formats:
        # A PNG of four megapixels is above many caps; as a JPEG it is a third of that.
        is_swollen = is_heavy and not keeps_alpha and shape.media_type == "image/png"
        return "image/jpeg" if is_swollen and "jpeg" in limits.formats else None
    is_photo = shape.media_type in ("image/jpeg", "image/avif")
    order = ("png", "webp") if keeps_alpha else ("jpeg", "png") if is_photo else ("png", "jpeg")
    return f"image/{next((form for form in order if form in limits.formats), limits.formats[0])}"


def _is_inside(size: tuple[int, int], around: tuple[int, int]) -> bool:
    return size[0] <= around[0] and size[1] <= around[1]


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _ratio_words(ratio: Fraction) -> str:
    if ratio.denominator <= 100:
        return f"{ratio.numerator}:{ratio.denominator}"
    return f"{float(ratio):.3g}:1"
