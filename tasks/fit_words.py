"""What was done to make values fit, as people read it in attempts.csv and `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fit_words(fitted: Mapping[str, Any] | None) -> list[str]:
    """Return "port: what was done" for each port of which something was changed.

    `fitted` is what an attempt has recorded; see `tasks.fit`.
    """
    return [
        f"{port}: {', '.join(word for note in notes for word in _words(note))}"
        for port, notes in (fitted or {}).items()
    ]


def _words(note: Any) -> list[str]:
    return [note] if isinstance(note, str) else list(note["done"])
