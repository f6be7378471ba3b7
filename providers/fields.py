"""Render an order as the JSON that its binding asks for. Pure; the order stays unchanged."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Literal

from providers.adapter import Material, Order, Part
from providers.catalog.schema import Binding, FieldRule, Form
from providers.catalog.size import size_of
from providers.errors import InputError

SIZE = "size"
DEFAULT_MULTIPLE = 16


def render(order: Order) -> dict[str, Any]:
    """Return the vendor's fields for this order; what it has no field for is left out.

    Raises:
        InputError: a value cannot be written as the binding wants it.
    """
    rendered: dict[str, Any] = {}
    for name, written in order.binding.fields.items():
        if isinstance(written, str):
            value = _plain(_source(order, written))
        else:
            value = written.send if written.source is None else _value(order, written)
        if value is not None:  # a seed of 0 and a False are values
            rendered[name] = value
    return rendered


def file_form(binding: Binding, port: str) -> Literal["url", "bytes"] | None:
    """Return how this port's files travel; None where no field of the request holds them."""
    form: Literal["url", "bytes"] | None = None
    for rule in binding.fields.values():
        if isinstance(rule, FieldRule) and rule.source == port:
            form = "bytes" if rule.form in ("base64", "data_uri") else "url"
        elif rule == port:
            form = "url"
    return form


def _value(order: Order, rule: FieldRule) -> Any:
    value = _source(order, str(rule.source))
    if value is None:
        return None
    if rule.round_up_to:
        value = _raised(float(value), rule)
    value = rule.values.get(_word(value), value)
    return None if value is None else _FORMS[rule.form](value)


def _raised(value: float, rule: FieldRule) -> float:
    for offered in sorted(rule.round_up_to):
        if offered >= value:
            return int(offered) if offered.is_integer() else offered
    most = max(rule.round_up_to)
    raise InputError(f"{rule.source} {value:g} is above {most:g}, the most that is offered")


def _source(order: Order, name: str) -> Any:
    if name in order.inputs:
        return order.inputs[name]
    if name == SIZE and SIZE not in order.parameters:
        return _size(order.binding, order.parameters)
    return order.parameters.get(name)


def _size(binding: Binding, parameters: Mapping[str, Any]) -> str | None:
    aspect = parameters.get("aspect_ratio")
    if aspect is None:
        return None
    multiple = binding.makes.multiple_of or DEFAULT_MULTIPLE
    width, height = size_of(str(aspect), float(parameters.get("megapixels", 1)), multiple)
    return f"{width}x{height}"


def _word(value: Any) -> str:
    """Return a canonical value as the keys of `values` write it: 1 for 1.0, true for True."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Files as URLs, everything else as it is."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _url(value) if isinstance(value, Material) else value


def _as_list(value: Any) -> list[Any]:
    return _plain(value if isinstance(value, tuple) else (value,))  # type: ignore[no-any-return]


def _size_object(value: Any) -> dict[str, int]:
    return {"width": _side(value, 0), "height": _side(value, 1)}


def _side(value: Any, number: int) -> int:
    sides = str(value).split("x")
    if len(sides) != 2 or not all(side.isdigit() for side in sides):
        raise InputError(f"{value!r} is not a size: write it as 1344x768")
    return int(sides[number])


def _one(value: Part) -> Part:
    """Return the value of a field that takes one, of a port that takes a list."""
    if not isinstance(value, tuple):
        return value
    if len(value) != 1:
        raise InputError(f"{len(value)} are given to a field that takes one")
    return value[0]


def _url(value: Part) -> str:
    value = _one(value)
    if isinstance(value, Material):
        return value.url if value.url is not None else _data_uri(value)
    return str(value)


def _base64(value: Part) -> str:
    value = _one(value)
    if not isinstance(value, Material) or value.data is None:
        raise InputError("a field that takes a file's bytes was given none")
    return base64.b64encode(value.data).decode("ascii")


def _data_uri(value: Part) -> str:
    value = _one(value)
    data = _base64(value)
    assert isinstance(value, Material)
    return f"data:{value.media.media_type};base64,{data}"


_FORMS: Mapping[Form | None, Callable[[Any], Any]] = {
    None: _plain,
    "text": _word,
    "width": lambda value: _side(value, 0),
    "height": lambda value: _side(value, 1),
    "size_object": _size_object,
    "url": _url,
    "base64": _base64,
    "data_uri": _data_uri,
    "list": _as_list,
    "milliseconds": lambda value: round(float(value) * 1000),
}
