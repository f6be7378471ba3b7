"""Texts that are longer than a model takes: refused, or cut where a reader would."""

from __future__ import annotations

import re
import unicodedata

from providers.catalog.limits import PortLimits
from providers.fit.choice import FitChoice, FitError

LEAST_SHARE = 4  # a sentence that ends in the first quarter is too little of the text to keep

# What may close behind a full stop belongs to its sentence. A Latin one is followed by a space,
# else it may stand in 3.14; a Chinese or Japanese one is not.
_ENDS = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』）]*")
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_LOW_SURROGATES = range(0xDC00, 0xE000)


def fit_text(text: str, limits: PortLimits, choice: FitChoice) -> str:
    """Return the text, cut after its last whole sentence that fits where the template allows it.

    Where no sentence ends late enough it is cut before a word, and a word that is too long by
    itself is cut between two letters as people see them.

    Raises:
        FitError: it is too long, and may not be cut.
    """
    most = limits.max_characters
    if most is None or len(text) <= most:
        return text
    if choice.text != "cut":
        raise too_long(len(text), most)
    ends = [found.end() for found in _ENDS.finditer(text) if found.end() <= most]
    if ends and ends[-1] >= most // LEAST_SHARE:
        return text[: ends[-1]]
    spaces = [found.start() for found in re.finditer(r"\s", text[: most + 1])]
    words = text[: spaces[-1]].rstrip() if spaces else ""
    return words or text[: _between_letters(text, most)]


def too_long(characters: int, most: int) -> FitError:
    """Return the error of a text that may not be cut."""
    return FitError(
        f"the text has {characters:,} characters, and {most:,} are taken",
        "Shorten it, or set fit: {text: cut} on the step",
    )


def _between_letters(text: str, most: int) -> int:
    """Return the last place up to `most` where no accent, emoji or flag is taken apart."""
    place = next((place for place in range(most, 0, -1) if not _joins(text, place)), 0)
    return place or most


def _joins(text: str, place: int) -> bool:
    """True when the character at `place` belongs to the one before it."""
    here, before = text[place], text[place - 1]
    code = ord(here)
    if unicodedata.category(here) in ("Mn", "Mc", "Me") or _JOINER in (here, before):
        return True
    if code in _SKIN_TONES or code in _LOW_SURROGATES:
        return True
    if code not in _FLAG_LETTERS:
        return False
    first = place
    while first and ord(text[first - 1]) in _FLAG_LETTERS:
        first -= 1
    return (place - first) % 2 == 1  # flags are pairs of letters
