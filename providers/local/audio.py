"""Sounds in and out: pad, cut and resample a file, and the two stand-ins for models of sound."""

from __future__ import annotations

from pathlib import Path

from providers.errors import InputError
from providers.local.ambience import ambience
from providers.local.container import LONGEST
from providers.local.sound import Sound, encode_sound, read_sound
from providers.local.speech import speech_tone, spoken_seconds

__all__ = [
    "ambience",
    "encode_sound",
    "pad_sound",
    "resample",
    "speech_tone",
    "spoken_seconds",
    "trim_sound",
]

_RATES = (8000, 192_000)


def pad_sound(path: Path, seconds: float) -> bytes:
    """Return the sound of a file as a WAV of just `seconds`, silent where it has ended.

    Raises:
        InputError: the file has no sound, or it is longer than `seconds`.
    """
    sound = _read(path, seconds, "pad_sound")
    if sound.seconds > seconds + 0.5 / sound.rate:
        raise InputError(
            f"pad_sound: '{path.name}' lasts {sound.seconds:.2f} s, longer than {seconds:g} s."
            " Use trim_sound to make it shorter."
        )
    return _written(sound.fitted(seconds))


def trim_sound(path: Path, seconds: float) -> bytes:
    """Return the first `seconds` of the sound of a file as a WAV.

    Raises:
        InputError: the file has no sound, or it is shorter than `seconds`.
    """
    sound = _read(path, seconds, "trim_sound")
    if sound.seconds < seconds - 0.5 / sound.rate:
        raise InputError(
            f"trim_sound: '{path.name}' lasts {sound.seconds:.2f} s, shorter than {seconds:g} s."
            " Use pad_sound to make it longer."
        )
    return _written(sound.fitted(seconds))


def resample(path: Path, sample_rate: int, channels: int) -> bytes:
    """Return the sound of a file as a WAV with so many samples a second in 1 or 2 channels.

    Raises:
        InputError: the file has no sound, or such a sound cannot be made.
    """
    if channels not in (1, 2):
        raise InputError(f"resample: {channels} channels cannot be made. Give 1 or 2.")
    if not _RATES[0] <= sample_rate <= _RATES[1]:
        raise InputError(
            f"resample: {sample_rate} samples a second is not from {_RATES[0]} to {_RATES[1]}."
        )
    return _written(read_sound(path, sample_rate, channels))


def _read(path: Path, seconds: float, who: str) -> Sound:
    if not 0 < seconds <= LONGEST:
        raise InputError(f"{who}: {seconds:g} s is no length. Give more than 0, up to {LONGEST:g}.")
    return read_sound(path, None, None)


def _written(sound: Sound) -> bytes:
    return encode_sound(sound.samples, sound.rate)
