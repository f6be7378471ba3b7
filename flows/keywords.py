"""Keywords of Python into the options and inputs that the command line has, and its words back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from flows.cells import value_text
from flows.graph import Graph
from flows.options import RunOptions
from providers.errors import RequestError, UserError, near

_LISTS = ("provider", "fresh")
_TEXTS = ("set", "use", "map")


def options_of(given: Mapping[str, Any]) -> RunOptions:
    """Return the options that keywords name, as `batch(..., local=True, max_cost=5)` has them.

    Raises:
        RequestError: an unknown name, with the nearest, or a value of the wrong form.
    """
    known = [name for name in RunOptions.model_fields if name != "takes"]
    for name in given:
        if name not in known:
            raise RequestError(f"There is no option {name!r}.{near(name, known)}")
    try:
        return RunOptions.model_validate({name: _value(name, one) for name, one in given.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise RequestError(f"{where}={first['input']!r}: {message}.") from None


def split(
    graph: Graph, values: Mapping[str, Any] | None, named: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the inputs, as texts, and the options among the keywords of one call.

    Raises:
        RequestError: a name that is neither, or that could be both.
    """
    given: dict[str, Any] = dict(values or {})
    options: dict[str, Any] = {}
    for name, value in named.items():
        is_input, is_option = name in graph.inputs, name in RunOptions.model_fields
        if is_input and is_option:
            raise RequestError(
                f"{name!r} is an input of {graph.name} and an option, too: give inputs as a "
                f"mapping, run(template, {{{name!r}: ...}}), and options as keywords."
                if name not in given
                else f"{name!r} is given twice."
            )
        if not is_input and not is_option:
            known = [*graph.inputs, *RunOptions.model_fields]
            raise RequestError(
                f"{graph.name} has no input {name!r}, and there is no such option."
                f"{near(name, known)}"
            )
        (options if is_option else given)[name] = value
    return {name: value_text(one) for name, one in given.items() if one is not None}, options


def _value(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, str):
        return (value,)
    if name in _TEXTS and isinstance(value, Mapping):
        return {key: value_text(one) for key, one in value.items()}
    if name == "sandbox" and isinstance(value, bool):
        return "calm" if value else None
    return value


@contextmanager
def words_of_python(*, one: bool = False) -> Iterator[None]:
    """Have errors of the block name keywords where they name options of the command line.

    With `one` the inputs are keywords themselves, as those of `run` are.
    """
    try:
        yield
    except UserError as error:
        raise type(error)(in_python(str(error), one=one)) from None


_FLAGS = re.compile(r"(?<![\w-])--(local|strict|allow-unpriced|yes)\b")
_PAIRS = re.compile(r"(?<![\w-])--(set|map|use) (\w+)=([^\s:]*[^\s:.,;])")
_OTHERS = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)\b")


def in_python(message: str, *, one: bool = False) -> str:
    """Return a message with `--set a=b`, `--id-col` and `--local` as Python writes them."""

    def pair(found: re.Match[str]) -> str:
        option, name, value = found.groups()
        return f"{name}={value}" if one and option == "set" else f"{option}={{{name!r}: {value!r}}}"

    message = _FLAGS.sub(lambda found: f"{_name(found)}=True", message)
    message = _PAIRS.sub(pair, message)
    return _OTHERS.sub(lambda found: f"`{_name(found)}`", message)


def _name(found: re.Match[str]) -> str:
    return {"from": "from_step"}.get(found[1], found[1].replace("-", "_"))
