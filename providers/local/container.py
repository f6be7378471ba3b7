"""Open a clip or a sound: the one place that hands a file to FFmpeg, which trusts too easily.

Formats are a closed list, found by the bytes alone: a playlist would else make FFmpeg open other
files and addresses. Only this module knows how FFmpeg's faults look.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from providers.errors import InputError
from providers.local.signature import container_of

READABLE = "MP4, MOV, WebM, MKV, WAV, MP3, M4A, AAC, FLAC or Ogg"
LARGEST = 8192  # pixels of a side of a clip
LONGEST = 3600.0  # seconds of a clip or sound that is worked on: a header can claim anything


@contextmanager
def opened_container(path: Path, data: bytes | None = None) -> Iterator[InputContainer]:
    """Give the clip or sound at `path`, its headers read; every fault of its is an InputError.

    `data` are its bytes where they are in hand: then the file is not touched.

    Raises:
        InputError: no such file, neither clip nor sound, or broken. Faults met while the block
            decodes it count as well.
    """
    try:
        data = path.read_bytes() if data is None else data
        form = container_of(path, data)
        if form is None:
            raise InputError(f"'{path}' is neither a clip nor a sound. Give a {READABLE} file.")
        # Only what is in these bytes: neither other files nor addresses.
        options = {"protocol_whitelist": "none"}
        with av.open(
            BytesIO(data), "r", format=form, options=options, metadata_errors="replace"
        ) as container:
            if not picture_of(container) and not sound_of(container):
                raise InputError(
                    f"'{path}' holds neither a picture nor a sound. Give another file."
                )
            yield container
    except FileNotFoundError as error:
        raise InputError(f"'{path}' does not exist. Check the path.") from error
    except av.FFmpegError as error:
        raise InputError(
            f"'{path}' cannot be read as a clip or a sound: {error.strerror or type(error).__name__}."
            f" Give a whole {READABLE} file."
        ) from error
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}.") from error


def picture_of(container: InputContainer) -> VideoStream | None:
    """Return the first moving picture, or None: the cover of a song is no clip.

    Raises:
        InputError: a side of it is above LARGEST, which is found before anything is decoded.
    """
    for stream in container.streams.video:
        # A stream of a codec that is not known has no width at all, not even None.
        if stream.disposition & Disposition.attached_pic or not getattr(stream, "width", 0):
            continue
        if max(stream.width, stream.height) > LARGEST:
            raise InputError(
                f"a clip of {stream.width}x{stream.height} is too large:"
                f" each side is at most {LARGEST} pixels. Give a smaller one."
            )
        return stream
    return None


def sound_of(container: InputContainer) -> AudioStream | None:
    """Return the first sound, or None."""
    return next((one for one in container.streams.audio if getattr(one, "sample_rate", 0)), None)


def rate_of(stream: VideoStream) -> Fraction:
    """Return the frames of a second, 1 to 240; 25 where the file does not say."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 1 <= rate <= 240:
            return Fraction(rate.numerator, rate.denominator)
    return Fraction(25)
