"""How many units of its price a job is billed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any

from providers.sandbox.endpoints import PIXELS_PER_MEGAPIXEL, Endpoint
from providers.sandbox.made import Made, spoken_text

_PER_TOKEN = 1024  # pixels of a frame, as vendors of video tokens count
_PLACES = Decimal("0.000001")


def units_of(
    endpoint: Endpoint,
    given: Mapping[str, Any],
    made: Made,
    inputs: list[tuple[int, int]],
    run_seconds: float,
) -> Decimal:
    """Return how many units a job is billed, with every factor that its fields bring.

    A "second" is one of the computer's time, an "output_second" one of what is made.
    """
    return _counted(endpoint, given, made, inputs, run_seconds) * _factor(endpoint, given)


def _counted(
    endpoint: Endpoint,
    given: Mapping[str, Any],
    made: Made,
    inputs: list[tuple[int, int]],
    run_seconds: float,
) -> Decimal:
    unit = endpoint.price.unit
    if unit == "second":
        return _exact(run_seconds)
    if unit == "output_second":
        return _exact(made.seconds)
    if unit == "thousand_characters":
        return Decimal(len(spoken_text(endpoint, given))) / 1000
    if unit == "million_tokens":
        given_tokens, made_tokens = made.tokens
        return (made_tokens + given_tokens * endpoint.price.given_counts) / 1_000_000
    if unit == "million_video_tokens":
        pixels = Decimal(made.width * made.height) * _exact(made.fps) * _exact(made.seconds)
        return (pixels / _PER_TOKEN / 1_000_000).quantize(_PLACES)
    if unit == "megapixel":
        counted = [(made.width, made.height)] * made.count
        counted += inputs if endpoint.price.counts_input else []
        return Decimal(sum(megapixels(*one) for one in counted))
    return Decimal(made.count)


def megapixels(width: int, height: int) -> int:
    """Return whole megapixels, rounded up."""
    return ceil(width * height / PIXELS_PER_MEGAPIXEL)


def _exact(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))


def _factor(endpoint: Endpoint, given: Mapping[str, Any]) -> Decimal:
    factor = Decimal(1)
    for name, factors in endpoint.price.factors.items():
        value = endpoint.value(given, name)
        word = str(value).lower() if isinstance(value, bool) else str(value)
        factor *= factors.get(word, Decimal(1))
    return factor
