"""What a binding takes and makes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from providers.catalog import Binding, Model, Parameter
from providers.catalog.limits import Makes, PortLimits

UNKNOWN = "nothing stated"

_SIZES = {
    "asked": "the size that is asked for",
    "input": "the size of what is given",
    "scaled": "the size of what is given, times `scale`",
    "resized": "the width and height that are asked for",
    "cropped": "what is given, cropped to the size or aspect ratio that is asked for",
    "padded": "what is given, padded to the size or aspect ratio that is asked for",
    "stated": "the width and aspect ratio that are asked for; without a width, as it comes",
    "print": "the millimetres that are asked for, at `dpi`",
}


def allowed(parameter: Parameter) -> str:
    """Return which values a parameter takes: "5 | 10", "1 to 12 seconds", "any"."""
    unit = parameter.unit or ""
    if parameter.options:
        return f"{' | '.join(map(str, parameter.options))} {unit}".rstrip()
    if parameter.type == "boolean":
        return "true | false"
    return _bounds(parameter.minimum, parameter.maximum, unit) or unit or "any"


def port_limits(limits: PortLimits) -> str:
    """Return what a port takes: "300 px a side at least, jpeg or png, no alpha"."""
    return ", ".join(filter(None, _port_limits(limits))) or UNKNOWN


def limits_by_provider(model: Model, port: str) -> str:
    """Return what a port takes, each different word once and by whom; "not taken" by nobody."""
    found: dict[str, list[str]] = {}
    for binding in model.bindings:
        if is_taken(binding, port):
            found.setdefault(port_limits(binding.limits.of(port)), []).append(binding.provider)
    if not found:
        return "not taken"
    takers = [name for names in found.values() for name in names]
    if len(found) == 1 and len(takers) == len(model.bindings):
        return next(iter(found))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in found.items())


def is_taken(binding: Binding, port: str) -> bool:
    """True when this machine does the work, or the vendor's request has a field for the port."""
    return binding.provider == "local" or any(
        port == (rule if isinstance(rule, str) else rule.source) for rule in binding.fields.values()
    )


def binding_limits(binding: Binding) -> str:
    """Return the limits of every port of a binding, as "image: 300 px a side at least"."""
    found = [(port, port_limits(limits)) for port, limits in binding.limits.takes.items()]
    return "; ".join(f"{port}: {words}" for port, words in found) or UNKNOWN


def made(makes: Makes) -> str:
    """Return what comes back, as far as it is known: "1024x576, no alpha"."""
    return ", ".join(filter(None, _made(makes))) or UNKNOWN


def _port_limits(limits: PortLimits) -> Iterator[str]:
    yield _stated("at most {:,} characters", limits.max_characters)
    yield _stated("at most {:,} at once", limits.max_items)
    yield _stated("{} exactly", limits.size)
    yield _bounds(limits.min_side, limits.max_side, "px a side")
    yield _megapixels(limits.max_megapixels)
    yield _stated("sides in multiples of {}", limits.multiple_of)
    aspect = _bounds(limits.min_aspect, limits.max_aspect, "")
    yield f"aspect {aspect}" if aspect else ""
    yield _stated("the aspect that `{}` asks for", limits.follows)
    yield _or(limits.formats)
    yield "" if limits.max_bytes is None else f"at most {data_size(limits.max_bytes)}"
    yield _bounds(limits.min_seconds, limits.max_seconds, "s")
    yield "" if limits.alpha else "no alpha"


def _made(makes: Makes) -> Iterator[str]:
    yield _made_size(makes)
    yield _stated("sides in multiples of {}", makes.multiple_of)
    yield _megapixels(makes.max_megapixels)
    yield _stated("{:g} s long", makes.seconds)
    if makes.alpha is not None:
        yield "with alpha" if makes.alpha else "no alpha"
    if makes.audio:
        yield "with sound" if makes.audio is True else f"with sound where `{makes.audio}` is true"


def _made_size(makes: Makes) -> str:
    if makes.fixed:
        return f"{makes.fixed} always"
    if makes.sizes:
        return "by aspect ratio " + _pairs(makes.sizes)
    if makes.size == "resolution":
        return "the pixels of `resolution` at the aspect given or asked: " + _pairs(makes.areas)
    if makes.size == "inside":
        return f"the shape given or asked, as large as fits {makes.inside}, upright or not"
    return _SIZES[makes.size] if makes.size else ""


def _stated(words: str, value: float | str | None) -> str:
    return "" if value is None else words.format(value)


def _megapixels(most: float | None) -> str:
    return _stated("at most {:g} megapixel" if most == 1 else "at most {:g} megapixels", most)


def _pairs(words: dict[str, str]) -> str:
    return ", ".join(f"{name} {size}" for name, size in words.items())


def _bounds(least: float | None, most: float | None, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if least is not None and most is not None:
        return f"{least:.15g} to {most:.15g}{unit}"
    if least is not None:
        return f"{least:.15g}{unit} at least"
    return "" if most is None else f"{most:.15g}{unit} at most"


def _or(words: Iterable[str]) -> str:
    *others, last = words or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def data_size(size: int) -> str:
    """Return "10 MB", in the thousands that vendors count with."""
    return f"{size / 1e6:g} MB" if size >= 1_000_000 else f"{size / 1e3:g} kB"
