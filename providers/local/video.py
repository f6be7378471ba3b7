"""Clips in and out: cut, repeat, hold, crop, resize and join them, and take a picture from one.

Each function reads files and gives the bytes of an MP4 (H.264, AAC). `mux` is in `mux`, the clip
that is made from a picture in `animate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from providers.errors import InputError
from providers.local.animate import clip_from_picture
from providers.local.clip_file import even_size, write_clip
from providers.local.clip_frames import Clip, count_for, frames_of, lasting, open_clip
from providers.local.container import LONGEST, opened_container, picture_of
from providers.local.mux import mux
from providers.local.sound import Sound, read_sound, silence
from providers.local.upright import alike, bt709, upright

__all__ = [
    "clip_from_picture",
    "concat",
    "crop_clip",
    "extract_frame",
    "hold_last",
    "loop",
    "mux",
    "resize_clip",
    "trim",
]

_ALIKE = 0.01  # shapes that differ by less are one shape, rounded to pixels
_PLACES = ("first", "middle", "last")


def trim(path: Path, seconds: float) -> bytes:
    """Return the first `seconds` of a clip, to within one frame.

    Raises:
        InputError: `seconds` is not above 0, or is longer than the clip.
    """
    clip = open_clip(path)
    count = _count(clip, seconds, "trim")
    if count > clip.count + 1:
        raise InputError(
            f"trim: {_named(clip)}, and {seconds:g} s of it are asked for."
            " Use hold_last or loop to make it longer."
        )
    return _written(clip, count)


def hold_last(path: Path, seconds: float) -> bytes:
    """Return a clip that lasts `seconds`: its last frame stays, and its sound ends in silence.

    Raises:
        InputError: `seconds` is shorter than the clip.
    """
    clip = open_clip(path)
    count = _count(clip, seconds, "hold_last")
    if count < clip.count:
        raise InputError(
            f"hold_last: {_named(clip)}, longer than {seconds:g} s. Use trim to make it shorter."
        )
    return _written(clip, count)


def loop(path: Path, seconds: float) -> bytes:
    """Return a clip that lasts `seconds`: picture and sound begin again as often as needed.

    Raises:
        InputError: `seconds` is not above 0.
    """
    clip = open_clip(path)
    count = _count(clip, seconds, "loop")
    rounds = -(-count // clip.count)
    frames = chain.from_iterable(lasting(frames_of(clip), clip.count) for _ in range(rounds))
    sound = _sound(clip)
    if sound is not None:
        once = sound.fitted(clip.seconds).samples
        sound = Sound(np.tile(once, rounds), sound.rate).fitted(count / clip.rate)
    return write_clip(islice(frames, count), clip.rate, sound)


def crop_clip(path: Path, width: int, height: int) -> bytes:
    """Return the middle of a clip, `width` x `height` pixels; its sound as it is.

    Raises:
        InputError: a side is odd, or larger than the clip's.
    """
    clip, (wide, high) = open_clip(path), even_size(width, height, "crop_clip")
    if wide > clip.size[0] or high > clip.size[1]:
        raise InputError(
            f"crop_clip: {wide}x{high} is larger than '{path.name}', {clip.size[0]}x{clip.size[1]}."
            " Choose a smaller size."
        )
    left, top = ((full - part) // 4 * 2 for full, part in zip(clip.size, (wide, high), strict=True))
    frames = (_cropped(frame, left, top, wide, high) for frame in frames_of(clip))
    return write_clip(frames, clip.rate, _sound(clip))


def resize_clip(path: Path, width: int | None = None, height: int | None = None) -> bytes:
    """Return a clip at exactly `width` x `height`; a side left out follows, as an even number.

    Raises:
        InputError: no side is given, or one is odd.
    """
    clip = open_clip(path)
    if width is None and height is None:
        raise InputError("resize_clip needs a width or a height. Give at least one.")
    wide = width or max(2, round((height or 0) * clip.size[0] / clip.size[1] / 2) * 2)
    high = height or max(2, round((width or 0) * clip.size[1] / clip.size[0] / 2) * 2)
    size = even_size(wide, high, "resize_clip")
    return write_clip(frames_of(clip, size), clip.rate, _sound(clip))


def extract_frame(path: Path, at: str | float = "first") -> Image.Image:
    """Return one frame as an RGB picture: "first", "middle", "last", or that shown at a second.

    Raises:
        InputError: `at` is another word, below 0, or after the clip's end.
    """
    clip = open_clip(path)
    number = _number(clip, at)
    with opened_container(path) as container:
        stream, found, start = picture_of(container), None, None
        for frame in container.decode(stream) if stream else ():
            time = float(frame.time or 0.0)
            start = time if start is None else start
            if found is not None and round((time - start) * clip.rate) > number:
                break
            found = frame
        if found is None:
            raise InputError(f"'{path}' has no picture that decodes. Give a whole file.")
        pixels = upright(found, clip.size).to_ndarray(format="rgb24")
    return Image.fromarray(np.asarray(pixels, np.uint8))


def concat(paths: Sequence[Path], width: int, height: int, fps: float) -> bytes:
    """Return clips one after another, each at `width` x `height` and `fps`; never stretched.

    A clip without sound is silent in its place, if any other is heard.

    Raises:
        InputError: there is no clip, a clip is of another shape, a side is odd, or `fps` is not
            from 1 to 120.
    """
    if not paths:
        raise InputError("concat needs at least one clip.")
    if not 1 <= fps <= 120:
        raise InputError(f"concat: {fps:g} frames a second is not from 1 to 120.")
    size, rate = even_size(width, height, "concat"), Fraction(fps).limit_denominator(1001)
    clips = [open_clip(path) for path in paths]
    for clip in clips:
        _check_shape(clip, size)
    counts = [count_for(float(clip.seconds), rate) for clip in clips]
    frames = (
        bt709(frame)
        for clip, count in zip(clips, counts, strict=True)
        for frame in lasting(frames_of(clip, size, rate), count)
    )
    sound = None
    if any(clip.has_sound for clip in clips):
        sounds = (_sound(clip) or silence(0) for clip in clips)
        parts = [
            sound.fitted(count / rate).samples for sound, count in zip(sounds, counts, strict=True)
        ]
        whole = Sound(np.concatenate(parts, axis=1), silence(0).rate)
        sound = whole.fitted(sum(counts) / rate)
    return write_clip(frames, rate, sound)


def _check_shape(clip: Clip, size: tuple[int, int]) -> None:
    own, wanted = clip.size[0] / clip.size[1], size[0] / size[1]
    if abs(own / wanted - 1) > _ALIKE:
        raise InputError(
            f"concat: '{clip.path.name}' is {clip.size[0]}x{clip.size[1]}, not of the shape of"
            f" {size[0]}x{size[1]}. Crop it to that shape first."
        )


def _count(clip: Clip, seconds: float, who: str) -> int:
    if not 0 < seconds <= LONGEST:
        raise InputError(f"{who}: {seconds:g} s is no length. Give more than 0, up to {LONGEST:g}.")
    return count_for(seconds, clip.rate)


def _named(clip: Clip) -> str:
    return f"'{clip.path.name}' lasts {float(clip.seconds):.2f} s"


def _sound(clip: Clip) -> Sound | None:
    return read_sound(clip.path) if clip.has_sound else None


def _written(clip: Clip, count: int) -> bytes:
    sound = _sound(clip)
    if sound is not None:
        sound = sound.fitted(count / clip.rate)
    return write_clip(lasting(frames_of(clip), count), clip.rate, sound)


def _cropped(frame: VideoFrame, left: int, top: int, wide: int, high: int) -> VideoFrame:
    """Return a part of a yuv420p frame whose corner and sides are even."""
    planes = frame.to_ndarray()
    half = frame.width // 2
    luma = planes[: frame.height]
    shades = planes[frame.height :].reshape(2, frame.height // 2, half)
    part = np.concatenate(
        [
            luma[top : top + high, left : left + wide].reshape(-1),
            shades[:, top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2].reshape(-1),
        ]
    )
    return alike(VideoFrame.from_ndarray(part.reshape(-1, wide), format="yuv420p"), frame)


def _number(clip: Clip, at: str | float) -> int:
    """Return which frame is meant, counted from 0."""
    if isinstance(at, str) and at in _PLACES:
        return {"first": 0, "middle": clip.count // 2, "last": clip.count - 1}[at]
    try:
        seconds = float(at)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= float(clip.seconds):
        raise InputError(
            f'extract_frame: {at!r} is no place in the clip; {_named(clip)}. Give "first",'
            ' "middle", "last" or a second in it.'
        )
    return min(clip.count - 1, int(seconds * clip.rate + Fraction(1, 1000)))
