"""An honest stand-in for a text-to-audio model: a soft chord in soft noise, no music and no rain."""

from __future__ import annotations

import hashlib

import numpy as np

from providers.errors import InputError
from providers.local.arrays import Floats
from providers.local.sound import encode_sound

RATE = 44_100
LONGEST = 600.0  # seconds
_ROOTS_HZ = (110.0, 123.5, 130.8, 146.8, 164.8, 174.6)
_CHORDS = ((0, 7, 12), (0, 4, 7), (0, 3, 7), (0, 5, 12), (0, 7, 14))


def ambience(prompt: str, seconds: float, seed: int = 0) -> bytes:
    """Return a stereo 16-bit WAV of just `seconds`, the same for the same prompt and seed.

    Raises:
        InputError: the prompt is empty, or `seconds` is not above 0 and up to LONGEST.
    """
    if not prompt.strip():
        raise InputError("ambience: the prompt is empty. Say what is to be heard.")
    if not 0 < seconds <= LONGEST:
        raise InputError(f"ambience: {seconds:g} s is no length. Give more than 0, up to 600.")
    digest = hashlib.sha256(f"{seed}\n{prompt.strip()}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    count = round(seconds * RATE)
    chord = _chord(count, chance)
    sides = [0.5 * chord + 0.12 * _air(count, chance) for _ in range(2)]
    edge = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.05 * RATE))
    return encode_sound(np.stack([side * edge for side in sides]).astype(np.float32), RATE)


def _chord(count: int, chance: np.random.Generator) -> Floats:
    """Return a few notes that swell, each in its own time."""
    times = np.arange(count) / RATE
    root = float(chance.choice(_ROOTS_HZ))
    steps = _CHORDS[int(chance.integers(len(_CHORDS)))]
    whole = np.zeros(count)
    for step in steps:
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * (float(chance.uniform(0.05, 0.2)) * times))
        whole += swell * np.sin(2 * np.pi * root * 2 ** (step / 12) * times)
    return np.asarray(0.3 / len(steps) * whole, np.float32)


def _air(count: int, chance: np.random.Generator) -> Floats:
    """Return noise without its sharp part: the mean of its last forty samples."""
    noise = chance.standard_normal(count + 40)
    sums = np.cumsum(noise)
    return np.asarray((sums[40:] - sums[:-40]) / 40**0.5, np.float32) * np.float32(0.3)
