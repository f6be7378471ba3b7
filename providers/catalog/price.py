"""What one call costs, before it is made. All amounts are USD and Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from providers.catalog.schema import Binding, Grade, Model, Price
from providers.catalog.shape import Shape, Shapes, flat, foreseen, sent_seconds
from providers.catalog.size import PIXELS_PER_MEGAPIXEL

ZERO = Decimal(0)
VIDEO_FRAMES_PER_SECOND = 24  # what vendors of video tokens count with
TEXT_PORTS = ("text", "prompt")
CHARACTERS_OF_A_TOKEN = 4  # of English
TOKENS_OF_A_CHARACTER = 2  # at most, in scripts that models know less well
LONGEST_TEXT = 8000  # characters that are assumed where a text is not known yet
ASKING = 100  # characters around the fields of a JSON answer, and of the vendor's own
TOKENS_MADE = 4096  # that are assumed at most where no parameter says


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of one call: low <= expected <= high in USD, all None when unpriced."""

    low: Decimal | None
    expected: Decimal | None
    high: Decimal | None
    grade: Grade

    @property
    def reserve(self) -> Decimal:
        """What admission sets aside: the high price, or 0 when nothing is known."""
        return self.high if self.high is not None else ZERO


@dataclass(frozen=True, slots=True)
class Units:
    """How many units a call may be billed: low <= expected <= high."""

    low: Decimal
    expected: Decimal
    high: Decimal


FREE = Quote(ZERO, ZERO, ZERO, "exact")
_NO_INPUTS: Shapes = {}


def quote(
    model: Model, binding: Binding, parameters: Mapping[str, Any], inputs: Shapes = _NO_INPUTS
) -> Quote:
    """Return what one call of `binding` costs with these canonical parameters and inputs.

    What is not known yet is priced at the dearest that is allowed. An unknown price is unpriced,
    never 0; its `ceiling_usd`, where stated, is the high price.
    """
    if binding.provider == "local":
        return FREE
    price = binding.price
    units = _units(price, model, binding, parameters, inputs) if price else None
    if price is None or units is None:
        return Quote(None, None, binding.ceiling_usd, "unpriced")
    factor = _factor(price, parameters)
    low, expected, high = (
        amount_of(price, count) * factor for count in (units.low, units.expected, units.high)
    )
    return Quote(low, expected, high, price.grade)


def _factor(price: Price, parameters: Mapping[str, Any]) -> Decimal:
    factor = Decimal(1)
    for name, factors in price.times.items():
        value = parameters.get(name)
        word = str(value).lower() if isinstance(value, bool) else str(value)
        factor *= factors.get(word, Decimal(1))
    return factor


def _units(
    price: Price, model: Model, binding: Binding, parameters: Mapping[str, Any], inputs: Shapes
) -> Units | None:
    if price.unit in ("call", "image"):
        return _exactly(Decimal(1))
    if price.unit == "compute_second":
        usual = Decimal(str(binding.latency.usual_seconds))
        return Units(usual / 10, usual, Decimal(str(binding.latency.longest_seconds)))
    if price.unit == "thousand_characters":
        return _characters(binding, inputs)
    if price.unit == "million_tokens":
        return _tokens(price, parameters, inputs)
    made = foreseen(model, binding, parameters, inputs)
    if price.unit == "megapixel":
        return _megapixels(price, binding, made, inputs)
    if price.unit == "second":
        return _seconds(model, binding, made)
    return _video_tokens(binding, made)


def _exactly(units: Decimal) -> Units:
    return Units(units, units, units)


def _characters(binding: Binding, inputs: Shapes) -> Units | None:
    for port in TEXT_PORTS:
        for shape in flat(inputs.get(port, ())):
            if shape.characters is not None:
                return _exactly(Decimal(shape.characters) / 1000)
            most = binding.limits.of(port).max_characters
            return None if most is None else Units(ZERO, Decimal(most) / 2000, Decimal(most) / 1000)
    return None


def _tokens(price: Price, parameters: Mapping[str, Any], inputs: Shapes) -> Units:
    """Text in and out, in tokens of the answer; an answer is rarely as long as it may be."""
    given = [shape for port in ("prompt", "system") for shape in flat(inputs.get(port, ()))]
    least = sum((shape.characters or 0) // CHARACTERS_OF_A_TOKEN for shape in given)
    asked = len(str(parameters.get("fields", "")))
    most = sum(LONGEST_TEXT if one.characters is None else one.characters for one in given)
    most = (most + asked + ASKING) * TOKENS_OF_A_CHARACTER
    pictures = price.picture_tokens * len(flat(inputs.get("images", ())))
    longest = int(parameters.get("max_tokens", TOKENS_MADE))

    def units(text: int, made: int) -> Decimal:
        counted = made + (text + pictures) * (price.given_counts or ZERO)
        return counted / 1_000_000

    return Units(units(least, 1), units(least, max(1, longest // 4)), units(most, longest))


def _megapixels(price: Price, binding: Binding, made: Shape, inputs: Shapes) -> Units | None:
    given = [shape for port in ("image", "images") for shape in flat(inputs.get(port, ()))]
    counted = [
        _whole_megapixels(made),
        *map(_whole_megapixels, given if price.counts_input else ()),
    ]
    known = sum((count for count in counted if count is not None), ZERO)
    unknown = counted.count(None)
    if not unknown:
        return _exactly(known)
    most = binding.makes.max_megapixels
    if most is None:
        return None
    return Units(known + unknown, known + unknown, known + unknown * Decimal(ceil(most)))


def _whole_megapixels(shape: Shape) -> Decimal | None:
    if shape.size is None:
        return None
    width, height = shape.size
    return Decimal(ceil(width * height / PIXELS_PER_MEGAPIXEL))


def _seconds(model: Model, binding: Binding, made: Shape) -> Units | None:
    if made.seconds is not None:
        return _exactly(Decimal(str(made.seconds)))
    rule = model.parameters.get("seconds")
    if rule is None or rule.minimum is None or rule.maximum is None:
        return None
    least, most = (sent_seconds(binding, bound) for bound in (rule.minimum, rule.maximum))
    low, high = Decimal(str(least or rule.minimum)), Decimal(str(most or rule.maximum))
    return Units(low, (low + high) / 2, high)


def _video_tokens(binding: Binding, made: Shape) -> Units | None:
    if made.size is None or made.seconds is None:
        return None
    width, height = made.size
    tokens = width * height * VIDEO_FRAMES_PER_SECOND * made.seconds / 1024
    return _exactly(Decimal(str(tokens)) / 1_000_000)


def amount_of(price: Price, units: Decimal) -> Decimal:
    """Return what so many units cost in USD."""
    if price.each_further_usd is None:
        return price.usd * units
    return price.usd + price.each_further_usd * (units - 1)
