"""What the vendors offer: endpoints, their fields and prices, read from `vendors/*.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

VENDORS = ("bfl", "bria", "fal", "replicate")
FOLDER = Path(__file__).parent / "vendors"
PIXELS_PER_MEGAPIXEL = 1024 * 1024  # as these vendors count
PICTURES = ("picture", "pictures")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an endpoint's input."""

    type: str
    required: bool = False
    default: Any = None
    options: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: int | None = None
    max_length: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD for each unit, the first one where `each_further` is set; None: not known."""

    unit: str
    usd: Decimal | None
    each_further: Decimal | None = None
    counts_input: bool = False

    def amount(self, units: Decimal) -> Decimal | None:
        """Return what that many units cost, or None where the price is not known."""
        if self.usd is None:
            return None
        if self.each_further is None or units < 1:
            return self.usd * units
        return self.usd + self.each_further * (units - 1)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that a vendor offers."""

    vendor: str
    name: str
    kind: str
    fields: Mapping[str, Field]
    output: Mapping[str, Any]
    size: Mapping[str, Any]
    format_field: str | None
    count_field: str | None
    price: Price
    usual_seconds: float
    official: bool = True
    version: str | None = None
    picture_fields: tuple[str, ...] = field(default=())

    @property
    def needs_picture(self) -> bool:
        """True when there is nothing to do without an input picture."""
        return self.kind in ("remove-background", "upscale")

    @property
    def is_list(self) -> bool:
        """True when the answer holds a list of pictures, be it of one."""
        return "[0]" in self.output["path"]


@cache
def endpoints(vendor: str) -> Mapping[str, Endpoint]:
    """Return what that vendor offers, by name."""
    data = json.loads((FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))
    return {entry["endpoint"]: _endpoint(vendor, entry) for entry in data["endpoints"]}


def _endpoint(vendor: str, entry: Mapping[str, Any]) -> Endpoint:
    fields = {name: _field(facts) for name, facts in entry["fields"].items()}
    price = entry["price"]
    return Endpoint(
        vendor=vendor,
        name=entry["endpoint"],
        kind=entry["kind"],
        fields=fields,
        output=entry["output"],
        size=entry["size"],
        format_field=entry["format_field"],
        count_field=entry["count_field"],
        price=Price(
            price["unit"],
            _decimal(price["usd"]),
            _decimal(price.get("each_further_usd")),
            price.get("counts_input", False),
        ),
        usual_seconds=entry["latency"]["usual_seconds"],
        official=entry.get("official", True),
        version=entry.get("version"),
        picture_fields=tuple(name for name, one in fields.items() if one.type in PICTURES),
    )


def _field(facts: Mapping[str, Any]) -> Field:
    return Field(**{**facts, "options": tuple(facts.get("options", ()))})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def units_of(
    endpoint: Endpoint,
    size: tuple[int, int],
    inputs: list[tuple[int, int]],
    count: int,
    seconds: float,
) -> Decimal:
    """Return how many units a job is billed: images, megapixels (rounded up) or seconds."""
    if endpoint.price.unit == "second":
        return Decimal(str(round(seconds, 6)))
    if endpoint.price.unit == "image":
        return Decimal(count)
    counted = [size] * count + (inputs if endpoint.price.counts_input else [])
    return Decimal(sum(megapixels(*one) for one in counted))


def megapixels(width: int, height: int) -> int:
    """Return whole megapixels, rounded up."""
    return ceil(width * height / PIXELS_PER_MEGAPIXEL)
