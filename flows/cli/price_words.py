"""Prices in words: of a rule, of a usual call, of a usual row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from providers.catalog import Binding, Model, Quote
from providers.catalog.schema import FieldRule, Price
from providers.catalog.shape import Shape
from providers.catalog.usual import USUAL, cheapest, usual_made, usual_quote
from tasks.money import dollars, exact_dollars

if TYPE_CHECKING:
    from flows.row_price import RowPrice

_UNITS = {
    "call": "call",
    "image": "picture",
    "megapixel": "megapixel",
    "second": "second",
    "thousand_characters": "thousand characters",
    "compute_second": "second of computing",
    "million_video_tokens": "million video tokens",
    "million_tokens": "million tokens that are made",
}
_TOKENS = "one is width x height x 24 x seconds / 1024"


def model_price(model: Model) -> str:
    """Return the cheapest price of a usual call, as "$0.35 (5 s)", "free" or "unpriced"."""
    if found := cheapest(model):
        binding, _ = found
        return binding_price(model, binding)
    ceilings = [each.ceiling_usd for each in model.bindings if each.ceiling_usd is not None]
    return f"unpriced, at most {dollars(max(ceilings))}" if ceilings else "unpriced"


def binding_price(model: Model, binding: Binding) -> str:
    """Return what a usual call costs at one provider, as "$0.35 (5 s)"."""
    price = usual_quote(model, binding)
    if price.expected is None:
        return "unpriced" if price.high is None else f"unpriced, at most {dollars(price.high)}"
    if binding.price is None or binding.provider == "local":
        return "free"
    what = _usual_units(binding.price, binding, usual_made(model, binding))
    return f"{expected(price)} ({what})" if what else expected(price)


def expected(price: Quote) -> str:
    """Return "$0.03", with its span where it may be less or more; "unpriced" when not known."""
    if price.expected is None or price.low is None or price.high is None:
        return "unpriced"
    return _amount(price.low, price.expected, price.high)


def price_rule(binding: Binding) -> str:
    """Return the rule of a price: "$0.07 a second, sold in 5 and 10"."""
    if binding.provider == "local":
        return "free"
    price = binding.price
    if price is None:
        most = binding.ceiling_usd
        return "unpriced" if most is None else f"unpriced, at most {exact_dollars(most)} a call"
    words = [_per_unit(price)]
    if price.counts_input:
        words.append("pictures that are given count, too")
    if price.unit == "million_video_tokens":
        words.append(_TOKENS)
    if price.given_counts is not None:
        words.append(f"one that is given counts {price.given_counts}")
    if price.picture_tokens:
        words.append(f"a picture is {price.picture_tokens} that are given, at most")
    if price.unit in ("second", "million_video_tokens") and (sold := _lengths_sold(binding)):
        words.append(f"sold in {sold}")
    words += [_factors(name, factors) for name, factors in price.times.items()]
    return ", ".join(words)


def row_words(row: RowPrice) -> str:
    """Return the price of a usual row: "at least $0.03, 1 step unpriced (cutout)"."""
    if not row.unpriced:
        amount = _amount(row.low, row.expected, row.high)
        return "free" if not row.high else amount
    unknown = f"{_steps(len(row.unpriced))} unpriced ({', '.join(row.unpriced)})"
    return f"at least {dollars(row.low)}, {unknown}" if row.low else unknown


def _amount(low: Decimal, middle: Decimal, high: Decimal) -> str:
    if low == high:
        return dollars(middle)
    return f"{dollars(middle)}, {dollars(low)} to {dollars(high)}"


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _per_unit(price: Price) -> str:
    unit, first = _UNITS[price.unit], exact_dollars(price.usd)
    if price.each_further_usd is None:
        return f"{first} a {unit}"
    return f"{first} for the first {unit}, {exact_dollars(price.each_further_usd)} for each further"


def _factors(name: str, factors: dict[str, Decimal]) -> str:
    return "times " + ", ".join(f"{factor} at {name} {value}" for value, factor in factors.items())


def _lengths_sold(binding: Binding) -> str:
    for rule in binding.fields.values():
        if isinstance(rule, FieldRule) and rule.source == "seconds" and rule.round_up_to:
            return _lengths(sorted(rule.round_up_to))
    return ""


def _lengths(seconds: Sequence[float]) -> str:
    if len(seconds) > 2 and all(later - earlier == 1 for earlier, later in pairwise(seconds)):
        return f"whole seconds from {seconds[0]:g} to {seconds[-1]:g}"
    *others, last = (f"{each:g}" for each in seconds)
    return f"{', '.join(others)} and {last}" if others else last


def _usual_units(price: Price, binding: Binding, made: Shape) -> str:
    """What the usual call is billed for, as far as it is known."""
    if price.unit in ("thousand_characters", "million_tokens"):
        return f"{USUAL['text'].characters} characters"
    if price.unit == "compute_second":
        return f"{binding.latency.usual_seconds:g} s of computing"
    if price.unit in ("second", "million_video_tokens"):
        return "" if made.seconds is None else f"{made.seconds:g} s"
    if price.unit == "megapixel":
        return f"{made.width}x{made.height}" if made.size else ""
    return f"1 {_UNITS[price.unit]}"
