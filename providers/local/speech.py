"""An honest stand-in for speech: one soft note for each word, in the rhythm of the text.

It is no voice and cannot be taken for one, but it lasts as long as somebody who reads the text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from providers.errors import InputError
from providers.local.arrays import Floats
from providers.local.sound import encode_sound

WORD_SECONDS = 0.35
_PAUSES = {",": 0.15, ";": 0.2, ":": 0.2, ".": 0.4, "!": 0.4, "?": 0.4, "…": 0.4}
_PAUSES |= {"、": 0.15, "，": 0.15, "；": 0.2, "：": 0.2, "。": 0.4, "！": 0.4, "？": 0.4}
# Chinese and Japanese do not space their words: each of their letters counts as one.
_WORDS = re.compile(r"[぀-ヿ㐀-鿿]|(?:(?![぀-ヿ㐀-鿿])[\w'’\-])+|[,;:.!?…、，；：。！？]+")
_SCALE = (0, 2, 4, 7, 9, 12)  # steps above the lowest note that sound well together
_LOWEST_HZ = 196.0
_SLOWEST, _FASTEST = 0.25, 4.0
LONGEST_WORDS = 10_000


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start_seconds: float


def spoken_seconds(text: str, speed: float = 1.0) -> float:
    """Return how long `speech_tone` speaks, in whole hundredths of a second.

    Raises:
        InputError: as `speech_tone`.
    """
    return _timed(text, speed)[1]


def speech_tone(text: str, sample_rate: int = 44_100, speed: float = 1.0) -> bytes:
    """Return a mono 16-bit WAV with one soft note for each word, longer rests at stops.

    The same text gives the same bytes.

    Raises:
        InputError: the text has no word or too many, or `speed` is not from 0.25 to 4.
    """
    words, seconds = _timed(text, speed)
    samples = np.zeros(round(seconds * sample_rate), np.float32)
    for word in words:
        note = _note(word.text, sample_rate, speed)
        start = round(word.start_seconds * sample_rate)
        note = note[: len(samples) - start]
        samples[start : start + len(note)] += note
    return encode_sound(samples, sample_rate)


def _timed(text: str, speed: float) -> tuple[list[_Word], float]:
    """Return when each word begins, and when all is said."""
    if not _SLOWEST <= speed <= _FASTEST:
        raise InputError(f"speech: a speed of {speed:g} is not from {_SLOWEST:g} to {_FASTEST:g}.")
    words, now = [], 0.0
    for item, seconds in _items(text):
        if seconds == WORD_SECONDS:
            words.append(_Word(item, now / speed))
        now += seconds
    if not words:
        raise InputError("speech: the text has no word. Say what is to be spoken.")
    if len(words) > LONGEST_WORDS:
        raise InputError(f"speech: a text of {len(words)} words is too long. Split it.")
    return words, max(0.1, round(now / speed, 2))


def _items(text: str) -> Iterator[tuple[str, float]]:
    """Give each word and each stop, with its seconds at speed 1."""
    for item in _WORDS.findall(text):
        is_word = any(letter.isalnum() for letter in item)
        if is_word:
            yield item, WORD_SECONDS
        elif item[0] in _PAUSES:
            yield item, max(_PAUSES.get(sign, 0.0) for sign in item)


def _note(word: str, rate: int, speed: float) -> Floats:
    """Return the sound of one word: its pitch is the word's own, and falls a little."""
    digest = hashlib.sha256(word.lower().encode()).digest()
    pitch = _LOWEST_HZ * 2 ** (_SCALE[digest[0] % len(_SCALE)] / 12)
    seconds = (WORD_SECONDS - 0.05) / speed * (0.6 + 0.4 * min(len(word), 8) / 8)
    times = np.arange(max(1, round(seconds * rate))) / rate
    bend = pitch * (times - 0.1 * times**2 / seconds)
    tone = np.sin(2 * np.pi * bend) + 0.25 * np.sin(4 * np.pi * bend)
    return np.asarray(0.22 * tone * np.sin(np.pi * times / seconds) ** 2, np.float32)
