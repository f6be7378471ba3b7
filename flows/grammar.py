"""The values of a template: what `$name`, "a ${name} mug", [$a, $b] and {first: [$a, $b]} mean.

Only strings of the template are read here, once. What a reference resolves to is data: a `$` in it
is a dollar and is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any, Final, TypeAlias

from flows.place import fault_at
from providers.media import Scalar, Value


class NoResult(Enum):
    """The type of NO_RESULT: a step that was skipped, or whose `when` was false."""

    NO_RESULT = "no result"


NO_RESULT: Final = NoResult.NO_RESULT


@dataclass(frozen=True, slots=True)
class Ref:
    """`$name` or `$name.part`, where the part is an output port or a fact."""

    name: str
    part: str | None = None

    def __str__(self) -> str:
        return self.name if self.part is None else f"{self.name}.{self.part}"


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the template itself."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Text:
    """A text with values put in."""

    parts: tuple[str | Ref, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of references, into a list port."""

    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class First:
    """The first of several references that has a result."""

    refs: tuple[Ref, ...]


Expression: TypeAlias = Constant | Ref | Text | Items | First

_REFERENCE = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?"
_WHOLE = re.compile(rf"\$({_REFERENCE})")
_DOLLAR = re.compile(
    rf"\$(?:(?P<dollar>\$)|\{{(?P<ref>{_REFERENCE})\}}|(?P<braces>\{{[^}}]*\}}?)|(?P<bare>\w[\w.]*\b)?)"
)


def parse(value: Any, where: object) -> Expression:
    """Return the meaning of one value of a template.

    Args:
        value: As YAML or Python gives it: a scalar, a list or {first: [...]}.
        where: Its `str()` begins the error; it is called only then.

    Raises:
        RequestError: `where: problem`, with what to write instead.
    """
    try:
        return _parse(value)
    except _Mistake as mistake:
        raise fault_at(where, str(mistake)) from None


class _Mistake(Exception):
    """A value that is not in the grammar; `parse` adds the place."""


def _parse(value: Any) -> Expression:
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool | int | float) and isfinite(value):
        return Constant(value)
    if isinstance(value, list | tuple):
        return Items(_parse_refs(value, "a list holds"))
    if isinstance(value, dict) and set(value) == {"first"} and isinstance(value["first"], list):
        return First(_parse_refs(value["first"], "`first` holds"))
    if isinstance(value, dict):
        raise _Mistake("a mapping can only be {first: [$a, $b]}")
    if value is None:
        raise _Mistake("has no value; give one or leave the key out")
    raise _Mistake(f"{str(value)!r} is a {type(value).__name__}; quote it to make it a text")


def _parse_refs(values: Any, holder: str) -> tuple[Ref, ...]:
    refs = tuple(_parse_ref(value, holder) for value in values)
    if not refs:
        raise _Mistake(f"{holder} at least one reference such as $photo")
    return refs


def _parse_ref(value: Any, holder: str) -> Ref:
    found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise _Mistake(f"{holder} references such as $photo, not {value!r}")
    return _ref(found[1])


def _ref(written: str) -> Ref:
    name, _, part = written.partition(".")
    return Ref(name, part or None)


def _parse_text(text: str) -> Expression:
    if found := _WHOLE.fullmatch(text):
        return _ref(found[1])
    parts: list[str | Ref] = []
    for part in _pieces(text):
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part != "":
            parts.append(part)
    if all(isinstance(part, str) for part in parts):
        return Constant("".join(map(str, parts)))
    return Text(tuple(parts))


def _pieces(text: str) -> Iterator[str | Ref]:
    end = 0
    for found in _DOLLAR.finditer(text):
        yield text[end : found.start()]
        end = found.end()
        if found["dollar"]:
            yield "$"
        elif found["ref"]:
            yield _ref(found["ref"])
        else:
            raise _Mistake(_dollar_problem(found))
    yield text[end:]


def _dollar_problem(found: re.Match[str]) -> str:
    written = found[0]
    if found["braces"]:
        return f"{written!r} is not a reference; write ${{name}} or ${{name.part}} in lower case"
    bare = found["bare"]
    if bare and re.fullmatch(_REFERENCE, bare):
        return f"{written!r} stands inside a longer text; write ${{{bare}}} there ($$ is a dollar)"
    if bare and not bare[0].isdigit() and written == found.string:
        return f"{written!r} is not a reference; write $name or $name.part in lower case"
    return f"{written!r} is not a reference; write ${{name}} for a value and $$ for a dollar"


def references(expression: Expression) -> tuple[Ref, ...]:
    """Return every reference in `expression`, in order."""
    match expression:
        case Ref():
            return (expression,)
        case Text(parts):
            return tuple(part for part in parts if isinstance(part, Ref))
        case Items(refs) | First(refs):
            return refs
        case _:
            return ()


Resolve: TypeAlias = "Callable[[Ref], Value | NoResult]"


def evaluate(expression: Expression, resolve: Resolve) -> Value | NoResult:
    """Return the value of `expression`, or NO_RESULT.

    `resolve` gives the value of a reference: None for an optional input without a value, NO_RESULT
    for a step without a result. `First` passes both over, and in `Items` both are a gap, None; when
    nothing else is there they have no result. In a `Text` None is empty, and without one result
    there is none.
    """
    match expression:
        case Constant(value):
            return value
        case Ref():
            return resolve(expression)
        case Text(parts):
            return _join(parts, resolve)
        case Items(refs) | First(refs):
            found = [None if value is NO_RESULT else value for value in map(resolve, refs)]
            present = [value for value in found if value is not None]
            if not present:
                return NO_RESULT
            return present[0] if isinstance(expression, First) else tuple(found)


def _join(parts: tuple[str | Ref, ...], resolve: Resolve) -> str | NoResult:
    words: list[str] = []
    for part in parts:
        value = resolve(part) if isinstance(part, Ref) else part
        if value is NO_RESULT:
            return NO_RESULT
        words.append(as_text(value))
    return "".join(words)


def as_text(value: Value) -> str:
    """Return a scalar as it reads in a text: true, 3, 2.5, and nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
