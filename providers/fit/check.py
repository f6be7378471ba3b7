"""Whether the values for a step can be made to fit a binding, asked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.catalog.limits import SIDES, PortLimits
from providers.catalog.schema import Binding
from providers.catalog.shape import Shape, Shapes, flat
from providers.catalog.size import is_ratio, ratio_of
from providers.fit.choice import FitChoice, FitError
from providers.fit.framing import ratio_words, words
from providers.fit.picture import fit_picture
from providers.fit.text import too_long

EVEN = 2  # clips have even sides


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
    if limits.follows == SIDES:
        width, height = parameters.get("width"), parameters.get("height")
        return f"{width}:{height}" if width and height else None
    aspect = parameters.get(limits.follows) if limits.follows else None
    return aspect if isinstance(aspect, str) and is_ratio(aspect) else None


def _fit_one(shape: Shape, limits: PortLimits, choice: FitChoice, aspect: str | None) -> None:
    if shape.characters is not None:
        most = limits.max_characters
        if most is not None and shape.characters > most and choice.text != "cut":
            raise too_long(shape.characters, most)
    elif shape.seconds is not None:
        _check_seconds(shape.seconds, limits)
        _check_shape(shape, aspect)
    else:
        fit_picture(shape, limits, choice, aspect)


def _check_seconds(seconds: float, limits: PortLimits) -> None:
    least, most = limits.min_seconds, limits.max_seconds
    if most is not None and seconds > most:
        raise FitError(f"it plays {seconds:g} s, and {most:g} s are taken", "Trim it before")
    if least is not None and seconds < least:
        raise FitError(f"it plays {seconds:g} s, and {least:g} s are needed", "Give a longer one")


def _check_shape(shape: Shape, aspect: str | None) -> None:
    """A clip is not cut or padded on its way into a step: that is a step of its own."""
    if aspect is None or shape.size is None:
        return
    ratio, (width, height) = ratio_of(aspect), shape.size
    if min(abs(width - height * ratio), abs(height - width / ratio)) > EVEN:
        named = ratio_words(ratio)
        raise FitError(
            f"the clip is {words(shape.size)}, and {named} is needed",
            f'Put crop-clip with aspect_ratio: "{named}" before; nothing is ever stretched',
        )
