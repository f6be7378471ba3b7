"""An honest stand-in for a language model: a labelled text put together from the prompt's words.

It understands nothing. The same prompt, fields and take always give the same text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from providers.json_fields import JsonField

LABEL = "Stand-in"
_WORDS = 12  # of the prompt in each text of a JSON field
_PLAIN_WORDS = 60
_ITEMS = 3  # of a list whose length nobody limits


def plain_text(prompt: str, take: int = 1) -> str:
    """Return a short text that says what was asked."""
    words = prompt.split()
    shown = " ".join(words[:_PLAIN_WORDS]) + (" ..." if len(words) > _PLAIN_WORDS else "")
    again = f", take {take}" if take > 1 else ""
    return f"{LABEL} text{again}, no model wrote it. Asked: {shown}"


def json_text(prompt: str, fields: Sequence[JsonField], take: int = 1) -> str:
    """Return a JSON object with these fields, each within its limits."""
    words = prompt.split() or ["nothing"]
    data = {field.name: _value(field, words, take) for field in fields}
    return json.dumps(data, ensure_ascii=False)


def _value(field: JsonField, words: Sequence[str], take: int) -> Any:
    if not field.is_list:
        return _phrase(field, field.name, words, take)
    count = min(field.most_items or _ITEMS, _ITEMS)
    names = [f"{field.name} {number}" for number in range(1, count + 1)]
    return [_phrase(field, name, words, take) for name in names]


def _phrase(field: JsonField, name: str, words: Sequence[str], take: int) -> str:
    """Return a label and some of the prompt's words, from a place that is the name's own."""
    digest = hashlib.sha256(f"{name}|{take}".encode()).digest()
    start = int.from_bytes(digest[:4], "big") % len(words)
    text = f"{LABEL} {name}: {' '.join([*words[start:], *words[:start]][:_WORDS])}"
    return text[: field.most_characters].rstrip()
