"""Turn one text, from a table or from --set, into a typed value. Texts are data: `$` is a dollar.

A media cell becomes an `InputFile` or an `InputUrl`: that the file is there is looked up, what is
in it is not; a URL is looked at, and never asked here.
"""

from __future__ import annotations

import json
import re
import stat
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from flows.grammar import as_text
from flows.template import MEDIA_WORDS, Input
from providers.errors import InputError, near
from providers.input_urls import Refused, input_target
from providers.media import InputUrl, Value


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that an input names: its absolute path, and the text it was given as.

    `word` is what the input takes: "image", "video", "audio" or "mask".
    """

    path: Path
    source: str
    word: str = "image"


InputSource: TypeAlias = InputFile | InputUrl
InputValue: TypeAlias = "Value | InputFile | tuple[InputSource, ...]"

_INTEGER = re.compile(r"[+-]?[0-9]+(\.0+)?")  # a spreadsheet writes 3 as 3.0
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CellError(InputError):
    """A text that is not a value of its input; `problem` and `fix` are the message's halves."""

    def __init__(self, message: str, *, problem: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.problem = problem or message
        self.fix = fix


class _Mistake(Exception):
    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


def parse_value(given: Input, name: str, text: str, folder: Path) -> InputValue:
    """Return the value that `text` stands for: the default when it is blank.

    Args:
        given: The input, whose type, options and range hold.
        name: The input's name, for errors.
        text: A cell, or what follows `--set name=`.
        folder: Where a relative path starts from.

    Raises:
        CellError: an InputError with `problem` and `fix`.
    """
    try:
        return _parse(given, text, folder)
    except _Mistake as mistake:
        message = as_line(name, mistake.problem, mistake.fix)
        raise CellError(message, problem=mistake.problem, fix=mistake.fix) from None


def value_text(value: Any) -> str:
    """Return a value of Python's as the text that a cell or `--set` has for it."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str)
    return as_text(value)


def is_url(text: str) -> bool:
    """True for a text that is meant as a URL, of whatever scheme."""
    return bool(_URL.match(text))


def as_line(name: str, problem: str, fix: str) -> str:
    """Return one line of message: what is wrong with what, and what to do."""
    words = f"{name}: {problem.removesuffix('.')}."
    if not fix:
        return words
    return f"{words} {fix}{'' if fix.endswith(('?', '.')) else '.'}"


def default_of(given: Input) -> Value:
    """Return the default of an input as a value: a list as a tuple, None when there is none."""
    return _frozen(given.default)


def _parse(given: Input, text: str, folder: Path) -> InputValue:
    if not text.strip():
        if given.required:
            raise _Mistake("is empty and has no default", "Fill it in")
        return default_of(given)
    kind = given.port_type
    if kind.word in MEDIA_WORDS:
        return _parse_files(given, text, folder)
    if kind.is_list:
        return tuple(_parse_item(given, item) for item in _items(given, text))
    return _parse_item(given, text)


def _parse_files(given: Input, text: str, folder: Path) -> InputValue:
    word = given.port_type.word
    if not given.port_type.is_list:
        return _source(text.strip(), folder, word)
    items = _items(given, text)
    if wrong := [item for item in items if not isinstance(item, str)]:
        raise _Mistake(f"{wrong[0]!r} is not a path", 'Write ["a.png", "b.png"] or a.png|b.png')
    return tuple(_source(item.strip(), folder, word) for item in items)


def _source(text: str, folder: Path, word: str) -> InputSource:
    if not is_url(text):
        return _file(text, folder, word)
    target = input_target(text)
    if isinstance(target, Refused):
        raise _Mistake(target.problem, target.fix)
    return InputUrl(text, word)


def _file(source: str, folder: Path, word: str) -> InputFile:
    path = (folder / source).absolute()
    try:
        found = path.stat()
    except (OSError, ValueError):
        where = "this folder" if folder == Path() else folder
        raise _Mistake(
            f"there is no file {source!r}", f"Put it in {where}, or give its path from there"
        ) from None
    if stat.S_ISDIR(found.st_mode):
        raise _Mistake(f"{source!r} is a folder", "Name a file in it")
    if found.st_size == 0:
        raise _Mistake(f"{source!r} is an empty file", "Replace it with a whole one")
    return InputFile(path, source, word)


def _items(given: Input, text: str) -> list[Any]:
    is_json = text.lstrip().startswith("[")
    items: list[Any] = _json(text) if is_json else [item.strip() for item in text.split("|")]
    for position, item in enumerate(items, start=1):
        if isinstance(item, str) and not item.strip():
            raise _Mistake(f"item {position} of {len(items)} is empty", "Write a|b|c")
    if not items and given.required:
        raise _Mistake("is an empty list", "Give it at least one item")
    if given.max is not None and len(items) > given.max:
        raise _Mistake(f"has {len(items)} items, above {given.max}", "Leave some out")
    return items


def _parse_item(given: Input, item: Any) -> Value:
    word = given.port_type.word
    if word == "json":
        return _frozen(_json(item) if isinstance(item, str) else item)
    value = _scalar(given, word, item) if isinstance(item, str) else item
    if problem := given.problem_with(value):
        raise _Mistake(f"{_short(value)} {problem}", _fix(given, value))
    scalar: Value = value
    return scalar


def _scalar(given: Input, word: str, text: str) -> Value:
    """Return what the text says in that type, or the text itself when it says nothing."""
    stripped = text.strip()
    if word == "integer" and _INTEGER.fullmatch(stripped):
        return int(stripped.partition(".")[0])
    if word == "number" and _NUMBER.fullmatch(stripped):
        return _number(stripped)
    if word == "boolean":
        return _BOOLEANS.get(stripped.lower(), text)
    if word == "choice":
        return _option(given, stripped)
    return text


def _number(text: str) -> int | float:
    # 5 and 5.0 are one value and one request key, however the table writes it.
    number = float(text)
    return int(number) if isfinite(number) and number.is_integer() else number


def _option(given: Input, text: str) -> Value:
    is_number = bool(_NUMBER.fullmatch(text))
    for option in given.options:
        if text == option or (
            is_number and not isinstance(option, str) and float(text) == float(option)
        ):
            return option
    return text


def _fix(given: Input, value: object) -> str:
    word = given.port_type.word
    if word == "choice":
        offer = near(str(value), map(str, given.options)).strip()
        return offer if offer.endswith("?") else "Choose one of them"
    if word == "boolean":
        return "Write true or false"
    if word == "number" and isinstance(value, str) and "," in value:
        return "Write the decimals after a point, as 1.5"
    bounds = [
        f"{side} {bound:g}"
        for side, bound in (("at least", given.minimum), ("at most", given.maximum))
        if bound is not None
    ]
    return f"Give a{'n' * (word == 'integer')} {' '.join([word, ' and '.join(bounds)]).strip()}"


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _Mistake(
            f"{_short(text)} is not JSON", 'Check quotes and commas, as {"a": [1, 2]}'
        ) from None


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _frozen(data: Any) -> Value:
    if isinstance(data, list | tuple):
        return tuple(_frozen(item) for item in data)
    value: Value = data
    return value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}...'"
