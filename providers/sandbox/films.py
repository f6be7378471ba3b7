"""Plain clips and sounds: cheap to make, of just the size and length that a vendor would give.

A clip is one still with a spot that travels along it: all but the spot is coded as "the same".
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from providers.local.clip_file import even_size, write_clip
from providers.local.sound import CLIP_RATE, Sound, encode_sound
from providers.local.upright import alike, from_rgb
from providers.sandbox.plain import plain_picture

_SPOT = 32  # pixels of a side
_PITCHES_HZ = (220.0, 262.0, 294.0, 330.0, 392.0, 440.0)
_WAV_RATE = 8000  # a plain WAV is long, not fine


def plain_clip(
    bucket: int, width: int, height: int, seconds: float, fps: float, is_heard: bool
) -> bytes:
    """Return an MP4 of the ball of that bucket, with a soft tone where it is to be heard."""
    return still_clip(plain_picture(bucket, width, height, False), seconds, fps, is_heard)


def still_clip(image: Image.Image, seconds: float, fps: float, is_heard: bool = False) -> bytes:
    """Return an MP4 that shows `image`, whose sides are even, for so long."""
    even_size(*image.size, "plain_clip")
    rate = Fraction(fps).limit_denominator(1001)
    count = max(1, round(seconds * rate))
    still = from_rgb(np.asarray(image.convert("RGB")))
    tone = Sound(np.tile(_tone(0, count / float(rate), CLIP_RATE), (2, 1)), CLIP_RATE)
    return write_clip(_frames(still, count), rate, tone if is_heard else None, fast=True)


def _frames(still: VideoFrame, count: int) -> Iterator[VideoFrame]:
    planes = still.to_ndarray()
    side = min(_SPOT, still.width // 4, still.height // 4)
    top = still.height // 20
    was = planes[top : top + side].copy()
    way = still.width - side
    for number in range(count):
        left = way * number // max(1, count)
        planes[top : top + side] = was
        planes[top : top + side, left : left + side] = 225
        yield alike(VideoFrame.from_ndarray(planes, format="yuv420p"), still)


def plain_sound(bucket: int, seconds: float, form: str, rate: int) -> bytes:
    """Return an MP3 at `rate`, or a WAV, with a soft tone of that bucket."""
    if form == "wav":
        rate = _WAV_RATE
    return encode_sound(_tone(bucket, seconds, rate), rate, form)


def _tone(
    bucket: int, seconds: float, rate: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    times = np.arange(max(1, round(seconds * rate)), dtype=np.float32) / rate
    pitch = _PITCHES_HZ[bucket % len(_PITCHES_HZ)]
    return np.asarray(0.1 * np.sin(2 * np.pi * pitch * times), np.float32)
