"""What one call costs, before it is made. All amounts are USD and Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from providers.catalog.schema import Binding, Grade, Price
from providers.catalog.size import PIXELS_PER_MEGAPIXEL, size_of

ZERO = Decimal(0)


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


FREE = Quote(ZERO, ZERO, ZERO, "exact")


def quote(binding: Binding, parameters: Mapping[str, Any]) -> Quote:
    """Return what one call of `binding` with these canonical parameters costs.

    An unknown price is unpriced, never 0; its `ceiling_usd`, where stated, is the high price.
    """
    if binding.provider == "local":
        return FREE
    price = binding.price
    units = _units(price, parameters) if price else None
    if price is None or units is None:
        return Quote(None, None, binding.ceiling_usd, "unpriced")
    amount = amount_of(price, units)
    return Quote(amount, amount, amount, price.grade)


def _units(price: Price, parameters: Mapping[str, Any]) -> Decimal | None:
    if price.unit == "image":
        return Decimal(1)
    if price.unit == "megapixel":
        aspect, megapixels = parameters.get("aspect_ratio"), parameters.get("megapixels", 1)
        if not isinstance(aspect, str):
            return None
        width, height = size_of(aspect, float(megapixels))
        return Decimal(ceil(width * height / PIXELS_PER_MEGAPIXEL))
    return None


def amount_of(price: Price, units: Decimal) -> Decimal:
    """Return what so many units cost in USD."""
    if price.each_further_usd is None:
        return price.usd * units
    return price.usd + price.each_further_usd * (units - 1)
