"""The price of a binding, in the sandbox's own units, from the words of the researched facts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Facts = Mapping[str, Any]

# What is counted where the facts state no unit.
_UNITS = {
    "image-to-video": "output_second",
    "text-to-speech": "thousand_characters",
    "text-to-audio": "output_second",
    "merge-audio-video": "output_second",
    "merge-videos": "second",
}
# Words of the facts and the unit they mean, the first that is found; "second" alone is of the
# output where a clip or a sound is made, and of the computer's time where a picture is.
_WORDS = (
    ("million video tokens", "million_video_tokens"),
    ("1000 characters", "thousand_characters"),
    ("compute second", "second"),
    ("GPU second", "second"),
    ("second", "output_second"),
    ("video", "video"),
)
_BLOCK = "5 seconds at"  # a price for so many seconds: here it is one for each of them
_BLOCK_SECONDS = 5
_MILLION = 1_000_000


def price_of(facts: Facts, kind: str, fields: Facts) -> dict[str, Any]:
    """Return the price in USD as text; a unit without an amount is counted and not priced."""
    words = str(facts.get("unit") or "")
    if words.startswith("token"):
        return _by_token(facts)
    usd = _decimal(facts.get("usd"))
    if usd is not None and words.startswith(_BLOCK):
        usd /= _BLOCK_SECONDS
    price: dict[str, Any] = {"unit": _unit(words, kind), "usd": _text(usd)}
    if facts.get("extra_mp_usd") is not None:
        price["each_further_usd"] = _text(_decimal(facts["extra_mp_usd"]))
    if facts.get("input_mp_usd") is not None:
        price["counts_input"] = True
    factors = _factors(facts, fields, words)
    if factors:
        price["factors"] = factors
    return price | {"source": facts.get("source"), "as_of": facts.get("as_of")}


def _by_token(facts: Facts) -> dict[str, Any]:
    """Return the price for a million tokens that are made, and what one that is given counts."""
    given, made = _decimal(facts.get("usd")), _decimal(facts.get("output_usd"))
    price: dict[str, Any] = {"unit": "million_tokens", "usd": None}
    if given is not None and made is not None:
        price |= {"usd": _text((made * _MILLION).normalize()), "given_counts": _text(given / made)}
    return price | {"source": facts.get("source"), "as_of": facts.get("as_of")}


def _unit(words: str, kind: str) -> str:
    if kind in _UNITS:
        return next((unit for word, unit in _WORDS if word in words), _UNITS[kind])
    if words.startswith(("image", "run")):
        return "image"
    if "second" in words:
        return "second"
    return "megapixel" if "megapixel" in words or "MP" in words else "image"


def _factors(facts: Facts, fields: Facts, words: str) -> dict[str, dict[str, str]]:
    """Return by what a field's value multiplies the units, by the word for that value."""
    found: dict[str, dict[str, str]] = {}
    options = fields.get("resolution", {}).get("options", ())
    # "720p x2, 1080p x4"
    by_word = {
        word: after.split(",")[0].split(" ")[0]
        for word in options
        for after in words.split(f"{word} x")[1:]
    }
    if by_word:
        found["resolution"] = by_word
    if facts.get("audio_usd") is not None:
        factor = Decimal(str(facts["audio_usd"])) / Decimal(str(facts["usd"]))
        found["generate_audio"] = {"true": format(factor.normalize(), "f")}
    return found


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
