"""Find what is wrong with an input, in words from which each vendor's answer is made.

Stricter than some vendors in one respect: a field that the endpoint does not have is a problem,
unless the profile says otherwise. What is told is told in one place, so that four vendors agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from providers.sandbox.endpoints import PIXELS_PER_MEGAPIXEL, Endpoint, Field

_LARGEST_SIDE = 14142  # fal's own bound of a custom size


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, of which type (fal's words), and in a sentence."""

    field: str
    type: str
    message: str
    context: Mapping[str, Any] = default(default_factory=dict)


def problems_with(
    endpoint: Endpoint, given: Mapping[str, Any], unknown_fields: str
) -> list[Problem]:
    """Return everything that is wrong with the input; nothing is fetched or decoded for it."""
    found = list(_missing(endpoint, given))
    for name, value in given.items():
        rule = endpoint.fields.get(name)
        if rule is None:
            if unknown_fields == "refuse":
                found.append(Problem(name, "extra_forbidden", f"{name} is not a field here"))
        elif value is not None or rule.required:
            found += [_named(name, problem) for problem in _CHECKS[rule.type](rule, value)]
    return found or list(_together(endpoint, given))


def _missing(endpoint: Endpoint, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, rule in endpoint.fields.items():
        if rule.required and name not in given:
            yield Problem(name, "missing", "Field required")
    media = endpoint.media_fields
    is_told = any(given.get(name) or endpoint.fields[name].required for name in media)
    if endpoint.needs_picture and not is_told:
        yield Problem(media[0], "missing", "Field required")


def _together(endpoint: Endpoint, given: Mapping[str, Any]) -> Iterator[Problem]:
    limit = endpoint.size.get("max_megapixels")
    width, height = given.get("width"), given.get("height")
    if limit and width and height and width * height > limit * PIXELS_PER_MEGAPIXEL:
        yield Problem("width", "value_error", f"width x height is above {limit} megapixels")


def _named(name: str, problem: tuple[str, str, Mapping[str, Any]]) -> Problem:
    kind, message, context = problem
    return Problem(name, kind, message, context)


Found = Iterator[tuple[str, str, Mapping[str, Any]]]


def _text(rule: Field, value: Any) -> Found:
    if not isinstance(value, str):
        yield "string_type", "Input should be a valid string", {}
    elif len(value.strip()) < (least := rule.min_length or int(rule.required)):
        message = f"String should have at least {least} character{'s' * (least > 1)}"
        yield "string_too_short", message, {"min_length": least}
    elif rule.max_length and len(value) > rule.max_length:
        limit = rule.max_length
        yield (
            "string_too_long",
            f"String should have at most {limit} characters",
            {"max_length": limit},
        )


def _integer(rule: Field, value: Any) -> Found:
    if isinstance(value, bool) or not isinstance(value, int):
        yield "int_type", "Input should be a valid integer", {}
    else:
        yield from _bounds(rule, value)


def _number(rule: Field, value: Any) -> Found:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield "float_type", "Input should be a valid number", {}
    else:
        yield from _bounds(rule, value)


def _bounds(rule: Field, value: float) -> Found:
    low, high, step = rule.minimum, rule.maximum, rule.multiple_of
    if low is not None and value < low:
        message = f"Input should be greater than or equal to {low:g}"
        yield "greater_than_equal", message, {"ge": low}
    if high is not None and value > high:
        yield "less_than_equal", f"Input should be less than or equal to {high:g}", {"le": high}
    if step and value % step:
        yield "multiple_of", f"Input should be a multiple of {step}", {"multiple_of": step}


def _boolean(rule: Field, value: Any) -> Found:
    if not isinstance(value, bool):
        yield "bool_type", "Input should be a valid boolean", {}


def _choice(rule: Field, value: Any) -> Found:
    if value not in rule.options or isinstance(value, bool):
        expected = ", ".join(f"'{option}'" for option in rule.options)
        yield "literal_error", f"Input should be {expected}", {"expected": expected}


def _size(rule: Field, value: Any) -> Found:
    if not isinstance(value, dict):
        if rule.options:
            yield from _choice(rule, value)
        elif not isinstance(value, str):
            yield "literal_error", "Input should be a name or an object", {}
        return
    side = Field("integer", minimum=rule.minimum or 1, maximum=rule.maximum or _LARGEST_SIDE)
    for name in ("width", "height"):
        yield from _integer(side, value.get(name, 512))


def _url(rule: Field, value: Any) -> Found:
    if not isinstance(value, str) or not value:
        yield "string_type", "Input should be a valid string", {}


def _media(rule: Field, value: Any) -> Found:
    if not isinstance(value, list):
        yield "list_type", "Input should be a valid list", {}
    elif rule.required and not value:
        message = "List should have at least 1 item after validation, not 0"
        yield "too_short", message, {"min_length": 1}
    elif rule.max_items and len(value) > rule.max_items:
        message = f"List should have at most {rule.max_items} items after validation"
        yield "too_long", message, {"max_length": rule.max_items}
    else:
        for item in value:
            yield from _url(rule, item)


def _object(rule: Field, value: Any) -> Found:
    if not isinstance(value, dict):
        yield "dict_type", "Input should be a valid dictionary", {}


def _objects(rule: Field, value: Any) -> Found:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        yield "list_type", "Input should be a valid list", {}


_CHECKS: Mapping[str, Callable[[Field, Any], Found]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "size": _size,
    "url": _url,
    "picture": _url,
    "pictures": _media,
    "clip": _url,
    "clips": _media,
    "sound": _url,
    "object": _object,
    "objects": _objects,
}
