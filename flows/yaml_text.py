"""Write plain data as YAML 1.2 that people like to read, and every reader reads alike.

Short values stand on one line, `{a: 1, b: [x, y]}`; long ones in a block. A text is quoted where
YAML 1.1 would make something else of it, as 16:9 or no.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from providers.errors import RequestError

WIDTH = 96
_HOLDERS = (Mapping, list, tuple)

_FIRST = r"[^\W\d]|[$(]"  # a letter of any script; what begins otherwise may mean something
_OF_LISTS = re.compile(rf"(?:{_FIRST})[\w .$/()+@%<>=!&*;'-]*")  # no comma, colon or bracket
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_NAMED = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def entry(key: Any, value: Any, indent: int = 0) -> list[str]:
    """Return the lines of `key: value`, on one line where that is short enough.

    Raises:
        RequestError: a value that YAML has no words for, such as a path or a date.
    """
    head = f"{' ' * indent}{_inline(key)}:"
    if isinstance(value, str):
        return _text(head, value, indent + 2)
    line = f"{head} {_inline(value)}"
    is_short = len(line) <= WIDTH and not _has_lines(value)
    return [line] if is_short or not isinstance(value, _HOLDERS) else block(key, value, indent)


def _has_lines(value: Any) -> bool:
    return isinstance(value, Mapping) and any(
        isinstance(one, str) and "\n" in one.rstrip("\n") for one in value.values()
    )


def block(key: Any, value: Any, indent: int = 0) -> list[str]:
    """Return the lines of `key:` with what a mapping or a list holds below it."""
    if not value:
        return [f"{' ' * indent}{_inline(key)}: {_inline(value)}"]
    inner = (
        [line for name, one in value.items() for line in entry(name, one, indent + 2)]
        if isinstance(value, Mapping)
        else [f"{' ' * (indent + 2)}- {_inline(one)}" for one in value]
    )
    return [f"{' ' * indent}{_inline(key)}:", *inner]


def inline(value: Any) -> str:
    """Return a value as it is written on one line, after `key: `.

    Raises:
        RequestError: as `entry`.
    """
    if isinstance(value, str) and _is_plain(value):
        return value
    return _inline(value)


def _text(head: str, text: str, indent: int) -> list[str]:
    line = f"{head} {inline(text)}"
    if "\n" in text and (lines := _literal(text)):
        return [f"{head} |{'' if text.endswith(chr(10)) else '-'}", *_indented(lines, indent)]
    if len(line) > WIDTH and (lines := _folded(text, WIDTH - indent)):
        return [f"{head} >-", *_indented(lines, indent)]
    return [line]


def _literal(text: str) -> list[str]:
    """Return the lines of a text that can stand in a `|` block as they are, else none."""
    lines = text.removesuffix("\n").split("\n")
    is_fit = all(line.isprintable() and (not line or line.strip()) for line in lines)
    starts = lines[0][:1].strip() and lines[-1]
    return lines if is_fit and starts else []


def _folded(text: str, width: int) -> list[str]:
    """Return the lines of a text that a `>-` block joins to the same text, else none."""
    if not text.isprintable() or text != text.strip():
        return []
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines if " ".join(lines) == text else []


def _indented(lines: list[str], indent: int) -> list[str]:
    return [" " * indent + line if line else "" for line in lines]


def _inline(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            return value if _is_plain_in_lists(value) else _quoted(value)
        case Mapping():
            return "{" + ", ".join(f"{_inline(k)}: {_inline(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(map(_inline, value))}]"
    raise RequestError(
        f"{str(value)[:60]!r} is a {type(value).__name__}, which YAML does not hold; "
        "use a text, a number, true, false, a list or a mapping"
    )


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _is_plain_in_lists(text: str) -> bool:
    return bool(_OF_LISTS.fullmatch(text)) and _is_plain(text)


def _is_plain(text: str) -> bool:
    """True where a text needs no quotes after `key: `."""
    return (
        re.match(_FIRST, text) is not None
        and text.isprintable()
        and not text.endswith((" ", ":"))
        and ": " not in text
        and " #" not in text
        and "{" not in text
        and text.lower() not in _WORDS
    )


def _quoted(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if character.isprintable():
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
