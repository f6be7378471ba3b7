"""What the vendors offer: endpoints, their fields and prices, read from `vendors/*.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

VENDORS = ("bfl", "bria", "fal", "replicate")
FOLDER = Path(__file__).parent / "vendors"
PIXELS_PER_MEGAPIXEL = 1024 * 1024  # as these vendors count
MEDIA = ("picture", "pictures", "clip", "clips", "sound")
COMPOSING = ("merge-audio-video", "merge-videos", "extract-frame")


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
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD for each unit, the first one where `each_further` is set; None: not known.

    `factors` is by what a field's value multiplies the units: {"resolution": {"720p": 2}}. A token
    that is given counts `given_counts` of one that is made.
    """

    unit: str
    usd: Decimal | None
    each_further: Decimal | None = None
    counts_input: bool = False
    factors: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    given_counts: Decimal = Decimal(0)

    def amount(self, units: Decimal) -> Decimal | None:
        """Return what that many units cost, or None where the price is not known."""
        if self.usd is None:
            return None
        if self.each_further is None or units < 1:
            return self.usd * units
        return self.usd + self.each_further * (units - 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """What an endpoint takes of one kind of media; a vendor that says nothing limits nothing.

    Sides are pixels, an aspect is width by height, `exact_aspect` holds within one pixel.
    """

    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    min_width: int | None = None
    min_height: int | None = None
    max_pixels: int | None = None
    min_aspect: float | None = None
    max_aspect: float | None = None
    exact_aspect: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that a vendor offers.

    `limits` are by the word for a kind of media: picture, clip or sound. `length` is the rule for
    the seconds of the output, `makes` its kind of media; both say nothing of a picture.
    """

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
    media_fields: tuple[str, ...] = field(default=())
    limits: Mapping[str, Limit] = field(default_factory=dict)
    length: Mapping[str, Any] = field(default_factory=dict)
    makes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output_kind(self) -> str:
        """What comes out: picture, clip, sound or text."""
        return str(self.makes.get("kind", "picture"))

    @property
    def needs_picture(self) -> bool:
        """True when there is nothing to do without an input picture."""
        return self.kind in ("remove-background", "upscale")

    @property
    def is_list(self) -> bool:
        """True when the answer holds a list of pictures, be it of one."""
        return "[0]" in self.output["path"]

    def value(self, given: Mapping[str, Any], name: str | None) -> Any:
        """Return the field's value in this input, or its default; None without such a field."""
        if name is None or name not in self.fields:
            return None
        value = given.get(name)
        return self.fields[name].default if value is None else value


@cache
def endpoints(vendor: str) -> Mapping[str, Endpoint]:
    """Return what that vendor offers, by name."""
    data = json.loads((FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))
    return {entry["endpoint"]: _endpoint(vendor, entry) for entry in data["endpoints"]}


def _endpoint(vendor: str, entry: Mapping[str, Any]) -> Endpoint:
    fields = {name: _field(facts) for name, facts in entry["fields"].items()}
    return Endpoint(
        vendor=vendor,
        name=entry["endpoint"],
        kind=entry["kind"],
        fields=fields,
        output=entry["output"],
        size=entry["size"],
        format_field=entry["format_field"],
        count_field=entry["count_field"],
        price=_price(entry["price"]),
        usual_seconds=entry["latency"]["usual_seconds"],
        official=entry.get("official", True),
        version=entry.get("version"),
        media_fields=tuple(name for name, one in fields.items() if one.type in MEDIA),
        limits={what: _limit(facts) for what, facts in entry.get("limits", {}).items()},
        length=entry.get("length", {}),
        makes=entry.get("makes", {}),
    )


def _price(facts: Mapping[str, Any]) -> Price:
    factors = facts.get("factors", {})
    return Price(
        unit=facts["unit"],
        usd=_decimal(facts["usd"]),
        each_further=_decimal(facts.get("each_further_usd")),
        counts_input=facts.get("counts_input", False),
        given_counts=_decimal(facts.get("given_counts")) or Decimal(0),
        factors={
            name: {word: Decimal(factor) for word, factor in words.items()}
            for name, words in factors.items()
        },
    )


def _limit(facts: Mapping[str, Any]) -> Limit:
    return Limit(**{**facts, "formats": tuple(facts.get("formats", ()))})


def _field(facts: Mapping[str, Any]) -> Field:
    return Field(**{**facts, "options": tuple(facts.get("options", ()))})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
