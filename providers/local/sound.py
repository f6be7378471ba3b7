"""Sound as samples: read from any file, brought to a length, laid over another, written again."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from providers.errors import InputError
from providers.local.arrays import Floats
from providers.local.container import LONGEST, opened_container, picture_of, sound_of

CLIP_RATE = 48_000  # samples of a second, as every player takes in an MP4
_CHUNK = 1024
_LAYOUTS = {1: "mono", 2: "stereo"}
_CODECS = {"mp3": ("libmp3lame", "mp3"), "m4a": ("aac", "ipod")}
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Samples from -1 to 1, one row for each of one or two channels, and how many a second has."""

    samples: Floats
    rate: int

    @property
    def seconds(self) -> float:
        """The playing time."""
        return float(self.samples.shape[1] / self.rate)

    def fitted(self, seconds: float | Fraction) -> Sound:
        """Return it cut, or continued with silence, to exactly so many seconds."""
        count = round(seconds * self.rate)
        missing = max(0, count - self.samples.shape[1])
        return Sound(np.pad(self.samples[:, :count], ((0, 0), (0, missing))), self.rate)

    def moved(self, seconds: float) -> Sound:
        """Return it with silence before it, or, where `seconds` is below 0, without its start."""
        count = round(seconds * self.rate)
        if count < 0:
            return Sound(self.samples[:, -count:], self.rate)
        return Sound(np.pad(self.samples, ((0, 0), (count, 0))), self.rate)

    def mixed(self, other: Sound) -> Sound:
        """Return both at once, as long as the longer; what is too loud is limited."""
        seconds = max(self.seconds, other.seconds)
        both = self.fitted(seconds).samples + other.fitted(seconds).samples
        return Sound(np.clip(both, -1, 1).astype(np.float32), self.rate)


def silence(seconds: float | Fraction, rate: int = CLIP_RATE, channels: int = 2) -> Sound:
    """Return so many seconds of nothing to hear."""
    return Sound(np.zeros((channels, round(seconds * rate)), np.float32), rate)


def read_sound(path: Path, rate: int | None = CLIP_RATE, channels: int | None = 2) -> Sound:
    """Return the sound of a file at `rate` and in so many channels; its own where None.

    The sound of a clip starts with its picture: it is moved by what its file says.

    Raises:
        InputError: the file is missing, broken, has no sound, or one above LONGEST seconds.
    """
    with opened_container(path) as container:
        stream = sound_of(container)
        if stream is None:
            raise InputError(f"'{path}' has no sound. Give a file with one.")
        rate = rate or stream.sample_rate
        channels = channels or min(2, stream.codec_context.layout.nb_channels)
        resampler = AudioResampler(format="fltp", layout=_LAYOUTS[channels], rate=rate)
        pieces, first, heard = [], None, 0.0
        for frame in container.decode(stream):
            if first is None and frame.pts is not None and frame.time_base:
                first = frame.pts * frame.time_base
            frame.pts = None
            heard += frame.samples / frame.sample_rate
            if heard > LONGEST:
                raise InputError(f"'{path}' is heard for over {LONGEST:g} s. Give a shorter sound.")
            pieces += [part.to_ndarray() for part in resampler.resample(frame)]
        pieces += [part.to_ndarray() for part in resampler.resample(None)]
        if not pieces:
            raise InputError(f"'{path}' has no sound that decodes. Give a whole file.")
        sound = Sound(np.concatenate(pieces, axis=1).astype(np.float32, copy=False), rate)
        if container.format.name.startswith("mov") and stream.duration and stream.time_base:
            # AAC comes in whole packets; an MP4 says where in the last one the sound ends.
            sound = sound.fitted(min(sound.seconds, float(stream.duration * stream.time_base)))
        picture = picture_of(container)
        if picture is None or picture.start_time is None or not picture.time_base:
            return sound
        return sound.moved(float((first or 0) - picture.start_time * picture.time_base))


def sound_frames(sound: Sound, format: str = "fltp") -> Iterator[AudioFrame]:
    """Give the samples in short frames, with their times."""
    for start in range(0, sound.samples.shape[1], _CHUNK):
        samples = np.ascontiguousarray(sound.samples[:, start : start + _CHUNK])
        frame = AudioFrame.from_ndarray(samples, format, _LAYOUTS[len(samples)])
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, start, Fraction(1, sound.rate)
        yield frame


def encode_sound(samples: Floats, rate: int, form: str = "wav") -> bytes:
    """Return samples (-1 to 1; one row a channel, or a plain row) as "wav", "mp3" or "m4a" bytes.

    A WAV is 16 bit. The same samples give the same bytes.

    Raises:
        InputError: another format, more than two channels, or a rate that an MP3 cannot have.
    """
    rows = np.atleast_2d(np.asarray(samples, np.float32))
    if len(rows) not in _LAYOUTS:
        raise InputError(f"a sound of {len(rows)} channels cannot be written. Give one or two.")
    if form == "wav":
        return _wav(rows, rate)
    if form not in _CODECS:
        raise InputError(f'a sound cannot be written as {form!r}. Choose "wav", "mp3" or "m4a".')
    if form == "mp3" and rate not in _MP3_RATES:
        raise InputError(f"an MP3 cannot have {rate} samples a second. Choose 44100 or 48000.")
    codec, container_format = _CODECS[form]
    buffer = io.BytesIO()
    options = {"fflags": "+bitexact"}
    with av.open(buffer, "w", format=container_format, options=options) as container:
        stream = cast(
            AudioStream, container.add_stream(codec, rate=rate, layout=_LAYOUTS[len(rows)])
        )
        stream.codec_context.bit_rate = 96_000 * len(rows)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for frame in sound_frames(Sound(rows, rate)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _wav(rows: Floats, rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(rows))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(np.clip(rows, -1, 1) * 32767).astype("<i2").T.tobytes())
    return buffer.getvalue()
