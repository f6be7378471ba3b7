"""What a language model has written, as the next model may be given it.

Vendors give a text whole or in pieces, and models wrap it in quotes or a Markdown fence. All of
that would stand in the next prompt, and be drawn or spoken.
"""

from __future__ import annotations

import re
from typing import Any

_FENCE = re.compile(r"```[^\n`]*\n(.*?)\n?```", re.DOTALL)
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("„", "“"), ("`", "`"))


def unwrapped(value: Any) -> str:
    """Return a text or a list of its pieces as one plain text; "" when it is something else."""
    pieces = value if isinstance(value, list) else [value]
    if not all(isinstance(piece, str) for piece in pieces):
        return ""
    text = "".join(pieces).strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1].strip()
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        if text[:1] == opening and text[-1:] == closing and not {opening, closing} & set(inner):
            return inner.strip()
    return text
