"""JSON that is asked for in words and checked on arrival: which fields, of which form.

Vendors of language models have few words in common for this, so the request says it in the prompt,
and what comes back is held against the same fields here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 40  # characters of a text that is not JSON, as an error quotes them

_ASKED = "Answer with one JSON object and nothing else. Its fields: "
_FIELD = re.compile(r"(?P<name>[A-Za-z]\w*)(?: \((?P<form>[^()]*)\))?")
_COMMA = re.compile(r",(?![^()]*\))")  # outside of brackets
_ITEMS = re.compile(r"a list(?: of at most (\d+))?")
_CHARACTERS = re.compile(r"at most (\d+) characters")


@dataclass(frozen=True, slots=True)
class JsonField:
    """One field: a list of texts, a text of so many characters, or whatever is not empty."""

    name: str
    is_list: bool = False
    most_items: int | None = None
    most_characters: int | None = None

    def __str__(self) -> str:
        form = []
        if self.is_list:
            form.append("a list" + (f" of at most {self.most_items}" if self.most_items else ""))
        if self.most_characters:
            each = "each " if self.is_list else ""
            form.append(f"{each}at most {self.most_characters} characters")
        return f"{self.name} ({', '.join(form)})" if form else self.name

    def problems(self, value: Any) -> Iterator[str]:
        """Yield what is wrong with the field's value."""
        if value is None or (isinstance(value, str | list | dict) and not value):
            yield f"{self.name!r} is empty"
        elif self.is_list and not isinstance(value, list):
            yield f"{self.name!r} is not a list"
        elif isinstance(value, list) and self.most_items and len(value) > self.most_items:
            yield f"{self.name!r} has {len(value)} items, above {self.most_items}"
        elif self.is_list or self.most_characters:
            yield from self._text_problems(value)

    def _text_problems(self, value: Any) -> Iterator[str]:
        for number, text in enumerate(value if self.is_list else [value], 1):
            what = f"{self.name}[{number}]" if self.is_list else self.name
            if not isinstance(text, str):
                yield f"{what!r} is not a text"
            elif not text.strip():
                yield f"{what!r} is empty"
            elif self.most_characters and len(text) > self.most_characters:
                yield f"{what!r} has {len(text)} characters, above {self.most_characters}"


def in_words(fields: Sequence[JsonField]) -> str:
    """Return the fields as a language model and `fields_in` both read them."""
    return ", ".join(map(str, fields))


def fields_in(words: str) -> tuple[JsonField, ...]:
    """Return the fields that `in_words` wrote, or a person: "title, bullets (a list)".

    Raises:
        ValueError: they cannot be read.
    """
    found = tuple(_field(part.strip()) for part in _COMMA.split(words))
    if len({field.name for field in found}) != len(found):
        raise ValueError(f"{words!r} names a field twice")
    return found


def _field(words: str) -> JsonField:
    match = _FIELD.fullmatch(words)
    if match is None:
        raise ValueError(f"{words!r} is not a field; write it as title or bullets (a list)")
    form = match["form"] or ""
    items, characters = _ITEMS.search(form), _CHARACTERS.search(form)
    return JsonField(
        match["name"],
        is_list=items is not None,
        most_items=int(items[1]) if items and items[1] else None,
        most_characters=int(characters[1]) if characters else None,
    )


def asked_for_json(prompt: str, words: str) -> str:
    """Return the prompt with the fields asked for at its end."""
    return f"{prompt}\n\n{_ASKED}{words}."


def fields_asked(prompt: str) -> tuple[JsonField, ...]:
    """Return the fields that the end of a prompt asks for; none where it asks for plain text."""
    _, asked, words = prompt.rpartition(_ASKED)
    return fields_in(words.rstrip().removesuffix(".")) if asked else ()


def json_problem(text: str, fields: Sequence[JsonField]) -> str | None:
    """Return in one line why a text is not a JSON object with these fields, or None."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        said = f"{error.msg} at {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        begins = " ".join(text[:LONGEST_SHOWN].split())
        return f"it is not JSON{f' ({said})' if said else ''}; it begins {begins!r}"
    if not isinstance(data, dict):
        return f"it is a JSON {type(data).__name__} and no object with fields"
    problems = [problem for field in fields for problem in _problems(field, data)]
    return "its JSON is not as asked: " + "; ".join(problems) if problems else None


def _problems(field: JsonField, data: dict[str, Any]) -> Iterator[str]:
    if field.name not in data:
        yield f"there is no {field.name!r}"
    else:
        yield from field.problems(data[field.name])


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
